/**
 * Named counters, gauges and histograms that any thread finds, makes, changes and reads without a message.
 *
 * All of them stand in one `SharedArrayBuffer` (`metrics-layout.ts`), where a name is found or made by a
 * lock-free insert (`metric-directory.ts`). Each thread has one `Metrics` over it, which keeps the handles it
 * has met.
 *
 * Writer: any thread. Readers: any thread.
 * Invariants: (1) one name has one kind, for ever; (2) a name leads every thread to the same value.
 * Cost: 10 ns for a name that this thread has met, 3 µs for a new one.
 * Tests: test/memory/metrics.test.ts, metrics.race.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import { Counter } from './counter.ts'
import { Gauge } from './gauge.ts'
import { Histogram, type HistogramSnapshot } from './histogram.ts'
import { DIRECTORY_FULL, MetricDirectory } from './metric-directory.ts'
import { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM, NAME_LENGTH_MAX, VALUE_OFFSET } from './metrics-layout.ts'

/** What `list` shows of one metric. */
export type MetricSnapshot =
  | { readonly kind: 'counter' | 'gauge'; readonly name: string; readonly value: number }
  | { readonly kind: 'histogram'; readonly name: string; readonly value: HistogramSnapshot }

type Metric = Counter | Gauge | Histogram

const KIND_NAMES = ['nothing', 'a counter', 'a gauge', 'a histogram'] as const
const NAME_PATTERN = /^[\x20-\x7e]*$/

/** The metrics of a runtime, as one thread sees them. */
export class Metrics {
  readonly #directory: MetricDirectory
  readonly #known = new Map<string, Metric>()

  /** Attaches to what `allocateMetrics` made. @throws SHL_OPTION_INVALID */
  constructor(buffer: SharedArrayBuffer) {
    this.#directory = new MetricDirectory(buffer)
  }

  /** Finds or makes a counter. @throws SHL_METRIC_NAME, SHL_METRIC_LIMIT */
  counter(name: string): Counter {
    const known = this.#known.get(name)
    return known instanceof Counter ? known : (this.#open(name, KIND_COUNTER) as Counter)
  }

  /** Finds or makes a gauge. @throws SHL_METRIC_NAME, SHL_METRIC_LIMIT */
  gauge(name: string): Gauge {
    const known = this.#known.get(name)
    return known instanceof Gauge ? known : (this.#open(name, KIND_GAUGE) as Gauge)
  }

  /** Finds or makes a histogram. @throws SHL_METRIC_NAME, SHL_METRIC_LIMIT */
  histogram(name: string): Histogram {
    const known = this.#known.get(name)
    return known instanceof Histogram ? known : (this.#open(name, KIND_HISTOGRAM) as Histogram)
  }

  /** Every metric of the runtime with its value, made by whatever thread, in the order of names. */
  list(): MetricSnapshot[] {
    const found: MetricSnapshot[] = []
    for (const offset of this.#directory.offsets()) {
      const metric = this.#metricAt(offset)
      const { name } = metric
      if (metric instanceof Histogram) found.push({ kind: 'histogram', name, value: metric.snapshot() })
      else found.push({ kind: metric instanceof Counter ? 'counter' : 'gauge', name, value: metric.value() })
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #open(name: string, kind: number): Metric {
    checkName(name)
    const directory = this.#directory
    const offset = directory.findOrInsert(name, kind)
    if (offset === DIRECTORY_FULL) {
      throw new ShardloomError('SHL_METRIC_LIMIT', { name, metricsMax: directory.metricsMax })
    }
    const foundKind = directory.kindAt(offset)
    if (foundKind === kind) return this.#metricAt(offset)
    const [found, wanted] = [KIND_NAMES[foundKind], KIND_NAMES[kind]]
    throw new ShardloomError('SHL_METRIC_NAME', { name, found, wanted })
  }

  /** This thread's handle of the record at `offset`. */
  #metricAt(offset: number): Metric {
    const { cells, words } = this.#directory
    const name = this.#directory.nameAt(offset)
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const kind = this.#directory.kindAt(offset)
    const at = offset + VALUE_OFFSET
    const metric =
      kind === KIND_COUNTER
        ? new Counter(name, words, at >> 2)
        : kind === KIND_GAUGE
          ? new Gauge(name, cells, at >> 3)
          : new Histogram(name, cells, words, at)
    this.#known.set(name, metric)
    return metric
  }
}

function checkName(name: string): void {
  const found = misfitOf(name)
  if (found === undefined) return
  const wanted = `1 to ${NAME_LENGTH_MAX} printable ASCII characters`
  throw new ShardloomError('SHL_METRIC_NAME', { name, found, wanted })
}

/** What is wrong with a name, if anything. */
function misfitOf(name: unknown): string | undefined {
  if (typeof name !== 'string') return `a value of type ${typeof name}`
  if (name.length < 1 || name.length > NAME_LENGTH_MAX) return `${name.length} characters`
  return NAME_PATTERN.test(name) ? undefined : 'other characters'
}
