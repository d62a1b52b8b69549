/**
 * Arguments and answers of HSCAN, SSCAN and ZSCAN.
 *
 * A cursor counts entries from the end of a collection (see `ByteDictionary.scan`); it is read as C's
 * `strtoul` reads it, as Redis does, so that what some client makes of 0 (nothing, `+0`, `00`) is taken as
 * well.
 *
 * Tests: test/keyspace/commands/hash-walk-commands.test.ts, set-walk-commands.test.ts
 */
import { type ByteString, err, globMatcher, type Matcher, type Reply, SYNTAX_ERROR } from '../engine/index.ts'
import { OptionReader } from './arguments.ts'

const BAD_CURSOR = err('invalid cursor')
const ONLY_IN_HSCAN = err('NOVALUES option can only be used in HSCAN')

const COUNT_DEFAULT = 10
const CURSOR = /^[+-]?\d{0,40}$/
const UINT64_MAX = 2n ** 64n - 1n

/** The scan of what is not there. */
export const EMPTY_SCAN: readonly Reply[] = ['0', []]

/** What a scan of a collection was asked for. */
export interface CollectionScan {
  readonly count: number
  /** Undefined: all. */
  readonly matches: Matcher | undefined
  readonly hasValues: boolean
}

/** A cursor as clients send it back. @throws ErrorReply */
export function collectionCursor(text: ByteString): number {
  if (!CURSOR.test(text)) throw BAD_CURSOR
  const digits = text.replace(/^[+-]/, '')
  if (BigInt(digits) > UINT64_MAX) throw BAD_CURSOR
  // What is below zero wraps around in C, and is behind every entry.
  return text.startsWith('-') && Number(digits) !== 0 ? Number.MAX_SAFE_INTEGER : Number(digits)
}

/** Reads the options of a scan, which begin behind the cursor. @throws ErrorReply */
export function readCollectionScan(argv: readonly ByteString[]): CollectionScan {
  const reader = new OptionReader(argv, 3)
  let count = COUNT_DEFAULT
  let matches: Matcher | undefined
  let hasValues = true
  while (!reader.isAtEnd) {
    switch (reader.name()) {
      case 'COUNT':
        count = reader.integer()
        if (count < 1) throw SYNTAX_ERROR
        break
      case 'MATCH': {
        const pattern = reader.value()
        matches = pattern === '*' ? undefined : globMatcher(pattern)
        break
      }
      case 'NOVALUES':
        if (argv[0]!.toUpperCase() !== 'HSCAN') throw ONLY_IN_HSCAN
        hasValues = false
        break
      default:
        throw SYNTAX_ERROR
    }
  }
  return { count, matches, hasValues }
}
