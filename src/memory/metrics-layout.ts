/**
 * The layout of the metrics of a runtime: a table of names, then records that never move.
 *
 *     word 0          bytes used so far, the bump pointer
 *     word 1          metricsMax, written before the buffer is shared
 *     byte 128        table: one word per metric that there may be, 0 or the byte offset of a record
 *     then            records, each from a pair of cache lines of its own:
 *                     | kind 4 | name length 4 | name 48 | spare 8 | value: 8 bytes, or a histogram |
 *
 * The table has exactly `metricsMax` words and may be filled to the last one: full is full, with no count beside it
 * that could disagree. Searching a nearly full table is slow (it may look at every word), and rare: each thread
 * keeps what it has found.
 *
 * Memory is reserved for `metricsMax` records, of which one in HISTOGRAM_SHARE may always be a histogram. It is
 * touched, and so taken from the system, only where metrics are.
 *
 * Writer: any thread, `metric-directory.ts` says how. Readers: any thread.
 * Invariants: (1) the bump pointer only grows, and never beyond the buffer; (2) a word of the table changes once.
 * Tests: test/memory/metrics.test.ts
 */
import { assert, invalidOption, numberOption } from '../base/index.ts'
import { HISTOGRAM_BYTES } from './histogram.ts'

export const USED_WORD = 0
export const METRICS_MAX_WORD = 1
export const TABLE_OFFSET = 128
export const RECORD_ALIGN = 128
export const KIND_WORD = 0
export const NAME_LENGTH_WORD = 1
export const NAME_OFFSET = 8
export const NAME_LENGTH_MAX = 48
export const VALUE_OFFSET = 64
export const METRICS_MAX = 2 ** 20

/** What a record holds. */
export const KIND_COUNTER = 1
export const KIND_GAUGE = 2
export const KIND_HISTOGRAM = 3

const SMALL_VALUE_BYTES = 8
/** One metric in eight may be a histogram, up to 4096 (70 MB): more of them leave room for fewer counters. */
const HISTOGRAM_SHARE = 8
const HISTOGRAMS_MIN = 8
const HISTOGRAMS_MAX = 4096
/** Room for records whose inserter lost a race and has not used them for another name yet. */
const SPARE_SMALL = 128
const SPARE_HISTOGRAMS = 4

assert(NAME_OFFSET + NAME_LENGTH_MAX <= VALUE_OFFSET, 'the name ends before the value')
assert(VALUE_OFFSET + SMALL_VALUE_BYTES <= RECORD_ALIGN, 'a small record is one pair of cache lines')
assert(METRICS_MAX_WORD * 4 < TABLE_OFFSET, 'the table is behind the control words')
assert(metricsBytes(METRICS_MAX) < 2 ** 31, 'every offset fits a word')

/** Makes the memory for `metricsMax` metrics. @throws SHL_OPTION_INVALID */
export function allocateMetrics(metricsMax: number): SharedArrayBuffer {
  numberOption('metricsMax', metricsMax, 0, { min: 1, max: METRICS_MAX, integer: true })
  const buffer = new SharedArrayBuffer(metricsBytes(metricsMax))
  const words = new Int32Array(buffer)
  words[METRICS_MAX_WORD] = metricsMax
  words[USED_WORD] = tableEnd(metricsMax)
  return buffer
}

/** How many metrics a buffer has room for. @throws SHL_OPTION_INVALID when it is not the memory of metrics */
export function metricsCapacity(buffer: SharedArrayBuffer): number {
  const metricsMax = buffer.byteLength > TABLE_OFFSET ? new Int32Array(buffer)[METRICS_MAX_WORD]! : 0
  if (metricsMax > 0 && buffer.byteLength === metricsBytes(metricsMax)) return metricsMax
  return invalidOption('buffer', buffer, 'what allocateMetrics made')
}

/** Bytes that a record of this kind takes. */
export function recordBytesOf(kind: number): number {
  const valueBytes = kind === KIND_HISTOGRAM ? HISTOGRAM_BYTES : SMALL_VALUE_BYTES
  return alignRecord(VALUE_OFFSET + valueBytes)
}

function metricsBytes(metricsMax: number): number {
  const share = Math.ceil(metricsMax / HISTOGRAM_SHARE)
  const histograms = Math.min(metricsMax, Math.max(HISTOGRAMS_MIN, Math.min(HISTOGRAMS_MAX, share)))
  const smallBytes = recordBytesOf(KIND_COUNTER)
  const largeBytes = recordBytesOf(KIND_HISTOGRAM)
  const recordsBytes = (metricsMax - histograms) * smallBytes + histograms * largeBytes
  return tableEnd(metricsMax) + recordsBytes + SPARE_SMALL * smallBytes + SPARE_HISTOGRAMS * largeBytes
}

function tableEnd(metricsMax: number): number {
  return alignRecord(TABLE_OFFSET + metricsMax * 4)
}

function alignRecord(bytes: number): number {
  return (bytes + RECORD_ALIGN - 1) & -RECORD_ALIGN
}
