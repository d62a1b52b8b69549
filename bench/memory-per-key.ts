/**
 * Question: how many bytes does a key take, with 16 bytes of its own and a value of 64?
 *
 * By the memory of a fresh process before and after, by the keyspace's own account, and by what the
 * JavaScript heaps hold, where a string takes none. Peer: Redis, by INFO memory: `used_memory_rss` of the
 * process and `used_memory` of its allocator. What would make the figure a lie: garbage that is counted, or
 * keys that are not there (some are read back).
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { type Figure, figureOf, noteCheck, type Question, ratio, skipped, summarise } from './harness.ts'
import { inLanes, keyOf, textOf } from './loads.ts'
import { startRedis } from './peers/redis.ts'

const run = promisify(execFile)
const PROGRAM = fileURLToPath(new URL('./memory-program.js', import.meta.url))
/** A process more changes the figures by less than a byte. */
const ROUNDS_MAX = 3
const RSS = 'memory of the process'
const ACCOUNT = 'own account'
const HEAP = 'JavaScript heaps'

interface BytesPerKey {
  readonly rss: number
  readonly used: number
  readonly heap?: number
  readonly seen: number
}

export const question: Question = {
  name: 'memory-per-key',
  question: 'memory per key, 16-byte key and 64-byte value (bytes)',
  targets: [
    {
      text: 'the process: at most that of Redis',
      isMet: (figures) => ratio(figures, 'shardloom', 'Redis', true, RSS) >= 1,
    },
    {
      text: 'own account: at most that of Redis',
      isMet: (figures) => ratio(figures, 'shardloom', 'Redis', true, ACCOUNT) >= 1,
    },
    {
      text: 'no growth of the JavaScript heaps (under 1 byte per key)',
      isMet: (figures) => (figureOf(figures, 'shardloom', HEAP)?.median ?? 99) < 1,
    },
  ],
  async run(params) {
    const keys = params.small ? 20_000 : 1_000_000
    const rounds = Math.min(params.rounds, ROUNDS_MAX)
    const own: BytesPerKey[] = []
    const redis: BytesPerKey[] = []
    for (let i = 0; i < rounds; i++) {
      own.push(await shardloomBytes(keys))
      try {
        redis.push(await redisBytes(keys))
      } catch (error) {
        skipped('Redis', error)
      }
    }
    for (const { seen } of [...own, ...redis]) {
      if (seen !== Math.ceil(keys / 97)) throw new Error(`${seen} keys were read back`)
    }
    noteCheck(String(own[0]?.seen))
    const figures: Figure[] = []
    const add = (metric: string, subject: string, values: readonly number[]): void => {
      const about = { question: 'memory-per-key', metric, unit: 'bytes' }
      if (values.length > 0) figures.push(summarise(about, subject, values))
    }
    add(
      RSS,
      'shardloom',
      own.map(({ rss }) => rss),
    )
    add(
      RSS,
      'Redis',
      redis.map(({ rss }) => rss),
    )
    add(
      ACCOUNT,
      'shardloom',
      own.map(({ used }) => used),
    )
    add(
      ACCOUNT,
      'Redis',
      redis.map(({ used }) => used),
    )
    add(
      HEAP,
      'shardloom',
      own.map(({ heap }) => heap ?? Number.NaN),
    )
    return figures
  },
}

async function shardloomBytes(keys: number): Promise<BytesPerKey> {
  const { stdout } = await run(process.execPath, [PROGRAM, String(keys)])
  return JSON.parse(stdout) as BytesPerKey
}

async function redisBytes(keys: number): Promise<BytesPerKey> {
  const redis = await startRedis()
  try {
    const client = await redis.client({ isPipelined: true })
    const look = async () => ({
      rss: await redis.info('memory', 'used_memory_rss'),
      used: await redis.info('memory', 'used_memory'),
    })
    await inLanes(1000, Math.max(20_000, keys / 3), (i) => client.set(`warm:${i % 100}`, textOf(i)))
    const before = await look()
    await inLanes(1000, keys, (i) => client.set(keyOf(i), textOf(i)))
    const after = await look()
    let seen = 0
    for (let i = 0; i < keys; i += 97) if ((await client.get(keyOf(i))) === textOf(i)) seen++
    return { rss: (after.rss - before.rss) / keys, used: (after.used - before.used) / keys, seen }
  } finally {
    await redis.stop()
  }
}
