/**
 * The block sizes of an arena: multiples of 8 bytes, each about an eighth above the one before.
 *
 * A request is rounded up to its class, so a block wastes at most an eighth of it, and blocks of one class
 * fill each other's holes. Sizes that leave a rest of the page are widened until they do not: 9216 bytes go
 * seven times into a page of 64 KiB, and so do 9360. Powers of two alone would waste up to half.
 *
 *     8 16 24 … 128 144 160 … 256 288 … 512 576 …   page/3   page/2   page
 *
 * Cost: one byte per eight bytes of a page for the look-up. Tests: test/memory/arena/size-classes.test.ts
 * Source: the classes of jemalloc, with eight steps per doubling.
 */
import { assert } from '../../base/index.ts'

const UNIT_BYTES = 8
const STEPS_PER_DOUBLING = 8

/** The classes of one page size. */
export interface SizeClasses {
  readonly count: number
  /** Class → bytes of a block. */
  readonly blockBytes: Int32Array
  /** Class → blocks in a page. */
  readonly pageBlocks: Int32Array
  /** Bytes, divided by eight and rounded up → class. */
  readonly classOfUnits: Uint8Array
}

/** The classes of pages of `pageBytes`, a power of two. */
export function sizeClasses(pageBytes: number): SizeClasses {
  assert((pageBytes & (pageBytes - 1)) === 0 && pageBytes >= UNIT_BYTES, 'a page is a power of two')
  const sizes: number[] = []
  for (let bytes = UNIT_BYTES; bytes <= pageBytes; bytes += stepAt(bytes)) {
    const widened = Math.floor(pageBytes / Math.floor(pageBytes / bytes)) & -UNIT_BYTES
    if (widened !== sizes.at(-1)) sizes.push(widened)
  }
  const classOfUnits = new Uint8Array(pageBytes / UNIT_BYTES + 1)
  for (let units = 0, at = 0; units < classOfUnits.length; units++) {
    if (units * UNIT_BYTES > sizes[at]!) at++
    classOfUnits[units] = at
  }
  return {
    count: sizes.length,
    blockBytes: Int32Array.from(sizes),
    pageBlocks: Int32Array.from(sizes, (bytes) => Math.floor(pageBytes / bytes)),
    classOfUnits,
  }
}

function stepAt(bytes: number): number {
  const doubling = 2 ** Math.floor(Math.log2(bytes))
  return Math.max(UNIT_BYTES, doubling / STEPS_PER_DOUBLING)
}
