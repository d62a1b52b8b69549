/**
 * The same random commands through a whole runtime: four shards, so that commands of several keys cross them,
 * in sessions with MULTI, EXEC, DISCARD, WATCH and SELECT. Patterns of SORT name keys of other shards.
 */
import { createRuntime } from 'shardloom'
import { afterAll, describe, expect, test } from 'vitest'
import { nameOf, type Run } from '../../support/redis/compare.ts'
import { sequenceOf } from '../../support/redis/families.ts'
import { startRedis } from '../../support/redis/redis-server.ts'
import { BLOCKING, runSequence, shrink, textOf } from '../../support/redis/sequences.ts'
import { Words } from '../../support/redis/words.ts'
import { type Resp2Form, resp2Form } from '../../support/resp2.mjs'

const SEQUENCES = process.env['SHL_SOAK'] ? 500 : 8
const LENGTH = 60
const SEED = Number(process.env['SHL_SEED'] ?? 1)
/** On four shards, and two of them on one. */
const KEYS = ['a', 'b', 'c', 'd', 'e{a}']

const runtime = await createRuntime({ threads: 2, keyspace: { shards: 4 } })
const redis = await startRedis()
afterAll(() => Promise.all([redis?.stop(), runtime.close()]))

type KeyspaceSession = ReturnType<typeof runtime.keyspace.session>

async function makeRun(): Promise<Run> {
  const session = runtime.keyspace.session()
  await session.call(['FLUSHALL'])
  let queued: string[] = []
  let isOpen = false
  return async (argv) => {
    const name = nameOf(argv)
    if (BLOCKING.has(name) && !isOpen) return withoutWaiting(session, argv)
    const reply = await session.call([...argv])
    isOpen = session.isInTransaction
    const form = resp2Form(reply, argv[0])
    if (form === '+QUEUED') queued.push(argv[0]!)
    if (name !== 'exec') return form
    const names = queued
    queued = []
    return Array.isArray(reply) ? reply.map((item, i): Resp2Form => resp2Form(item, names[i])) : form
  }
}

/** Within a transaction a command does not wait. */
async function withoutWaiting(session: KeyspaceSession, argv: readonly string[]): Promise<Resp2Form> {
  await session.call(['MULTI'])
  const queued = resp2Form(await session.call([...argv]))
  const done = resp2Form(await session.call(['EXEC']))
  return queued === '+QUEUED' ? done[0]! : queued
}

describe.skipIf(redis === undefined)('a runtime of four shards answers as Redis', () => {
  test.each(['string', 'hash', 'list', 'set', 'sorted set', 'keys', 'publish', 'mixed'])(
    '%s',
    async (family) => {
      await check((seed) => sequenceOf(family, seed, LENGTH, KEYS))
    },
  )

  test('transactions, watched keys and other databases', async () => {
    await check((seed) => transactionsOf(seed))
  })
})

test('commands of every key concern all shards in a transaction', async () => {
  const session = runtime.keyspace.session()
  const ask = async (line: string): Promise<Resp2Form> => resp2Form(await session.call(line.split(' ')))
  await ask('FLUSHALL')
  for (const key of KEYS) await ask(`SET ${key} 1`)
  for (const line of ['MULTI', 'SET new 1', 'DBSIZE', 'KEYS *', 'SWAPDB 0 1', 'DBSIZE']) await ask(line)
  const [, size, found, , sizeThen] = (await ask('EXEC')) as Resp2Form[]
  expect([size, sizeThen]).toEqual([`:${KEYS.length + 1}`, ':0'])
  expect([...(found as string[])].sort()).toEqual([...KEYS, 'new'].map((key) => `$${key}`).sort())
  expect([await ask('DBSIZE'), await ask('SELECT 1'), await ask('DBSIZE')]).toEqual([':0', '+OK', size])
  for (const line of ['MULTI', 'SET a 2', 'FLUSHALL', 'SET b 2']) await ask(line)
  expect([await ask('EXEC'), await ask('DBSIZE')]).toEqual([['+OK', '+OK', '+OK'], ':1'])
})

async function check(draw: (seed: number) => string[][]): Promise<void> {
  const { client } = redis!
  for (let i = 0; i < SEQUENCES; i++) {
    const sequence = draw(SEED * 1_000_003 + i)
    const found = await runSequence(client, makeRun, sequence, KEYS)
    if (found === undefined) continue
    expect.fail(`sequence ${i}:\n${textOf(await shrink(client, makeRun, found, KEYS))}`)
  }
}

/** Commands whose replies have an order and are no matter of chance: they come in the array of EXEC. */
const PLAIN = [
  ...['echo', 'unlink', 'move', 'dbsize', 'flushdb', 'flushall'],
  ...[
    'append',
    'incr',
    'lrange',
    'rpush',
    'lpop',
    'lmove',
    'rename',
    'renamenx',
    'mget',
    'mset',
    'msetnx',
    'del',
  ],
  ...[
    'exists',
    'zadd',
    'zrange',
    'zunionstore',
    'hset',
    'hget',
    'scard',
    'sinterstore',
    'get',
    'set',
    'copy',
    'type',
  ],
]

function transactionsOf(seed: number): string[][] {
  const words = new Words(seed, KEYS)
  const commands = sequenceOf('mixed', seed, 8 * LENGTH, KEYS).filter((argv) => PLAIN.includes(nameOf(argv)))
  return commands.slice(0, LENGTH).flatMap((argv, i): string[][] => {
    const [one, other] = [words.key(), words.key()]
    // A key that is missing when it is watched, and again at EXEC, has not changed for us; for Redis it has.
    const watch = [...[one, other].map((key) => ['SETNX', key, 'w']), ['WATCH', one, other]]
    const control = words.pick<string[][]>([
      ...[[], [], [], [['MULTI']], [['EXEC']], [['EXEC']], [['DISCARD']], [['UNWATCH']], watch, watch],
      ...[[['SELECT', words.pick(['0', '1', '99', 'x'])]], [['MULTI', 'x']], [['EXEC', 'x']], [['WATCH']]],
    ])
    // What is open at the end is closed: the looks that follow are of database 0.
    const end = i === Math.min(LENGTH, commands.length) - 1 ? [['EXEC'], ['SELECT', '0']] : []
    return [...control, argv, ...end]
  })
}
