/** The key table as its writer uses it: each operation on a small table, with all invariants checked. */
import { expect, test } from 'vitest'
import { KeyTableReader, KeyTableWriter } from '../../../src/memory/index.ts'

test('smoke', () => {
  const t = new KeyTableWriter({ segmentBytes: 65536, pageBytes: 4096, stripes: 8 })
  const r = new KeyTableReader(t.directory, (id) => t.segments[id])
  for (let i = 0; i < 1000; i++) t.putString(`key:${i}`, `value ${i}`.repeat(i % 50))
  t.checkTable()
  for (let i = 0; i < 1000; i++) {
    expect(t.valueString(t.find(`key:${i}`))).toBe(`value ${i}`.repeat(i % 50))
    expect(r.getString(`key:${i}`, () => 0)).toBe(`value ${i}`.repeat(i % 50))
  }
  let ref = t.putString('big', 'x'.repeat(100_000))
  t.checkTable()
  expect(r.getString('big', () => 0)).toBe('x'.repeat(100_000))
  ref = t.append(ref, 'yz')
  t.checkTable()
  expect(r.getString('big', () => 0)).toBe(`${'x'.repeat(100_000)}yz`)
  for (let i = 0; i < 1000; i += 1) if (i % 7) t.remove(t.find(`key:${i}`))
  t.checkTable()
  const before = t.pagesUsed
  while (t.compact(10) > 0) t.checkTable()
  expect(t.pagesUsed).toBeLessThan(before)
  t.clear()
  t.checkTable()
})
