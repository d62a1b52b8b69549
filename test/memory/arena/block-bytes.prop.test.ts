/** Bytes and text in and out of shared memory: at any offset, of any length, nothing beside it changes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { copyOwn, fillZeros, loadBytes, moveWords, storeSource } from '../../../src/memory/arena/index.ts'

const SIZE = 1024
const place = fc.record({
  offset: fc.nat(300),
  content: fc.oneof(
    fc.array(fc.nat(127), { size: 'max', maxLength: 400 }),
    fc.array(fc.nat(255), { size: 'max', maxLength: 400 }),
  ),
  before: fc.nat(3),
  after: fc.nat(3),
})

test.each([false, true])('what is stored is what is there, and only that (atomic: %s)', (isAtomic) => {
  fc.assert(
    fc.property(place, fc.boolean(), ({ offset, content, before, after }, isText) => {
      const { words, bytes } = memory()
      const wanted = Buffer.from(bytes)
      wanted.set(content, offset)
      const source = Buffer.from([...Array(before).fill(200), ...content, ...Array(after).fill(201)])
      const given = isText ? source.toString('latin1') : source
      const isAscii = storeSource(words, bytes, offset, given, before, content.length, isAtomic)
      expect(Buffer.compare(Buffer.from(bytes), wanted)).toBe(0)
      expect(isAscii).toBe(content.every((byte) => byte < 128))
      const target = Buffer.alloc(content.length + 2, 9)
      loadBytes(words, bytes, offset, content.length, target, 1, isAtomic)
      expect([...target]).toEqual([9, ...content, 9])
      fillZeros(words, bytes, offset, content.length, isAtomic)
      wanted.fill(0, offset, offset + content.length)
      expect(Buffer.compare(Buffer.from(bytes), wanted)).toBe(0)
    }),
    { numRuns: 500 },
  )
})

test('what the writer copies out is what is there, of any length, and nothing beside', () => {
  const { words, bytes } = memory()
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * 7) & 255
  for (let length = 0; length < 200; length++) {
    const target = Buffer.alloc(length + 2, 9)
    copyOwn(words, bytes, 3, length, target, 1)
    expect([...target]).toEqual([9, ...bytes.subarray(12, 12 + length), 9])
  }
})

test.each([false, true])('words are moved whole (atomic: %s)', (isAtomic) => {
  fc.assert(
    fc.property(fc.nat(50), fc.nat(50), fc.nat(120), (from, to, count) => {
      const source = memory()
      const target = memory()
      target.words.fill(-1)
      moveWords(source.words, from, target.words, to, count, isAtomic)
      const wanted = new Int32Array(SIZE / 4).fill(-1)
      wanted.set(source.words.subarray(from, from + count), to)
      expect([...target.words]).toEqual([...wanted])
    }),
  )
})

/** Memory in which every byte is above ASCII, so that a neighbour taken for content is seen. */
function memory() {
  const buffer = new SharedArrayBuffer(SIZE)
  const bytes = Buffer.from(buffer)
  for (let i = 0; i < SIZE; i++) bytes[i] = 128 + (i % 127)
  return { words: new Int32Array(buffer), bytes }
}
