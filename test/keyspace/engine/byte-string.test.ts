/** Bytes as strings, at the edge between users and the engine. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  argumentOf,
  arrayOfBytes,
  byteString,
  bytesOfText,
  isAscii,
  LARGE_VALUE_BYTES,
  textOfBytes,
} from '../../../src/keyspace/engine/byte-string.ts'

describe('a string of bytes', () => {
  test('is the same string as text that is ASCII', () => {
    const text = 'user:1 \x00\x7f'
    expect(isAscii(text)).toBe(true)
    expect(bytesOfText(text)).toBe(text)
    expect(textOfBytes(text)).toBe(text)
  })

  test('holds the UTF-8 of other text, a byte a unit', () => {
    expect(isAscii('é')).toBe(false)
    expect(bytesOfText('é€𐍈')).toBe('\xc3\xa9\xe2\x82\xac\xf0\x90\x8d\x88')
    expect(textOfBytes('\xc3\xa9')).toBe('é')
  })

  test('that is not UTF-8 reads as U+FFFD, in either form', () => {
    expect(textOfBytes('a\xff')).toBe('a\ufffd')
    expect(textOfBytes(Uint8Array.of(0x61, 0xff))).toBe('a\ufffd')
  })

  test('gives any text back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(textOfBytes(bytesOfText(text))).toBe(text)
      }),
    )
  })

  test('gives any bytes back, from a view into something larger as well', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.nat(8), (bytes, offset) => {
        const larger = new Uint8Array(bytes.length + offset + 3)
        larger.set(bytes, offset)
        const view = larger.subarray(offset, offset + bytes.length)
        expect(arrayOfBytes(byteString(view))).toEqual(bytes)
        expect(arrayOfBytes(view)).toEqual(bytes)
      }),
    )
  })

  test('becomes a copy whose buffer is its own', () => {
    for (const source of ['abc', Uint8Array.of(1, 2, 3)]) {
      const copy = arrayOfBytes(source)
      expect(copy.buffer.byteLength).toBe(3)
      if (typeof source !== 'string') expect(copy.buffer).not.toBe(source.buffer)
    }
  })
})

describe('an argument', () => {
  test('is a string while it is small', () => {
    expect(argumentOf('é')).toBe('\xc3\xa9')
    expect(argumentOf(Uint8Array.of(0xff))).toBe('\xff')
    expect(typeof argumentOf(new Uint8Array(LARGE_VALUE_BYTES - 1))).toBe('string')
  })

  test('stays bytes when it is large', () => {
    const large = new Uint8Array(LARGE_VALUE_BYTES)
    expect(argumentOf(large)).toBe(large)
  })
})
