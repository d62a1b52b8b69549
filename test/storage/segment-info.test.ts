/** Names of segments, and what their first record says. */
import { expect, test } from 'vitest'
import {
  decodeSegmentInfo,
  encodeSegmentInfo,
  segmentHeadBytes,
  segmentName,
  segmentNumber,
} from '../../src/storage/segment-info.ts'

const SEALING = { key: 'ab'.repeat(8), salt: '01'.repeat(32), seal: 'f0'.repeat(16) }
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

test('that of an encrypted segment says first with what key, and is read as it was written', () => {
  const sealed = { ...INFO, sealing: SEALING }
  const text = encodeSegmentInfo(sealed).toString()
  expect(decodeSegmentInfo(Buffer.from(text))).toEqual(sealed)
  expect(text).toMatch(/^\{"key":"(?:ab){8}","salt":"(?:01){32}","seal":"(?:f0){16}","directory":"f00d",/)
  for (const [name, value] of Object.entries(SEALING)) {
    for (const other of [
      value.slice(1),
      `${value}0`,
      value.replace(/.$/, 'g'),
      value.toUpperCase(),
      7,
      null,
    ]) {
      const wrong = JSON.stringify({ ...INFO, ...SEALING, [name]: other })
      if (other !== value) expect(decodeSegmentInfo(Buffer.from(wrong)), wrong).toBeUndefined()
    }
    const without = JSON.stringify({ ...INFO, ...SEALING, [name]: undefined })
    expect(decodeSegmentInfo(Buffer.from(without)), without).toBeUndefined()
  }
})

test('what is not whole is none', () => {
  const texts = ['', '{', 'null', '7', '[]', '{}']
  for (const key of Object.keys(INFO)) texts.push(JSON.stringify({ ...INFO, [key]: undefined }))
  for (const value of [-1, 0.5, '1', null]) texts.push(JSON.stringify({ ...INFO, number: value }))
  for (const text of texts) expect(decodeSegmentInfo(Buffer.from(text)), text).toBeUndefined()
})

test('a segment that holds nothing else has the size that is said', () => {
  const head = (payload: Buffer): Buffer => Buffer.concat([Buffer.alloc(48, 1), payload])
  const clear = head(encodeSegmentInfo(INFO))
  const sealed = head(encodeSegmentInfo({ ...INFO, sealing: SEALING }))
  expect(segmentHeadBytes(INFO, clear, true)).toBe(16 + 32 + 88)
  const sealedBytes = 16 + 32 + 8 * Math.ceil((sealed.length - 48) / 8)
  // What was begun, and is not whole, may be damaged anywhere else.
  const torn = Buffer.concat([sealed.subarray(0, 52), Buffer.alloc(200)])
  for (const start of [sealed, sealed.subarray(0, 60), torn, Buffer.alloc(512), Buffer.alloc(0)]) {
    expect(segmentHeadBytes(INFO, start, true)).toBe(sealedBytes)
  }
  for (const start of [clear.subarray(0, 60), head(Buffer.alloc(88, 2))]) {
    expect(segmentHeadBytes(INFO, start, true)).toBe(136)
  }
  expect(segmentHeadBytes(INFO, Buffer.alloc(512), false)).toBe(136)
})
