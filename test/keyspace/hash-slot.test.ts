/** The slot of a key: Redis' examples, and a second way to compute it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { HASH_SLOTS, hashSlotOf } from '../../src/keyspace/hash-slot.ts'

const byteString = (max: number) =>
  fc.uint8Array({ maxLength: max }).map((bytes) => Buffer.from(bytes).toString('latin1'))

test('the check value of the checksum, and slots that Redis names', () => {
  expect(crc16('123456789')).toBe(0x31c3)
  expect(hashSlotOf('123456789')).toBe(0x31c3 % HASH_SLOTS)
  expect(hashSlotOf('123456789')).toBe(12_739)
  expect(hashSlotOf('foo')).toBe(12_182)
  expect(hashSlotOf('')).toBe(0)
})

test('keys with one tag share a slot', () => {
  expect(hashSlotOf('{user1000}.following')).toBe(hashSlotOf('{user1000}.followers'))
  expect(hashSlotOf('{user1000}.following')).toBe(hashSlotOf('user1000'))
  expect(hashSlotOf('any{user1000}thing')).toBe(hashSlotOf('user1000'))
})

test.each([
  ['foo{}{bar}', 'foo{}{bar}'],
  ['foo{{bar}}zap', '{bar'],
  ['foo{bar}{zap}', 'bar'],
  ['{}', '{}'],
  ['{', '{'],
  ['foo{bar', 'foo{bar'],
  ['}foo{bar}', 'bar'],
  ['foo}bar', 'foo}bar'],
  ['a{\xff\x00}', '\xff\x00'],
])('of %j counts %j', (key, counted) => {
  expect(hashSlotOf(key)).toBe(crc16(counted) % HASH_SLOTS)
})

test('any bytes get the slot that the definition gives them', () => {
  fc.assert(
    fc.property(byteString(40), byteString(10), byteString(10), (key, before, behind) => {
      const plain = key.replaceAll('{', '')
      expect(hashSlotOf(plain)).toBe(crc16(plain) % HASH_SLOTS)
      const tag = plain.replaceAll('}', '')
      const tagged = `${before.replaceAll('{', '')}{${tag}}${behind}`
      expect(hashSlotOf(tagged)).toBe(crc16(tag === '' ? tagged : tag) % HASH_SLOTS)
    }),
  )
})

/** Bit by bit, as the checksum is defined. */
function crc16(text: string): number {
  let crc = 0
  for (const byte of Buffer.from(text, 'latin1')) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return crc
}
