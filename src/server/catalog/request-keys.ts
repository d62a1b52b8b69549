/**
 * The keys and channels of a request, with what is done to them: what the check of a user's rights asks.
 *
 * Mostly the key specifications say it. A few commands need more than they can: SET hands a value out only
 * with GET and may name the lock of a fence, SORT stores, FENCED runs another command. A row with a function
 * for its keys that is not named here is asked itself: then a key is read, and written if it says so.
 *
 * Invariant: every key that the router finds is found here as well, so that no key escapes the check.
 * Cost: the common shape (a range) makes one small object a key; `everyKey` makes none.
 * Tests: test/server/catalog/request-keys.test.ts
 */
import { type Argument, type ByteString, byteString } from '../../keyspace/engine/index.ts'
import type { CommandInfo } from './command-info.ts'
import { everyKeyOf, type KeyAccess, type RequestKey } from './key-specification.ts'

/** A channel of a request. */
export interface RequestChannel {
  /** Its index in `argv`. */
  readonly index: number
  readonly use: 'publish' | 'subscribe' | 'unsubscribe'
  /** It is a pattern: it must be one of the user's patterns as it stands. */
  readonly isPattern: boolean
}

/** Finds the command of a request within a request. */
export type FindCommand = (argv: readonly Argument[]) => CommandInfo | undefined

const ACCESSED: readonly string[] = ['RO', 'access']
const OVERWRITTEN: readonly string[] = ['OW', 'update']
const SET_AND_GOT: readonly string[] = ['RW', 'access', 'update']

const key = (index: number, flags: readonly string[], access: KeyAccess): RequestKey => ({
  index,
  access,
  flags,
})

/** Keys that options decide. */
const KEYS_BY_NAME: ReadonlyMap<
  string,
  (argv: readonly Argument[], find: FindCommand) => readonly RequestKey[]
> = new Map([
  ['set', keysOfSet],
  ['sort', keysOfSort],
  ['fenced', keysOfFenced],
])

/** The keys of a request that fits the command; none where its arguments are wrong. */
export function requestKeys(
  info: CommandInfo,
  argv: readonly Argument[],
  find: FindCommand,
): readonly RequestKey[] {
  if (info.keysOf !== undefined) {
    const special = KEYS_BY_NAME.get(info.name)
    return special === undefined ? keysOfRow(info.keysOf, argv, find) : special(argv, find)
  }
  const keys: RequestKey[] = []
  for (const spec of info.keySpecs) {
    const { flags, access } = spec
    if (flags[0] === 'not_key') continue
    const isRight = everyKeyOf(spec, argv, (index) => {
      keys.push(key(index, flags, access))
      return true
    })
    if (isRight === 'invalid') return []
  }
  return keys
}

/** Whether `test` holds for every key. Makes nothing for commands whose keys are one range. */
export function everyRequestKey(
  info: CommandInfo,
  argv: readonly Argument[],
  find: FindCommand,
  test: (index: number, access: KeyAccess) => boolean,
): boolean {
  const { keySpecs, keysOf } = info
  const [spec] = keySpecs
  if (spec === undefined && keysOf === undefined) return true
  if (spec !== undefined && keySpecs.length === 1) {
    // SET without options, which is most of what a server is sent.
    if (info.name === 'set' && argv.length === 3) return test(1, 'W')
    if (keysOf === undefined) {
      const { access, flags } = spec
      return flags[0] === 'not_key' || everyKeyOf(spec, argv, (index) => test(index, access)) !== false
    }
  }
  return requestKeys(info, argv, find).every(({ index, access }) => test(index, access))
}

/** The channels of a request. */
export function requestChannels(info: CommandInfo, argv: readonly Argument[]): readonly RequestChannel[] {
  const channels = CHANNELS.get(info.name)
  if (channels === undefined) return []
  const { use, isPattern, isOne } = channels
  const end = isOne ? Math.min(2, argv.length) : argv.length
  const found: RequestChannel[] = []
  for (let index = 1; index < end; index++) found.push({ index, use, isPattern })
  return found
}

/** How a command names channels: from its first argument on, or there alone. */
interface ChannelUse extends Omit<RequestChannel, 'index'> {
  readonly isOne: boolean
}

