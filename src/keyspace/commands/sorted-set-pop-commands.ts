/**
 * Members taken from either end: ZPOPMIN, ZPOPMAX, ZMPOP, and those that wait until there are some.
 *
 * The waiting ones try at once, and again when one of their keys has changed; then a key of another type is
 * no refusal but still nothing to pop, as in Redis. Within a transaction they do not wait.
 *
 * Effects: whatever was asked for is logged as the ZPOPMIN or ZPOPMAX that it came to, with the number of
 * members that there were.
 *
 * Tests: test/keyspace/commands/sorted-set-pop-commands.test.ts
 * Source: Redis 7.2, src/t_zset.c (genericZpopCommand, blockingGenericZpopCommand, zmpopGenericCommand).
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  DoubleReply,
  err,
  NULL_ARRAY,
  type Reply,
  type ScoredMember,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer, OptionReader } from './arguments.ts'
import { blockTimeoutMs } from './block-timeout.ts'
import { flatReply, pairsReply } from './sorted-set-replies.ts'

const NOT_POSITIVE = err('value is out of range, must be positive')
const BAD_KEY_COUNT = err('numkeys should be greater than 0')
const BAD_COUNT = err('count should be greater than 0')

type End = 'MIN' | 'MAX'

/** From which keys to pop, the first that has members, and how many. */
interface PopRequest {
  readonly keys: readonly ByteString[]
  readonly end: End
  readonly count: number
}

interface Popped {
  readonly key: ByteString
  readonly members: readonly ScoredMember[]
}

/** Pops from the first key that has members, and logs that; undefined when none has. @throws WRONG_TYPE */
function popFirst(call: Call, { keys, end, count }: PopRequest, isWaiting = false): Popped | undefined {
  const { db } = call
  for (const key of keys) {
    if (isWaiting && db.typeOf(key) !== 'zset') continue
    const set = db.sortedSet(key)
    if (set === undefined) continue
    const members = end === 'MIN' ? set.popMin(count) : set.popMax(count)
    if (members.length > 0) {
      call.effect(`ZPOP${end}`, key, ...(members.length === 1 ? [] : [String(members.length)]))
      db.changed(key, `zpop${end.toLowerCase()}`)
    }
    return { key, members }
  }
  return undefined
}

function pop(call: Call, argv: readonly ByteString[], end: End): Reply {
  if (argv.length > 3) throw SYNTAX_ERROR
  const [, key = '', countText] = argv
  const count = countText === undefined ? 1 : integer(countText, NOT_POSITIVE)
  if (count < 0) throw NOT_POSITIVE
  const members = popFirst(call, { keys: [key], end, count })?.members ?? []
  // One that is not counted is no list, even where there are pairs.
  return countText === undefined || call.caller.resp === 2 ? flatReply(members) : pairsReply(members)
}

function zmpop(call: Call, argv: readonly ByteString[]): Reply {
  return listing(popFirst(call, readPopRequest(argv, 1))) ?? NULL_ARRAY
}

/** Reads `numkeys key [key …] <MIN | MAX> [COUNT count]`. @throws ErrorReply */
function readPopRequest(argv: readonly ByteString[], at: number): PopRequest {
  const keyCount = integer(argv[at]!, BAD_KEY_COUNT)
  if (keyCount < 1) throw BAD_KEY_COUNT
  const endAt = at + keyCount + 1
  const end = argv[endAt]?.toUpperCase()
  if (end !== 'MIN' && end !== 'MAX') throw SYNTAX_ERROR
  const reader = new OptionReader(argv, endAt + 1)
  let count: number | undefined
  while (!reader.isAtEnd) {
    if (count !== undefined || !reader.takes('COUNT')) throw SYNTAX_ERROR
    count = reader.integer(BAD_COUNT)
    if (count < 1) throw BAD_COUNT
  }
  return { keys: argv.slice(at + 1, endAt), end, count: count ?? 1 }
}

type Answer = (popped: Popped | undefined) => Reply | undefined

/** The key with one member. */
const single: Answer = (popped) => {
  if (popped === undefined) return undefined
  const { member, score } = popped.members[0]!
  return [popped.key, member, new DoubleReply(score)]
}

/** The key with a list of pairs. */
const listing: Answer = (popped) => popped && [popped.key, pairsReply(popped.members)]

function blockingPop(call: Call, request: PopRequest, timeoutMs: number, answer: Answer): Reply {
  return (
    answer(popFirst(call, request)) ??
    call.block({
      keys: request.keys,
      timeoutMs,
      serve: (later) => answer(popFirst(later, request, true)),
      onTimeout: NULL_ARRAY,
    })
  )
}

function bzpop(call: Call, argv: readonly ByteString[], end: End): Reply {
  const timeoutMs = blockTimeoutMs(argv.at(-1)!)
  return blockingPop(call, { keys: argv.slice(1, -1), end, count: 1 }, timeoutMs, single)
}

function bzmpop(call: Call, argv: readonly ByteString[]): Reply {
  const request = readPopRequest(argv, 2)
  return blockingPop(call, request, blockTimeoutMs(argv[1]!), listing)
}

function popRow(end: End, summary: string): CommandSpec {
  return {
    name: `zpop${end.toLowerCase()}`,
    arity: -2,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'sorted_set',
    summary,
    complexity: 'O(m·log n) for m members that are taken',
    syntax: 'key [count]',
    since: '5.0.0',
    handler: (call, argv) => pop(call, argv, end),
  }
}

function blockingRow(end: End, summary: string): CommandSpec {
  return {
    name: `bzpop${end.toLowerCase()}`,
    arity: -3,
    flags: ['write', 'fast', 'blocking'],
    keys: { first: 1, last: -2 },
    group: 'sorted_set',
    summary,
    complexity: 'O(k + log n) for k keys',
    syntax: 'key [key …] timeout',
    since: '5.0.0',
    handler: (call, argv) => bzpop(call, argv, end),
  }
}

export const sortedSetPopCommands: readonly CommandSpec[] = [
  popRow('MIN', 'Takes the members with the lowest scores.'),
  popRow('MAX', 'Takes the members with the highest scores.'),
  {
    name: 'zmpop',
    arity: -4,
    flags: ['write'],
    keys: { keynum: 1 },
    group: 'sorted_set',
    summary: 'Takes members from the first sorted set that has some.',
    complexity: 'O(k + m·log n) for k keys and m members that are taken',
    syntax: 'numkeys key [key …] <MIN | MAX> [COUNT count]',
    since: '7.0.0',
    handler: zmpop,
  },
  blockingRow('MIN', 'Takes the member with the lowest score of the first set that has some; waits for one.'),
  blockingRow(
    'MAX',
    'Takes the member with the highest score of the first set that has some; waits for one.',
  ),
  {
    name: 'bzmpop',
    arity: -5,
    flags: ['write', 'blocking'],
    keys: { keynum: 2 },
    group: 'sorted_set',
    summary: 'Takes members from the first sorted set that has some; waits while none has.',
    complexity: 'O(k + m·log n) for k keys and m members that are taken',
    syntax: 'timeout numkeys key [key …] <MIN | MAX> [COUNT count]',
    since: '7.0.0',
    handler: bzmpop,
  },
]
