/** A keyspace on real threads: commands and reads from anywhere, order, errors, and shards that are lost. */
import type { ActorRef, Runtime } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, testRuntime, until } from '../support/runtime.ts'

const USER = new URL('../support/actors/keyspace-user.mjs', import.meta.url)

function spawnUser(runtime: Runtime, options: object = {}): Promise<ActorRef> {
  return runtime.spawn(USER, options) as Promise<ActorRef>
}

describe('a keyspace', () => {
  test('is used from the main thread and from actors of any thread, alike', async () => {
    const runtime = await testRuntime({ threads: 2, keyspace: { shards: 3 } })
    const { keyspace } = runtime
    const users = [await spawnUser(runtime), await spawnUser(runtime)]
    const alone = await spawnUser(runtime, { placement: 'dedicated' })
    const here = (await spawnUser(runtime, { placement: 'main' })) as ActorRef
    for (const [i, user] of [...users, alone, here].entries()) {
      await user.ask('command', ['SET', `key:${i}`, `from ${i}`])
      for (const reader of [...users, alone, here]) {
        expect(await reader.ask('getSync', `key:${i}`)).toBe(`from ${i}`)
        expect(await reader.ask('command', ['GET', `key:${i}`])).toBe(`from ${i}`)
      }
      expect(keyspace.getSync(`key:${i}`)).toBe(`from ${i}`)
    }
    expect(await keyspace.size()).toBe(4)
  })

  test('is there for actors on threads that start later, with what was written before', async () => {
    const runtime = await testRuntime({ threads: 1, keyspace: { shards: 2, segmentBytes: 1 << 20 } })
    const value = 'x'.repeat(10_000)
    // Several segments, that the late thread must all be given.
    await Promise.all(
      Array.from({ length: 500 }, (_, i) => runtime.keyspace.set(`big:${i}`, `${i}:${value}`)),
    )
    const late = await spawnUser(runtime, { placement: 'dedicated' })
    for (let i = 0; i < 500; i += 50) expect(await late.ask('getSync', `big:${i}`)).toBe(`${i}:${value}`)
  })

  test('shows a write to readers without a message once it is answered', async () => {
    const runtime = await testRuntime({ threads: 2, keyspace: { shards: 2 } })
    const users = await Promise.all([spawnUser(runtime), spawnUser(runtime), spawnUser(runtime)])
    const wrong = await Promise.all(
      users.map((user, i) => user.ask('readsItsWrites', { key: `own:${i}`, count: 500 })),
    )
    expect(wrong).toEqual([0, 0, 0])
  })

  test('keeps the order of what one caller does to a key, awaited or not, over shards or not', async () => {
    const runtime = await testRuntime({ threads: 2, keyspace: { shards: 4 } })
    const { keyspace } = runtime
    const replies: Promise<unknown>[] = []
    for (let i = 0; i < 300; i++) {
      replies.push(keyspace.command('APPEND', 'log', `${i},`))
      if (i % 10 === 0)
        replies.push(keyspace.command('MSET', 'a', `${i}`, 'b', `${i}`, 'c', `${i}`, 'log2', `${i}`))
      if (i % 25 === 0)
        replies.push(
          keyspace.batch([
            ['APPEND', 'log', `[${i}]`],
            ['INCR', 'other'],
          ]),
        )
    }
    await Promise.all(replies)
    const expected = Array.from({ length: 300 }, (_, i) => `${i},${i % 25 === 0 ? `[${i}]` : ''}`).join('')
    expect(await keyspace.get('log')).toBe(expected)
    expect(await keyspace.mget(['a', 'b', 'c', 'log2'])).toEqual(['290', '290', '290', '290'])
  })

  test('takes any bytes as key and value, also large ones', async () => {
    const runtime = await testRuntime({ threads: 1, keyspace: {} })
    const { keyspace } = runtime
    const key = Uint8Array.from({ length: 256 }, (_, i) => i)
    const value = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31) & 255)
    await keyspace.set(key, value)
    expect(Buffer.compare((await keyspace.get(key, 'buffer')) as Uint8Array, value)).toBe(0)
    expect(Buffer.compare(keyspace.getSync(key, 'buffer') as Uint8Array, value)).toBe(0)
    expect(await keyspace.append(key, 'end')).toBe(3_000_003)
    await keyspace.set('schlüssel', 'wért ☃')
    expect(keyspace.getSync('schlüssel')).toBe('wért ☃')
    expect(await keyspace.command('STRLEN', 'schlüssel')).toBe(Buffer.byteLength('wért ☃'))
  })

  test('answers what is wrong with a code and Redis words', async () => {
    const runtime = await testRuntime({ threads: 1, keyspace: { shards: 2 } })
    const { keyspace } = runtime
    await keyspace.list('list').push('x')
    expect(await rejection(keyspace.get('list'))).toMatchObject({ code: 'SHL_WRONG_TYPE' })
    expect(() => keyspace.getSync('list')).toThrow(/WRONGTYPE/)
    const unknown = await rejection(keyspace.command('NOSUCH', 'a'))
    expect(unknown).toMatchObject({ code: 'SHL_COMMAND_REFUSED' })
    expect(unknown.message).toContain("ERR unknown command 'NOSUCH'")
    expect(await rejection(keyspace.command('GET'))).toMatchObject({ code: 'SHL_COMMAND_REFUSED' })
    expect((await rejection(keyspace.incrBy('list'))).message).toContain('INCRBY')
    expect(await rejection(keyspace.command('LOCK.FLOOR', '1'))).toMatchObject({
      code: 'SHL_COMMAND_REFUSED',
    })
  })

  test('reads times to live without a message, and forgets what is over', async () => {
    const runtime = await testRuntime({ threads: 1, keyspace: {} })
    const { keyspace } = runtime
    await keyspace.set('short', 'x', { ttl: 400 })
    await keyspace.set('long', 'x', { ttl: 60_000 })
    await keyspace.set('ever', 'x')
    expect(keyspace.hasSync('short')).toBe(true)
    expect(keyspace.ttlSync('long')).toBeGreaterThan(50_000)
    expect(keyspace.ttlSync('ever')).toBe(Number.POSITIVE_INFINITY)
    expect(keyspace.ttlSync('none')).toBeUndefined()
    await until(() => keyspace.getSync('short') === undefined, 'short is over')
    expect(keyspace.hasSync('short')).toBe(false)
    // Also without anybody asking.
    await until(async () => (await keyspace.size()) === 2, 'it is removed')
  })

  test('refuses writes at its ceiling of memory, or evicts, as it was told', async () => {
    const full = await testRuntime({ threads: 1, keyspace: { maxMemoryBytes: 300_000 } })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 3000 }, (_, i) => full.keyspace.set(`key:${i}`, 'x'.repeat(200))),
    )
    const refused = outcomes.filter((one) => one.status === 'rejected')
    expect(refused.length).toBeGreaterThan(100)
    expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({ code: 'SHL_KEYSPACE_FULL' })
    expect(full.keyspace.getSync('key:0')).toBe('x'.repeat(200))
    const cache = await testRuntime({
      threads: 1,
      keyspace: { maxMemoryBytes: 300_000, evictionPolicy: 'allkeys-lru' },
    })
    await Promise.all(Array.from({ length: 3000 }, (_, i) => cache.keyspace.set(`key:${i}`, 'x'.repeat(200))))
    const stats = await cache.keyspace.stats()
    expect(stats.evictedKeys).toBeGreaterThan(1000)
    expect(stats.usedBytes).toBeLessThan(310_000)
  })

  test('starts a shard again whose thread is lost; what it held is gone, the rest is not', async () => {
    const runtime = await testRuntime({ threads: 2, keyspace: { shards: 2 } })
    const { keyspace } = runtime
    await Promise.all(Array.from({ length: 200 }, (_, i) => keyspace.set(`key:${i}`, `${i}`)))
    const lost = Array.from({ length: 200 }, (_, i) => i).filter(
      (i) => keyspace.shardOf(`key:${i}`).shard === 0,
    )
    const thread = keyspace.client.memory.addressOf(0)?.thread as number
    await runtime.killThread(thread)
    // Callers wait for it, or are told that it was lost under them: both are for trying again.
    await until(async () => {
      try {
        return (await keyspace.set(`key:${lost[0]}`, 'again')) === true
      } catch (error) {
        expect(error).toMatchObject({ retryable: true })
        return false
      }
    }, 'the shard is back')
    expect(keyspace.getSync(`key:${lost[0]}`)).toBe('again')
    expect(keyspace.getSync(`key:${lost[1]}`)).toBeUndefined()
    for (let i = 0; i < 200; i++) {
      if (!lost.includes(i)) expect(keyspace.getSync(`key:${i}`)).toBe(`${i}`)
    }
    await keyspace.mset({ a: '1', b: '2', c: '3', d: '4' })
    expect(await keyspace.mget(['a', 'b', 'c', 'd'])).toEqual(['1', '2', '3', '4'])
    const user = await spawnUser(runtime, { placement: 'dedicated' })
    expect(await user.ask('getSync', `key:${lost[0]}`)).toBe('again')
  })

  test('says what to do when there is none', async () => {
    const runtime = await testRuntime({ threads: 1 })
    expect(() => runtime.keyspace).toThrow(/keyspace: \{\}/)
    const user = await spawnUser(runtime)
    expect(await rejection(user.ask('hasKeyspace'))).toMatchObject({ code: 'SHL_KEYSPACE_OFF' })
    expect(await rejection(testRuntime({ keyspace: { shard: 2 } as object }))).toMatchObject({
      code: 'SHL_OPTION_UNKNOWN',
    })
  })

  test('bounds what one thread may have under way', async () => {
    const runtime = await testRuntime({ threads: 1, keyspace: { pendingMax: 100 } })
    const outcomes = await Promise.allSettled(
      Array.from({ length: 300 }, (_, i) => runtime.keyspace.set(`k${i}`, 'x')),
    )
    const refused = outcomes.filter((one) => one.status === 'rejected')
    expect(refused).toHaveLength(200)
    expect((refused[0] as PromiseRejectedResult).reason).toMatchObject({ code: 'SHL_KEYSPACE_BUSY' })
    expect(await runtime.keyspace.set('after', 'x')).toBe(true)
  })

  test('closes with its runtime, and leaves nothing that holds the process', async () => {
    const runtime = await testRuntime({ threads: 2, keyspace: { shards: 2, rebalance: { intervalMs: 20 } } })
    const waiting = rejection(runtime.keyspace.list('never').shiftWait())
    await runtime.keyspace.set('a', '1')
    await sleep(50)
    const report = await runtime.close({ timeoutMs: 3000 })
    expect(report.lostThreads).toEqual([])
    expect(await waiting).toHaveProperty('code')
  })
})
