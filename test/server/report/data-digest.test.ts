/** The digest of data, against a real Redis with the same data. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Argument, Reply } from '../../../src/keyspace/engine/index.ts'
import { datasetDigest, valueDigest } from '../../../src/server/report/data-digest.ts'
import { makeEngine } from '../../support/engine.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'

const DATA: readonly string[][] = [
  ['SET', 's', 'hello'],
  ['SET', 'n', '12345'],
  ['SET', 'volatile', '\xff\0', 'PX', '1000000'],
  ['RPUSH', 'l', ...Array.from({ length: 300 }, (_, i) => `item ${i % 7}`)],
  ['SADD', 't', '1', '2', 'x', '\xe9'],
  ['ZADD', 'z', '1', 'a', '2.5', 'b', '3.1', 'c', '-inf', 'd', '1e300', 'e'],
  ['HSET', 'h', 'f', 'v', 'g', '', 'i', '12'],
  ['PEXPIRE', 'h', '1000000'],
]

let redis: RedisServer | undefined
beforeAll(async () => {
  redis = await startRedis(['--enable-debug-command', 'yes'])
}, 90_000)
afterAll(() => redis?.stop())

/** An engine with the data, and what runs its commands. */
function ours(): (argv: readonly Argument[], db: number) => Promise<Reply> {
  const { engine } = makeEngine()
  const run = async (argv: readonly Argument[], db: number): Promise<Reply> =>
    engine.execute({ id: 'test', resp: 2, db }, argv) as Reply
  return run
}

describe('a digest', () => {
  test('is that of Redis, of each value and of all of them', async ({ skip }) => {
    if (redis === undefined) return skip()
    const run = ours()
    const { client } = redis
    for (const argv of DATA) {
      await run(argv, 0)
      await client.call(...argv)
    }
    await run(['SET', 'other', 'db'], 5)
    await client.pipeline([
      ['SELECT', '5'],
      ['SET', 'other', 'db'],
      ['SELECT', '0'],
    ])
    const keys = [...new Set(DATA.map((argv) => argv[1]!)), 'nokey']
    const theirs = await client.call('DEBUG', 'DIGEST-VALUE', ...keys)
    const digests = await Promise.all(keys.map((key) => valueDigest(run, key, 0)))
    expect(Object.fromEntries(keys.map((key, i) => [key, `+${digests[i]}`]))).toEqual(
      Object.fromEntries(keys.map((key, i) => [key, theirs[i]])),
    )
    expect(`+${await datasetDigest(run, [0, 5])}`).toBe(await client.call('DEBUG', 'DIGEST'))
  })

  test('does not depend on the order in which data came', async () => {
    const [one, other] = [ours(), ours()]
    for (const argv of DATA) await one(argv, 0)
    for (const argv of [...DATA].reverse()) {
      const [name, key, ...words] = argv as [string, string, ...string[]]
      if (name === 'PEXPIRE') continue
      await other(name === 'SADD' ? [name, key, ...words.reverse()] : argv, 0)
    }
    await other(DATA.at(-1)!, 0)
    expect(await datasetDigest(one, [0])).toBe(await datasetDigest(other, [0]))
    await other(['HSET', 'h', 'f', 'w'], 0)
    expect(await datasetDigest(one, [0])).not.toBe(await datasetDigest(other, [0]))
  })
})
