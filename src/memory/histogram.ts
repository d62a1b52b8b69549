/**
 * A histogram in shared memory: log-linear buckets, recorded into by any thread.
 *
 *     | sum 8 | minimum 8 | maximum 8 | spare 8 | buckets, 8 bytes each |
 *
 * Each power of two from 2^-10 to 2^43 is cut into 32 buckets, so a quantile is off by at most 1.6 % of its value
 * (the middle of a bucket is reported). Smaller values, and zero, count in the first bucket; larger in the last.
 *
 * Writer: any thread. Readers: any thread.
 * Invariants: no recording is lost. A snapshot taken while others record may hold a value in its buckets and not
 * yet in its sum: `count` is the buckets' sum, so quantiles are always consistent with it.
 * Cost: one atomic add, three compare-exchanges at most (about 0.1 µs).
 * Tests: test/memory/metrics.test.ts, metrics.race.test.ts. Source: HdrHistogram.
 */
import { invalidOption } from '../base/index.ts'
import { addDouble, bitsOf, doubleOf } from './gauge.ts'
import * as layout from './metrics-layout.ts'

/** What a histogram shows. Values in the unit that was recorded. */
export interface HistogramSnapshot {
  readonly count: number
  readonly sum: number
  readonly min: number
  readonly max: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p999: number
}

const SUM = 0
const MIN = 1
const MAX = 2
const SUB_COUNT = 1 << layout.HISTOGRAM_SUB_BITS
const FIRST_BUCKET = layout.HISTOGRAM_HEAD_BYTES / 8

/** Records how large things are. */
export class Histogram {
  readonly name: string
  readonly #cells: BigInt64Array<SharedArrayBuffer>

  constructor(name: string, buffer: SharedArrayBuffer, offset: number) {
    this.name = name
    this.#cells = new BigInt64Array(buffer, offset, layout.HISTOGRAM_BYTES / 8)
  }

  /** @internal Writes the empty state of a new histogram, before anybody can find it. */
  static prepare(buffer: SharedArrayBuffer, offset: number): void {
    const cells = new BigInt64Array(buffer, offset, FIRST_BUCKET)
    cells[MIN] = bitsOf(Number.POSITIVE_INFINITY)
    cells[MAX] = bitsOf(Number.NEGATIVE_INFINITY)
  }

  /** Records one value, not negative. @throws SHL_OPTION_INVALID */
  record(value: number): void {
    if (!(value >= 0) || value === Number.POSITIVE_INFINITY) invalidOption('value', value, 'a number ≥ 0')
    Atomics.add(this.#cells, FIRST_BUCKET + bucketOf(value), 1n)
    addDouble(this.#cells, SUM, value)
    this.#extend(MIN, value, (seen) => value < seen)
    this.#extend(MAX, value, (seen) => value > seen)
  }

  snapshot(): HistogramSnapshot {
    const counts: number[] = []
    let count = 0
    for (let bucket = 0; bucket < layout.HISTOGRAM_BUCKETS; bucket++) {
      const n = Number(Atomics.load(this.#cells, FIRST_BUCKET + bucket))
      counts.push(n)
      count += n
    }
    if (count === 0) {
      return { count: 0, sum: 0, min: 0, max: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0 }
    }
    const sum = doubleOf(Atomics.load(this.#cells, SUM))
    const min = doubleOf(Atomics.load(this.#cells, MIN))
    const max = doubleOf(Atomics.load(this.#cells, MAX))
    const at = (share: number): number => Math.min(max, Math.max(min, quantile(counts, count, share)))
    const mean = sum / count
    return { count, sum, min, max, mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) }
  }

  #extend(index: number, value: number, isBeyond: (seen: number) => boolean): void {
    for (;;) {
      const seen = Atomics.load(this.#cells, index)
      if (!isBeyond(doubleOf(seen))) return
      if (Atomics.compareExchange(this.#cells, index, seen, bitsOf(value)) === seen) return
    }
  }
}

const scratch = new DataView(new ArrayBuffer(8))

/** The bucket of a value: its exponent, then the first bits of its mantissa. */
function bucketOf(value: number): number {
  scratch.setFloat64(0, value)
  const high = scratch.getInt32(0)
  const exponent = (high >>> 20) - 1023
  if (exponent < layout.HISTOGRAM_EXPONENT_MIN) return 0
  if (exponent > layout.HISTOGRAM_EXPONENT_MAX) return layout.HISTOGRAM_BUCKETS - 1
  const sub = (high >>> (20 - layout.HISTOGRAM_SUB_BITS)) & (SUB_COUNT - 1)
  return ((exponent - layout.HISTOGRAM_EXPONENT_MIN) << layout.HISTOGRAM_SUB_BITS) + sub
}

function quantile(counts: readonly number[], count: number, share: number): number {
  let left = Math.ceil(count * share)
  for (let bucket = 0; bucket < counts.length; bucket++) {
    left -= counts[bucket]!
    if (left <= 0) return middleOf(bucket)
  }
  return middleOf(counts.length - 1)
}

function middleOf(bucket: number): number {
  const exponent = (bucket >> layout.HISTOGRAM_SUB_BITS) + layout.HISTOGRAM_EXPONENT_MIN
  const sub = bucket & (SUB_COUNT - 1)
  return 2 ** exponent * (1 + (sub + 0.5) / SUB_COUNT)
}
