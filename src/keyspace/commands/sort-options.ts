/**
 * Options of SORT.
 * Tests: test/keyspace/commands/key-sort-commands.test.ts
 */
import { type ByteString, SYNTAX_ERROR } from '../engine/index.ts'
import { OptionReader } from './arguments.ts'
import { hasPlace, type KeyPattern, readPattern } from './sort-pattern.ts'

/** What a SORT asks for. */
export interface SortOptions {
  /** The weight of an element; undefined: the element itself. */
  by: KeyPattern | undefined
  /** BY names a fixed key, such as `nosort`: the elements stay as they are. */
  isUnsorted: boolean
  isDescending: boolean
  isAlpha: boolean
  offset: number
  /** Below 0: all. */
  count: number
  readonly get: ByteString[]
  store: ByteString | undefined
}

/** @throws ErrorReply */
export function readSortOptions(argv: readonly ByteString[], mayStore: boolean): SortOptions {
  const reader = new OptionReader(argv, 2)
  const options: SortOptions = {
    by: undefined,
    isUnsorted: false,
    isDescending: false,
    isAlpha: false,
    offset: 0,
    count: -1,
    get: [],
    store: undefined,
  }
  while (!reader.isAtEnd) readOption(reader, options, mayStore)
  if (options.isUnsorted) options.by = undefined
  return options
}

function readOption(reader: OptionReader, options: SortOptions, mayStore: boolean): void {
  switch (reader.name()) {
    case 'ASC':
      options.isDescending = false
      return
    case 'DESC':
      options.isDescending = true
      return
    case 'ALPHA':
      options.isAlpha = true
      return
    case 'LIMIT':
      if (reader.left < 2) throw SYNTAX_ERROR
      options.offset = reader.integer()
      options.count = reader.integer()
      return
    case 'BY': {
      const pattern = reader.value()
      options.by = readPattern(pattern)
      // Once said, it holds for the whole command, as in Redis.
      if (!hasPlace(pattern)) options.isUnsorted = true
      return
    }
    case 'GET':
      options.get.push(reader.value())
      return
    case 'STORE':
      if (!mayStore) throw SYNTAX_ERROR
      options.store = reader.value()
      return
    default:
      throw SYNTAX_ERROR
  }
}
