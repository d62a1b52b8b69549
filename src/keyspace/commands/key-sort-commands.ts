/**
 * SORT: the elements of a list, a set or a sorted set in another order, with values of other keys.
 *
 * The order is by weights: an element itself, or what the BY pattern names for it; as numbers, or with ALPHA
 * as bytes. Equal weights are ordered by the elements as bytes, so that the result is the same each time.
 * What a STORE has stored is logged as such: the order in which a set lists its members is no part of it.
 *
 * Cost: O(n log n) and a look-up per element and pattern.
 * Tests: test/keyspace/commands/key-sort-commands.test.ts
 * Source: Redis 7.2, src/sort.c.
 */
import {
  type Argument,
  type ByteString,
  byteString,
  type Call,
  type CommandSpec,
  type Database,
  err,
  type KeyUse,
  type Reply,
  strtod,
  WRONG_TYPE,
} from '../engine/index.ts'
import { readSortOptions, type SortOptions } from './sort-options.ts'
import { type KeyPattern, readPattern } from './sort-pattern.ts'

const NOT_NUMBERS = err("One or more scores can't be converted into double")

/** Values of a stored list that one effect carries. */
const VALUES_PER_EFFECT = 1024

/** Some digit of the significand is not zero. */
const NOT_ZERO = /^\s*[+-]?(?:0x[0.]*[1-9a-f]|[0.]*[1-9])/i
const SPELLED_INFINITY = /inf/i

function sort(call: Call, argv: readonly ByteString[], mayStore: boolean): Reply {
  const { db } = call
  const key = argv[1]!
  const options = readSortOptions(argv, mayStore)
  const type = db.typeOf(key)
  if (type === 'string' || type === 'hash') throw WRONG_TYPE
  if (type === 'set' && options.isUnsorted && options.store !== undefined) {
    // The order of a set is nobody's: what is stored has to be the same on every replay.
    options.isUnsorted = false
    options.isAlpha = true
    options.by = undefined
  }
  const sorted = options.isUnsorted ? unsorted(db, key, options) : inOrder(db, elementsOf(db, key), options)
  const { from, to } = bounds(sorted.length, options)
  const values = withPatterns(db, sorted.slice(from, to), options.get)
  if (options.store === undefined) return values
  store(call, options.store, values)
  return values.length
}

function elementsOf(db: Database, key: ByteString): ByteString[] {
  switch (db.typeOf(key)) {
    case 'list':
      return [...db.list(key)!.values()]
    case 'set':
      return [...db.set(key)!.members(db.nowMs)]
    case 'zset':
      return Array.from(db.sortedSet(key)!.iterate(0, db.sortedSet(key)!.size), ({ member }) => member)
    default:
      return []
  }
}

/** With a BY that names no key: as they are, in a list and a sorted set backwards for DESC. */
function unsorted(db: Database, key: ByteString, { isDescending }: SortOptions): ByteString[] {
  const elements = elementsOf(db, key)
  return isDescending && db.typeOf(key) !== 'set' ? elements.reverse() : elements
}

/** LIMIT as indexes into so many elements. */
function bounds(length: number, { offset, count }: SortOptions): { from: number; to: number } {
  const from = Math.min(Math.max(offset, 0), length)
  return { from, to: count < 0 ? length : Math.min(from + count, length) }
}

interface Weighted<W> {
  readonly element: ByteString
  readonly weight: W
}

function inOrder(db: Database, elements: readonly ByteString[], options: SortOptions): ByteString[] {
  const { by, isAlpha, isDescending } = options
  const sign = isDescending ? -1 : 1
  if (isAlpha) {
    const weighted = elements.map((element) => ({ element, weight: weightText(db, element, by) }))
    // Without BY the weight is the element, and equal ones cannot be told apart.
    return weighted.sort((a, b) => sign * compareTexts(a.weight, b.weight)).map(({ element }) => element)
  }
  const weighted: Weighted<number>[] = elements.map((element) => {
    return { element, weight: numberOf(weightText(db, element, by)) }
  })
  return weighted
    .sort((a, b) => sign * (compare(a.weight, b.weight) || compare(a.element, b.element)))
    .map(({ element }) => element)
}

