/**
 * The probe: a key is the same words and the same hash, whatever it came as and whatever was there before.
 */
import { expect, test } from 'vitest'
import { hashKey } from '../../../src/memory/index.ts'
import { HASH_SEED_DEFAULT } from '../../../src/memory/key-table/key-hash.ts'
import { KeyProbe } from '../../../src/memory/key-table/key-probe.ts'

const LENGTH_MAX = 200

test('text and bytes of every length become the same words, with zeros behind', () => {
  for (let length = 0; length <= LENGTH_MAX; length++) {
    const bytes = Buffer.from(Uint8Array.from({ length: length + 5 }, (_, i) => 255 - (i % 251)))
    const text = bytes.toString('latin1', 5)
    const padded = Buffer.alloc((length + 3) & -4)
    padded.set(bytes.subarray(5))
    for (const take of [
      (probe: KeyProbe) => probe.takeText(text),
      (probe: KeyProbe) => probe.takeBytes(bytes, 5, length),
    ]) {
      const probe = new KeyProbe(LENGTH_MAX, HASH_SEED_DEFAULT)
      probe.takeText('\xff'.repeat(LENGTH_MAX))
      expect(take(probe)).toBe(true)
      expect([probe.length, probe.hash >>> 0]).toEqual([length, hashKey(text)])
      const words = Buffer.from(probe.words.buffer, 0, padded.length)
      expect(Buffer.compare(words, padded)).toBe(0)
    }
  }
})

test.each(['', 'a', 'käse', 'ключ', '🙂', 'x'.repeat(100), 'é'.repeat(90), '\ud800'])(
  'the text of a user is encoded as UTF-8: %s',
  (text) => {
    const probe = new KeyProbe(LENGTH_MAX, HASH_SEED_DEFAULT)
    expect(probe.takeUserText(text)).toBe(true)
    const encoded = Buffer.from(text).toString('latin1')
    expect([probe.length, probe.hash >>> 0]).toEqual([encoded.length, hashKey(encoded)])
  },
)

test('what is too long is no key', () => {
  const probe = new KeyProbe(LENGTH_MAX, HASH_SEED_DEFAULT)
  expect(probe.takeText('k'.repeat(LENGTH_MAX + 1))).toBe(false)
  expect(probe.takeUserText('é'.repeat(LENGTH_MAX / 2 + 1))).toBe(false)
  expect(probe.takeBytes(Buffer.alloc(LENGTH_MAX + 1), 0, LENGTH_MAX + 1)).toBe(false)
  expect(probe.takeUserText('é'.repeat(LENGTH_MAX / 2))).toBe(true)
})
