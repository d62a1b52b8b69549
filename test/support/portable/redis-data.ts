/** Data in a real Redis: random keys of every type, and all that it says of them. */
import type { Random } from '../../../src/base/index.ts'
import { strtod } from '../../../src/keyspace/engine/index.ts'
import type { PortableValue } from '../../../src/keyspace/portable/index.ts'
import type { RespClient } from '../redis/resp-client.ts'
import type { Resp2Form } from '../resp2.mjs'
import type { WholeKey } from './entries.ts'

/** Settings that decide in which form values are kept and written. */
export const SETTINGS: readonly Readonly<Record<string, string>>[] = [
  {},
  { rdbcompression: 'no', 'list-max-listpack-size': '3', 'list-compress-depth': '1' },
  {
    rdbcompression: 'yes',
    'list-max-listpack-size': '-1',
    'list-compress-depth': '2',
    'hash-max-listpack-entries': '4',
    'zset-max-listpack-entries': '4',
    'set-max-intset-entries': '4',
  },
  {
    'list-max-listpack-size': '-5',
    'list-compress-depth': '0',
    'hash-max-listpack-entries': '100000',
    'hash-max-listpack-value': '100000',
    'zset-max-listpack-entries': '100000',
    'zset-max-listpack-value': '100000',
    'set-max-intset-entries': '100000',
  },
]

export const NOW_MS = Date.now()

/** A word: short or long, text, number or bytes, easy to pack or not. */
export function randomWord(random: Random): string {
  switch (random.below(9)) {
    case 0:
      return String(random.below(200) - 100)
    case 1:
      return String(BigInt(random.below(2 ** 31)) * BigInt(random.below(2 ** 31)) - 2n ** 61n)
    case 2:
      return 'abc'.repeat(random.below(100))
    case 3:
      return bytesOf(random, random.below(30))
    case 4:
      return bytesOf(random, 64 + random.below(300))
    case 5:
      return ''
    case 6:
      return `${random.below(1e6)}.${'0'.repeat(random.below(3))}${random.below(100)}`
    default:
      return `word ${random.below(1e9)}`
  }
}

function bytesOf(random: Random, count: number): string {
  return Array.from({ length: count }, () => String.fromCharCode(random.below(256))).join('')
}

function randomScore(random: Random): string {
  switch (random.below(7)) {
    case 0:
      return ['inf', '-inf', '0', '-0', '5e-324', '1.7976931348623157e308'][random.below(6)]!
    case 1:
      return String(random.below(100) - 50)
    case 2:
      return String((random.below(2 ** 31) * 2 ** 20) / (1 + random.below(1000)))
    default:
      return String(random.below(1e9) / (1 + random.below(1e6)))
  }
}

/** The commands that make a key: of few members, or of many. */
export function randomKey(random: Random, key: string): readonly (readonly string[])[] {
  const size = random.below(4) === 0 ? 200 + random.below(800) : 1 + random.below(12)
  const words = Array.from({ length: size }, () => randomWord(random))
  const commands = [keyCommand(random, key, words)]
  if (random.below(3) === 0) {
    commands.push(['PEXPIREAT', key, String(NOW_MS + 1_000_000 + random.below(1e9))])
  }
  return commands
}

function keyCommand(random: Random, key: string, words: readonly string[]): string[] {
  switch (random.below(6)) {
    case 0:
      return ['SET', key, words.join('').slice(0, 70_000)]
    case 1:
      return ['RPUSH', key, ...words]
    case 2:
      return ['SADD', key, ...words]
    case 3: {
      const bits = [6, 15, 31, 52][random.below(4)]!
      return [
        'SADD',
        key,
        ...words.map(() => String(Math.floor((random.below(2 ** 31) / 2 ** 31) * 2 ** bits) - 20)),
      ]
    }
    case 4:
      return ['HSET', key, ...words.flatMap((word) => [word, randomWord(random)])]
    default:
      return ['ZADD', key, ...words.flatMap((word) => [randomScore(random), word])]
  }
}

/** All that a server holds in a database. */
export async function keysOfRedis(client: RespClient, db = 0): Promise<readonly WholeKey[]> {
  await client.call('SELECT', String(db))
  const names = (await client.call('KEYS', '*')) as readonly string[]
  const keys: WholeKey[] = []
  for (const name of names) keys.push(await keyOfRedis(client, db, name.slice(1)))
  return keys
}

export async function keyOfRedis(client: RespClient, db: number, key: string): Promise<WholeKey> {
  const type = String(await client.call('TYPE', key)).slice(1)
  const time = Number(String(await client.call('PEXPIRETIME', key)).slice(1))
  return { db, key, expireAt: Math.max(0, time), value: await valueOfRedis(client, key, type) }
}

async function valueOfRedis(client: RespClient, key: string, type: string): Promise<PortableValue> {
  switch (type) {
    case 'string':
      return { type, text: String(await client.call('GET', key)).slice(1) }
    case 'list':
      return { type, elements: words(await client.call('LRANGE', key, '0', '-1')) }
    case 'set':
      return { type, members: words(await client.call('SMEMBERS', key)), times: undefined }
    case 'hash': {
      const [fields, values] = pairs(words(await client.call('HGETALL', key)))
      return { type, fields, values, times: undefined }
    }
    case 'zset': {
      const [members, scores] = pairs(words(await client.call('ZRANGE', key, '0', '-1', 'WITHSCORES')))
      return { type, members, scores: scores.map((score) => strtod(score) ?? Number.NaN), times: undefined }
    }
    default:
      throw new Error(`type ${type}`)
  }
}

function words(reply: Resp2Form): string[] {
  if (typeof reply === 'string') throw new Error(reply)
  return reply.map((word) => String(word).slice(1))
}

function pairs(flat: readonly string[]): [string[], string[]] {
  return [flat.filter((_, i) => i % 2 === 0), flat.filter((_, i) => i % 2 === 1)]
}
