/** The typed calls against a real Redis: what it has, they do. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { failureOf, testKeyspace } from '../support/client-lab.ts'
import { type RedisServer, startRedis } from '../support/redis/redis-server.ts'

let redis: RedisServer | undefined

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(() => redis?.stop())

beforeEach(({ skip }) => {
  if (redis === undefined) skip()
})

async function lab(options: Parameters<typeof testKeyspace>[1] = {}) {
  await redis!.client.call('FLUSHALL')
  return testKeyspace(redis!.port, options)
}

test('strings, as text and as bytes', async () => {
  const { keyspace } = await lab()
  await keyspace.ready()
  expect(await keyspace.set('a', 'hällo')).toBe(true)
  expect(await keyspace.get('a')).toBe('hällo')
  expect(await keyspace.get('a', 'buffer')).toEqual(new Uint8Array(Buffer.from('hällo')))
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i)
  await keyspace.set(bytes, bytes)
  expect(await keyspace.get(bytes, 'buffer')).toEqual(bytes)
  const large = new Uint8Array(300_000).fill(200)
  await keyspace.set('large', large)
  expect(Buffer.compare((await keyspace.get('large', 'buffer'))!, large)).toBe(0)
  expect(await keyspace.set('a', 'x', { only: 'new' })).toBe(false)
  expect(await keyspace.set('a', 'x', { only: 'existing', ttl: 60_000 })).toBe(true)
  expect(await keyspace.ttl('a')).toBeGreaterThan(50_000)
  expect(await keyspace.persist('a')).toBe(true)
  expect(await keyspace.ttl('a')).toBe(Number.POSITIVE_INFINITY)
  expect(await keyspace.mget(['a', 'none'])).toEqual(['x', undefined])
  expect(await keyspace.append('a', 'yz')).toBe(3)
})

test('numbers, also those that are no safe integers', async () => {
  const { keyspace } = await lab()
  expect(await keyspace.incrBy('n', 5)).toBe(5)
  expect(await keyspace.incrByFloat('n', 0.5)).toBe(5.5)
  await keyspace.set('big', '9007199254740993')
  expect(await keyspace.command('INCRBY', 'big', 0)).toBe(9007199254740993n)
})

test('collections', async () => {
  const { keyspace } = await lab()
  const hash = keyspace.hash('h')
  expect(await hash.set({ a: 1, ä: 'ö' })).toBe(2)
  expect(await hash.getAll()).toEqual({ a: '1', ä: 'ö' })
  expect(await hash.getMany(['a', 'none'])).toEqual(['1', undefined])
  expect(await hash.setIfAbsent('a', 2)).toBe(false)
  const fields: [string, string][] = []
  for await (const entry of hash.entries()) fields.push(entry)
  expect(Object.fromEntries(fields)).toEqual({ a: '1', ä: 'ö' })
  const list = keyspace.list('l')
  expect(await list.push('a', 'b', 'c')).toBe(3)
  expect(await list.range()).toEqual(['a', 'b', 'c'])
  expect(await list.shift()).toBe('a')
  expect(await list.shiftWait({ timeoutMs: 100 })).toBe('b')
  const set = keyspace.members('s')
  expect(await set.add('x', 'y')).toBe(2)
  expect((await set.members()).sort()).toEqual(['x', 'y'])
  expect(await set.has('x')).toBe(true)
  const zset = keyspace.zset('z')
  expect(await zset.add({ one: 1, half: 0.5 })).toBe(2)
  expect(await zset.range()).toEqual([
    { member: 'half', score: 0.5 },
    { member: 'one', score: 1 },
  ])
  expect(await zset.score('one')).toBe(1)
  expect(await zset.popMin()).toEqual([{ member: 'half', score: 0.5 }])
  expect(await zset.popMinWait({ timeoutMs: 100 })).toEqual({ member: 'one', score: 1 })
})

test('keys', async () => {
  const { keyspace } = await lab()
  await keyspace.mset({ a: 1, b: 2 })
  expect(await keyspace.has('a')).toBe(true)
  expect(await keyspace.type('a')).toBe('string')
  expect(await keyspace.type('none')).toBeUndefined()
  await keyspace.rename('a', 'c')
  expect(await keyspace.size()).toBe(2)
  const keys: string[] = []
  for await (const key of keyspace.scan({ match: '*', type: 'string' })) keys.push(key)
  expect(keys.sort()).toEqual(['b', 'c'])
  expect(await keyspace.delete('b', 'none')).toBe(1)
  expect(await keyspace.expire('c', 60_000)).toBe(true)
  expect(await keyspace.ttl('none')).toBeUndefined()
  await keyspace.clear()
  expect(await keyspace.size()).toBe(0)
})

test('what the server refuses has a code, and its words', async () => {
  const { keyspace } = await lab()
  await keyspace.set('a', '1')
  expect(await failureOf(keyspace.list('a').push('x'))).toMatchObject({ code: 'SHL_WRONG_TYPE' })
  const refusal = await failureOf(keyspace.command('NOSUCH', 'x'))
  expect(refusal).toMatchObject({ code: 'SHL_COMMAND_REFUSED' })
  expect(refusal.message).toMatch(/ERR unknown command/)
  expect(await failureOf(keyspace.command('SELECT', '3'))).toMatchObject({ code: 'SHL_COMMAND_REFUSED' })
  expect(await failureOf(keyspace.revision('a'))).toMatchObject({ code: 'SHL_COMMAND_REFUSED' })
  expect(await failureOf(keyspace.set('a', '1', { durability: 'fsync' }))).toMatchObject({
    code: 'SHL_OPTION_INVALID',
  })
  const invalid = { code: 'SHL_OPTION_INVALID' }
  expect(await failureOf(keyspace.set('a', Symbol('x') as never))).toMatchObject(invalid)
  const key = await failureOf(keyspace.set({} as never, '1'))
  const value = await failureOf(keyspace.set('a', {} as never))
  expect([key.message, value.message]).toEqual([
    expect.stringMatching(/^invalid option: key=Object allowed=a string/),
    expect.stringMatching(/^invalid option: value=Object allowed=a string/),
  ])
})

test('replies of any command, as plain values', async () => {
  const { keyspace } = await lab()
  expect(await keyspace.command('PING')).toBe('PONG')
  expect(await keyspace.command('ECHO', 'ü')).toBe('ü')
  expect(await keyspace.commandBuffer('ECHO', 'ü')).toEqual(new Uint8Array([0xc3, 0xbc]))
  expect(await keyspace.command('CONFIG', 'GET', 'appendonly')).toEqual(['appendonly', 'no'])
  expect(await keyspace.command('EVAL', 'return {1, "a", {ok="fine"}}', 0)).toEqual([1, 'a', 'fine'])
  expect(String(await keyspace.command('INFO', 'server'))).toMatch(/redis_version/)
})

test('calls keep their order over several connections, awaited or not', async () => {
  const { keyspace } = await lab({ connections: 4 })
  const keys = Array.from({ length: 20 }, (_, i) => `k${i}`)
  const made: Promise<unknown>[] = []
  for (let round = 0; round < 20; round++) {
    for (const key of keys) made.push(keyspace.set(key, String(round)))
    const read = keyspace.mget(keys)
    made.push(read.then((values) => expect(new Set(values)).toEqual(new Set([String(round)]))))
    made.push(keyspace.size().then((size) => expect(size).toBe(20)))
  }
  await Promise.all(made)
})

test('a batch is one step for everybody else, and one refusal undoes nothing', async () => {
  const { keyspace } = await lab()
  const replies = await keyspace.batch([
    ['SET', 'a', '1'],
    ['LPUSH', 'a', 'x'],
    ['INCRBY', 'a', 2],
  ])
  expect(replies[0]).toBe('OK')
  expect(replies[1]).toMatchObject({ code: 'SHL_WRONG_TYPE' })
  expect(replies[2]).toBe(3)
  expect(await keyspace.batch([])).toEqual([])
  const refused = await failureOf(keyspace.batch([['SET', 'a', '9'], ['NOSUCH']]))
  expect(refused).toMatchObject({ code: 'SHL_COMMAND_REFUSED' })
  expect(refused.message).toMatch(/unknown command/)
  expect(await keyspace.get('a')).toBe('3')
})

test('a session begins in the database of the URL', async () => {
  const { connect } = await import('../../src/client/index.ts')
  await using three = connect(`redis://127.0.0.1:${redis!.port}/3`, { connections: 1, timeoutMs: 1000 })
  await three.set('only', 'there')
  const { keyspace } = await lab()
  await three.set('only', 'there')
  expect(await keyspace.get('only')).toBeUndefined()
  const session = three.session()
  expect(session.db).toBe(3)
  expect(await session.call(['GET', 'only'])).toBe('there')
  await session.close()
})

test('limits hold for all calls of a keyspace that has some', async () => {
  const { keyspace } = await lab()
  const quick = keyspace.within({ timeoutMs: 1000 })
  expect(await quick.set('a', '1')).toBe(true)
  expect(await quick.hash('h').set({ a: 1 })).toBe(1)
  expect(() => keyspace.within({ timeout: 1 } as never)).toThrowError(/SHL_OPTION_UNKNOWN|unknown option/)
})
