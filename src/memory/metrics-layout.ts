/**
 * The layout of the metrics of a runtime: one directory by name, then records that never move.
 *
 *     word 0          bytes used so far (a bump pointer; a record is taken with one atomic add)
 *     byte 64         buckets: one word each, 0 or the byte offset of a record; twice as many as metrics
 *     then            records, each from a cache line of its own:
 *                     | kind 4 | name length 4 | name 56 | value: 8 bytes, or a histogram's words |
 *
 * Writer: any thread. Readers: any thread.
 * Invariants: (1) a record is written whole before the compare-exchange that puts its offset into a bucket, so
 * whoever finds it finds it whole; (2) buckets only go from 0 to an offset; (3) a name stands in one bucket at the
 * most: an insert walks the same buckets as every other insert of that name, and whoever loses the exchange looks
 * at the winner. No thread ever waits for another one: a thread that dies in the middle leaks a record.
 * Tests: test/memory/metrics.test.ts, metrics.model.test.ts, metrics.race.test.ts
 */
export const USED_WORD = 0
export const BUCKETS_OFFSET = 64
export const RECORD_LINE = 64
export const KIND_WORD = 0
export const NAME_LENGTH_WORD = 1
export const NAME_OFFSET = 8
export const NAME_LENGTH_MAX = 48
export const VALUE_OFFSET = 64

/** What a record holds. */
export const KIND_COUNTER = 1
export const KIND_GAUGE = 2
export const KIND_HISTOGRAM = 3

/** Histogram: 2^5 buckets for each power of two from 2^-10 to 2^43, as HdrHistogram with five bits. */
export const HISTOGRAM_SUB_BITS = 5
export const HISTOGRAM_EXPONENT_MIN = -10
export const HISTOGRAM_EXPONENT_MAX = 43
export const HISTOGRAM_BUCKETS = (HISTOGRAM_EXPONENT_MAX - HISTOGRAM_EXPONENT_MIN + 1) << HISTOGRAM_SUB_BITS
/** Sum, minimum and maximum, 8 bytes each, before the buckets. */
export const HISTOGRAM_HEAD_BYTES = 32
export const HISTOGRAM_BYTES = HISTOGRAM_HEAD_BYTES + HISTOGRAM_BUCKETS * 8

/** Room for one histogram in sixteen metrics; more histograms leave room for fewer counters. */
const HISTOGRAM_SHARE = 16

/** Makes the memory for `metricsMax` metrics. */
export function allocateMetrics(metricsMax: number): SharedArrayBuffer {
  const buckets = bucketCount(metricsMax)
  const histograms = Math.max(4, Math.ceil(metricsMax / HISTOGRAM_SHARE))
  const records = metricsMax * 2 * RECORD_LINE + histograms * (HISTOGRAM_BYTES + RECORD_LINE)
  const buffer = new SharedArrayBuffer(RECORD_LINE + buckets * 4 + RECORD_LINE + records)
  const words = new Int32Array(buffer)
  words[1] = metricsMax
  words[USED_WORD] = firstRecord(buckets)
  return buffer
}

/** How many buckets stand in a buffer for this many metrics. */
export function bucketCount(metricsMax: number): number {
  return 2 ** Math.ceil(Math.log2(metricsMax * 2))
}

function firstRecord(buckets: number): number {
  return (BUCKETS_OFFSET + buckets * 4 + RECORD_LINE - 1) & -RECORD_LINE
}
