/**
 * Strings that never expire: SET without options, INCR and its kin, in one step each.
 *
 * The key is looked for once, and readers see one change. What is no such string, or must become none, is
 * left to the long way, untouched.
 *
 * Writer: the shard's thread. Readers: `KeyTableReader`, told by the sequence of the stripe.
 * Invariants: those of records.ts. Tests: test/memory/key-table/put-plain.test.ts
 */
import { type Arena, type ArenaRef, type ByteSource, NO_REF } from '../arena/index.ts'
import { storePayload } from '../seqlock.ts'
import type { KeyProbe } from './key-probe.ts'
import { CLOCK_BELOW, CLOCK_SHIFT, EXPIRE_HIGH, EXPIRE_LOW, META, TYPE_MASK } from './key-table-layout.ts'
import type { Records } from './records.ts'
import type { Stripes } from './stripes.ts'

/** Of an integer that a number holds exactly, with its sign. */
const DIGITS_MAX = 17
const MINUS = 45
const ZERO = 48

/** The plain strings of a table. */
export class PlainStrings {
  readonly #arena: Arena
  readonly #stripes: Stripes
  readonly #records: Records
  /** Where `add` writes a sum. */
  readonly #digits = new Uint8Array(DIGITS_MAX)

  constructor(stripes: Stripes, records: Records) {
    this.#arena = stripes.arena
    this.#stripes = stripes
    this.#records = records
  }

  /**
   * Sets the string of the key in `probe`, if that is new, or a string that never expires, with revision and
   * access clock. NO_REF: it is another, and untouched.
   */
  put(
    probe: KeyProbe,
    source: ByteSource,
    start: number,
    length: number,
    revision: number,
    accessClock: number,
  ): ArenaRef {
    const found = this.#stripes.find(probe)
    if (found !== NO_REF && !this.#isPlain(found)) return NO_REF
    return this.#put(found, probe, source, start, length, revision, accessClock)
  }

  /** Adds to the integer of such a key, or to 0; the sum, or NaN: it is none of ours, and untouched. */
  add(probe: KeyProbe, step: number, revision: number, accessClock: number): number {
    const found = this.#stripes.find(probe)
    const records = this.#records
    let sum = step
    if (found !== NO_REF) {
      if (!this.#isPlain(found) || records.isChunked(found)) return Number.NaN
      const start = records.valueWord(found) << 2
      sum += readInteger(this.#arena.bytesOf(found), start, records.valueLength(found))
      if (!Number.isSafeInteger(sum)) return Number.NaN
    }
    const start = writeDigits(this.#digits, sum)
    this.#put(found, probe, this.#digits, start, DIGITS_MAX - start, revision, accessClock)
    return sum
  }

  #isPlain(ref: ArenaRef): boolean {
    const words = this.#arena.wordsOf(ref)
    const record = this.#arena.wordOf(ref)
    if ((words[record + META]! & TYPE_MASK) !== 0) return false
    return words[record + EXPIRE_LOW] === 0 && words[record + EXPIRE_HIGH] === 0
  }

  #put(
    found: ArenaRef,
    probe: KeyProbe,
    source: ByteSource,
    start: number,
    length: number,
    revision: number,
    accessClock: number,
  ): ArenaRef {
    const arena = this.#arena
    const ref = this.#records.putFound(found, probe, source, start, length, revision)
    const words = arena.wordsOf(ref)
    const at = arena.wordOf(ref) + META
    // No write section: a reader takes the same from either meta.
    storePayload(words, at, (words[at]! & CLOCK_BELOW) | (accessClock << CLOCK_SHIFT), arena.isAtomic)
    return ref
  }
}

/** The integer that bytes spell as Redis writes one, as far as a number holds it exactly; else NaN. */
function readInteger(bytes: Uint8Array, start: number, length: number): number {
  const isNegative = length > 0 && bytes[start] === MINUS
  const end = start + length
  let at = isNegative ? start + 1 : start
  if (at === end || end - at >= DIGITS_MAX) return Number.NaN
  if (bytes[at] === ZERO) return length === 1 ? 0 : Number.NaN
  let value = 0
  for (; at < end; at++) {
    const digit = bytes[at]! - ZERO
    if (digit < 0 || digit > 9) return Number.NaN
    value = value * 10 + digit
  }
  if (value > Number.MAX_SAFE_INTEGER) return Number.NaN
  return isNegative ? -value : value
}

/** Writes a safe integer at the end of `digits`: where it begins. */
function writeDigits(digits: Uint8Array, value: number): number {
  let rest = Math.abs(value)
  let at = digits.length
  do {
    const quotient = Math.floor(rest / 10)
    digits[--at] = ZERO + (rest - quotient * 10)
    rest = quotient
  } while (rest > 0)
  if (value < 0) digits[--at] = MINUS
  return at
}
