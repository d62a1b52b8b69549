/**
 * Members of a sorted set one by one: ZADD, ZINCRBY, ZREM.
 *
 * A member that ZADD gives a score is as new: its expiry is taken away, as HSET does with that of a field.
 * One that the options hold back keeps it, and so does one whose score is counted up (ZINCRBY, ZADD INCR).
 *
 * Tests: test/keyspace/commands/sorted-set-add-commands.test.ts
 * Source: Redis 7.2, src/t_zset.c (zaddGenericCommand, zsetAdd).
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  DoubleReply,
  err,
  NOT_FLOAT,
  parseScore,
  type Reply,
  type ScoredMember,
  type SortedSetValue,
  SYNTAX_ERROR,
} from '../engine/index.ts'

const NX_WITH_XX = err('XX and NX options at the same time are not compatible')
const GT_LT_NX = err('GT, LT, and/or NX options at the same time are not compatible')
const ONE_INCREMENT = err('INCR option supports a single increment-element pair')
/** `9`: letters are behind it. */
const NINE = 0x39
const NOT_A_NUMBER = err('resulting score is not a number (NaN)')

/** The options of ZADD. */
interface AddOptions {
  isOnlyNew: boolean
  isOnlyOld: boolean
  isOnlyGreater: boolean
  isOnlyLess: boolean
  countsUpdates: boolean
  isIncrement: boolean
}

/** What an addition did: `held` by the options, `kept` the score that it had. */
type Outcome = 'added' | 'updated' | 'kept' | 'held'

const INCREMENT: AddOptions = { ...noOptions(), isIncrement: true }

function zadd(call: Call, argv: readonly ByteString[]): Reply {
  if (argv.length === 4 && !isWord(argv[2]!)) return addOne(call, argv[1]!, scoreOf(argv[2]!), argv[3]!)
  const options = noOptions()
  let at = 2
  while (at < argv.length && takeOption(options, argv[at]!)) at++
  const pairs = argv.length - at
  if (pairs === 0 || pairs % 2 !== 0) throw SYNTAX_ERROR
  if (options.isOnlyNew && options.isOnlyOld) throw NX_WITH_XX
  const { isOnlyNew, isOnlyGreater, isOnlyLess } = options
  if (Number(isOnlyNew) + Number(isOnlyGreater) + Number(isOnlyLess) > 1) throw GT_LT_NX
  if (options.isIncrement && pairs > 2) throw ONE_INCREMENT
  const members: ScoredMember[] = []
  for (; at < argv.length; at += 2) members.push({ member: argv[at + 1]!, score: scoreOf(argv[at]!) })
  return options.isIncrement
    ? increment(call, argv[1]!, members[0]!, options)
    : add(call, argv[1]!, members, options)
}

function noOptions(): AddOptions {
  return {
    isOnlyNew: false,
    isOnlyOld: false,
    isOnlyGreater: false,
    isOnlyLess: false,
    countsUpdates: false,
    isIncrement: false,
  }
}

/** Whether it begins as an option may; as no number does, but for those that are spelled. */
function isWord(text: ByteString): boolean {
  return text.charCodeAt(0) > NINE
}

/** False where the options end. */
function takeOption(options: AddOptions, word: ByteString): boolean {
  if (!isWord(word)) return false
  switch (word.toUpperCase()) {
    case 'NX':
      options.isOnlyNew = true
      return true
    case 'XX':
      options.isOnlyOld = true
      return true
    case 'GT':
      options.isOnlyGreater = true
      return true
    case 'LT':
      options.isOnlyLess = true
      return true
    case 'CH':
      options.countsUpdates = true
      return true
    case 'INCR':
      options.isIncrement = true
      return true
    default:
      return false
  }
}

/** @throws NOT_FLOAT */
function scoreOf(text: ByteString): number {
  const score = parseScore(text)
  if (score === undefined) throw NOT_FLOAT
  return score
}

function add(call: Call, key: ByteString, members: readonly ScoredMember[], options: AddOptions): Reply {
  const { db } = call
  const set = options.isOnlyOld ? db.sortedSet(key) : db.sortedSetOrNew(key)
  if (set === undefined) return 0
  let added = 0
  let updated = 0
  let persisted = 0
  for (const { member, score } of members) {
    const outcome = put(set, member, score, options)
    if (outcome === 'added') added++
    else if (outcome === 'updated') updated++
    if (outcome !== 'held' && set.persist(member)) persisted++
  }
  if (added + updated > 0) db.changed(key, 'zadd')
  else if (persisted > 0) db.changed(key, 'zpersist')
  return options.countsUpdates ? added + updated : added
}

