/**
 * Bytes and Latin-1 text into and out of shared memory, as payload of a seqlock.
 *
 * Where plain payload is sound, long runs go through the built-in copies, which cost some 60 ns a call and
 * nothing a byte; short ones through a loop over words. Where it is not, every word is stored and loaded
 * with `Atomics`, so there is only the loop. A word that is stored in part keeps its other bytes, which
 * readers may be using: they see it before or after, never broken.
 *
 * Writer: the functions `store…`, `fill…` and `move…`. Readers: `load…`; what they return is true only after
 * validation. All positions are bytes in a segment, and the caller has bounded them.
 * Invariants: (1) no byte outside the range changes; (2) with `isAtomic` shared memory is accessed by
 * `Atomics` only, but for what the writer loads of its own.
 * Cost: bench figures of the table. Tests: test/memory/arena/block-bytes.prop.test.ts
 */
import { isAscii } from 'node:buffer'
import { type SharedWords, storePayload } from '../seqlock.ts'

/** `Buffer` has these, but its types do not say so. */
export type NativeBuffer = Buffer & {
  latin1Slice(start: number, end: number): string
  latin1Write(text: string, offset: number, length: number): number
  utf8Slice(start: number, end: number): string
}

/** Up to here a loop is faster than a call of a built-in copy. */
const LOOP_BYTES_MAX = 64
const LOOP_CHARS_MAX = 24
/** The same for bytes that come or go four at a time, as words: a copy takes a view besides. */
const LOOP_WORDS_MAX = 128
/** Up to here a loop over words is faster than `isAscii`, which needs a view of its own. */
const ASCII_LOOP_BYTES_MAX = 256
const NON_ASCII = 0x80808080 | 0

/** What is stored: text of code units up to 255, or bytes. */
export type ByteSource = string | Uint8Array

/** Stores `length` bytes of a source at `offset`. Returns whether all of them are ASCII. */
export function storeSource(
  words: SharedWords,
  bytes: Buffer,
  offset: number,
  source: ByteSource,
  start: number,
  length: number,
  isAtomic: boolean,
): boolean {
  if (typeof source === 'string') {
    if (isAtomic || length <= LOOP_CHARS_MAX) return storeText(words, offset, source, start, length, isAtomic)
    const part = length === source.length ? source : source.slice(start, start + length)
    ;(bytes as NativeBuffer).latin1Write(part, offset, length)
  } else {
    if (isAtomic || length <= LOOP_WORDS_MAX) {
      return storeBytes(words, offset, source, start, length, isAtomic)
    }
    bytes.set(source.subarray(start, start + length), offset)
  }
  if ((offset & 3) === 0 && length <= ASCII_LOOP_BYTES_MAX) return areWordsAscii(words, offset >> 2, length)
  return isAscii(bytes.subarray(offset, offset + length))
}

/** Whether the first `length` bytes in words from `at` on are ASCII. */
function areWordsAscii(words: SharedWords, at: number, length: number): boolean {
  const full = length >> 2
  let seen = (length & 3) === 0 ? 0 : words[at + full]! & ((1 << ((length & 3) << 3)) - 1)
  for (let i = 0; i < full; i++) seen |= words[at + i]!
  return (seen & NON_ASCII) === 0
}

/** Stores text in words, part of a word where it begins or ends in one. */
function storeText(
  words: SharedWords,
  offset: number,
  text: string,
  start: number,
  length: number,
  isAtomic: boolean,
): boolean {
  const end = offset + length
  let from = start
  let seen = 0
  let at = offset
  while (at < end) {
    if ((at & 3) === 0 && at + 4 <= end) {
      const word =
        text.charCodeAt(from) |
        (text.charCodeAt(from + 1) << 8) |
        (text.charCodeAt(from + 2) << 16) |
        (text.charCodeAt(from + 3) << 24)
      storePayload(words, at >> 2, word, isAtomic)
      seen |= word
      at += 4
      from += 4
    } else {
      const code = text.charCodeAt(from++) & 255
      storeByte(words, at++, code, isAtomic)
      seen |= code
    }
  }
  return (seen & NON_ASCII) === 0
}

/** The same from bytes. */
function storeBytes(
  words: SharedWords,
  offset: number,
  source: Uint8Array,
  start: number,
  length: number,
  isAtomic: boolean,
): boolean {
  const end = offset + length
  let from = start
  let seen = 0
  let at = offset
  while (at < end) {
    if ((at & 3) === 0 && at + 4 <= end) {
      const word =
        source[from]! | (source[from + 1]! << 8) | (source[from + 2]! << 16) | (source[from + 3]! << 24)
      storePayload(words, at >> 2, word, isAtomic)
      seen |= word
      at += 4
      from += 4
    } else {
      const code = source[from++]!
      storeByte(words, at++, code, isAtomic)
      seen |= code
    }
  }
  return (seen & NON_ASCII) === 0
}

/** Replaces one byte of a word. */
function storeByte(words: SharedWords, at: number, value: number, isAtomic: boolean): void {
  const shift = (at & 3) << 3
  storePayload(words, at >> 2, (words[at >> 2]! & ~(255 << shift)) | (value << shift), isAtomic)
}

/** Stores zeros. */
export function fillZeros(
  words: SharedWords,
  bytes: Buffer,
  offset: number,
  length: number,
  isAtomic: boolean,
): void {
  if (!isAtomic && length > LOOP_BYTES_MAX) {
    bytes.fill(0, offset, offset + length)
    return
  }
  const end = offset + length
  for (let at = offset; at < end; ) {
    if ((at & 3) === 0 && at + 4 <= end) {
      storePayload(words, at >> 2, 0, isAtomic)
      at += 4
    } else storeByte(words, at++, 0, isAtomic)
  }
}

/** Copies whole words from one block to another. */
export function moveWords(
  source: SharedWords,
  sourceWord: number,
  target: SharedWords,
  targetWord: number,
  count: number,
  isAtomic: boolean,
): void {
  if (!isAtomic && count > LOOP_BYTES_MAX) {
    target.set(source.subarray(sourceWord, sourceWord + count), targetWord)
    return
  }
  for (let i = 0; i < count; i++) storePayload(target, targetWord + i, source[sourceWord + i]!, isAtomic)
}

/** Copies `length` bytes out of words from `word` on, for who writes them: nobody changes them meanwhile. */
export function copyOwn(
  words: SharedWords,
  bytes: Buffer,
  word: number,
  length: number,
  target: Uint8Array,
  at: number,
): void {
  if (length > LOOP_WORDS_MAX) {
    target.set(bytes.subarray(word << 2, (word << 2) + length), at)
    return
  }
  const end = word + (length >> 2)
  let to = at
  for (let from = word; from < end; from++, to += 4) {
    const value = words[from]!
    target[to] = value
    target[to + 1] = value >>> 8
    target[to + 2] = value >>> 16
    target[to + 3] = value >>> 24
  }
  for (let i = 0; i < (length & 3); i++) target[to + i] = words[end]! >>> (i << 3)
}

/** Copies bytes out of shared memory to `target`. */
export function loadBytes(
  words: SharedWords,
  bytes: Buffer,
  offset: number,
  length: number,
  target: Uint8Array,
  at: number,
  isAtomic: boolean,
): void {
  if (!isAtomic) {
    target.set(bytes.subarray(offset, offset + length), at)
    return
  }
  for (let i = 0, word = 0; i < length; i++) {
    const from = offset + i
    if (i === 0 || (from & 3) === 0) word = Atomics.load(words, from >> 2)
    target[at + i] = word >>> ((from & 3) << 3)
  }
}
