/**
 * Compaction: what is left of a table after most of it was deleted takes few pages again, whatever it is.
 */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { KeyTableReader, KeyTableWriter } from '../../../src/memory/index.ts'

const PAGE_BYTES = 4096

describe.each(['x64', 'arm64'])('on %s', (arch) => {
  test('the worst case: mixed sizes, then all records but one a page deleted', () => {
    const table = new KeyTableWriter({ segmentBytes: 2 ** 18, pageBytes: PAGE_BYTES, stripes: 16, arch })
    const random = seededRandom(1)
    for (let i = 0; i < 8000; i++) table.putString(`key:${i}`, 'v'.repeat(random.below(500)))
    // Chunked values leave chunks and tables behind, in pages of their own.
    for (let i = 0; i < 200; i++) table.putString(`long:${i}`, 'w'.repeat(2000 + random.below(6000)))
    table.checkTable()
    const full = figuresOf(table)
    const seen = new Set<number>()
    const left = new Map<string, string>()
    for (const name of [...namesOf(table)]) {
      const ref = table.find(name)
      const page = table.arena.pageOf(ref)
      if (seen.has(page)) table.remove(ref)
      else left.set(name, table.valueString(ref))
      seen.add(page)
    }
    table.checkTable()
    const sparse = figuresOf(table)
    let moved = 0
    for (let steps = 50; steps === 50; moved += steps) {
      steps = table.compact(50)
      table.checkTable()
    }
    const dense = figuresOf(table)
    expect({ full, sparse, dense, moved }).toMatchInlineSnapshot(`
      {
        "dense": {
          "count": 632,
          "pagesUsed": 93,
          "reservedBytes": 3932160,
          "usedBytes": 265920,
        },
        "full": {
          "count": 8200,
          "pagesUsed": 918,
          "reservedBytes": 3932160,
          "usedBytes": 3641648,
        },
        "moved": 559,
        "sparse": {
          "count": 632,
          "pagesUsed": 652,
          "reservedBytes": 3932160,
          "usedBytes": 265920,
        },
      }
    `)
    expect(dense.usedBytes).toBe(sparse.usedBytes)
    for (const [name, value] of left) expect(table.valueString(table.find(name)) === value).toBe(true)
    // What was freed is free for everything: no segment is added for values of other sizes.
    for (let i = 0; table.pagesUsed < full.pagesUsed - 100; i++)
      table.putString(`other:${i}`, 'o'.repeat(900))
    expect(table.reservedBytes).toBe(full.reservedBytes)
    table.checkTable()
  })

  test.each([1, 3, 1000])('chunks, tables and bucket arrays move as well, %i blocks at a time', (budget) => {
    const table = new KeyTableWriter({ segmentBytes: 2 ** 18, pageBytes: PAGE_BYTES, stripes: 1024, arch })
    const reader = new KeyTableReader(table.directory, (id) => table.segments[id], { arch })
    const values = new Map<string, string>()
    for (let i = 0; i < 3000; i++) values.set(`key:${i}`, '')
    for (let i = 0; i < 600; i++)
      values.set(`long:${i}`, String.fromCharCode(97 + (i % 26)).repeat(2100 + i * 7))
    for (const [name, value] of values) table.putString(name, value)
    for (const name of values.keys()) {
      if (Number(name.split(':')[1]) % 9 !== 4) {
        values.delete(name)
        table.remove(table.find(name))
      }
    }
    table.checkTable()
    const kindsBefore = pagesByKind(table)
    for (let moved = budget; moved === budget; ) {
      moved = table.compact(budget)
      expect(moved).toBeLessThanOrEqual(budget)
      if (budget > 1 || moved === 0) table.checkTable()
    }
    const kindsAfter = pagesByKind(table)
    for (const [kind, pages] of kindsAfter.entries()) {
      expect(pages).toBeLessThan(kindsBefore[kind]! / 2 + 4)
    }
    expect(Math.min(...kindsBefore.map((pages, kind) => pages - kindsAfter[kind]!))).toBeGreaterThan(0)
    for (const [name, value] of values) {
      expect(table.valueString(table.find(name)) === value).toBe(true)
      expect(reader.getString(name, () => 0) === value).toBe(true)
    }
    table.clear()
    table.checkTable()
  })
})

test('a page that is being emptied may lose its last blocks, and its room, to others', () => {
  const table = new KeyTableWriter({ segmentBytes: 2 ** 18, pageBytes: PAGE_BYTES, stripes: 2 })
  for (let i = 0; i < 1000; i++) table.putString(`key:${i}`, 'v'.repeat(50))
  for (let i = 0; i < 1000; i++) if (i % 5 !== 0) table.remove(table.find(`key:${i}`))
  expect(table.compact(1)).toBe(1)
  expect(table.arena.emptying).not.toBe(-1)
  for (let i = 0; i < 1000; i++) table.putString(`key:${i}`, 'v'.repeat(50))
  table.checkTable()
  table.compact(1000)
  table.checkTable()
  expect(table.compact(1)).toBe(0)
  for (let i = 0; i < 1000; i++) if (i % 2 === 0) table.remove(table.find(`key:${i}`))
  expect(table.compact(1)).toBe(1)
  for (let i = 0; i < 1000; i++) if (i % 2 === 1) table.remove(table.find(`key:${i}`))
  table.checkTable()
  expect(table.arena.emptying).toBe(-1)
})

function* namesOf(table: KeyTableWriter): Iterable<string> {
  const names: string[] = []
  let cursor = 0
  do cursor = table.scan(cursor, 100, (ref) => names.push(table.keyOf(ref)))
  while (cursor !== 0)
  yield* names
}

function figuresOf({ count, usedBytes, pagesUsed, reservedBytes }: KeyTableWriter) {
  return { count, usedBytes, pagesUsed, reservedBytes }
}

/** Pages of records, of bucket arrays, of chunk tables, of chunks. */
function pagesByKind({ arena }: KeyTableWriter): number[] {
  const counts = [0, 0, 0, 0]
  arena.pages.pageCount.forEach((pages, list) => {
    counts[Math.floor(list / arena.classes.count)]! += pages
  })
  return counts
}
