/** The checksum of Redis' payloads and files: its check value, and any way to cut the bytes. */
import { expect, test } from 'vitest'
import { Crc64, crc64 } from '../../../../src/keyspace/engine/dump/crc64.ts'

const POLYNOMIAL = 0x95ac9329ac4bc9b5n

/** Bit by bit, as the definition has it. */
function slowly(bytes: Uint8Array): bigint {
  let crc = 0n
  for (const byte of bytes) {
    crc ^= BigInt(byte)
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1n) === 0n ? crc >> 1n : (crc >> 1n) ^ POLYNOMIAL
  }
  return crc
}

const BYTES = Uint8Array.from({ length: 100 }, (_, i) => (i * 167 + (i >> 3)) & 0xff)

test('the checksum has its check value', () => {
  expect(crc64(Buffer.from('123456789')).toString(16)).toBe('e9c6d914c4b8d9ca')
  expect(crc64(new Uint8Array())).toBe(0n)
})

test('the checksum of any number of bytes is that of the definition', () => {
  for (let length = 0; length <= BYTES.length; length++) {
    const bytes = BYTES.subarray(0, length)
    expect([length, crc64(bytes)]).toEqual([length, slowly(bytes)])
  }
})

test('the checksum is the same, wherever the bytes are cut', () => {
  const whole = crc64(BYTES)
  for (let first = 0; first <= BYTES.length; first++) {
    for (const second of [first, Math.min(first + 9, BYTES.length), BYTES.length]) {
      const crc = new Crc64()
      crc.update(BYTES, 0, first)
      crc.update(BYTES.subarray(first, second))
      crc.update(BYTES, second)
      expect([first, second, crc.value]).toEqual([first, second, whole])
    }
  }
})
