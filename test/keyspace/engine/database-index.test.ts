import { expect, test } from 'vitest'
import { databaseIndex, ErrorReply } from '../../../src/keyspace/engine/index.ts'

test('a database is named by its number and nothing else, as in Redis', () => {
  expect(['0', '7', '15'].map((text) => databaseIndex(text))).toEqual([0, 7, 15])
  const refusals = ['', ' 3', '03', '0x3', '1e0', '-0', '+1', 'a', '16', '-1'].map((text) => {
    const index = databaseIndex(text)
    return index instanceof ErrorReply ? index.text : index
  })
  expect(databaseIndex('3', 4)).toBe(3)
  expect(databaseIndex('4', 4)).toBeInstanceOf(ErrorReply)
  const noInteger = 'ERR value is not an integer or out of range'
  const outOfRange = 'ERR DB index is out of range'
  expect(refusals).toEqual([...Array(8).fill(noInteger), outOfRange, outOfRange])
})
