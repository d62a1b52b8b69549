/** Transactions over shards on real threads: all or nothing, one after the other, within their time. */
import type { ActorRef } from 'shardloom'
import { describe, expect, test } from 'vitest'
import { rejection, sleep, testRuntime } from '../support/runtime.ts'

const USER = new URL('../support/actors/keyspace-user.mjs', import.meta.url)
const KEYS = ['a', 'b', 'c', 'd', 'e']

async function start(shards = 4) {
  const runtime = await testRuntime({ threads: 2, keyspace: { shards } })
  return { runtime, keyspace: runtime.keyspace }
}

describe('commands over shards', () => {
  test('are one command, whatever they do', async () => {
    const { keyspace } = await start()
    await keyspace.mset(Object.fromEntries(KEYS.map((key, i) => [key, `${i}`])))
    expect(await keyspace.mget([...KEYS, 'none'])).toEqual(['0', '1', '2', '3', '4', undefined])
    expect(await keyspace.command('EXISTS', ...KEYS, 'none')).toBe(5)
    expect(await keyspace.command('MSETNX', 'x', '1', 'a', '2')).toBe(0)
    expect(await keyspace.command('RENAME', 'a', 'renamed')).toBe('OK')
    expect(keyspace.getSync('renamed')).toBe('0')
    expect(await keyspace.command('COPY', 'b', 'copied')).toBe(1)
    expect(await keyspace.delete(...KEYS)).toBe(4)
    for (const [i, name] of ['s1', 's2', 's3'].entries()) {
      await keyspace.members(name).add('shared', `own:${i}`)
    }
    expect(await keyspace.command('SINTERSTORE', 'dest', 's1', 's2', 's3')).toBe(1)
    expect(await keyspace.members('dest').members()).toEqual(['shared'])
    expect(await keyspace.command('SUNIONSTORE', 'dest', 's1', 's2', 's3')).toBe(4)
    await keyspace.list('from').push('1', '2')
    expect(await keyspace.command('LMOVE', 'from', 'to', 'LEFT', 'RIGHT')).toBe('1')
    await keyspace.zset('z1').add({ a: 1 })
    await keyspace.zset('z2').add({ a: 2, b: 3 })
    expect(await keyspace.command('ZUNION', '2', 'z1', 'z2', 'WITHSCORES')).toEqual(['a', 3, 'b', 3])
    expect(await rejection(keyspace.command('SUNIONSTORE', 'dest', 's1', 'from'))).toMatchObject({
      code: 'SHL_WRONG_TYPE',
    })
    expect(await keyspace.members('dest').size()).toBe(4)
  })

  test('stand in one line with those of others: sums over all shards never differ', async () => {
    const { runtime, keyspace } = await start()
    const users = (await Promise.all([runtime.spawn(USER), runtime.spawn(USER)])) as ActorRef[]
    await Promise.all(users.map((user) => user.ask('addInTransactions', { keys: KEYS, count: 50 })))
    expect(await keyspace.mget(KEYS)).toEqual(KEYS.map(() => '100'))
  })
})

describe('a batch', () => {
  test('runs as one, and an error in it does not undo the rest', async () => {
    const { keyspace } = await start()
    await keyspace.list('list').push('x')
    const [set, wrong, add, read] = await keyspace.batch([
      ['SET', 'a', '1'],
      ['INCR', 'list'],
      ['INCRBY', 'b', 5],
      ['GET', 'a'],
    ])
    expect([set, add, read]).toEqual(['OK', 5, '1'])
    expect(wrong).toMatchObject({ code: 'SHL_WRONG_TYPE' })
  })

  test('is never seen half done', async () => {
    const { keyspace } = await start()
    let isDone = false
    const seen = new Set<string>()
    const read = (async () => {
      while (!isDone) seen.add(JSON.stringify(await keyspace.mget(KEYS)))
    })()
    for (let i = 0; i < 100; i++) await keyspace.batch(KEYS.map((key) => ['SET', key, `${i}`] as const))
    isDone = true
    await read
    for (const one of seen) expect(new Set(JSON.parse(one) as string[]).size).toBe(1)
  })
})

describe('a callback', () => {
  test('reads and writes several keys as one, and what it throws undoes all', async () => {
    const { keyspace } = await start()
    await keyspace.mset({ from: '100', to: '0' })
    const moved = await keyspace.transaction(['from', 'to'], (tx) => {
      tx.incrBy('from', -30)
      return tx.incrBy('to', 30)
    })
    expect(moved).toBe(30)
    const failed = rejection(
      keyspace.transaction(['from', 'to'], (tx) => {
        tx.incrBy('from', -1000)
        throw new RangeError('not enough')
      }),
    )
    expect(await failed).toBeInstanceOf(RangeError)
    expect(await keyspace.mget(['from', 'to'])).toEqual(['70', '30'])
  })

  test('works on every type, by any command, on the keys that it named alone', async () => {
    const { keyspace } = await start()
    await keyspace.zset('scores').add({ ada: 1 })
    await keyspace.hash('names').set({ ada: 'Ada' })
    await keyspace.transaction(['scores', 'names', 'log'], (tx) => {
      tx.command('ZINCRBY', 'scores', 5, 'ada')
      tx.command('HDEL', 'names', 'ada')
      tx.command('RPUSH', 'log', 'done')
    })
    expect(await keyspace.zset('scores').score('ada')).toBe(6)
    expect(await keyspace.has('names')).toBe(false)
    expect(await keyspace.list('log').range()).toEqual(['done'])
    const stranger = await rejection(keyspace.transaction(['a'], (tx) => tx.get('b')))
    expect(stranger).toMatchObject({ code: 'SHL_TRANSACTION_KEY' })
    expect(await rejection(keyspace.transaction(['a'], (tx) => tx.command('DBSIZE')))).toMatchObject({
      code: 'SHL_TRANSACTION_KEY',
    })
    const late = await rejection(keyspace.transaction(['a'], async () => undefined))
    expect(late).toMatchObject({ code: 'SHL_OPTION_INVALID' })
  })

  test('that takes longer than it may changes nothing, and holds nobody up for longer', async () => {
    const { runtime, keyspace } = await start()
    const user = (await runtime.spawn(USER)) as ActorRef
    await keyspace.mset({ a: '1', b: '1' })
    const late = rejection(
      keyspace.transaction(
        ['a', 'b'],
        (tx) => {
          tx.set('a', '2')
          tx.set('b', '2')
          const end = performance.now() + 300
          while (performance.now() < end);
        },
        { holdMs: 50 },
      ),
    )
    const other = user.ask('command', ['INCR', 'a'])
    expect(await late).toMatchObject({ code: 'SHL_TRANSACTION_LATE', retryable: true })
    expect(await other).toBe(2)
    expect(await keyspace.mget(['a', 'b'])).toEqual(['2', '1'])
  })

  test('that nobody waits for any more before it begins never runs', async () => {
    const { runtime, keyspace } = await start()
    const user = (await runtime.spawn(USER)) as ActorRef
    const controller = new AbortController()
    // Holds the keys from another thread while ours waits for them.
    const holding = user.ask('addInTransactions', { keys: ['a', 'b'], count: 200 })
    await sleep(5)
    let hasRun = false
    const waiting = rejection(
      keyspace.transaction(
        ['a', 'b'],
        () => {
          hasRun = true
        },
        { signal: controller.signal },
      ),
    )
    controller.abort()
    expect(await waiting).toBeDefined()
    expect(hasRun).toBe(false)
    await holding
    expect(await keyspace.mget(['a', 'b'])).toEqual(['200', '200'])
  })
})
