/** SORT whose patterns name keys of other shards. */
import { createRuntime } from 'shardloom'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { resp2Form } from '../support/resp2.mjs'

const runtime = await createRuntime({ threads: 2, keyspace: { shards: 4 } })
const { keyspace } = runtime
afterAll(() => runtime.close())
beforeEach(() => keyspace.command('FLUSHALL'))

function ask(...argv: (string | number)[]): Promise<unknown> {
  return keyspace.command(argv[0] as 'PING', ...(argv.slice(1) as []))
}

test('weights, hashes and values of all shards are found, and what is stored is there', async () => {
  const count = 500
  const weights = Array.from({ length: count }, (_, i) => (i * 7919) % 1009)
  await ask('RPUSH', 'list', ...weights.keys())
  await Promise.all(weights.map((weight, i) => ask('SET', `weight_${i}`, weight)))
  await Promise.all(weights.map((weight, i) => ask('HSET', `task_${i}`, 'title', `t${weight}`, 'w', weight)))
  const sorted = [...weights.keys()].sort((a, b) => weights[a]! - weights[b]!).map(String)
  expect(await ask('SORT', 'list', 'BY', 'weight_*')).toEqual(sorted)
  expect(await ask('SORT_RO', 'list', 'BY', 'task_*->w', 'DESC', 'LIMIT', 0, 3)).toEqual(
    sorted.toReversed().slice(0, 3),
  )
  const titles = sorted.map((i) => `t${weights[Number(i)]}`)
  expect(await ask('SORT', 'list', 'BY', 'weight_*', 'GET', 'task_*->title')).toEqual(titles)
  expect(await ask('SORT', 'list', 'BY', 'weight_*', 'GET', '#', 'STORE', 'stored')).toBe(count)
  expect(await ask('LRANGE', 'stored', 0, -1)).toEqual(sorted)
  expect(await ask('SORT', 'none', 'BY', 'weight_*', 'STORE', 'stored')).toBe(0)
  expect(await ask('EXISTS', 'stored')).toBe(0)
})

test('what is called behind it, without waiting, comes behind it', async () => {
  await ask('RPUSH', 'list', 1, 2, 3)
  for (const [i, weight] of [3, 1, 2].entries()) await ask('SET', `w${i + 1}`, weight)
  const all = await Promise.all([
    ask('SET', 'w1', 0),
    ask('SORT', 'list', 'BY', 'w*', 'STORE', 'stored'),
    ask('SET', 'w1', 9),
    ask('DEL', 'list'),
    ask('LRANGE', 'stored', 0, -1),
  ])
  expect(all.at(-1)).toEqual(['1', '2', '3'])
})

test('elements that come and go meanwhile are in it or not, with their weights', async () => {
  await Promise.all(Array.from({ length: 40 }, (_, i) => ask('SET', `w${i}`, 100 - i)))
  await ask('SADD', 'set', ...Array(20).keys())
  const changes = Promise.all(
    Array.from({ length: 60 }, (_, i) => ask(i % 3 === 0 ? 'SREM' : 'SADD', 'set', i % 40)),
  )
  for (let i = 0; i < 10; i++) {
    const found = (await ask('SORT', 'set', 'BY', 'w*')) as string[]
    expect(found).toEqual([...found].sort((a, b) => Number(b) - Number(a)))
  }
  await changes
})

test('another database, wrong types and errors', async () => {
  const session = keyspace.session()
  const call = async (line: string): Promise<unknown> => resp2Form(await session.call(line.split(' ')))
  await call('SELECT 3')
  for (const line of ['RPUSH l a b', 'SET w:a 2', 'SET w:b 1', 'SET s x', 'SADD w:c 1']) await call(line)
  expect(await call('SORT l BY w:*')).toEqual(['$b', '$a'])
  expect(await call('SORT s BY w:*')).toBe(
    '-WRONGTYPE Operation against a key holding the wrong kind of value',
  )
  await call('RPUSH l c')
  expect(await call('SORT l BY w:* GET w:*')).toEqual(['_', '$1', '$2'])
  expect(await call('SORT l BY w:* GET')).toBe('-ERR syntax error')
  await call('SET w:a x')
  expect(await call('SORT l BY w:* STORE d')).toBe("-ERR One or more scores can't be converted into double")
  expect(await call('EXISTS d')).toBe(':0')
})
