/**
 * From one list to another, and from whichever list has something: LMOVE, RPOPLPUSH, LMPOP. What they do is
 * here in a form that the blocking ones use as well.
 *
 * Effects: LMPOP is logged as the pop that it came to, since which key that was depends on others.
 *
 * Tests: test/keyspace/commands/list-move-commands.test.ts
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  type Database,
  err,
  type ListValue,
  NULL_ARRAY,
  type Reply,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer, OptionReader } from './arguments.ts'
import { popOne, popSome, pushOne, type Side, sideOf } from './list-sides.ts'

const BAD_KEY_COUNT = err('numkeys should be greater than 0')
const BAD_COUNT = err('count should be greater than 0')

/**
 * The list of a key. Whoever waits for lists (`isWaiting`) takes no offence at other types. @throws
 * WRONG_TYPE
 */
export function listToPop(db: Database, key: ByteString, isWaiting: boolean): ListValue | undefined {
  return isWaiting && db.typeOf(key) !== 'list' ? undefined : db.list(key)
}

/** Moves one element; undefined when there is none. Reports, and does not log. @throws WRONG_TYPE */
export function moveElement(
  db: Database,
  from: ByteString,
  to: ByteString,
  fromSide: Side,
  toSide: Side,
  isWaiting = false,
): ByteString | undefined {
  const source = listToPop(db, from, isWaiting)
  if (source === undefined) return undefined
  db.list(to)
  db.checkKey(to)
  const value = popOne(source, fromSide)
  if (value === undefined) return undefined
  pushOne(db.listOrNew(to), toSide, value)
  // The target first, as in Redis; a list that feeds itself is not empty by then.
  db.changed(to, toSide === 'LEFT' ? 'lpush' : 'rpush')
  db.changed(from, fromSide === 'LEFT' ? 'lpop' : 'rpop')
  return value
}

/** What LMPOP and BLMPOP are asked for. */
export interface PopRequest {
  readonly keys: readonly ByteString[]
  readonly side: Side
  readonly count: number
}

/** Reads `numkeys key [key …] <LEFT | RIGHT> [COUNT count]`. @throws ErrorReply */
export function readPopRequest(argv: readonly ByteString[], at: number): PopRequest {
  const keyCount = integer(argv[at]!, BAD_KEY_COUNT)
  if (keyCount < 1) throw BAD_KEY_COUNT
  const sideAt = at + keyCount + 1
  const side = sideOf(argv[sideAt] ?? '')
  const reader = new OptionReader(argv, sideAt + 1)
  let count: number | undefined
  while (!reader.isAtEnd) {
    if (count !== undefined || !reader.takes('COUNT')) throw SYNTAX_ERROR
    count = popCount(reader.value())
  }
  return { keys: argv.slice(at + 1, sideAt), side, count: count ?? 1 }
}

function popCount(text: ByteString): number {
  const count = integer(text, BAD_COUNT)
  if (count < 1) throw BAD_COUNT
  return count
}

/** Pops from the first list that has something, and logs that; undefined when none has. @throws WRONG_TYPE */
export function popFirst(
  call: Call,
  { keys, side, count }: PopRequest,
  isWaiting = false,
): readonly [ByteString, readonly ByteString[]] | undefined {
  const { db } = call
  for (const key of keys) {
    const list = listToPop(db, key, isWaiting)
    if (list === undefined) continue
    const values = popSome(db, key, list, side, count)
    const command = side === 'LEFT' ? 'LPOP' : 'RPOP'
    if (values.length === 1) call.effect(command, key)
    else call.effect(command, key, String(values.length))
    return [key, values]
  }
  return undefined
}

export const listMoveCommands: readonly CommandSpec[] = [
  {
    name: 'lmove',
    arity: 5,
    flags: ['write', 'denyoom'],
    keys: { first: 1, last: 2 },
    group: 'list',
    summary: 'Moves an element from an end of one list to an end of another, or of the same.',
    complexity: 'O(1)',
    syntax: 'source destination <LEFT | RIGHT> <LEFT | RIGHT>',
    since: '6.2.0',
    handler: ({ db }, argv): Reply => {
      const [, from = '', to = '', fromSide = '', toSide = ''] = argv
      return moveElement(db, from, to, sideOf(fromSide), sideOf(toSide)) ?? null
    },
  },
  {
    name: 'rpoplpush',
    arity: 3,
    flags: ['write', 'denyoom'],
    keys: { first: 1, last: 2 },
    group: 'list',
    summary: 'Moves the right element of a list to the left end of another, or of the same.',
    complexity: 'O(1)',
    syntax: 'source destination',
    since: '1.2.0',
    handler: ({ db }, argv): Reply => moveElement(db, argv[1]!, argv[2]!, 'RIGHT', 'LEFT') ?? null,
  },
  {
    name: 'lmpop',
    arity: -4,
    flags: ['write'],
    keys: { keynum: 1 },
    group: 'list',
    summary: 'Takes elements from the first list that has some.',
    complexity: 'O(k+n) for k keys and n elements',
    syntax: 'numkeys key [key …] <LEFT | RIGHT> [COUNT count]',
    since: '7.0.0',
    handler: (call, argv): Reply => popFirst(call, readPopRequest(argv, 1)) ?? NULL_ARRAY,
  },
]
