/**
 * What programs do with redis-py: pipelines, transactions with WATCH, subscriptions, iterators, blocking
 * pops, a pool between threads. The same program at Debian's Redis and at two shards on two threads prints
 * the same.
 *
 * Its Lock class leaves by a script, which we do not run: the program enters by it, and no more. Locks with
 * fencing tokens, from Python: test/server/clients/other-languages.race.test.ts.
 */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isAvailable, type Outcome, run } from '../../support/clients/program.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const PROGRAM = fileURLToPath(new URL('../../support/clients/redis-py-uses.py', import.meta.url))
/** Debian's own, which has Debian's packages. */
const PYTHON = '/usr/bin/python3'
const HERE = isAvailable([PYTHON, '-c', 'import redis'], ['python3-redis'])

let redis: RedisServer | undefined
let ours: TestServer

beforeAll(async () => {
  redis = await startRedis()
  ours = await testServer()
})
afterAll(async () => {
  await redis?.stop()
  await ours?.close()
})

function usesOf(port: number, kind: string): Promise<Outcome> {
  const env = { PYTHONDONTWRITEBYTECODE: '1' }
  return run(PYTHON, [PROGRAM, `redis://127.0.0.1:${port}`, kind], { env })
}

describe.runIf(HERE)('redis-py', () => {
  const NAME = 'every part of the program gets from us what it gets from Redis: %s'
  test.for(['bytes', 'text'])(NAME, { timeout: 60_000 }, async (kind, { skip }) => {
    if (redis === undefined) return skip('needs redis-server')
    const theirs = await usesOf(redis.port, kind)
    expect(theirs).toMatchObject({ code: 0, stderr: '' })
    expect([...theirs.stdout.matchAll(/^# (\w+)$/gm)].map(([, part]) => part)).toEqual([
      ...['strings', 'collections', 'iterators', 'pipelines', 'watches', 'channels', 'blocking'],
      ...['pool', 'locks'],
    ])
    const got = await usesOf(ours.port, kind)
    expect(got.stderr).toBe('')
    expect(got.stdout.split('\n')).toEqual(theirs.stdout.split('\n'))
    expect(got.code).toBe(0)
  })
})