const SUBSCRIBED: ChannelUse = { use: 'subscribe', isPattern: false, isOne: false }
const PUBLISHED: ChannelUse = { use: 'publish', isPattern: false, isOne: true }
const LEFT: ChannelUse = { use: 'unsubscribe', isPattern: false, isOne: false }

const CHANNELS: ReadonlyMap<string, ChannelUse> = new Map([
  ['subscribe', SUBSCRIBED],
  ['ssubscribe', SUBSCRIBED],
  ['psubscribe', { ...SUBSCRIBED, isPattern: true }],
  ['unsubscribe', LEFT],
  ['sunsubscribe', LEFT],
  ['punsubscribe', { ...LEFT, isPattern: true }],
  ['publish', PUBLISHED],
  ['spublish', PUBLISHED],
])

/** GET hands the old value out; FENCE asks a lock, whose key is behind it. */
function keysOfSet(argv: readonly Argument[]): readonly RequestKey[] {
  let isGot = false
  const locks: RequestKey[] = []
  for (let i = 3; i < argv.length; i++) {
    const word = wordAt(argv, i)
    if (word === 'GET') isGot = true
    else if (word === 'FENCE' && i + 1 < argv.length) {
      locks.push(key(i + 1, ACCESSED, 'R'))
      // The lock and its token, whatever they are called.
      i += 2
    }
  }
  if (argv.length < 3) return []
  return [isGot ? key(1, SET_AND_GOT, 'RW') : key(1, OVERWRITTEN, 'W'), ...locks]
}

/** The last STORE counts. */
function keysOfSort(argv: readonly Argument[]): readonly RequestKey[] {
  let stored = 0
  for (let i = 2; i < argv.length; i++) {
    const word = wordAt(argv, i)
    if (word === 'LIMIT') i += 2
    else if (word === 'GET' || word === 'BY') i++
    else if (word === 'STORE' && i + 1 < argv.length) stored = ++i
  }
  const sorted = key(1, ACCESSED, 'R')
  return stored === 0 ? [sorted] : [sorted, key(stored, OVERWRITTEN, 'W')]
}

/** The locks, and the keys of what runs. */
function keysOfFenced(argv: readonly Argument[], find: FindCommand): readonly RequestKey[] {
  const keys: RequestKey[] = []
  const start = innerStart(argv)
  for (let at = 1; at < start && at < argv.length; at += FENCED_WORDS) keys.push(key(at, ACCESSED, 'R'))
  const inner = argv.slice(start)
  const info = inner.length === 0 ? undefined : find(inner)
  if (info === undefined || info.name === FENCED) return keys
  for (const { index, access, flags } of requestKeys(info, inner, find)) {
    keys.push(key(index + start, flags, access))
  }
  return keys
}

/**
 * The request within a request, which a user must be allowed to make as well: what FENCED runs. Undefined:
 * there is none.
 */
export function innerRequest(info: CommandInfo, argv: readonly Argument[]): readonly Argument[] | undefined {
  if (info.name !== FENCED) return undefined
  const inner = argv.slice(innerStart(argv))
  return inner.length === 0 ? undefined : inner
}

const FENCED = 'fenced'
/** The words before the command that it runs. */
const FENCED_WORDS = 3

/** Where the command begins that is run in the end: a loop, since one FENCED may run another, and so on. */
function innerStart(argv: readonly Argument[]): number {
  let start = FENCED_WORDS
  while (start < argv.length && wordAt(argv, start) === 'FENCED') start += FENCED_WORDS
  return start
}

function keysOfRow(
  keysOf: NonNullable<CommandInfo['keysOf']>,
  argv: readonly Argument[],
  find: FindCommand,
): readonly RequestKey[] {
  const keysOfInner = (inner: readonly Argument[]) => {
    const info = find(inner)
    if (info === undefined) return []
    return requestKeys(info, inner, find).map(({ index, access }) => ({
      index,
      isWritten: access.includes('W'),
    }))
  }
  return keysOf(argv, keysOfInner).map(({ index, isWritten }) =>
    isWritten ? key(index, SET_AND_GOT, 'RW') : key(index, ACCESSED, 'R'),
  )
}

function wordAt(argv: readonly Argument[], index: number): ByteString {
  const word = argv[index] as Argument
  // No option is as long: a value is not turned into a string to be compared.
  return word.length > 8 ? '' : byteString(word).toUpperCase()
}
