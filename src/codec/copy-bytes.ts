/**
 * Copies part of one array of bytes into another.
 * Tests: test/codec/copy-bytes.test.ts
 */

/** More bytes are copied by native code: a view costs more than a short loop. */
const LOOPED_BYTES = 128

/** Copies `count` bytes from `start` of one array to `at` of another. */
export function copyBytes(
  source: Uint8Array,
  start: number,
  count: number,
  target: Uint8Array,
  at: number,
): void {
  if (count > LOOPED_BYTES) target.set(source.subarray(start, start + count), at)
  else for (let i = 0; i < count; i++) target[at + i] = source[start + i]!
}
