/**
 * No sector of a log is all zeros: that is how a lost write is told from damage.
 *
 * A disk that loses its power writes some sectors of what was not synced and not others, and a sector of a
 * file that was never written reads as zeros. If a record could hold such a sector by itself, a flipped bit
 * beside it could not be told from a lost write, and would be cut as one. So what is behind the header of
 * such a record is XORed with a byte, its mask, that leaves no sector of zeros. Sectors with one bit set
 * count as zeros: a flip of that bit would make them so.
 *
 * A sector in which a record begins holds its checksums, so only those behind the first bytes of a record are
 * looked at. If a record holds sectors of each of the 256 byte values, no mask helps, and none is used.
 *
 * Cost: nothing for records below a sector; else the first bytes of each, mostly; a pass over a record that
 * is masked. Tests: test/storage/zero-sectors.test.ts
 */
import { HEADER_BYTES, MASK, SECTOR_BYTES } from './log-format.ts'

/** The first place in a header whose bytes, to the end of it, may all be zeros: that of the revision. */
const ZEROS_FROM = 16
const BYTE_VALUES = 256

/**
 * Masks a record that would hold a sector of zeros. It is whole but for its checksums, lies at `start` in
 * `bytes`, and will lie at `offset` in its file.
 */
export function maskZeroSectors(bytes: Buffer, start: number, sizeBytes: number, offset: number): void {
  const first = Math.ceil((offset + ZEROS_FROM) / SECTOR_BYTES) * SECTOR_BYTES - offset
  let hasZeros = false
  for (let at = first; at + SECTOR_BYTES <= sizeBytes && !hasZeros; at += SECTOR_BYTES) {
    hasZeros = usualByte(bytes, start + at, start + at + SECTOR_BYTES) === 0
  }
  if (!hasZeros) return
  const body = start + HEADER_BYTES
  const mask = freeMask(bytes, body, start + first, start + sizeBytes)
  if (mask === undefined) return
  for (let i = body; i < start + sizeBytes; i++) bytes[i] = bytes[i]! ^ mask
  bytes[start + MASK] = mask
}

/** A byte of which no sector consists; the header, which is not masked, does not count. */
function freeMask(bytes: Buffer, body: number, first: number, end: number): number | undefined {
  const isTaken = new Uint8Array(BYTE_VALUES)
  for (let at = first; at + SECTOR_BYTES <= end; at += SECTOR_BYTES) {
    const value = usualByte(bytes, Math.max(at, body), at + SECTOR_BYTES)
    if (value !== undefined) isTaken[value] = 1
  }
  const mask = isTaken.indexOf(0, 1)
  return mask === -1 ? undefined : mask
}

/** The byte that all of these are, but for one bit at the most; undefined: there is none. */
function usualByte(bytes: Buffer, from: number, to: number): number | undefined {
  const [a, b, c] = [bytes[from]!, bytes[from + 1]!, bytes[from + 2]!]
  if (a !== b && a !== c && b !== c) return undefined
  const usual = a === b || a === c ? a : b
  let isSeen = false
  for (let i = from; i < to; i++) {
    const bits = bytes[i]! ^ usual
    if (bits === 0) continue
    if (isSeen || (bits & (bits - 1)) !== 0) return undefined
    isSeen = true
  }
  return usual
}
