/**
 * Options of SET and of GETEX: which may stand together is Redis' rule, and a repeated one is no error.
 * Tests: test/keyspace/commands/string-commands.test.ts
 */
import { type Argument, type ByteString, NOT_INTEGER, SYNTAX_ERROR } from '../engine/index.ts'
import { integerFrom, OptionReader } from './arguments.ts'
import { type ExpiryWord, isExpiryWord } from './expiry-arguments.ts'

/** A time as it was written. */
export interface ExpiryOption {
  readonly word: ExpiryWord
  readonly text: ByteString
}

/** What a SET asks for besides key and value. */
export interface SetOptions {
  condition: 'NX' | 'XX' | undefined
  /** The revision that the key must have; 0: there must be no key. */
  ifRevision: number | undefined
  expiry: ExpiryOption | undefined
  keepTtl: boolean
  get: boolean
  /** The lock that must be held, and its token. */
  fence: readonly [lock: ByteString, token: ByteString] | undefined
}

/** @throws SYNTAX_ERROR */
export function readSetOptions(words: readonly ByteString[]): SetOptions {
  const reader = new OptionReader(words, 0)
  const options: SetOptions = {
    condition: undefined,
    ifRevision: undefined,
    expiry: undefined,
    keepTtl: false,
    get: false,
    fence: undefined,
  }
  while (!reader.isAtEnd) {
    const name = reader.name()
    if (isExpiryWord(name)) {
      if (options.keepTtl) throw SYNTAX_ERROR
      options.expiry = readExpiry(name, reader, options.expiry)
      continue
    }
    switch (name) {
      case 'NX':
      case 'XX':
        refuseIf((options.condition ?? name) !== name || options.ifRevision !== undefined)
        options.condition = name
        break
      case 'IFREV':
        refuseIf(options.condition !== undefined)
        options.ifRevision = integerFrom(reader.value(), 0, NOT_INTEGER)
        break
      case 'KEEPTTL':
        refuseIf(options.expiry !== undefined)
        options.keepTtl = true
        break
      case 'GET':
        options.get = true
        break
      case 'FENCE':
        options.fence = [reader.value(), reader.value()]
        break
      default:
        throw SYNTAX_ERROR
    }
  }
  return options
}

/** A time, `PERSIST`, or nothing. @throws SYNTAX_ERROR */
export function readGetexOptions(argv: readonly ByteString[]): ExpiryOption | 'PERSIST' | undefined {
  const reader = new OptionReader(argv, 2)
  let option: ExpiryOption | 'PERSIST' | undefined
  while (!reader.isAtEnd) {
    const name = reader.name()
    if (isExpiryWord(name)) {
      if (option === 'PERSIST') throw SYNTAX_ERROR
      option = readExpiry(name, reader, option)
    } else {
      refuseIf(name !== 'PERSIST' || (option !== undefined && option !== 'PERSIST'))
      option = 'PERSIST'
    }
  }
  return option
}

function readExpiry(word: ExpiryWord, reader: OptionReader, before: ExpiryOption | undefined): ExpiryOption {
  refuseIf(before !== undefined && before.word !== word)
  return { word, text: reader.value() }
}

function refuseIf(isWrong: boolean): void {
  if (isWrong) throw SYNTAX_ERROR
}

/** Where a SET names the lock of its fence; undefined when it has none. Options may not be right yet. */
export function fenceIndex(words: readonly Argument[]): number | undefined {
  for (let i = 3; i < words.length; i++) {
    const word = words[i]!
    if (typeof word !== 'string') continue
    const name = word.toUpperCase()
    if (name === 'FENCE') return i + 1 < words.length ? i + 1 : undefined
    if (isExpiryWord(name) || name === 'IFREV') i++
  }
  return undefined
}
