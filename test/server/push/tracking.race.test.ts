/** Caches that are told of changes by CLIENT TRACKING, over two threads: none of them stays stale. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { clientsOf, type Plain, type PushClient } from '../../support/push-client.ts'
import { delay } from '../../support/redis/resp-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const ROUNDS = process.env['SHL_SOAK'] ? 20_000 : 120
let server: TestServer
const { connect, several } = clientsOf(() => server)

beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.close())

/** A client that keeps what it has read until it is told to forget it. */
class Cache {
  readonly client: PushClient
  readonly values = new Map<string, Plain>()
  hits = 0

  constructor(client: PushClient) {
    this.client = client
    // What comes in one piece is in its order: replies settle in microtasks, and pushes are looked at here.
    client.pushes.push = (...pushes) => {
      for (const push of pushes) this.#onPush(push)
      return 0
    }
  }

  async get(key: string): Promise<Plain> {
    const known = this.values.get(key)
    if (known !== undefined) {
      this.hits++
      return known
    }
    return this.keep(
      [key],
      this.client.call('GET', key).then((value) => [value]),
    )
  }

  /** Takes what was read; of words that come behind the reply none may be missed. */
  async keep(keys: readonly string[], reading: Promise<readonly Plain[]>): Promise<Plain> {
    const values = await reading
    keys.forEach((key, i) => {
      if (!this.#spoken.has(key)) this.values.set(key, values[i]!)
    })
    return values[0]!
  }

  /** Of keys that were spoken of in the piece that is read now: a reply in it may be older. */
  readonly #spoken = new Set<string>()

  #onPush(push: readonly Plain[]): void {
    expect(push[0]).toBe('invalidate')
    if (push[1] === null) this.values.clear()
    else {
      for (const key of push[1] as string[]) {
        this.values.delete(key)
        this.#spoken.add(key)
      }
      setImmediate(() => this.#spoken.clear())
    }
  }
}

async function agree(
  caches: readonly Cache[],
  keys: readonly string[],
  asker: PushClient,
): Promise<string[]> {
  const endMs = performance.now() + 3000
  for (;;) {
    const stale: string[] = []
    for (const key of keys) {
      const now = await asker.call('GET', key)
      caches.forEach((cache, i) => {
        const kept = cache.values.get(key)
        if (kept !== undefined && kept !== now)
          stale.push(`${i}: ${key} is ${String(now)}, kept ${String(kept)}`)
      })
    }
    if (stale.length === 0 || performance.now() > endMs) return stale
    await delay(5)
  }
}

const KEYS = Array.from({ length: 12 }, (_, i) => `k:${i}`)

async function race(tracking: readonly string[], seed: number): Promise<void> {
  const random = seededRandom(seed)
  const readers = await Promise.all(Array.from({ length: 6 }, async () => new Cache(await connect())))
  const writers = await several(4)
  await Promise.all(readers.map(({ client }) => client.call('CLIENT', 'TRACKING', 'ON', ...tracking)))
  let version = 0
  const key = (): string => KEYS[random.below(KEYS.length)]!
  for (let round = 0; round < ROUNDS; round++) {
    const work: Promise<unknown>[] = []
    for (const cache of readers) {
      const kind = random.below(10)
      if (kind < 7) work.push(cache.get(key()))
      else if (kind < 8) {
        const keys = [key(), key()]
        work.push(cache.keep(keys, cache.client.call('MGET', ...keys) as Promise<Plain[]>))
      } else if (kind < 9) {
        const one = key()
        const read = cache.client.pipeline([['MULTI'], ['GET', one], ['EXEC']])
        work.push(
          cache.keep(
            [one],
            read.then((replies) => replies[2] as Plain[]),
          ),
        )
      } else work.push(cache.client.call('SET', key(), ++version))
    }
    const writer = writers[random.below(writers.length)]!
    const kind = random.below(12)
    if (kind < 6) work.push(writer.call('SET', key(), ++version))
    else if (kind < 7) work.push(writer.call('DEL', key(), key()))
    else if (kind < 8) work.push(writer.call('MSET', key(), ++version, key(), ++version))
    else if (kind < 9)
      work.push(writer.pipeline([['MULTI'], ['SET', key(), ++version], ['APPEND', key(), '+'], ['EXEC']]))
    else if (kind < 10) work.push(writer.call('SET', key(), ++version, 'PX', 1 + random.below(5)))
    else if (kind < 11 && random.below(20) === 0) work.push(writer.call('FLUSHDB'))
    // Now and then all is at rest, and mostly it is not.
    if (random.below(4) === 0) await Promise.all(work)
    else if (random.below(3) === 0) await work[random.below(work.length)]
  }
  const asker = await connect()
  for (const { client } of [...readers]) await client.call('PING')
  for (const client of writers) await client.call('PING')
  expect(await agree(readers, KEYS, asker)).toEqual([])
  expect(readers.reduce((sum, { hits }) => sum + hits, 0)).toBeGreaterThan(0)
}

it('no copy stays that is older than its key', () => race([], 1))

it('nor with BCAST, for a prefix', () => race(['BCAST', 'PREFIX', 'k:'], 2))

it('nor with NOLOOP, for what others have written', async () => {
  const [own, other] = [new Cache(await connect()), await connect()]
  await own.client.call('CLIENT', 'TRACKING', 'ON', 'NOLOOP')
  for (let i = 0; i < 60; i++) {
    const key = KEYS[i % KEYS.length]!
    await own.get(key)
    await own.client.call('SET', key, `own ${i}`)
    // It is not told, and forgets by itself. The word of the shard may come when it has read anew.
    own.values.delete(key)
    expect(await own.get(key)).toBe(`own ${i}`)
    await other.call('SET', key, `other ${i}`)
    await own.client.until(() => !own.values.has(key), 'it is told of another’s write')
  }
})

it('a change by the client itself is told without NOLOOP only', async () => {
  const [quiet, loud] = [await connect(), await connect()]
  await quiet.call('CLIENT', 'TRACKING', 'ON', 'NOLOOP')
  await loud.call('CLIENT', 'TRACKING', 'ON')
  for (const key of KEYS) {
    for (const client of [quiet, loud]) {
      await client.call('GET', key)
      await client.call('SET', key, 'x')
    }
    await quiet.call('GET', key)
    await quiet.pipeline([['MULTI'], ['INCR', `${key}:n`], ['SET', key, 'y'], ['EXEC']])
  }
  await loud.take(KEYS.length)
  expect(quiet.pushes.filter(([word]) => word !== 'invalidate')).toEqual([])
})

it('keys beyond the limit are forgotten, and said so', async () => {
  const [reader, admin] = [await connect(), await connect()]
  await reader.call('CLIENT', 'TRACKING', 'ON')
  await admin.call('CONFIG', 'SET', 'tracking-table-max-keys', '20')
  const count = 100
  for (let i = 0; i < count; i++) await reader.call('GET', `many:${i}`)
  // Two threads share the limit.
  expect(String(await admin.call('INFO', 'stats'))).toMatch(
    /tracking_total_keys:10\r\ntracking_total_items:10\r/,
  )
  expect(await reader.take(count - 10)).toContainEqual(['invalidate', ['many:0']])
  await reader.call('PING')
  expect(reader.pushes).toEqual([])
  await admin.call('CONFIG', 'SET', 'tracking-table-max-keys', '1000000')
})

it('a client is told in the place of another, on whichever thread it is, until it is gone', async () => {
  const targets = await Promise.all(Array.from({ length: 4 }, () => connect(2)))
  const ids = await Promise.all(targets.map((one) => one.call('CLIENT', 'ID')))
  const writer = await connect()
  for (const [i, target] of targets.entries()) {
    const heard: string[] = []
    target.socket.removeAllListeners('data')
    target.socket.on('data', (bytes) => heard.push(String(bytes)))
    target.send('SUBSCRIBE', '__redis__:invalidate')
    await target.until(() => heard.join('').includes('subscribe'), 'it listens')
    const reader = await connect()
    expect(await reader.call('CLIENT', 'TRACKING', 'ON', 'REDIRECT', String(ids[i]))).toBe('OK')
    await reader.call('GET', `redirected:${i}`)
    await writer.call('SET', `redirected:${i}`, '1')
    await target.until(() => heard.join('').includes(`redirected:${i}`), 'it is told')
    target.close()
    await delay(20)
    await reader.call('GET', `redirected:${i}`)
    await writer.call('SET', `redirected:${i}`, '2')
    expect(await reader.take()).toEqual([['tracking-redir-broken', ids[i]]])
    expect(await reader.call('CLIENT', 'TRACKINGINFO')).toContainEqual(['on', 'broken_redirect'])
  }
})

it('an expired key and an evicted one are told', async () => {
  const [reader, writer] = [await connect(), await connect()]
  await reader.call('CLIENT', 'TRACKING', 'ON')
  for (const key of ['short:1', 'short:2', 'short:3']) {
    await writer.call('SET', key, 'x', 'PX', 30)
    await reader.call('GET', key)
    expect(await reader.take()).toEqual([['invalidate', [key]]])
  }
})

it('who does not read is told at the end that any key may have changed, and nothing grows', async () => {
  const [slow, writer] = [await connect(), await connect()]
  await slow.call('CLIENT', 'TRACKING', 'ON', 'BCAST')
  slow.socket.pause()
  const name = 'n'.repeat(4000)
  const each = 400
  for (let i = 0; i < 10; i++) {
    await writer.pipeline(Array.from({ length: each }, (_, j) => ['SET', `${name}:${i}:${j}`, '1']))
  }
  const size = String(await writer.call('CLIENT', 'LIST', 'ID', Number(await idOf(slow, writer))))
  expect(Number(/omem=(\d+)/.exec(size)?.[1])).toBeLessThan(6 * 1024 * 1024)
  slow.socket.resume()
  await slow.until(
    () => slow.pushes.some(([, keys]) => keys === null),
    'it is told that any key may have changed',
  )
})

/** Found by its flags: it does not read, and cannot be asked. */
async function idOf(client: PushClient, asker: PushClient): Promise<string> {
  const list = String(await asker.call('CLIENT', 'LIST'))
  const port = `:${client.socket.localPort} `
  return /^id=(\d+)/.exec(list.split('\n').find((line) => line.includes(port)) ?? '')?.[1] ?? ''
}
