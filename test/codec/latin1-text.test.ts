/** Short texts out of bytes, of every length. */
import { expect, test } from 'vitest'
import {
  type Latin1Buffer,
  MIDDLE_CHARS_MAX,
  middleLatin1,
  SHORT_CHARS_MAX,
  shortLatin1,
  writeLatin1,
} from '../../src/codec/latin1-text.ts'

test('every length, with every byte', () => {
  const bytes = new Uint8Array(256 + MIDDLE_CHARS_MAX).map((_, i) => i)
  for (let length = 0; length <= MIDDLE_CHARS_MAX; length++) {
    const textOf = length <= SHORT_CHARS_MAX ? shortLatin1 : middleLatin1
    for (let start = 0; start < 256; start++) {
      const wanted = Buffer.from(bytes.slice(start, start + length)).toString('latin1')
      expect(textOf(bytes, start, length)).toBe(wanted)
    }
  }
})

test('into bytes, of every length by hand and by native code, and nothing beside', () => {
  const bytes = Buffer.alloc(100) as Latin1Buffer
  for (let length = 0; length <= 60; length++) {
    const text = String.fromCharCode(...Array.from({ length }, (_, i) => 255 - i))
    bytes.fill(7)
    writeLatin1(bytes, text, 5)
    expect(bytes.toString('latin1', 5, 5 + length)).toBe(text)
    expect([bytes[4], bytes[5 + length]]).toEqual([7, 7])
  }
})
