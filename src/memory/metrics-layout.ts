/**
 * The layout of the metrics of a runtime: a table of names, then records that never move.
 *
 *     word 0          metricsMax, written before the buffer is shared
 *     word 1          where the next small record begins: a bump pointer
 *     word 2          where the next histogram begins: another one
 *     byte 128        table: one word per metric that there may be, 0 or the byte offset of a record
 *     then            small records (counters and gauges), then histograms, each on cache lines of its own:
 *                     | kind 4 | name length 4 | name 48 | spare 8 | value: 8 bytes, or a histogram |
 *
 * The table has exactly `metricsMax` words and may be filled to the last one: full is full, with no count
 * beside it that could disagree. Searching a nearly full table is slow (it may look at every word), and rare:
 * each thread keeps what it has found.
 *
 * Small records have room for all `metricsMax` names, histograms for one in HISTOGRAM_SHARE of them; neither
 * takes the room of the other. The memory is touched, and so taken from the system, only where metrics are.
 *
 * Writer: any thread, `metric-directory.ts` says how. Readers: any thread.
 * Invariants: (1) a bump pointer only grows, and never beyond its region; (2) a word of the table changes
 * once.
 * Tests: test/memory/metrics.test.ts
 */
import { assert, invalidOption, numberOption } from '../base/index.ts'
import { HISTOGRAM_BYTES } from './histogram.ts'

export const METRICS_MAX_WORD = 0
export const SMALL_NEXT_WORD = 1
export const HISTOGRAM_NEXT_WORD = 2
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
/** One metric in eight may be a histogram, at least 8 and up to 4096 (70 MB of addresses). */
const HISTOGRAM_SHARE = 8
const HISTOGRAMS_MIN = 8
const HISTOGRAMS_MAX = 4096
/** Room for records whose inserter lost a race and has not used them for another name yet. */
const SPARE_SMALL = 128
const SPARE_HISTOGRAMS = 4

assert(NAME_OFFSET + NAME_LENGTH_MAX <= VALUE_OFFSET, 'the name ends before the value')
assert(VALUE_OFFSET + SMALL_VALUE_BYTES <= RECORD_ALIGN, 'a small record is one pair of cache lines')
assert(HISTOGRAM_NEXT_WORD * 4 < TABLE_OFFSET, 'the table is behind the control words')
assert(regionsOf(METRICS_MAX).endBytes < 2 ** 31, 'every offset fits a word')

/** Makes the memory for `metricsMax` metrics. @throws SHL_OPTION_INVALID */
export function allocateMetrics(metricsMax: number): SharedArrayBuffer {
  numberOption('metricsMax', metricsMax, 0, { min: 1, max: METRICS_MAX, integer: true })
  const { smallOffset, histogramOffset, endBytes } = regionsOf(metricsMax)
  const buffer = new SharedArrayBuffer(endBytes)
  const words = new Int32Array(buffer)
  words[METRICS_MAX_WORD] = metricsMax
  words[SMALL_NEXT_WORD] = smallOffset
  words[HISTOGRAM_NEXT_WORD] = histogramOffset
  return buffer
}

/** How many metrics a buffer has room for. @throws SHL_OPTION_INVALID when it is not the memory of metrics */
export function metricsCapacity(buffer: SharedArrayBuffer): number {
  const metricsMax = buffer.byteLength > TABLE_OFFSET ? new Int32Array(buffer)[METRICS_MAX_WORD]! : 0
  if (metricsMax > 0 && buffer.byteLength === regionsOf(metricsMax).endBytes) return metricsMax
  return invalidOption('buffer', buffer, 'what allocateMetrics made')
}

/** Bytes that a record of this kind takes. */
export function recordBytesOf(kind: number): number {
  const valueBytes = kind === KIND_HISTOGRAM ? HISTOGRAM_BYTES : SMALL_VALUE_BYTES
  return alignRecord(VALUE_OFFSET + valueBytes)
}

/** Where small records and histograms begin, and where everything ends. */
export function regionsOf(metricsMax: number): {
  smallOffset: number
  histogramOffset: number
  endBytes: number
} {
  const share = Math.ceil(metricsMax / HISTOGRAM_SHARE)
  const histograms = Math.min(metricsMax, Math.max(HISTOGRAMS_MIN, Math.min(HISTOGRAMS_MAX, share)))
  const smallOffset = alignRecord(TABLE_OFFSET + metricsMax * 4)
  const histogramOffset = smallOffset + (metricsMax + SPARE_SMALL) * recordBytesOf(KIND_COUNTER)
  const endBytes = histogramOffset + (histograms + SPARE_HISTOGRAMS) * recordBytesOf(KIND_HISTOGRAM)
  return { smallOffset, histogramOffset, endBytes }
}

function alignRecord(bytes: number): number {
  return (bytes + RECORD_ALIGN - 1) & -RECORD_ALIGN
}
