/**
 * What WATCHREV names: patterns, keys, prefixes of keys, and how they are watched. Read by the command, and
 * by the check of a user's rights, for which it names more keys than stand in it. So does LOCK.LIST, whose
 * user is to have all keys that it may name.
 *
 * Tests: test/server/catalog/watched-names.test.ts
 */
import { type Argument, type ByteString, byteString } from '../../keyspace/engine/index.ts'

/** A name, and where it stands in `argv`. */
export interface WatchedName {
  readonly index: number
  /** A key alone, or all keys that fit a pattern. */
  readonly kind: 'key' | 'pattern'
  /** A pattern, also where a key or a prefix was given. */
  readonly pattern: ByteString
}

/** A request that can be served. */
export interface WatchRequest {
  readonly names: readonly WatchedName[]
  /** Tells several watches of a client apart; '': the one that has none. */
  readonly id: ByteString
  readonly since: number | undefined
  readonly values: boolean
  /** How often its client is told how far it is; 0: never. */
  readonly progressMs: number
}

/** What is wrong with a request. */
export type WatchFault = 'syntax' | 'revision' | 'progress'

export const PROGRESS_MS_MIN = 10
export const PROGRESS_MS_MAX: number = 2 ** 31 - 1
const PROGRESS_MS = 5000
const WORDS: ReadonlySet<string> = new Set(['KEYS', 'PREFIX', 'SINCE', 'VALUES', 'PROGRESS', 'ID'])
const LISTS: ReadonlySet<string> = new Set(['KEYS', 'PREFIX'])

/** Keys, and patterns of keys, of which a request has its client told: none where it will be refused. */
export function watchedNames(command: string, argv: readonly Argument[]): readonly WatchedName[] {
  if (command === 'lock.list') return listedNames(argv)
  const request = command === 'watchrev' ? parseWatch(argv) : 'syntax'
  return typeof request === 'string' ? [] : request.names
}

/** `LOCK.LIST [MATCH pattern]` */
function listedNames(argv: readonly Argument[]): readonly WatchedName[] {
  if (argv.length === 1) return [{ index: 0, kind: 'pattern', pattern: '*' }]
  if (argv.length !== 3 || byteString(argv[1]!).toUpperCase() !== 'MATCH') return []
  return [{ index: 2, kind: 'pattern', pattern: byteString(argv[2]!) }]
}

/** Reads `WATCHREV pattern … KEYS key … PREFIX prefix … SINCE revision VALUES PROGRESS ms ID name`. */
export function parseWatch(argv: readonly Argument[]): WatchRequest | WatchFault {
  const words = argv.map(byteString)
  const names: WatchedName[] = []
  let list: 'PATTERN' | 'KEYS' | 'PREFIX' | undefined = 'PATTERN'
  let id = ''
  let since: number | undefined
  let values = false
  let progressMs = PROGRESS_MS
  for (let i = 1; i < words.length; i++) {
    const word = words[i]!.toUpperCase()
    const next = words[i + 1]
    if (!WORDS.has(word) || (i === 1 && !beginsList(word, next))) {
      if (list === undefined) return 'syntax'
      names.push(nameIn(list, words[i]!, i))
      continue
    }
    list = undefined
    if (word === 'VALUES') {
      values = true
      continue
    }
    if (next === undefined) return 'syntax'
    i++
    if (word === 'KEYS' || word === 'PREFIX') {
      list = word
      // At least one, whatever it is called.
      names.push(nameIn(list, next, i))
    } else if (word === 'ID') id = next
    else if (!/^\d{1,16}$/.test(next)) return word === 'SINCE' ? 'revision' : 'progress'
    else if (word === 'SINCE') since = Number(next)
    else progressMs = Number(next)
  }
  if (since !== undefined && !Number.isSafeInteger(since)) return 'revision'
  if (progressMs > PROGRESS_MS_MAX || (progressMs > 0 && progressMs < PROGRESS_MS_MIN)) return 'progress'
  return { names, id, since, values, progressMs }
}

/** The first word is a pattern, unless a list of others begins with it. */
function beginsList(word: string, next: ByteString | undefined): boolean {
  return LISTS.has(word) && next !== undefined && !WORDS.has(next.toUpperCase())
}

function nameIn(list: 'PATTERN' | 'KEYS' | 'PREFIX', word: ByteString, index: number): WatchedName {
  if (list === 'PATTERN') return { index, kind: 'pattern', pattern: word }
  const literal = word.replaceAll(/[*?[\]\\^]/g, '\\$&')
  if (list === 'KEYS') return { index, kind: 'key', pattern: literal }
  return { index, kind: 'pattern', pattern: `${literal}*` }
}
