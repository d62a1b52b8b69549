/** Short texts out of bytes, of every length. */
import { expect, test } from 'vitest'
import { SHORT_CHARS_MAX, shortLatin1 } from '../../src/codec/latin1-text.ts'

test('every length, with every byte', () => {
  const bytes = new Uint8Array(256 + SHORT_CHARS_MAX).map((_, i) => i)
  for (let length = 0; length <= SHORT_CHARS_MAX; length++) {
    for (let start = 0; start < 256; start++) {
      const wanted = Buffer.from(bytes.slice(start, start + length)).toString('latin1')
      expect(shortLatin1(bytes, start, length)).toBe(wanted)
    }
  }
})
