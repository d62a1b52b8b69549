/** A table that is told how many keys will come: less is moved, and what it becomes is the same. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { KeyTableReader, KeyTableWriter } from '../../../src/memory/index.ts'

const OPTIONS = { segmentBytes: 1 << 20, pageBytes: 4096, stripes: 16 }

function fill(table: KeyTableWriter, from: number, to: number): void {
  for (let i = from; i < to; i++) table.putString(`key ${i}`, `value ${i}`)
}

describe('keys that were expected', () => {
  test.each([0.01, 0.5, 1, 1.3, 40, 1e9])(
    '%d times as many as come are in a table of the same size',
    (times) => {
      const plain = new KeyTableWriter(OPTIONS)
      fill(plain, 0, 3000)
      const table = new KeyTableWriter(OPTIONS)
      for (let done = 0; done < 3000; done += 500) {
        table.expectKeys(done * times)
        fill(table, done, done + 500)
        table.checkTable()
      }
      table.expectKeys(0)
      table.checkTable()
      expect([table.count, table.usedBytes]).toEqual([3000, plain.usedBytes])
      const reader = new KeyTableReader(table.directory, (id) => table.segments[id])
      for (let i = 0; i < 3000; i += 7) expect(reader.getString(`key ${i}`, () => 0)).toBe(`value ${i}`)
      fill(table, 3000, 6000)
      fill(plain, 3000, 6000)
      table.checkTable()
      expect(table.usedBytes).toBe(plain.usedBytes)
    },
  )

  test('may go again, be replaced and be cleared', () => {
    const random = seededRandom(1)
    const table = new KeyTableWriter(OPTIONS)
    const expected = new Map<string, string>()
    for (let step = 0; step < 6000; step++) {
      const key = `key ${random.below(800)}`
      const dice = random.below(1000)
      if (dice < 3) table.expectKeys(random.below(4) * random.below(50_000))
      else if (dice === 3 && step > 3000) {
        table.clear()
        expected.clear()
      } else if (dice < 600) {
        table.putString(key, `${step}`)
        expected.set(key, `${step}`)
      } else if (expected.delete(key)) table.remove(table.find(key))
      if (step % 500 === 0) table.checkTable()
    }
    table.expectKeys(0)
    table.checkTable()
    expect(table.count).toBe(expected.size)
    for (const [key, value] of expected) expect(table.valueString(table.find(key))).toBe(value)
  })
})
