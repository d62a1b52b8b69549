/**
 * Payloads that Redis has made: of strings they are taken, whatever their encoding; of other types refused.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc64 } from '../../../../src/keyspace/engine/dump/crc64.ts'
import { readRdbString } from '../../../../src/keyspace/engine/dump/rdb-string.ts'
import { ErrorReply } from '../../../../src/keyspace/engine/index.ts'

/** Made by a server of version 7.0. */
const BY_REDIS: readonly (readonly [string, string])[] = [
  ['v', '0001760a009108ceb219388ace'],
  ['', '00000a005d9b5c400f7fa2da'],
  ['-7', '00c0f90a005e26d130d7a242ab'],
  ['300', '00c12c010a00954261f265825c10'],
  ['-70000', '00c290eefeff0a002875de7b13eb2800'],
  ['3000000000', '000a333030303030303030300a00e7076b7954bb7947'],
  ['a'.repeat(30), '00c3091e016161e011000161610a0045737cbb2b647bbb'],
  ['abcabcabc'.repeat(20), '00c30b40b40361626361e0a5020162630a002b5b6bac6c26c36d'],
]
const LIST = '1201020a0a0000000100816102ff0a0009b9edf594ded995'

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'))
}

/** A payload with a right end. */
function sealed(content: Uint8Array, version = 10): Uint8Array {
  const bytes = Buffer.alloc(content.length + 10)
  bytes.set(content)
  bytes.writeUInt16LE(version, content.length)
  bytes.writeBigUInt64LE(crc64(bytes.subarray(0, content.length + 2)), content.length + 2)
  return new Uint8Array(bytes)
}

function refusal(payload: Uint8Array): string {
  try {
    return `taken: ${readRdbString(payload)}`
  } catch (error) {
    return error instanceof ErrorReply ? error.message : `thrown: ${error}`
  }
}

const CHECKSUM = 'DUMP payload version or checksum are wrong'
const FORMAT = 'Bad data format'

describe('a payload of Redis', () => {
  test('has the check value of its checksum', () => {
    expect(crc64(Buffer.from('123456789')).toString(16)).toBe('e9c6d914c4b8d9ca')
  })

  test.each(BY_REDIS)('of the string %j is read', (value, hex) => {
    expect(readRdbString(bytesOf(hex))).toBe(value)
  })

  test('with a length of 14, 32 and 64 bits is read', () => {
    const value = 'xyz'.repeat(30)
    const content = Buffer.from(value)
    expect(readRdbString(sealed(Buffer.concat([Buffer.from([0, 0x40, 90]), content])))).toBe(value)
    expect(readRdbString(sealed(Buffer.concat([Buffer.from([0, 0x80, 0, 0, 0, 90]), content])))).toBe(value)
    const wide = Buffer.from([0, 0x81, 0, 0, 0, 0, 0, 0, 0, 90])
    expect(readRdbString(sealed(Buffer.concat([wide, content])))).toBe(value)
  })

  test('of another type, or of no type, is refused', () => {
    expect(refusal(bytesOf(LIST))).toBe(FORMAT)
    expect(refusal(sealed(new Uint8Array()))).toBe(FORMAT)
  })

  test('of a newer version, or too short for one, is refused', () => {
    expect(refusal(sealed(Uint8Array.of(0, 1, 0x76), 11))).toBe('taken: v')
    expect(refusal(sealed(Uint8Array.of(0, 1, 0x76), 12))).toBe(CHECKSUM)
    expect(refusal(new Uint8Array(9))).toBe(CHECKSUM)
  })

  test('with any bit flipped is refused', () => {
    for (const [, hex] of BY_REDIS) {
      const payload = bytesOf(hex)
      for (let bit = 0; bit < payload.length * 8; bit++) {
        const damaged = payload.slice()
        damaged[bit >> 3]! ^= 1 << (bit & 7)
        expect(refusal(damaged)).toBe(CHECKSUM)
      }
    }
  })

  test('whose content lies about a length is refused', () => {
    const lies = [
      [0, 2, 0x76],
      [0, 1, 0x76, 0x76],
      [0, 0x40],
      [0, 0x80, 0xff, 0xff, 0xff, 0xff],
      [0, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
      [0, 0x82, 1],
      [0, 0xc1, 1],
      [0, 0xc4, 1],
      // LZF: more than it can stand for, a copy from before the beginning, too short, too long, cut off.
      [0, 0xc3, 2, 0x80, 0x1f, 0xff, 0xff, 0xff, 0, 0x61],
      [0, 0xc3, 2, 3, 0x20, 0],
      [0, 0xc3, 2, 2, 0, 0x61],
      [0, 0xc3, 3, 1, 1, 0x61, 0x61],
      [0, 0xc3, 1, 3, 0x20],
      [0, 0xc3, 1, 9, 0xe0],
    ]
    for (const content of lies)
      expect([content, refusal(sealed(Uint8Array.from(content)))]).toEqual([content, FORMAT])
  })

  test('with any content is read or refused, and nothing else', () => {
    const start = fc.constantFrom([0, 0xc3], [0, 0xc3, 10, 60], [0, 0x40], [0])
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 40 }), (head, tail) => {
        expect(refusal(sealed(Uint8Array.from([...head, ...tail])))).toMatch(/^Bad data format$|^taken: /)
      }),
      { numRuns: 2000 },
    )
  })
})
