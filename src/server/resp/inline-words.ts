/**
 * The words of an inline request, as a person types them: `SET greeting "hello\r\n"`.
 *
 * Words without quotes are left where they lie. A line with quotes is decoded into bytes of its own, all of
 * it, so that the words of a request lie in one place. In double quotes `\n \r \t \b \a` and `\xff` stand for
 * bytes and `\` before any other for that other; in single quotes only `\'` does.
 *
 * Invariants: 1. After `split` gave true, the rows of the table point into `bytes`. 2. The line itself is not
 * written to.
 * Tests: test/server/resp/inline-words.test.ts
 * Source: sdssplitargs of Redis.
 */

import type { ArgumentTable } from './argument-table.ts'
import { allocate } from './slab-pool.ts'

const TAB = 9
const LF = 10
const CR = 13
const SPACE = 32
const QUOTE = 34
const APOSTROPHE = 39
const BACKSLASH = 92
const SMALL_X = 120

const NOTHING: Uint8Array = allocate(0)
/** What a letter behind a backslash stands for. */
const ESCAPES: ReadonlyMap<number, number> = new Map([
  [110, LF],
  [114, CR],
  [116, TAB],
  [98, 8],
  [97, 7],
])

/** Splits lines. */
export class InlineWords {
  /** Where the words of the last line lie. */
  bytes: Uint8Array = NOTHING
  count = 0
  readonly #table: ArgumentTable
  #decodedBytes = 0

  constructor(table: ArgumentTable) {
    this.#table = table
  }

  /** The words of a line; false: a quote is not closed, or text follows it at once. */
  split(line: Uint8Array, start: number, end: number): boolean {
    this.bytes = line
    this.count = 0
    for (let at = start; at < end; ) {
      if (isSpace(line[at]!)) {
        at++
        continue
      }
      const from = at
      for (; at < end && !endsWord(line[at]!); at++) {
        if (line[at] === QUOTE || line[at] === APOSTROPHE) return this.#decode(line, start, end)
      }
      this.#word(from, at)
    }
    return true
  }

  /** Forgets the bytes of the last line. */
  clear(): void {
    this.bytes = NOTHING
  }

  #word(from: number, to: number): void {
    this.#table.put(this.count++, from, to - from)
  }

  #decode(line: Uint8Array, start: number, end: number): boolean {
    // Decoding makes nothing longer.
    this.bytes = allocate(end - start)
    this.count = 0
    this.#decodedBytes = 0
    for (let at = start; at < end; ) {
      if (isSpace(line[at]!)) {
        at++
        continue
      }
      const from = this.#decodedBytes
      at = this.#decodeWord(line, at, end)
      if (at < 0) return false
      this.#word(from, this.#decodedBytes)
    }
    return true
  }

  /** Where the word ends; -1: its quotes are wrong. */
  #decodeWord(line: Uint8Array, start: number, end: number): number {
    let at = start
    while (at < end) {
      const byte = line[at]!
      if (endsWord(byte)) return at
      if (byte !== QUOTE && byte !== APOSTROPHE) {
        this.#put(byte)
        at++
        continue
      }
      at = byte === QUOTE ? this.#decodeQuoted(line, at + 1, end) : this.#decodeVerbatim(line, at + 1, end)
      // A closing quote ends the word.
      if (at >= 0 && at < end && !isSpace(line[at]!)) return -1
      return at
    }
    return at
  }

  /** From behind a `"`: behind the one that closes it, or -1. */
  #decodeQuoted(line: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = line[at]!
      if (byte === QUOTE) return at + 1
      if (byte !== BACKSLASH || at + 1 === end) {
        this.#put(byte)
        continue
      }
      const next = line[++at]!
      const hex = next === SMALL_X && at + 2 < end ? hexByte(line[at + 1]!, line[at + 2]!) : -1
      if (hex >= 0) at += 2
      this.#put(hex >= 0 ? hex : (ESCAPES.get(next) ?? next))
    }
    return -1
  }

  /** From behind a `'`: behind the one that closes it, or -1. */
  #decodeVerbatim(line: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = line[at]!
      if (byte === APOSTROPHE) return at + 1
      if (byte === BACKSLASH && at + 1 < end && line[at + 1] === APOSTROPHE) at++
      this.#put(line[at]!)
    }
    return -1
  }

  #put(byte: number): void {
    this.bytes[this.#decodedBytes++] = byte
  }
}

/** As C's `isspace`. */
function isSpace(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CR)
}

/** Fewer than there are spaces: a vertical tab within a word belongs to it. */
function endsWord(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === CR || byte === LF
}

/** The byte of two hexadecimal digits, or -1. */
function hexByte(high: number, low: number): number {
  const one = hexDigit(high)
  const two = hexDigit(low)
  return one < 0 || two < 0 ? -1 : one * 16 + two
}

function hexDigit(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const letter = byte | 32
  return letter >= 97 && letter <= 102 ? letter - 87 : -1
}
