/**
 * Random batches over three shards, with and without logs, beside one shard that has all keys: replies and
 * keys are the same. Commands over all keys stand among the others, so that most batches run on copies.
 */
import { describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../src/base/index.ts'
import { byteString, type Reply } from '../../../src/keyspace/engine/index.ts'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import type { Coordinator } from '../../../src/keyspace/shard/coordinator.ts'
import type { Shard } from '../../../src/keyspace/shard/shard.ts'
import { ReplyReader } from '../../../src/keyspace/wire/index.ts'
import { DurableLab } from '../../support/durable-lab.ts'
import { makeShard } from '../../support/durable-shard.ts'
import { type Plain, plain } from '../../support/engine.ts'
import { stateOf } from '../../support/shard-state.ts'
import { batchOf, ShardLab } from '../../support/shards.ts'

const SHARDS = 3
const SEEDS = process.env['SHL_SOAK'] ? 400 : 4
const BATCHES = 30
const DATABASES = 3
/** What each shard answers in an order of its own. */
const UNORDERED = new Set(['KEYS', 'SMEMBERS', 'SUNION', 'HKEYS'])

interface Lab {
  readonly shards: readonly Shard[]
  readonly coordinators: readonly Coordinator[]
  readonly isFree: boolean
  keyOn(shard: number, nth?: number): string
  settle(promise: Promise<unknown>): Promise<unknown>
}

async function inMemory(): Promise<Lab> {
  const lab = new ShardLab(SHARDS)
  return {
    shards: lab.shards,
    coordinators: lab.coordinators,
    get isFree() {
      return lab.areFree(0, 1, 2)
    },
    keyOn: (shard, nth) => lab.keyOn(shard, nth),
    settle: (promise) => lab.settle(promise),
  }
}

async function withLogs(): Promise<Lab> {
  const lab = await DurableLab.open(DurableLab.disks(SHARDS))
  return {
    shards: lab.lives.map(({ shard }) => shard),
    coordinators: lab.lives.map(({ coordinator }) => coordinator),
    get isFree() {
      return lab.isFree
    },
    keyOn: (shard, nth) => lab.keyOn(shard, nth),
    settle: (promise) => lab.settle(promise),
  }
}

/** Commands whose replies say the same wherever keys lie. */
function commandOf(random: Random, keys: readonly string[]): string[] {
  const key = (): string => keys[random.below(keys.length)]!
  const [a, b, c] = [key(), key(), key()]
  const db = String(random.below(DATABASES))
  const usual = [
    ['SET', a, String(random.below(100))],
    ['SET', a, 'v', 'PX', '1000000'],
    ['GET', a],
    ['APPEND', a, 'x'],
    ['MSET', a, '1', b, '2'],
    ['MGET', a, b, c],
    ['DEL', a, b],
    ['EXISTS', a, b, c],
    ['RPUSH', a, 'p', 'q'],
    ['LRANGE', a, '0', '-1'],
    ['LMOVE', a, b, 'LEFT', 'RIGHT'],
    ['SADD', a, 'm', String(random.below(9))],
    ['SUNIONSTORE', a, b, c],
    ['SMEMBERS', a],
    ['HSET', a, 'f', String(random.below(9))],
    ['RENAME', a, b],
    ['COPY', a, b, 'DB', db, 'REPLACE'],
    ['MOVE', a, db],
    ['SORT', a, 'ALPHA'],
    ['PTTL', a],
    ['BLPOP', a, '0'],
  ]
  const whole = [
    ['FLUSHALL'],
    ['FLUSHDB'],
    ['FLUSHDB', 'NEVER'],
    ['SWAPDB', db, String(random.below(DATABASES))],
    ['SWAPDB', db, '99'],
    ['DBSIZE'],
    ['DBSIZE'],
    ['KEYS', '*'],
    ['KEYS', `${a}*`],
    ['PUBSUB', 'CHANNELS'],
    ['PING'],
  ]
  const list = random.below(4) === 0 ? whole : usual
  return list[random.below(list.length)]!
}

function repliesOf(bytes: Uint8Array, commands: readonly string[][]): Plain[] {
  const reader = new ReplyReader(bytes)
  return commands.map(([name]) => {
    const reply = plain(reader.next() as Reply)
    return UNORDERED.has(name!) && Array.isArray(reply) ? [...reply].sort() : reply
  })
}

/** Without revisions: each side draws its own. */
function keysOf(shards: readonly Shard[]): string[] {
  return shards
    .flatMap(({ engine }) => engine.atomically(() => stateOf(engine)))
    .map((line) => line.replace(/ at \d+/, ''))
    .sort()
}

describe.each([
  ['in memory', inMemory],
  ['with logs', withLogs],
] as const)('batches over shards, %s', (_, open) => {
  test('do what they do on one shard', async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = seededRandom(seed)
      const lab = await open()
      const model = makeShard()
      const keys = Array.from({ length: 2 * SHARDS }, (_, i) => lab.keyOn(i % SHARDS, Math.floor(i / SHARDS)))
      const lines: string[] = []
      for (let i = 0; i < BATCHES; i++) {
        const db = random.below(DATABASES)
        const by = random.below(SHARDS)
        const commands = Array.from({ length: 1 + random.below(6) }, () => commandOf(random, keys))
        lines.push(`${by}, ${db}: ${JSON.stringify(commands)}`)
        const expected = repliesOf(model.runBatch(batchOf(commands, db)), commands)
        const message = { batch: batchOf(commands, db), watched: [], level: 0 }
        const answer = lab.coordinators[by]!.transact(message, new AbortController().signal)
        await lab.settle(answer)
        const done = await answer
        const about = `seed ${seed}\n${lines.join('\n')}`
        if (done.type !== 'done') throw new Error(about)
        expect(repliesOf(done.replies, commands), about).toEqual(expected)
        expect(keysOf(lab.shards), about).toEqual(keysOf([model]))
        expect(lab.isFree, about).toBe(true)
      }
    }
  })
})

