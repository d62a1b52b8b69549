/** The typed faces of collections: each method once, on real shards. */
import { expect, test } from 'vitest'
import { sleep, testRuntime } from '../support/runtime.ts'

async function start() {
  const runtime = await testRuntime({ threads: 1, keyspace: { shards: 2 } })
  return runtime.keyspace
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

test('strings and keys', async () => {
  const keyspace = await start()
  expect(await keyspace.set('a', '1', { only: 'existing' })).toBe(false)
  expect(await keyspace.set('a', '1', { only: 'new' })).toBe(true)
  expect(await keyspace.set('a', '2', { only: 'new' })).toBe(false)
  expect(await keyspace.incrBy('a', 5)).toBe(6)
  expect(await keyspace.incrByFloat('a', 0.5)).toBe(6.5)
  expect(await keyspace.append('a', '!')).toBe(4)
  expect(await keyspace.get('a')).toBe('6.5!')
  const revision = (await keyspace.revision('a')) as number
  expect(await keyspace.set('a', 'x', { ifRevision: revision })).toBe(true)
  expect(await keyspace.set('a', 'y', { ifRevision: revision })).toBe(false)
  expect(await keyspace.revision('a')).toBeGreaterThan(revision)
  expect(await keyspace.type('a')).toBe('string')
  expect(await keyspace.type('none')).toBeUndefined()
  expect(await keyspace.expire('a', 50_000)).toBe(true)
  expect(await keyspace.set('a', 'z', { keepTtl: true })).toBe(true)
  expect(await keyspace.ttl('a')).toBeGreaterThan(40_000)
  expect(await keyspace.persist('a')).toBe(true)
  expect(await keyspace.ttl('a')).toBe(Number.POSITIVE_INFINITY)
  expect(await keyspace.ttl('none')).toBeUndefined()
  await keyspace.rename('a', 'b')
  expect(await keyspace.has('a')).toBe(false)
  expect(keyspace.mgetSync(['a', 'b'])).toEqual([undefined, 'z'])
  expect((await all(keyspace.scan({ match: 'b*', type: 'string' }))).sort()).toEqual(['b'])
  expect(await keyspace.commandBuffer('GET', 'b')).toEqual(Uint8Array.from([122]))
  await keyspace.clear()
  expect(await keyspace.size()).toBe(0)
})

test('hashes', async () => {
  const hash = (await start()).hash('h')
  expect(await hash.set({ a: '1', b: 'zwei', ä: 3 })).toBe(3)
  expect(await hash.setIfAbsent('a', 'x')).toBe(false)
  expect(await hash.get('b')).toBe('zwei')
  expect(await hash.getMany(['a', 'none'])).toEqual(['1', undefined])
  expect(await hash.getAll()).toEqual({ a: '1', b: 'zwei', ä: '3' })
  expect(await hash.incrBy('a', 4)).toBe(5)
  expect(await hash.incrByFloat('a', 0.25)).toBe(5.25)
  expect(await hash.has('b')).toBe(true)
  expect(await hash.size()).toBe(3)
  expect((await hash.fields()).sort()).toEqual(['a', 'b', 'ä'])
  expect((await hash.values()).sort()).toEqual(['3', '5.25', 'zwei'])
  expect(await hash.expire(50_000, 'a', 'none')).toBe(1)
  expect(await hash.ttl('a')).toBeGreaterThan(40_000)
  expect(await hash.ttl('b')).toBe(Number.POSITIVE_INFINITY)
  expect(await hash.ttl('none')).toBeUndefined()
  expect(Object.fromEntries(await all(hash.entries()))).toEqual({ a: '5.25', b: 'zwei', ä: '3' })
  expect(await hash.delete('a', 'none')).toBe(1)
})

test('lists', async () => {
  const list = (await start()).list('l')
  expect(await list.push('b', 'c')).toBe(2)
  expect(await list.unshift('a')).toBe(3)
  expect(await list.range()).toEqual(['a', 'b', 'c'])
  expect(await list.at(-1)).toBe('c')
  expect(await list.at(9)).toBeUndefined()
  expect(await list.indexOf('b')).toBe(1)
  await list.set(1, 'B')
  expect(await list.insert('after', 'B', 'x')).toBe(4)
  expect(await list.remove('x')).toBe(1)
  await list.trim(0, 1)
  expect(await list.length()).toBe(2)
  expect([await list.pop(), await list.shift(), await list.pop()]).toEqual(['B', 'a', undefined])
  const waiting = list.shiftWait({ timeoutMs: 5000 })
  await sleep(10)
  await list.push('late')
  expect(await waiting).toBe('late')
  expect(await list.popWait({ timeoutMs: 20 })).toBeUndefined()
})

test('sets', async () => {
  const keyspace = await start()
  const set = keyspace.members('s')
  expect(await set.add('a', 'b', 'c')).toBe(3)
  await keyspace.members('t').add('b', 'c', 'd')
  expect(await set.has('a')).toBe(true)
  expect(await set.size()).toBe(3)
  expect((await set.intersect('t')).sort()).toEqual(['b', 'c'])
  expect((await set.union('t')).sort()).toEqual(['a', 'b', 'c', 'd'])
  expect(await set.difference('t')).toEqual(['a'])
  expect(await set.random(2)).toHaveLength(2)
  expect((await all(set.scan())).sort()).toEqual(['a', 'b', 'c'])
  expect(['a', 'b', 'c']).toContain(await set.pop())
  expect((await set.members()).length).toBe(2)
  expect(await set.delete('a', 'b', 'c')).toBe(2)
})

test('sorted sets', async () => {
  const zset = (await start()).zset('z')
  expect(await zset.add('m', 1.5)).toBe(1)
  expect(await zset.add({ a: 1, b: 2, c: 3 })).toBe(3)
  expect(await zset.add('m', 9, { only: 'new' })).toBe(0)
  await zset.add('a', 0.5, { when: 'greater' })
  expect(await zset.score('a')).toBe(1)
  expect(await zset.score('none')).toBeUndefined()
  expect(await zset.incrBy('m', -1)).toBe(0.5)
  expect(await zset.rank('m')).toBe(0)
  expect(await zset.rank('m', { reverse: true })).toBe(3)
  expect(await zset.size()).toBe(4)
  expect(await zset.count(1, 2)).toBe(2)
  expect(await zset.range(0, 1)).toEqual([
    { member: 'm', score: 0.5 },
    { member: 'a', score: 1 },
  ])
  expect(await zset.range(0, 0, { reverse: true })).toEqual([{ member: 'c', score: 3 }])
  expect(await zset.rangeByScore(1, 3, { offset: 1, limit: 1 })).toEqual([{ member: 'b', score: 2 }])
  expect(await zset.rangeByScore(Number.NEGATIVE_INFINITY, 1, { reverse: true })).toEqual([
    { member: 'a', score: 1 },
    { member: 'm', score: 0.5 },
  ])
  expect((await all(zset.scan())).map(({ member }) => member).sort()).toEqual(['a', 'b', 'c', 'm'])
  expect(await zset.popMin()).toEqual([{ member: 'm', score: 0.5 }])
  expect(await zset.popMax(2)).toEqual([
    { member: 'c', score: 3 },
    { member: 'b', score: 2 },
  ])
  expect(await zset.deleteByScore(0, 1)).toBe(1)
  const waiting = zset.popMinWait({ timeoutMs: 5000 })
  await sleep(10)
  await zset.add('late', 7)
  expect(await waiting).toEqual({ member: 'late', score: 7 })
  expect(await zset.popMinWait({ timeoutMs: 20 })).toBeUndefined()
  expect(await zset.delete('none')).toBe(0)
})
