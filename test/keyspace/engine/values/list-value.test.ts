/** What a list promises about encodings, memory and work at sizes that a property test does not reach. */
import { expect, test } from 'vitest'
import { ListValue } from '../../../../src/keyspace/engine/values/list-value.ts'

const COUNT = process.env['SHL_SOAK'] ? 10_000_000 : 300_000

test('it is a quicklist once it passes 8 KiB, and a listpack again below half of it', () => {
  const list = new ListValue()
  const value = 'x'.repeat(98)
  // An entry takes 98 bytes, two before and one behind.
  for (let n = 0; n < 81; n++) list.pushRight(value)
  expect(list.encoding).toBe('listpack')
  list.pushRight(value)
  expect(list.encoding).toBe('quicklist')
  while (list.size > 41) list.popLeft()
  expect(list.encoding).toBe('quicklist')
  list.popLeft()
  expect(list.encoding).toBe('listpack')
  const large = new ListValue()
  large.pushLeft('x'.repeat(8192))
  expect(large.encoding).toBe('quicklist')
  large.set(0, 'small')
  expect(large.encoding).toBe('listpack')
})

test('it is a quicklist beyond so many items, where items are what bounds it', () => {
  const list = new ListValue(8192, 4)
  for (let n = 0; n < 4; n++) list.pushRight('x')
  expect(list.encoding).toBe('listpack')
  list.pushLeft('x')
  expect(list.encoding).toBe('quicklist')
  list.popLeft()
  list.popLeft()
  expect(list.encoding).toBe('quicklist')
  list.popLeft()
  expect(list.encoding).toBe('listpack')
})

test('its bytes follow its content, and go back when it is emptied', () => {
  const list = new ListValue()
  const empty = list.bytes
  for (let n = 0; n < 5000; n++) list.pushLeft(`value ${n}`)
  const full = list.bytes
  expect(full).toBeGreaterThan(5000 * (8 + 16 + 8))
  expect(full).toBeLessThan(5000 * (8 + 16 + 16) + 10_000)
  list.set(0, 'x'.repeat(10_000))
  expect(list.bytes - full).toBeGreaterThan(9000)
  list.trim(1, 0)
  expect(list.bytes).toBe(empty)
  expect(list.size).toBe(0)
})

test('a queue that is filled on one side and drained on the other does not grow', () => {
  const list = new ListValue()
  for (let n = 0; n < 10; n++) list.pushRight(`${n}`)
  const bytes = list.bytes
  for (let n = 10; n < 20_000; n++) {
    list.pushRight(`${n % 10}`)
    expect(list.popLeft()).toBe(`${n < 20 ? n - 10 : n % 10}`)
  }
  expect(list.bytes).toBe(bytes)
  expect(list.isSound()).toBe(true)
})

test('a long list is right everywhere, also after insertions in its middle', () => {
  const list = new ListValue()
  for (let n = 0; n < COUNT / 2; n++) {
    list.pushLeft(`${COUNT / 2 - 1 - n}`)
    list.pushRight(`${COUNT / 2 + n}`)
  }
  let wrong = 0
  for (let n = 0; n < COUNT; n += 97) if (list.get(n) !== `${n}`) wrong++
  for (let n = 1; n < COUNT; n += 997) if (list.get(-n) !== `${COUNT - n}`) wrong++
  expect(wrong).toBe(0)
  const middle = COUNT / 2
  for (let n = 0; n < 50; n++) expect(list.insertBefore(`${middle}`, `new ${n}`)).toBe(true)
  expect(list.range(middle - 1, middle + 1)).toEqual([`${middle - 1}`, 'new 0', 'new 1'])
  expect(list.get(middle + 50)).toBe(`${middle}`)
  list.trim(middle - 3, middle + 52)
  expect(list.size).toBe(56)
  expect(list.get(-1)).toBe(`${middle + 2}`)
  expect(list.isSound()).toBe(true)
})

test('the steps of a search are as many as there are chunks', () => {
  const list = new ListValue()
  for (let n = 0; n < 512 * 20; n++) list.pushRight(`${n}`)
  const steps = list.positionsSteps('9000')
  let count = 0
  let result = steps.next()
  for (; !result.done; result = steps.next()) count++
  expect(result.value).toEqual([9000])
  expect(count).toBe(20)
})

test('a list that is changed between two steps fails an assertion', () => {
  const list = new ListValue()
  for (let n = 0; n < 2000; n++) list.pushRight(`${n % 2}`)
  const removal = list.removeMatchingSteps('1', 0)
  removal.next()
  list.pushLeft('2')
  expect(() => removal.next()).toThrow('not changed between the steps')
  expect(list.isSound()).toBe(true)
  expect(list.size).toBe(2001 - 256)
})
