/**
 * Key specifications: where the keys of a request stand, and what becomes of them, as Redis 7 says it.
 *
 * One specification is a place to begin (an index, or a keyword to look for) and a way to go on (a range in
 * steps, or as many as an argument says). A command has one for each use of keys: ZUNIONSTORE overwrites one
 * and reads others. `unknown` stands where the place depends on more than that: then `getKeys` in
 * request-keys.ts knows it.
 *
 * Use: `RO` reads, `RW` reads and writes, `OW` overwrites, `RM` removes, each with what is done to the data:
 * `access` hands some of it out, `insert`, `update` and `delete` change it. `EXISTS` is `RO` alone: it tells
 * of a key, not of its data, and needs no permission but that the key is one of the user's.
 *
 * Tests: test/server/catalog/command-catalog.test.ts
 */
import { type Argument, byteString, type KeySpec } from '../../keyspace/engine/index.ts'

/** What a user needs to be allowed for a key. */
export type KeyAccess = '' | 'R' | 'W' | 'RW'

/** One use of keys. */
export interface KeySpecification {
  readonly flags: readonly string[]
  readonly access: KeyAccess
  readonly notes?: string
  readonly begin:
    | { readonly type: 'index'; readonly index: number }
    | { readonly type: 'keyword'; readonly keyword: string; readonly startFrom: number }
    | { readonly type: 'unknown' }
  readonly find:
    | { readonly type: 'range'; readonly lastKey: number; readonly step: number; readonly limit: number }
    | {
        readonly type: 'keynum'
        readonly keynumIndex: number
        readonly firstKey: number
        readonly step: number
      }
    | { readonly type: 'unknown' }
}

/** A key of a request. */
export interface RequestKey {
  /** Its index in `argv`. */
  readonly index: number
  readonly access: KeyAccess
  readonly flags: readonly string[]
}

/** What must be allowed for a use such as `RW access delete`. */
function accessOf(flags: readonly string[]): KeyAccess {
  const isRead = flags.includes('access')
  const isWritten = flags.includes('insert') || flags.includes('update') || flags.includes('delete')
  if (isRead) return isWritten ? 'RW' : 'R'
  return isWritten ? 'W' : ''
}

/** A specification with a fixed place to begin. `lastKey` counts from there, or from the end if negative. */
export function rangeSpec(use: string, index: number, lastKey = 0, step = 1): KeySpecification {
  const flags = use.split(' ')
  return {
    flags,
    access: accessOf(flags),
    begin: { type: 'index', index },
    find: { type: 'range', lastKey, step, limit: 0 },
  }
}

/** As many keys as the argument at `index` says, right behind it. */
function keynumSpec(use: string, index: number): KeySpecification {
  const flags = use.split(' ')
  return {
    flags,
    access: accessOf(flags),
    begin: { type: 'index', index },
    find: { type: 'keynum', keynumIndex: 0, firstKey: 1, step: 1 },
  }
}

/** Keys that stand anywhere. */
export function unknownSpec(use: string, notes: string): KeySpecification {
  const flags = use.split(' ')
  return { flags, access: accessOf(flags), notes, begin: { type: 'unknown' }, find: { type: 'unknown' } }
}

/** The specifications of a row's places, one for each use; two uses split the first key from the others. */
export function specificationsOf(keys: KeySpec, uses: readonly string[]): readonly KeySpecification[] {
  const [use, otherUse] = uses as [string, string | undefined]
  const { first, last, step = 1, keynum } = keys
  if (keynum !== undefined) {
    if (first === undefined) return [keynumSpec(use, keynum)]
    return [rangeSpec(use, first), keynumSpec(otherUse ?? use, keynum)]
  }
  if (first === undefined) return []
  if (otherUse !== undefined) {
    return [rangeSpec(use, first), rangeSpec(otherUse, first + 1, last !== undefined && last < 0 ? last : 0)]
  }
  return [rangeSpec(use, first, last === undefined ? 0 : last < 0 ? last : last - first, step)]
}

/** Whether a client cannot tell the keys from first, last and step alone. */
export function isMovable({ begin, find, flags }: KeySpecification): boolean {
  return begin.type !== 'index' || find.type !== 'range' || flags.includes('incomplete')
}

/** First key, last key and step, as older clients read them: the ranges that follow each other. */
export function legacyRange(specs: readonly KeySpecification[]): readonly [number, number, number] {
  let first = 0
  let last = 0
  let step = 0
  for (const { begin, find } of specs) {
    if (begin.type !== 'index' || find.type !== 'range') continue
    if (last !== 0 && last !== begin.index - 1) continue
    const end = find.lastKey >= 0 ? begin.index + find.lastKey : find.lastKey
    if (first === 0) {
      first = begin.index
      step = find.step
    }
    last = end
  }
  return [first, last, step]
}

/**
 * Calls `take` for each key; ends with false as soon as it answers false. `invalid` is called, and nothing
 * more is read, where the arguments do not fit the specification.
 */
export function everyKeyOf(
  spec: KeySpecification,
  argv: readonly Argument[],
  take: (index: number) => boolean,
): boolean | 'invalid' {
  const { begin, find } = spec
  const start = begin.type === 'index' ? begin.index : begin.type === 'keyword' ? keywordAt(spec, argv) : 0
  if (find.type === 'unknown' || start === 0) return true
  let first = start
  let last: number
  if (find.type === 'range') {
    last = find.lastKey >= 0 ? first + find.lastKey : argv.length + find.lastKey
  } else {
    const count = countAt(argv, first + find.keynumIndex)
    if (count === undefined) return 'invalid'
    first += find.firstKey
    last = first + (count - 1) * find.step
  }
  if (first >= argv.length || last < first || last >= argv.length) return 'invalid'
  for (let i = first; i <= last; i += find.step) {
    if (!take(i)) return false
  }
  return true
}

/** A number of keys; undefined where it is none. */
function countAt(argv: readonly Argument[], index: number): number | undefined {
  const text = byteString(argv[index] ?? '')
  return /^(?:0|[1-9][0-9]{0,9})$/.test(text) ? Number(text) : undefined
}

/** Behind the keyword; 0: it is not there. */
function keywordAt({ begin }: KeySpecification, argv: readonly Argument[]): number {
  if (begin.type !== 'keyword') return 0
  const isForward = begin.startFrom > 0
  const start = isForward ? begin.startFrom : argv.length + begin.startFrom
  for (let i = start; i > 0 && i < argv.length; i += isForward ? 1 : -1) {
    if (byteString(argv[i]!).toUpperCase() === begin.keyword) return i + 1
  }
  return 0
}
