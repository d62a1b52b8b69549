/**
 * Named counters, gauges and histograms that any thread finds, makes, changes and reads without a message.
 *
 * A name is found or made by a lock-free insert (`metrics-layout.ts`); each thread keeps the handles it has met.
 *
 * Writer: any thread, by compare-exchange. Readers: any thread.
 * Invariants: see `metrics-layout.ts`. Cost: about 0.1 µs for a name that this thread has met.
 * Tests: test/memory/metrics.test.ts, metrics.model.test.ts, metrics.race.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import { Counter } from './counter.ts'
import { Gauge } from './gauge.ts'
import { Histogram, type HistogramSnapshot } from './histogram.ts'
import * as layout from './metrics-layout.ts'

/** What `list` shows of one metric. */
export type MetricSnapshot =
  | { readonly kind: 'counter' | 'gauge'; readonly name: string; readonly value: number }
  | { readonly kind: 'histogram'; readonly name: string; readonly value: HistogramSnapshot }

type Metric = Counter | Gauge | Histogram

const KIND_NAMES = ['', 'counter', 'gauge', 'histogram'] as const

/** The metrics of a runtime, as one thread sees them. */
export class Metrics {
  readonly #buffer: SharedArrayBuffer
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #bytes: Uint8Array<SharedArrayBuffer>
  readonly #metricsMax: number
  readonly #buckets: number
  readonly #known = new Map<string, Metric>()

  constructor(buffer: SharedArrayBuffer) {
    this.#buffer = buffer
    this.#words = new Int32Array(buffer)
    this.#bytes = new Uint8Array(buffer)
    this.#metricsMax = this.#words[1]!
    this.#buckets = layout.bucketCount(this.#metricsMax)
  }

  /** Finds or makes a counter. @throws SHL_METRIC_NAME, SHL_METRIC_LIMIT */
  counter(name: string): Counter {
    const known = this.#known.get(name)
    return known instanceof Counter ? known : (this.#open(name, layout.KIND_COUNTER) as Counter)
  }

  /** Finds or makes a gauge. @throws SHL_METRIC_NAME, SHL_METRIC_LIMIT */
  gauge(name: string): Gauge {
    const known = this.#known.get(name)
    return known instanceof Gauge ? known : (this.#open(name, layout.KIND_GAUGE) as Gauge)
  }

  /** Finds or makes a histogram. @throws SHL_METRIC_NAME, SHL_METRIC_LIMIT */
  histogram(name: string): Histogram {
    const known = this.#known.get(name)
    return known instanceof Histogram ? known : (this.#open(name, layout.KIND_HISTOGRAM) as Histogram)
  }

  /** Every metric of the runtime with its value, by name. */
  list(): MetricSnapshot[] {
    const found: MetricSnapshot[] = []
    for (let bucket = 0; bucket < this.#buckets; bucket++) {
      const offset = Atomics.load(this.#words, (layout.BUCKETS_OFFSET >> 2) + bucket)
      if (offset === 0) continue
      const metric = this.#handle(offset)
      const { name } = metric
      if (metric instanceof Histogram) found.push({ kind: 'histogram', name, value: metric.snapshot() })
      else found.push({ kind: metric instanceof Counter ? 'counter' : 'gauge', name, value: metric.value() })
    }
    return found.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  #open(name: string, kind: number): Metric {
    checkName(name)
    const metric = this.#known.get(name) ?? this.#handle(this.#findOrInsert(name, kind))
    this.#known.set(name, metric)
    const found = metric instanceof Counter ? 'counter' : metric instanceof Gauge ? 'gauge' : 'histogram'
    const wanted = KIND_NAMES[kind]!
    if (found !== wanted) throw new ShardloomError('SHL_METRIC_NAME', { name, found: `a ${found}`, wanted })
    return metric
  }

  #findOrInsert(name: string, kind: number): number {
    const mask = this.#buckets - 1
    let made = 0
    for (let probe = 0, bucket = hashName(name) & mask; probe < this.#buckets; probe++) {
      const word = (layout.BUCKETS_OFFSET >> 2) + bucket
      let offset = Atomics.load(this.#words, word)
      if (offset === 0) {
        made ||= this.#makeRecord(name, kind)
        offset = Atomics.compareExchange(this.#words, word, 0, made)
        if (offset === 0) return made
      }
      // Taken, perhaps just now: by this name or another one.
      if (this.#nameAt(offset) === name) return offset
      bucket = (bucket + 1) & mask
    }
    throw this.#full(name)
  }

  #makeRecord(name: string, kind: number): number {
    const valueBytes = kind === layout.KIND_HISTOGRAM ? layout.HISTOGRAM_BYTES : 8
    const size = (layout.VALUE_OFFSET + valueBytes + layout.RECORD_LINE - 1) & -layout.RECORD_LINE
    const offset = Atomics.add(this.#words, layout.USED_WORD, size)
    if (offset + size > this.#buffer.byteLength) {
      Atomics.sub(this.#words, layout.USED_WORD, size)
      throw this.#full(name)
    }
    const word = offset >> 2
    this.#words[word + layout.KIND_WORD] = kind
    this.#words[word + layout.NAME_LENGTH_WORD] = name.length
    for (let i = 0; i < name.length; i++) {
      this.#bytes[offset + layout.NAME_OFFSET + i] = name.charCodeAt(i)
    }
    if (kind === layout.KIND_HISTOGRAM) Histogram.prepare(this.#buffer, offset + layout.VALUE_OFFSET)
    return offset
  }

  #full(name: string): ShardloomError {
    return new ShardloomError('SHL_METRIC_LIMIT', { name, metricsMax: this.#metricsMax })
  }

  #nameAt(offset: number): string {
    const length = this.#words[(offset >> 2) + layout.NAME_LENGTH_WORD]!
    const start = offset + layout.NAME_OFFSET
    return String.fromCharCode(...this.#bytes.subarray(start, start + length))
  }

  #handle(offset: number): Metric {
    const name = this.#nameAt(offset)
    const at = offset + layout.VALUE_OFFSET
    switch (this.#words[(offset >> 2) + layout.KIND_WORD]) {
      case layout.KIND_COUNTER:
        return new Counter(name, new BigInt64Array(this.#buffer, at, 1))
      case layout.KIND_GAUGE:
        return new Gauge(name, new BigInt64Array(this.#buffer, at, 1))
      default:
        return new Histogram(name, this.#buffer, at)
    }
  }
}

function checkName(name: string): void {
  const isFit = typeof name === 'string' && name.length >= 1 && name.length <= layout.NAME_LENGTH_MAX
  if (isFit && /^[\x20-\x7e]+$/.test(name)) return
  throw new ShardloomError('SHL_METRIC_NAME', { name, found: typeof name, wanted: 'printable ASCII' })
}

/** FNV-1a, 32 bits. */
function hashName(name: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193)
  return hash ^ (hash >>> 15)
}