function weightText(db: Database, element: ByteString, by: KeyPattern | undefined): ByteString | undefined {
  return by === undefined ? element : by(db, element)
}

/** A weight that is missing counts as 0; one ends at a byte 0, as it does in C. @throws ErrorReply */
function numberOf(weight: ByteString | undefined): number {
  if (weight === undefined) return 0
  const end = weight.indexOf('\0')
  const text = end < 0 ? weight : weight.slice(0, end)
  const value = strtod(text)
  if (value === undefined || Number.isNaN(value)) throw NOT_NUMBERS
  // Out of the range of doubles, at either end.
  if (!Number.isFinite(value) && !SPELLED_INFINITY.test(text)) throw NOT_NUMBERS
  if (value === 0 && NOT_ZERO.test(text)) throw NOT_NUMBERS
  return value
}

function compare<T extends number | string>(a: T, b: T): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** One that is missing is before all. */
function compareTexts(a: ByteString | undefined, b: ByteString | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  return compare(a, b)
}

function withPatterns(
  db: Database,
  elements: readonly ByteString[],
  patterns: readonly ByteString[],
): readonly (ByteString | null)[] {
  if (patterns.length === 0) return elements
  const lookups = patterns.map(readPattern)
  return elements.flatMap((element) => lookups.map((lookup) => lookup(db, element) ?? null))
}

function store(call: Call, key: ByteString, values: readonly (ByteString | null)[]): void {
  const { db } = call
  if (values.length === 0) {
    if (db.delete(key)) call.effect('DEL', key)
    return
  }
  const stored = values.map((value) => value ?? '')
  db.delete(key)
  const list = db.listOrNew(key)
  for (const value of stored) list.pushRight(value)
  db.changed(key, 'sortstore')
  call.effect('DEL', key)
  for (let i = 0; i < stored.length; i += VALUES_PER_EFFECT) {
    call.effect('RPUSH', key, ...stored.slice(i, i + VALUES_PER_EFFECT))
  }
}

/** The key, and that of STORE, which may be named several times: the last one counts. */
function keysOfSort(argv: readonly Argument[]): readonly KeyUse[] {
  let stored = 0
  for (let i = 2; i < argv.length; i++) {
    const word = byteString(argv[i]!).toUpperCase()
    if (word === 'LIMIT') i += 2
    else if (word === 'BY' || word === 'GET') i++
    else if (word === 'STORE' && i + 1 < argv.length) stored = ++i
  }
  const source = { index: 1, isWritten: false }
  return stored === 0 ? [source] : [source, { index: stored, isWritten: true }]
}

const SYNTAX = 'key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] [ASC | DESC] [ALPHA]'
const DIFFERS =
  'Within MULTI patterns find only keys of the same shard: those that share the tag of the key, `{tag}`.'

export const keySortCommands: readonly CommandSpec[] = [
  {
    name: 'sort',
    arity: -2,
    flags: ['write', 'denyoom'],
    keys: { first: 1 },
    keysOf: keysOfSort,
    group: 'generic',
    summary: 'Answers or stores the elements of a list, set or sorted set in order.',
    complexity: 'O(n·log n) for n elements',
    syntax: `${SYNTAX} [STORE destination]`,
    since: '1.0.0',
    differs: DIFFERS,
    handler: (call, argv) => sort(call, argv, true),
  },
  {
    name: 'sort_ro',
    arity: -2,
    flags: ['readonly'],
    keys: { first: 1 },
    keysOf: () => [{ index: 1, isWritten: false }],
    group: 'generic',
    summary: 'Answers the elements of a list, set or sorted set in order.',
    complexity: 'O(n·log n) for n elements',
    syntax: SYNTAX,
    since: '7.0.0',
    differs: DIFFERS,
    handler: (call, argv) => sort(call, argv, false),
  },
]
