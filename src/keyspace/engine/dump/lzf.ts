/**
 * LZF, unpacked: how Redis packs strings in payloads and files.
 *
 *     000lllll                        l + 1 bytes as they are
 *     lllooooo oooooooo               a copy of l + 2 bytes, from o + 1 bytes back
 *     111ooooo llllllll oooooooo      a copy of l + 9 bytes
 *
 * Tests: test/keyspace/engine/dump/lzf.test.ts, rdb-string.test.ts
 * Source: Redis 7.2, src/lzf_d.c.
 */
import { VALUE_BYTES_MAX } from '../byte-string.ts'

/** Three bytes stand for 264 at most. */
const RATIO_MAX = 88

/** The `length` bytes that were packed; undefined when they cannot have been. */
export function unpackLzf(packed: Uint8Array, length: number): Uint8Array<ArrayBuffer> | undefined {
  if (length > VALUE_BYTES_MAX || length > packed.length * RATIO_MAX) return undefined
  const bytes = new Uint8Array(length)
  let at = 0
  let to = 0
  while (at < packed.length) {
    const control = packed[at++]!
    if (control < 0x20) {
      const count = control + 1
      if (at + count > packed.length || to + count > length) return undefined
      for (let i = 0; i < count; i++) bytes[to + i] = packed[at + i]!
      at += count
      to += count
      continue
    }
    let count = control >> 5
    if (count === 7) count += packed[at++] ?? 0
    const from = to - ((control & 0x1f) << 8) - (packed[at++] ?? length) - 1
    count += 2
    if (from < 0 || to + count > length) return undefined
    // Byte by byte: a copy may overlap what it makes.
    for (let i = 0; i < count; i++) bytes[to + i] = bytes[from + i]!
    to += count
  }
  return to === length ? bytes : undefined
}