test('keys that nobody names are seen as they will be: RANDOMKEY and SCAN', async () => {
  const lab = new ShardLab(SHARDS)
  const [a, b, c] = [lab.keyOn(0), lab.keyOn(1), lab.keyOn(2)]
  await lab.run(1, ['SET', b, '1'])
  const replies = await lab.transact(0, [['DEL', b], ['RANDOMKEY'], ['SET', c, '1'], ['RANDOMKEY']])
  expect(replies).toEqual([1, null, 'OK', c])
  await lab.run(0, ['SET', a, '1'])
  // What is on the coordinator's shard, as ever, and what is new.
  const scanned = await lab.transact(0, [
    ['SET', b, '1'],
    ['SCAN', '0'],
    ['DEL', a],
    ['SCAN', '0'],
  ])
  expect(scanned![1]).toEqual(['0', [a, b]])
  expect(scanned![3]).toEqual(['0', [b]])
  expect(await lab.transact(0, [['PING'], ['SCAN', 'x']])).toEqual([
    'PONG',
    expect.stringContaining('cursor'),
  ])
})

test('patterns of SORT find keys of the coordinator, with a log, too', async () => {
  const lab = await DurableLab.open(DurableLab.disks(2))
  const [list, to] = [lab.keyOn(0), lab.keyOn(1)]
  // Weights that lie where the list does.
  let tag = 0
  const weight = (element: string): string => `w${tag}_${element}`
  const isHome = (key: string): boolean => lab.lives[0]!.shard.owns(hashSlotOf(key))
  while (!['x', 'y'].every((element) => isHome(weight(element)))) tag++
  await lab.transact(0, [
    ['RPUSH', list, 'x', 'y'],
    ['SET', weight('x'), '2'],
    ['SET', weight('y'), '1'],
  ])
  expect(await lab.transact(0, [['SORT', list, 'BY', `w${tag}_*`, 'STORE', to]])).toBe('done')
  const { engine } = lab.lives[1]!.shard
  expect(engine.database(0).list(to)!.slice(0, 9).map(byteString)).toEqual(['y', 'x'])
})
