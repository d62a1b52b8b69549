/**
 * The key that is being looked for, as records hold it: words, zeros behind the last byte, and its hash.
 *
 * A key comes as text or as bytes and goes into one private buffer, where it is hashed and from which it is
 * compared word by word. So there is one comparison and one hash, whatever the key came as, and nothing is
 * allocated.
 *
 * Cost: 15 to 30 ns for a key of 16 bytes. Tests: test/memory/key-table/key-probe.test.ts
 */
import type { NativeBuffer } from '../arena/index.ts'
import { type HashSeed, hashWords } from './key-hash.ts'

/** Up to here a loop is faster than `latin1Write`. */
const LOOP_CHARS_MAX = 64

/** One key at a time. */
export class KeyProbe {
  /** The key; valid up to `(length + 3) >> 2`. */
  readonly words: Int32Array<ArrayBuffer>
  length = 0
  /** An int32. */
  hash = 0
  readonly #bytes: NativeBuffer
  readonly #lengthMax: number
  readonly #seedLow: number
  readonly #seedHigh: number

  constructor(lengthMax: number, seed: HashSeed) {
    this.words = new Int32Array((lengthMax + 3) >> 2)
    this.#bytes = Buffer.from(this.words.buffer) as NativeBuffer
    this.#lengthMax = lengthMax
    this.#seedLow = seed[0] | 0
    this.#seedHigh = seed[1] | 0
  }

  /** Takes a `ByteString`. False when it is too long to be a key. */
  takeText(key: string): boolean {
    const length = key.length
    if (length > this.#lengthMax) return false
    if (length <= LOOP_CHARS_MAX) this.#takeChars(key, length)
    else {
      this.words[length >> 2] = 0
      this.#bytes.latin1Write(key, 0, length)
    }
    this.#finish(length)
    return true
  }

  /** Takes text of any characters, encoded as UTF-8. False when it is too long to be a key. */
  takeUserText(key: string): boolean {
    const length = key.length
    if (length > this.#lengthMax) return false
    if (length <= LOOP_CHARS_MAX && this.#takeChars(key, length) < 0x80) {
      this.#finish(length)
      return true
    }
    const encoded = Buffer.from(key)
    return this.takeBytes(encoded, 0, encoded.length)
  }

  /** Takes bytes. False when they are too many to be a key. */
  takeBytes(bytes: Uint8Array, offset: number, length: number): boolean {
    if (length > this.#lengthMax) return false
    const { words } = this
    if (length <= LOOP_CHARS_MAX) {
      const full = length >> 2
      let at = offset
      for (let i = 0; i < full; i++, at += 4) {
        words[i] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
      }
      let rest = 0
      for (let i = (length & 3) - 1; i >= 0; i--) rest = (rest << 8) | bytes[at + i]!
      if ((length & 3) !== 0) words[full] = rest
    } else {
      if ((length & 3) !== 0) words[length >> 2] = 0
      this.#bytes.set(bytes.subarray(offset, offset + length))
    }
    this.#finish(length)
    return true
  }

  /** Puts the characters into words; returns all their bits together. */
  #takeChars(key: string, length: number): number {
    const { words } = this
    const full = length >> 2
    let seen = 0
    let at = 0
    for (let i = 0; i < full; i++, at += 4) {
      const a = key.charCodeAt(at)
      const b = key.charCodeAt(at + 1)
      const c = key.charCodeAt(at + 2)
      const d = key.charCodeAt(at + 3)
      words[i] = a | (b << 8) | (c << 16) | (d << 24)
      seen |= a | b | c | d
    }
    if ((length & 3) === 0) return seen
    let rest = 0
    for (let i = (length & 3) - 1; i >= 0; i--) {
      const code = key.charCodeAt(at + i)
      rest = (rest << 8) | code
      seen |= code
    }
    words[full] = rest
    return seen
  }

  #finish(length: number): void {
    this.length = length
    this.hash = hashWords(this.words, length, this.#seedLow, this.#seedHigh)
  }
}
