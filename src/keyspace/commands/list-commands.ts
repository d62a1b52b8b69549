/**
 * Lists: both ends, single elements, ranges. Elements found by value are in `list-search-commands.ts`, moves
 * and pops over several lists in `list-move-commands.ts`, those that wait in `list-blocking-commands.ts`.
 *
 * Tests: test/keyspace/commands/list-commands.test.ts
 * Source: Redis 7.2, src/t_list.c, for answers and events.
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  err,
  type ListValue,
  NO_SUCH_KEY,
  NULL_ARRAY,
  OK,
  OUT_OF_RANGE,
  type Reply,
} from '../engine/index.ts'
import { integer } from './arguments.ts'
import { listBlockingCommands } from './list-blocking-commands.ts'
import { listMoveCommands } from './list-move-commands.ts'
import { listSearchCommands } from './list-search-commands.ts'
import { popSome, pushOne, type Side } from './list-sides.ts'

const NOT_POSITIVE = err('value is out of range, must be positive')

function push({ db }: Call, argv: readonly ByteString[], side: Side, onlyIfThere: boolean): Reply {
  const key = argv[1]!
  const list = onlyIfThere ? db.list(key) : db.listOrNew(key)
  if (list === undefined) return 0
  const size = pushAll(list, argv, side)
  db.changed(key, side === 'LEFT' ? 'lpush' : 'rpush')
  return size
}

function pushAll(list: ListValue, argv: readonly ByteString[], side: Side): number {
  for (let i = 2; i < argv.length; i++) pushOne(list, side, argv[i]!)
  return list.size
}

function pop({ db }: Call, argv: readonly ByteString[], side: Side): Reply {
  const [name = '', key = '', countText] = argv
  if (argv.length > 3) throw err(`wrong number of arguments for '${name.toLowerCase()}' command`)
  if (countText === undefined) {
    const list = db.list(key)
    return list === undefined ? null : (popSome(db, key, list, side, 1)[0] ?? null)
  }
  const count = integer(countText, NOT_POSITIVE)
  if (count < 0) throw NOT_POSITIVE
  const list = db.list(key)
  if (list === undefined) return NULL_ARRAY
  return popSome(db, key, list, side, count)
}

function lindex({ db }: Call, argv: readonly ByteString[]): Reply {
  // As Redis: where there is no list, the index is not read.
  const list = db.list(argv[1]!)
  return list?.get(integer(argv[2]!)) ?? null
}

function lset({ db }: Call, argv: readonly ByteString[]): Reply {
  const [, key = '', index = '', value = ''] = argv
  const list = db.list(key)
  if (list === undefined) throw NO_SUCH_KEY
  if (!list.set(integer(index), value)) throw OUT_OF_RANGE
  db.changed(key, 'lset')
  return OK
}

function lrange({ db }: Call, argv: readonly ByteString[]): Reply {
  const start = integer(argv[2]!)
  const stop = integer(argv[3]!)
  return db.list(argv[1]!)?.range(start, stop) ?? []
}

function ltrim({ db }: Call, argv: readonly ByteString[]): Reply {
  const key = argv[1]!
  const start = integer(argv[2]!)
  const stop = integer(argv[3]!)
  const list = db.list(key)
  if (list === undefined) return OK
  list.trim(start, stop)
  db.changed(key, 'ltrim')
  return OK
}

const pushes = (['lpush', 'rpush', 'lpushx', 'rpushx'] as const).map((name): CommandSpec => {
  const side = name.startsWith('l') ? 'LEFT' : 'RIGHT'
  const onlyIfThere = name.endsWith('x')
  return {
    name,
    arity: -3,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'list',
    summary: `Puts elements at the ${side === 'LEFT' ? 'left' : 'right'} end${
      onlyIfThere ? ' of a list that is there' : ''
    }, and answers how long the list is.`,
    complexity: 'O(n) for n elements',
    syntax: 'key element [element …]',
    since: onlyIfThere ? '2.2.0' : '1.0.0',
    handler: (call, argv) => push(call, argv, side, onlyIfThere),
    inPlace: { type: 'list', run: (list: ListValue, argv) => pushAll(list, argv, side) },
  }
})

const pops = (['lpop', 'rpop'] as const).map((name): CommandSpec => {
  const side = name === 'lpop' ? 'LEFT' : 'RIGHT'
  return {
    name,
    arity: -2,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'list',
    summary: `Takes elements from the ${side === 'LEFT' ? 'left' : 'right'} end.`,
    complexity: 'O(n) for n elements',
    syntax: 'key [count]',
    since: '1.0.0',
    handler: (call, argv) => pop(call, argv, side),
  }
})

const plainCommands: readonly CommandSpec[] = [
  ...pushes,
  ...pops,
  {
    name: 'llen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'list',
    summary: 'Answers the length of a list.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '1.0.0',
    handler: ({ db }, argv) => db.list(argv[1]!)?.size ?? 0,
  },
  {
    name: 'lindex',
    arity: 3,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'list',
    summary: 'Answers the element at an index.',
    complexity: 'O(n/512) for n elements from the nearer end',
    syntax: 'key index',
    since: '1.0.0',
    handler: lindex,
  },
  {
    name: 'lset',
    arity: 4,
    flags: ['write', 'denyoom'],
    keys: { first: 1 },
    group: 'list',
    summary: 'Puts another element at an index.',
    complexity: 'O(n/512) for n elements from the nearer end',
    syntax: 'key index element',
    since: '1.0.0',
    handler: lset,
  },
  {
    name: 'lrange',
    arity: 4,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'list',
    summary: 'Answers the elements between two indexes.',
    complexity: 'O(n) for n elements that are answered',
    syntax: 'key start stop',
    since: '1.0.0',
    handler: lrange,
  },
  {
    name: 'ltrim',
    arity: 4,
    flags: ['write'],
    keys: { first: 1 },
    group: 'list',
    summary: 'Keeps the elements between two indexes.',
    complexity: 'O(n/512) for n elements that are removed',
    syntax: 'key start stop',
    since: '1.0.0',
    handler: ltrim,
  },
]

/** All commands of lists. */
export const listCommands: readonly CommandSpec[] = [
  ...plainCommands,
  ...listSearchCommands,
  ...listMoveCommands,
  ...listBlockingCommands,
]
