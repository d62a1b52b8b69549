/** The arena against a map of blocks: whatever is allocated and freed, blocks never overlap or get lost. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Arena, arenaGeometry, blocksOf } from '../../../src/memory/arena/index.ts'

test.each(['x64', 'arm64'])('blocks keep what is written into them (%s)', (arch) => {
  const step = fc.record({
    isFree: fc.boolean(),
    kind: fc.nat(2),
    bytes: fc.integer({ min: 1, max: 512 }),
    at: fc.nat(),
  })
  fc.assert(
    fc.property(fc.array(step, { size: 'max', maxLength: 300 }), (steps) => {
      const geometry = arenaGeometry(4096, 512)
      const arena = new Arena({ geometry, kinds: 3, reservedBytes: 8, arch })
      /** Block → the mark that fills it. */
      const blocks = new Map<number, number>()
      let mark = 0
      for (const { isFree, kind, bytes, at } of steps) {
        if (isFree && blocks.size > 0) {
          const ref = [...blocks.keys()][at % blocks.size]!
          expectMark(arena, ref, blocks.get(ref)!)
          arena.free(ref)
          blocks.delete(ref)
        } else {
          const ref = arena.allocate(kind, bytes)
          expect(blocks.has(ref)).toBe(false)
          expect(arena.blockBytes(ref)).toBeGreaterThanOrEqual(bytes)
          const first = arena.wordOf(ref)
          arena.wordsOf(ref).fill(++mark, first, first + (arena.blockBytes(ref) >> 2))
          blocks.set(ref, mark)
        }
      }
      let usedBytes = 8
      for (const [ref, each] of blocks) {
        expectMark(arena, ref, each)
        usedBytes += arena.blockBytes(ref)
      }
      expect(arena.usedBytes).toBe(usedBytes)
      const pages = new Set([...blocks.keys()].map((ref) => arena.pageOf(ref)))
      expect(arena.pagesUsed).toBe(pages.size + 1)
      const listed = [...pages].flatMap((page) => blocksOf(arena, page))
      expect(listed.sort()).toEqual([...blocks.keys()].sort())
      for (const ref of blocks.keys()) arena.free(ref)
      expect([arena.pagesUsed, arena.usedBytes]).toEqual([1, 8])
      expect(arena.pages.countFree() + 1).toBe(arena.pages.count)
    }),
  )
})

function expectMark(arena: Arena, ref: number, mark: number): void {
  const first = arena.wordOf(ref)
  const content = arena.wordsOf(ref).subarray(first, first + (arena.blockBytes(ref) >> 2))
  expect(content.every((word) => word === mark)).toBe(true)
}
