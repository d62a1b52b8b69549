/** The arena by example: pages come and go, segments are announced, figures are right. */
import { expect, test } from 'vitest'
import { Arena, arenaGeometry } from '../../../src/memory/arena/index.ts'

const SEGMENT_BYTES = 2048
const PAGE_BYTES = 256
const RESERVED_BYTES = 100

test('a segment is announced before there is a reference into it', () => {
  const announced: number[] = []
  const arena = arenaOf((id, buffer) => {
    expect(buffer.byteLength).toBe(SEGMENT_BYTES)
    expect(id).toBe(announced.length)
    announced.push(id)
  })
  for (let i = 0; i < 20; i++) {
    const ref = arena.allocate(0, PAGE_BYTES)
    expect(announced).toContain(ref >>> arena.segmentShift)
  }
  expect(announced).toEqual([0, 1, 2])
  expect(arena.reservedBytes).toBe(3 * SEGMENT_BYTES)
})

test('what is reserved is given to nobody, and no block is reference 0', () => {
  const arena = arenaOf()
  const refs = Array.from({ length: 200 }, () => arena.allocate(1, 8))
  expect(Math.min(...refs) * 8).toBeGreaterThanOrEqual(RESERVED_BYTES)
})

test('a page whose last block is freed is free for another class and kind', () => {
  const arena = arenaOf()
  const small = Array.from({ length: 7 * 16 }, () => arena.allocate(0, 16))
  expect([arena.pagesUsed, arena.usedBytes]).toEqual([8, RESERVED_BYTES + 7 * PAGE_BYTES])
  for (const ref of small) arena.free(ref)
  expect([arena.pagesUsed, arena.usedBytes]).toEqual([1, RESERVED_BYTES])
  const large = Array.from({ length: 14 }, () => arena.allocate(1, 128))
  expect([arena.pagesUsed, arena.buffers.length]).toEqual([8, 1])
  expect(new Set(large.map((ref) => arena.pageOf(ref))).size).toBe(7)
})

test('a block that is freed is the next of its class that is given out', () => {
  const arena = arenaOf()
  const [first, second] = [arena.allocate(0, 40), arena.allocate(0, 40)]
  arena.free(first)
  expect(arena.allocate(0, 33)).toBe(first)
  expect(arena.blockBytes(second)).toBe(40)
  expect(arena.roundedBytes(33)).toBe(40)
})

test('kinds have pages of their own', () => {
  const arena = arenaOf()
  expect(arena.pageOf(arena.allocate(0, 8))).not.toBe(arena.pageOf(arena.allocate(1, 8)))
})

test('after a reset everything is free', () => {
  const arena = arenaOf()
  for (let i = 0; i < 100; i++) arena.allocate(i % 2, 1 + i)
  arena.reset()
  expect([arena.pagesUsed, arena.usedBytes]).toEqual([1, RESERVED_BYTES])
  const segments = arena.buffers.length
  for (let i = 0; i < 7; i++) arena.allocate(0, PAGE_BYTES)
  expect(arena.buffers.length).toBe(segments)
})

test('references of 32 bits reach 32 GiB, and sizes are checked', () => {
  expect(arenaGeometry()).toEqual({
    segmentBytes: 2 ** 24,
    pageBytes: 2 ** 16,
    segmentShift: 21,
    pageShift: 13,
    segmentsMax: 2048,
  })
  const refused: [number, number?][] = [[1000], [2 ** 31], [2 ** 16], [2 ** 20, 100], [2 ** 20, 2 ** 17]]
  for (const [segmentBytes, pageBytes] of refused) {
    expect(() => arenaGeometry(segmentBytes, pageBytes)).toThrow(
      expect.objectContaining({ code: 'SHL_OPTION_INVALID' }),
    )
  }
})

function arenaOf(onSegment?: (id: number, buffer: SharedArrayBuffer) => void): Arena {
  const geometry = arenaGeometry(SEGMENT_BYTES, PAGE_BYTES)
  return new Arena({ geometry, kinds: 2, reservedBytes: RESERVED_BYTES, arch: 'x64', onSegment })
}
