/** Names of segments, and what their first record says. */
import { expect, test } from 'vitest'
import {
  decodeSegmentInfo,
  encodeSegmentInfo,
  segmentHeadBytes,
  segmentName,
  segmentNumber,
} from '../../src/storage/segment-info.ts'

const INFO = { directory: 'f00d', shard: 3, number: 12, base: 2 ** 40, previous: 0xffff_ffff }

test('a number has one name, and the name gives it back', () => {
  for (const number of [1, 9, 10, 99_999_999, 100_000_000, 2 ** 49]) {
    expect(segmentNumber(segmentName(number))).toBe(number)
  }
  expect(segmentName(7)).toBe('00000007.log')
  // By its name, too, the next one comes next.
  expect([segmentName(10), segmentName(9)].sort()).toEqual([segmentName(9), segmentName(10)])
})

test('other names are no segments', () => {
  const names = ['7.log', '000000007.log', '00000000.log', '00000007.log.new', '00000007', 'reserve', 'a.log']
  for (const name of names) expect(segmentNumber(name), name).toBeUndefined()
})

test('a description is read as it was written', () => {
  expect(decodeSegmentInfo(encodeSegmentInfo(INFO))).toEqual(INFO)
  expect(encodeSegmentInfo(INFO).toString()).toBe(
    '{"directory":"f00d","shard":3,"number":12,"base":1099511627776,"previous":4294967295}',
  )
})

test('what is not whole is none', () => {
  const texts = ['', '{', 'null', '7', '[]', '{}']
  for (const key of Object.keys(INFO)) texts.push(JSON.stringify({ ...INFO, [key]: undefined }))
  for (const value of [-1, 0.5, '1', null]) texts.push(JSON.stringify({ ...INFO, number: value }))
  for (const text of texts) expect(decodeSegmentInfo(Buffer.from(text)), text).toBeUndefined()
})

test('a segment that holds nothing else has the size that is said', () => {
  expect(segmentHeadBytes(INFO)).toBe(16 + 32 + 88)
})
