/**
 * What a parameter's value may be: one object reads it, prints it, and says what is allowed.
 *
 * A value is given as words: one from `CONFIG SET`, several from a line of a file. A type that takes several
 * splits what it is given at blanks, so both mean the same. Words are bytes, since a password may be any; a
 * type of texts makes texts of them. Whatever is refused is told in Redis' words, as a value and not as an
 * exception: the same texts answer a client and explain a line of a file.
 *
 * Invariants: reading what was printed gives the value again. A value is plain data, which may be sent to
 * other threads.
 *
 * Tests: test/server/parameters/types.prop.test.ts
 */
import { type ByteString, bytesOfText } from '../../keyspace/engine/index.ts'

/** A value as it is kept: plain data. */
export type ParameterValue =
  | string
  | number
  | boolean
  | readonly string[]
  | readonly number[]
  | Readonly<Record<string, readonly number[]>>

/** What was read: a value, or why there is none. */
export type Parsed<V> = { readonly value: V } | { readonly refusal: string }

/** A kind of values. */
export interface ParameterType<V extends ParameterValue = ParameterValue> {
  /** Reads words. `before` is the present value, of which a type may change a part. */
  parse(words: readonly ByteString[], before: V): Parsed<V>
  /** As `CONFIG GET` shows it. */
  print(value: V): ByteString
  /** As words of a line in a file, or several lines; default: what `print` gives, as one word. */
  lines?(value: V): readonly (readonly ByteString[])[]
  /** What is allowed, for people: `integer 1..65535`. */
  readonly allowed: string
  /** What stands for a value in a help text: `N`, `FILE`. */
  readonly placeholder: string
  /** The words, where the value is one of few. */
  readonly choices?: readonly string[]
  /** Whether `true` and `false` are words for it outside of the protocol, and a flag needs no value. */
  readonly isYesNo?: true
  /** A number that a program gives is the value itself, however texts write it: a mode. */
  readonly isGivenAsValue?: true
  /** Lines of a file add up: the second does not replace the first. */
  readonly isCumulative?: true
}

/** A refusal. */
export function refused(refusal: string): { readonly refusal: string } {
  return { refusal }
}

/** Words, each of which may be several. */
export function splitWords(words: readonly ByteString[]): ByteString[] {
  return words.flatMap((word) => word.split(' ')).filter((word) => word !== '')
}

/** One word of several, for a type that knows no words. */
export function joinWords(words: readonly ByteString[]): ByteString {
  return words.join(' ')
}

/**
 * Reads a value as a program or a TOML file gives it; undefined: no parameter has such a value. Lists are
 * words, tables are keys with their words: `{ normal: [0, 0, 0] }`. Of a type that takes several lines, each
 * item is a line.
 */
export function parseOption<V extends ParameterValue>(
  type: ParameterType<V>,
  value: unknown,
  before: V,
): Parsed<V> | undefined {
  if (type.isCumulative === true && isTexts(value)) {
    let parsed: Parsed<V> = { value: before }
    for (const line of value) {
      if ('refusal' in parsed) break
      parsed = type.parse(bytesOfText(line).split(' '), parsed.value)
    }
    return parsed
  }
  const words = wordsOf(type, value)
  return words && type.parse(words, before)
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function wordsOf(type: ParameterType, value: unknown): ByteString[] | undefined {
  if (typeof value === 'string') return [yesNoWord(type, bytesOfText(value))]
  if (typeof value === 'boolean') return [value ? 'yes' : 'no']
  if (typeof value === 'number' || typeof value === 'bigint') return [String(value)]
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined
  const parts = Array.isArray(value)
    ? value.map((item: unknown) => wordsOf(type, item))
    : Object.entries(value).map(([key, item]) => {
        const words = wordsOf(type, item)
        return words && [bytesOfText(key), ...words]
      })
  return parts.every((part) => part !== undefined) ? parts.flat() : undefined
}

/** `true` and `false` for a type of yes and no; anything else as it is. */
export function yesNoWord(type: ParameterType, word: ByteString): ByteString {
  if (type.isYesNo !== true) return word
  return word === 'true' ? 'yes' : word === 'false' ? 'no' : word
}