/** As `InPlace.run`: members without options. */
function addInPlace(set: SortedSetValue, argv: readonly ByteString[]): number {
  if (argv.length % 2 !== 0 || isWord(argv[2]!)) return Number.NaN
  const first = parseScore(argv[2]!)
  if (first === undefined) return Number.NaN
  // All are read before one is added.
  const others: number[] = []
  for (let i = 4; i < argv.length; i += 2) {
    const score = parseScore(argv[i]!)
    if (score === undefined) return Number.NaN
    others.push(score)
  }
  let done = set.set(argv[3]!, first)
  let added = done === 'added' ? 1 : 0
  let hasChanged = done !== 'same'
  for (let i = 0; i < others.length; i++) {
    done = set.set(argv[5 + 2 * i]!, others[i]!)
    if (done === 'added') added++
    if (done !== 'same') hasChanged = true
  }
  return hasChanged ? added : ~added
}

/** One member without options, where members may expire, or there is no set yet. */
function addOne({ db }: Call, key: ByteString, score: number, member: ByteString): Reply {
  const set = db.sortedSetOrNew(key)
  const done = set.set(member, score)
  const isPersisted = set.persist(member)
  if (done !== 'same') db.changed(key, 'zadd')
  else if (isPersisted) db.changed(key, 'zpersist')
  return done === 'added' ? 1 : 0
}

function increment(call: Call, key: ByteString, { member, score }: ScoredMember, options: AddOptions): Reply {
  const { db } = call
  const set = options.isOnlyOld ? db.sortedSet(key) : db.sortedSetOrNew(key)
  if (set === undefined) return null
  const old = set.score(member)
  // NX refuses before the sum is looked at.
  if (old !== undefined && options.isOnlyNew) return null
  const sum = old === undefined ? score : old + score
  if (Number.isNaN(sum)) throw NOT_A_NUMBER
  const outcome = put(set, member, sum, options)
  if (outcome === 'held') return null
  if (outcome !== 'kept') db.changed(key, 'zincr')
  return new DoubleReply(sum)
}

function put(set: SortedSetValue, member: ByteString, score: number, options: AddOptions): Outcome {
  const old = set.score(member)
  if (old === undefined ? options.isOnlyOld : options.isOnlyNew) return 'held'
  if (old !== undefined) {
    if (options.isOnlyGreater && score <= old) return 'held'
    if (options.isOnlyLess && score >= old) return 'held'
  }
  const done = set.set(member, score)
  return done === 'same' ? 'kept' : done
}

function zrem({ db }: Call, argv: readonly ByteString[]): Reply {
  const key = argv[1]!
  const set = db.sortedSet(key)
  if (set === undefined) return 0
  let removed = 0
  for (let i = 2; i < argv.length; i++) if (set.delete(argv[i]!)) removed++
  if (removed > 0) db.changed(key, 'zrem')
  return removed
}

export const sortedSetAddCommands: readonly CommandSpec[] = [
  {
    name: 'zadd',
    arity: -4,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Gives members scores, and answers how many are new; a member that gets one no longer expires.',
    complexity: 'O(log n) for each member',
    syntax: 'key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]',
    since: '1.2.0',
    handler: zadd,
    inPlace: { type: 'zset', run: addInPlace },
  },
  {
    name: 'zincrby',
    arity: 4,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Adds to the score of a member, which keeps its expiry; a missing one begins at 0.',
    complexity: 'O(log n)',
    syntax: 'key increment member',
    since: '1.2.0',
    handler: (call, argv) => {
      // It is ZADD … INCR, so that an option in the place of the score is one, and a score is missing then.
      if (takeOption(noOptions(), argv[2]!)) return SYNTAX_ERROR
      return increment(call, argv[1]!, { score: scoreOf(argv[2]!), member: argv[3]! }, INCREMENT)
    },
  },
  {
    name: 'zrem',
    arity: -3,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary: 'Removes members, and answers how many were there.',
    complexity: 'O(log n) for each member',
    syntax: 'key member [member …]',
    since: '1.2.0',
    handler: zrem,
  },
]
