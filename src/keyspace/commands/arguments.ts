/**
 * Reading arguments of commands: numbers as Redis reads them, options by name.
 *
 * Redis takes an integer only in the form in which it would print it: no spaces, no `+`, no leading zeros.
 * Each reader throws the reply that the caller gets.
 *
 * Tests: test/keyspace/commands/arguments.test.ts
 */
import {
  type ByteString,
  type ErrorReply,
  err,
  NOT_FLOAT,
  NOT_INTEGER,
  SYNTAX_ERROR,
} from '../engine/index.ts'

const ZERO = 0x30
const INTEGER = /^(?:0|-?[1-9][0-9]{0,18})$/
const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
const FLOAT = /^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?|inf(?:inity)?)$/i

/**
 * A 64-bit integer as a number: exact up to 2^53, which is enough for counts, indexes and times.
 *
 * @throws ErrorReply `refusal` when it is none
 */
export function integer(text: ByteString, refusal: ErrorReply = NOT_INTEGER): number {
  const digit = text.charCodeAt(0) - ZERO
  // Counts, indexes and the like are often one digit.
  if (text.length === 1 && digit >= 0 && digit <= 9) return digit
  if (!INTEGER.test(text)) throw refusal
  const value = Number(text)
  if (Number.isSafeInteger(value)) return value
  return Number(int64(text, refusal))
}

/** A 64-bit integer, exact. @throws ErrorReply `refusal` when it is none */
export function int64(text: ByteString, refusal: ErrorReply = NOT_INTEGER): bigint {
  if (!INTEGER.test(text)) throw refusal
  const value = BigInt(text)
  if (value > INT64_MAX || value < INT64_MIN) throw refusal
  return value
}

/** Whether a value fits 64 bits, signed. */
export function fitsInt64(value: bigint): boolean {
  return value <= INT64_MAX && value >= INT64_MIN
}

/** A double; infinities are allowed, NaN is not. @throws ErrorReply `refusal` when it is none */
export function float(text: ByteString, refusal: ErrorReply = NOT_FLOAT): number {
  if (!FLOAT.test(text)) throw refusal
  if (/inf/i.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return Number(text)
}

/** An integer of at least `min`. @throws ErrorReply `refusal` when it is less */
export function integerFrom(text: ByteString, min: number, refusal: ErrorReply): number {
  const value = integer(text)
  if (value < min) throw refusal
  return value
}

/** An integer that C would keep in fewer bits. @throws ErrorReply */
export function integerWithin(text: ByteString, min: number, max: number): number {
  const value = integer(text)
  if (value < min || value > max) throw err(`value is out of range, value must between ${min} and ${max}`)
  return value
}

/** The number of keys that follows in the arguments, such as that of ZUNION. @throws ErrorReply */
export function keyCount(argv: readonly ByteString[], at: number, refusal: ErrorReply): number {
  const count = integer(argv[at] ?? '')
  if (count <= 0) throw refusal
  if (count > argv.length - at - 1) throw SYNTAX_ERROR
  return count
}

/** Walks the options of a command. */
export class OptionReader {
  readonly #argv: readonly ByteString[]
  #index: number

  /** Begins at an index of the arguments. */
  constructor(argv: readonly ByteString[], from: number) {
    this.#argv = argv
    this.#index = from
  }

  get isAtEnd(): boolean {
    return this.#index >= this.#argv.length
  }

  /** Where the next argument stands. */
  get index(): number {
    return this.#index
  }

  /** The number of arguments left. */
  get left(): number {
    return this.#argv.length - this.#index
  }

  /** The next option's name, in upper case. */
  name(): string {
    return this.value().toUpperCase()
  }

  /** Takes the next argument if it is this word, whatever its case. */
  takes(word: string): boolean {
    if (this.isAtEnd || this.#argv[this.#index]!.toUpperCase() !== word) return false
    this.#index++
    return true
  }

  /** The next argument. @throws SYNTAX_ERROR when there is none */
  value(): ByteString {
    const value = this.#argv[this.#index++]
    if (value === undefined) throw SYNTAX_ERROR
    return value
  }

  integer(refusal?: ErrorReply): number {
    return integer(this.value(), refusal)
  }
}

/** The refusal of a time to live that is not above zero, as Redis words it. */
export function invalidExpire(command: string): ErrorReply {
  return err(`invalid expire time in '${command.toLowerCase()}' command`)
}
