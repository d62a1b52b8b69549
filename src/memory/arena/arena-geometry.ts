/**
 * How an arena is cut: segments into pages, pages into blocks, and what a reference means.
 *
 *     ArenaRef, 32 bits:   | segment | page in it | unit in it |      one unit = 8 bytes
 *                                    ^ segmentShift            ^ pageShift bits from the right
 *
 * A reference counts units over all segments, so 32 bits reach 32 GiB, and page numbers and offsets are
 * shifts. It is an int32 here: negative beyond 16 GiB, which nobody has to notice, since nobody compares two
 * of them but for being equal. Byte addresses in a double would reach further, and every word that holds one
 * would be two.
 *
 * Tests: test/memory/arena/arena.test.ts
 */
import { assert, invalidOption, numberOption } from '../../base/index.ts'

/** A block in an arena; 0 is none. */
export type ArenaRef = number

export const NO_REF = 0
export const UNIT_BYTES = 8
export const SEGMENT_BYTES_DEFAULT: number = 16 * 2 ** 20

export const PAGE_BYTES_DEFAULT: number = 64 * 2 ** 10
const PAGE_BYTES_MIN = 256
const SEGMENT_BYTES_MAX = 2 ** 30
const UNIT_SHIFT = 3

assert(1 << UNIT_SHIFT === UNIT_BYTES, 'the shift is that of a unit')
// Offsets of blocks in a page, and one value for none, are kept in 16 bits.
assert(PAGE_BYTES_DEFAULT / UNIT_BYTES < 0xffff, 'an offset in a page fits in 16 bits')

/** The cut of one arena. */
export interface ArenaGeometry {
  readonly segmentBytes: number
  readonly pageBytes: number
  /** Bits of a reference below the number of the segment, and below the number of the page. */
  readonly segmentShift: number
  readonly pageShift: number
  readonly segmentsMax: number
}

/** The cut for these sizes, both powers of two. @throws SHL_OPTION_INVALID */
export function arenaGeometry(segmentBytes?: number, pageBytes?: number): ArenaGeometry {
  const page = powerOption('pageBytes', pageBytes, PAGE_BYTES_DEFAULT, PAGE_BYTES_MIN, PAGE_BYTES_DEFAULT)
  const segmentMin = page * 2
  const segment = powerOption(
    'segmentBytes',
    segmentBytes,
    SEGMENT_BYTES_DEFAULT,
    segmentMin,
    SEGMENT_BYTES_MAX,
  )
  const segmentShift = Math.log2(segment) - UNIT_SHIFT
  const pageShift = Math.log2(page) - UNIT_SHIFT
  return {
    segmentBytes: segment,
    pageBytes: page,
    segmentShift,
    pageShift,
    segmentsMax: 2 ** (32 - segmentShift),
  }
}

function powerOption(option: string, value: unknown, fallback: number, min: number, max: number): number {
  const bytes = numberOption(option, value, fallback, { min, max, integer: true })
  if ((bytes & (bytes - 1)) !== 0) invalidOption(option, bytes, `a power of two, ${min}..${max}`)
  return bytes
}
