/** What the dictionary promises about work, memory and order at sizes that a property test does not reach. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/index.ts'
import { ByteDictionary } from '../../../../src/keyspace/engine/values/byte-dictionary.ts'

const COUNT = process.env['SHL_SOAK'] ? 10_000_000 : 1_000_000

test('no insertion and no removal among a million moves more than a few entries', () => {
  const dictionary = new ByteDictionary<number>({ seed: 1 })
  let worst = 0
  let before = 0
  const look = () => {
    const moved = dictionary.movedCount
    if (moved - before > worst) worst = moved - before
    before = moved
  }
  for (let n = 0; n < COUNT; n++) {
    dictionary.set(`k${n}`, n)
    look()
  }
  expect(worst).toBeGreaterThan(0)
  expect(worst).toBeLessThanOrEqual(20)
  expect(dictionary.movedCount).toBeLessThan(COUNT * 2.5)
  worst = 0
  for (let n = 0; n < COUNT; n++) {
    dictionary.delete(`k${n}`)
    look()
  }
  expect(dictionary.size).toBe(0)
  expect(worst).toBeLessThanOrEqual(40)
})

test('emptied and filled again it is as it was', () => {
  const dictionary = new ByteDictionary<number>()
  const fill = () => {
    for (let n = 0; n < 20_000; n++) dictionary.set(`k${n}`, n)
  }
  fill()
  const bytes = dictionary.bytes
  while (dictionary.size > 0) dictionary.deleteAt(dictionary.size >> 1)
  fill()
  expect(dictionary.bytes).toBe(bytes)
  let wrong = 0
  for (let n = 0; n < 20_000; n++) if (dictionary.get(`k${n}`) !== n) wrong++
  expect(wrong).toBe(0)
})

test('every entry is drawn about equally often', () => {
  const dictionary = new ByteDictionary<number>()
  for (let n = 0; n < 50; n++) dictionary.set(`k${n}`, n)
  const random = seededRandom(3)
  const drawn = new Array<number>(50).fill(0)
  for (let n = 0; n < 50_000; n++) drawn[dictionary.valueAt(dictionary.random(random))]!++
  expect(Math.min(...drawn)).toBeGreaterThan(850)
  expect(Math.max(...drawn)).toBeLessThan(1150)
  expect(new ByteDictionary().random(random)).toBe(-1)
})

test('a scan of 128 entries takes one call, and a cursor from a larger time still ends', () => {
  const dictionary = new ByteDictionary<number>()
  for (let n = 0; n < 1000; n++) dictionary.set(`k${n}`, n)
  const cursor = dictionary.scan(0, 10, () => {})
  expect(cursor).toBe(990)
  while (dictionary.size > 128) dictionary.deleteAt(dictionary.size - 1)
  let visits = 0
  expect(dictionary.scan(cursor, 10, () => visits++)).toBe(0)
  expect(visits).toBe(128)
  expect(dictionary.scan(2 ** 53, 10, () => {})).toBe(0)
})
