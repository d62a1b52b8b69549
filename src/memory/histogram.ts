/**
 * A histogram in shared memory: log-linear buckets, recorded into by any thread.
 *
 *     | sum 8 | minimum 8 | maximum 8 | spare 8 | bucket of the smallest 8 | buckets, 8 bytes each … |
 *
 * Each power of two from 2^-20 to 2^43 is cut into 32 buckets, so a bucket is at most 3.2 % wide. A quantile
 * is reported as the lower edge of its bucket: at most 3.2 % too low, and exact for whole numbers up to 64.
 * That range holds microseconds in seconds, and nanoseconds up to hours. Smaller values, and zero, share the
 * first bucket and are reported as the minimum; larger ones share the last bucket.
 *
 * Writer: any thread. Readers: any thread.
 * Invariants: (1) no recording is lost; (2) minimum and maximum only move outwards, so a handle that
 * remembers them as they once were needs to touch the shared ones only for a value beyond; (3) `count` is the
 * sum of the buckets, so quantiles fit it exactly.
 * Publication order: sum, minimum, maximum, and the bucket last. A snapshot reads in the other direction:
 * whatever it counts has been added to the sum and lies within the extremes; the sum may be ahead by values
 * that are being recorded.
 * Cost: 40 ns to record, most of it the sum. A snapshot reads 2,049 buckets: some 60 µs.
 * Tests: test/memory/histogram.test.ts, histogram.model.test.ts, metrics.race.test.ts
 * Source: HdrHistogram (Gil Tene), http://hdrhistogram.org/
 */
import { invalidOption } from '../base/index.ts'
import { addDouble, bitsOf, doubleOf } from './gauge.ts'
import { addSmall, COUNT_WORDS, readCount } from './wide-count.ts'

/** What a histogram shows, in the unit that was recorded. All zero while nothing was recorded. */
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

const SUB_BITS = 5
const SUB_COUNT = 1 << SUB_BITS
const EXPONENT_MIN = -20
const EXPONENT_MAX = 43
const BUCKETS = 1 + ((EXPONENT_MAX - EXPONENT_MIN + 1) << SUB_BITS)
const SUM_CELL = 0
const MIN_CELL = 1
const MAX_CELL = 2
const HEAD_BYTES = 32
const EMPTY: HistogramSnapshot = {
  count: 0,
  sum: 0,
  min: 0,
  max: 0,
  mean: 0,
  p50: 0,
  p90: 0,
  p99: 0,
  p999: 0,
}

/** Bytes of a histogram. */
export const HISTOGRAM_BYTES = HEAD_BYTES + BUCKETS * COUNT_WORDS * 4

/** Records how large things are. */
export class Histogram {
  readonly name: string
  readonly #cells: BigInt64Array<SharedArrayBuffer>
  readonly #cell: number
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #firstBucket: number
  /** The extremes as this handle last saw them. */
  #minSeen = Number.POSITIVE_INFINITY
  #maxSeen = Number.NEGATIVE_INFINITY

  /**
   * @internal It stands at byte `offset` of both views, which begin with the buffer. Use `Metrics.histogram`.
   */
  constructor(
    name: string,
    cells: BigInt64Array<SharedArrayBuffer>,
    words: Int32Array<SharedArrayBuffer>,
    offset: number,
  ) {
    this.name = name
    this.#cells = cells
    this.#cell = offset >> 3
    this.#words = words
    this.#firstBucket = (offset + HEAD_BYTES) >> 2
  }

  /** Records one value, not negative. @throws SHL_OPTION_INVALID */
  record(value: number): void {
    const isFit = typeof value === 'number' && value >= 0 && value < Number.POSITIVE_INFINITY
    if (!isFit) invalidOption('value', value, 'a finite number ≥ 0')
    // Zero has a sign, and the sign is a bit of what `bucketOf` reads: adding nothing makes it positive.
    const size = value + 0
    addDouble(this.#cells, this.#cell + SUM_CELL, size)
    if (size < this.#minSeen) this.#minSeen = this.#extend(MIN_CELL, size, Math.min)
    if (size > this.#maxSeen) this.#maxSeen = this.#extend(MAX_CELL, size, Math.max)
    addSmall(this.#words, this.#firstBucket + bucketOf(size) * COUNT_WORDS, 1)
  }

  /** Count, sum, extremes and quantiles of everything recorded so far, on any thread. */
  snapshot(): HistogramSnapshot {
    const counts = new Float64Array(BUCKETS)
    let count = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      counts[bucket] = readCount(this.#words, this.#firstBucket + bucket * COUNT_WORDS)
      count += counts[bucket]!
    }
    if (count === 0) return EMPTY
    const [min, max, sum] = [this.#double(MIN_CELL), this.#double(MAX_CELL), this.#double(SUM_CELL)]
    const at = (share: number): number => clamp(quantile(counts, Math.ceil(count * share)), min, max)
    // The sum may be ahead of the count; the mean of what was counted lies between the extremes all the same.
    const mean = clamp(sum / count, min, max)
    return { count, sum, min, max, mean, p50: at(0.5), p90: at(0.9), p99: at(0.99), p999: at(0.999) }
  }

  /** Moves a shared extreme to `value`, unless it is beyond it already; returns where it is now. */
  #extend(cell: number, value: number, outer: (a: number, b: number) => number): number {
    const index = this.#cell + cell
    let seen = Atomics.load(this.#cells, index)
    for (;;) {
      const extreme = outer(doubleOf(seen), value)
      if (extreme !== value) return extreme
      const found = Atomics.compareExchange(this.#cells, index, seen, bitsOf(value))
      if (found === seen) return value
      seen = found
    }
  }

  #double(cell: number): number {
    return doubleOf(Atomics.load(this.#cells, this.#cell + cell))
  }
}

/** Writes the empty state of a new histogram, all else being zero, before anybody can find it. */
export function prepareHistogram(cells: BigInt64Array<SharedArrayBuffer>, offset: number): void {
  cells[(offset >> 3) + MIN_CELL] = bitsOf(Number.POSITIVE_INFINITY)
  cells[(offset >> 3) + MAX_CELL] = bitsOf(Number.NEGATIVE_INFINITY)
}

const scratch = new Float64Array(1)
const scratchWords = new Int32Array(scratch.buffer)
const HIGH_WORD = new Uint8Array(new Int32Array([1]).buffer)[0] === 1 ? 1 : 0

/** The bucket of a value: its exponent, then the first bits of its mantissa, as they stand in the double. */
function bucketOf(value: number): number {
  scratch[0] = value
  const high = scratchWords[HIGH_WORD]!
  const exponent = (high >>> 20) - 1023
  if (exponent < EXPONENT_MIN) return 0
  if (exponent > EXPONENT_MAX) return BUCKETS - 1
  const sub = (high >>> (20 - SUB_BITS)) & (SUB_COUNT - 1)
  return 1 + ((exponent - EXPONENT_MIN) << SUB_BITS) + sub
}

/** The lower edge of the bucket that holds the value of rank `rank`, counted from 1. */
function quantile(counts: Float64Array, rank: number): number {
  let bucket = 0
  for (let left = rank; bucket < BUCKETS - 1; bucket++) {
    left -= counts[bucket]!
    if (left <= 0) break
  }
  if (bucket === 0) return 0
  const exponent = ((bucket - 1) >> SUB_BITS) + EXPONENT_MIN
  return 2 ** exponent * (1 + ((bucket - 1) & (SUB_COUNT - 1)) / SUB_COUNT)
}

function clamp(value: number, min: number, max: number): number {
  return Math.min(max, Math.max(min, value))
}
