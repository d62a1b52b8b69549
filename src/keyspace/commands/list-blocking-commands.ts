/**
 * Pops that wait until a list has something: BLPOP, BRPOP, BLMPOP, BLMOVE, BRPOPLPUSH.
 *
 * Each tries at once, and again when one of its keys has changed; then a key of another type is no refusal
 * but still nothing to pop, as in Redis. Within a transaction they do not wait.
 *
 * Effects: the same commands without the wait.
 *
 * Tests: test/keyspace/commands/list-blocking-commands.test.ts
 * Source: Redis 7.2, src/t_list.c (blockingPopGenericCommand, blmoveGenericCommand).
 */
import { type ByteString, type Call, type CommandSpec, NULL_ARRAY, type Reply } from '../engine/index.ts'
import { blockTimeoutMs } from './block-timeout.ts'
import { moveElement, type PopRequest, popFirst, readPopRequest } from './list-move-commands.ts'
import { type Side, sideOf } from './list-sides.ts'

function blockingPop(call: Call, request: PopRequest, timeoutMs: number, answer: Answer): Reply {
  const tryPop = (now: Call, isWaiting: boolean): Reply | undefined => {
    const popped = popFirst(now, request, isWaiting)
    return popped === undefined ? undefined : answer(...popped)
  }
  return (
    tryPop(call, false) ??
    call.block({
      keys: request.keys,
      timeoutMs,
      serve: (later) => tryPop(later, true),
      onTimeout: NULL_ARRAY,
    })
  )
}

type Answer = (key: ByteString, values: readonly ByteString[]) => Reply

const onePair: Answer = (key, values) => [key, values[0]!]
const listing: Answer = (key, values) => [key, values]

function bpop(call: Call, argv: readonly ByteString[], side: Side): Reply {
  const timeoutMs = blockTimeoutMs(argv.at(-1)!)
  return blockingPop(call, { keys: argv.slice(1, -1), side, count: 1 }, timeoutMs, onePair)
}

function blmpop(call: Call, argv: readonly ByteString[]): Reply {
  const request = readPopRequest(argv, 2)
  return blockingPop(call, request, blockTimeoutMs(argv[1]!), listing)
}

function blockingMove(
  call: Call,
  from: ByteString,
  to: ByteString,
  sides: readonly [Side, Side],
  timeoutMs: number,
  effect: readonly ByteString[],
): Reply {
  const tryMove = (now: Call, isWaiting: boolean): Reply | undefined => {
    const value = moveElement(now.db, from, to, ...sides, isWaiting)
    if (value !== undefined) now.effect(...effect)
    return value
  }
  const moved = tryMove(call, false)
  if (moved !== undefined) return moved
  // Redis answers no string where it may not wait, and no array when the time is over.
  if (!call.canBlock) return null
  return call.block({
    keys: [from],
    touches: [to],
    timeoutMs,
    serve: (later) => tryMove(later, true),
    onTimeout: NULL_ARRAY,
  })
}

function blmove(call: Call, argv: readonly ByteString[]): Reply {
  const [, from = '', to = '', fromSide = '', toSide = '', timeout = ''] = argv
  const sides = [sideOf(fromSide), sideOf(toSide)] as const
  return blockingMove(call, from, to, sides, blockTimeoutMs(timeout), ['LMOVE', from, to, ...sides])
}

function brpoplpush(call: Call, argv: readonly ByteString[]): Reply {
  const [, from = '', to = '', timeout = ''] = argv
  return blockingMove(call, from, to, ['RIGHT', 'LEFT'], blockTimeoutMs(timeout), ['RPOPLPUSH', from, to])
}

export const listBlockingCommands: readonly CommandSpec[] = [
  {
    name: 'blpop',
    arity: -3,
    flags: ['write', 'blocking'],
    keys: { first: 1, last: -2 },
    group: 'list',
    summary: 'Takes the left element of the first list that has one; waits while none has.',
    complexity: 'O(k) for k keys',
    syntax: 'key [key …] timeout',
    since: '2.0.0',
    handler: (call, argv) => bpop(call, argv, 'LEFT'),
  },
  {
    name: 'brpop',
    arity: -3,
    flags: ['write', 'blocking'],
    keys: { first: 1, last: -2 },
    group: 'list',
    summary: 'Takes the right element of the first list that has one; waits while none has.',
    complexity: 'O(k) for k keys',
    syntax: 'key [key …] timeout',
    since: '2.0.0',
    handler: (call, argv) => bpop(call, argv, 'RIGHT'),
  },
  {
    name: 'blmpop',
    arity: -5,
    flags: ['write', 'blocking'],
    keys: { keynum: 2 },
    group: 'list',
    summary: 'Takes elements from the first list that has some; waits while none has.',
    complexity: 'O(k+n) for k keys and n elements',
    syntax: 'timeout numkeys key [key …] <LEFT | RIGHT> [COUNT count]',
    since: '7.0.0',
    handler: blmpop,
  },
  {
    name: 'blmove',
    arity: 6,
    flags: ['write', 'denyoom', 'blocking'],
    keys: { first: 1, last: 2 },
    group: 'list',
    summary: 'Moves an element from one list to another; waits while the first has none.',
    complexity: 'O(1)',
    syntax: 'source destination <LEFT | RIGHT> <LEFT | RIGHT> timeout',
    since: '6.2.0',
    handler: blmove,
  },
  {
    name: 'brpoplpush',
    arity: 4,
    flags: ['write', 'denyoom', 'blocking'],
    keys: { first: 1, last: 2 },
    group: 'list',
    summary: 'Moves the right element of a list to the left end of another; waits while there is none.',
    complexity: 'O(1)',
    syntax: 'source destination timeout',
    since: '2.2.0',
    handler: brpoplpush,
  },
]
