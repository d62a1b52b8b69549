/**
 * The size classes: every request has one, none wastes more than an eighth or some bytes, pages are filled.
 */
import { describe, expect, test } from 'vitest'
import { sizeClasses } from '../../../src/memory/arena/size-classes.ts'

describe.each([256, 512, 4096, 65_536])('of pages of %i bytes', (pageBytes) => {
  const { count, blockBytes, pageBlocks, classOfUnits } = sizeClasses(pageBytes)

  test('are multiples of eight that grow up to a page', () => {
    for (let i = 0; i < count; i++) {
      expect(blockBytes[i]! % 8).toBe(0)
      if (i > 0) expect(blockBytes[i]).toBeGreaterThan(blockBytes[i - 1]!)
      expect(pageBlocks[i]).toBe(Math.floor(pageBytes / blockBytes[i]!))
    }
    expect(blockBytes[0]).toBe(8)
    expect(blockBytes[count - 1]).toBe(pageBytes)
    expect(count).toBeLessThan(128)
  })

  test('fit every request, and the class below does not', () => {
    for (let bytes = 1; bytes <= pageBytes; bytes++) {
      const found = classOfUnits[Math.ceil(bytes / 8)]!
      expect(blockBytes[found]).toBeGreaterThanOrEqual(bytes)
      if (found > 0) expect(blockBytes[found - 1]).toBeLessThan(bytes)
    }
  })

  test('waste an eighth at most of what is up to a sixteenth of a page, and no end of a page', () => {
    for (let bytes = 64; bytes <= pageBytes / 16; bytes++) {
      const block = blockBytes[classOfUnits[Math.ceil(bytes / 8)]!]!
      expect(block - bytes).toBeLessThanOrEqual(block / 8 + 8)
    }
    for (let i = 0; i < count; i++)
      expect(pageBytes - pageBlocks[i]! * blockBytes[i]!).toBeLessThan(8 * pageBlocks[i]!)
  })

  test('hold all powers of two, for bucket arrays', () => {
    for (let bytes = 8; bytes <= pageBytes; bytes *= 2) {
      expect(blockBytes[classOfUnits[bytes / 8]!]).toBe(bytes)
    }
  })
})
