/** A session: MULTI, EXEC, WATCH and SELECT as on a Redis connection, over shards. */
import type { Runtime } from 'shardloom'
import { expect, test } from 'vitest'
import { testRuntime } from '../support/runtime.ts'

async function start() {
  const runtime: Runtime = await testRuntime({ threads: 1, keyspace: { shards: 3 } })
  const open = () => {
    const session = runtime.keyspace.session()
    return async (...argv: string[]): Promise<unknown> => {
      const reply = await session.call(argv)
      return plain(reply)
    }
  }
  return { keyspace: runtime.keyspace, open }
}

function plain(reply: unknown): unknown {
  if (Array.isArray(reply)) return reply.map(plain)
  const { text } = (reply ?? {}) as { text?: string }
  return text ?? (typeof reply === 'object' && reply !== null && 'isNull' in reply ? null : reply)
}

test('queues commands and runs them as one', async () => {
  const { open } = await start()
  const call = open()
  expect(await call('MULTI')).toBe('OK')
  expect(await call('SET', 'a', '1')).toBe('QUEUED')
  expect(await call('INCR', 'b')).toBe('QUEUED')
  expect(await call('LPUSH', 'a', 'x')).toBe('QUEUED')
  expect(await call('GET', 'a')).toBe('QUEUED')
  expect(await call('EXEC')).toEqual([
    'OK',
    1,
    'WRONGTYPE Operation against a key holding the wrong kind of value',
    '1',
  ])
  expect(await call('EXEC')).toBe('ERR EXEC without MULTI')
  expect(await call('MULTI')).toBe('OK')
  expect(await call('MULTI')).toBe('ERR MULTI calls can not be nested')
  expect(await call('SET', 'a', '2')).toBe('QUEUED')
  expect(await call('DISCARD')).toBe('OK')
  expect(await call('GET', 'a')).toBe('1')
})

test('runs nothing of a transaction with a command that does not exist', async () => {
  const { open } = await start()
  const call = open()
  await call('MULTI')
  await call('SET', 'a', '1')
  expect(await call('NOSUCH')).toContain('ERR unknown command')
  expect(await call('EXEC')).toContain('EXECABORT')
  expect(await call('EXISTS', 'a')).toBe(0)
})

test('runs nothing when a watched key was changed, made or removed by somebody else', async () => {
  const { open } = await start()
  const [mine, other] = [open(), open()]
  for (const change of [
    ['SET', 'k', 'new'],
    ['DEL', 'k'],
    ['EXPIRE', 'k', '100'],
    ['APPEND', 'k', ''],
  ]) {
    await mine('SET', 'k', 'old')
    await mine('WATCH', 'k', 'other')
    await other(...change)
    await mine('MULTI')
    await mine('SET', 'result', 'x')
    const isSame = change[0] === 'APPEND'
    if (!isSame) expect(await mine('EXEC')).toBeNull()
    else await mine('DISCARD')
  }
  await mine('DEL', 'k')
  await mine('WATCH', 'k')
  await other('SET', 'k', 'made')
  await mine('MULTI')
  await mine('SET', 'result', 'x')
  expect(await mine('EXEC')).toBeNull()
  expect(await mine('EXISTS', 'result')).toBe(0)
})

test('runs when nothing was changed, or nobody watches any more', async () => {
  const { open } = await start()
  const [mine, other] = [open(), open()]
  await mine('WATCH', 'k')
  await other('SET', 'unrelated', 'x')
  await mine('MULTI')
  await mine('SET', 'a', '1')
  expect(await mine('EXEC')).toEqual(['OK'])
  await mine('WATCH', 'k')
  await other('SET', 'k', 'x')
  expect(await mine('UNWATCH')).toBe('OK')
  await mine('MULTI')
  await mine('SET', 'a', '2')
  expect(await mine('EXEC')).toEqual(['OK'])
})

test('selects one of sixteen databases, which have nothing in common', async () => {
  const { open } = await start()
  const [first, second] = [open(), open()]
  await first('SET', 'k', 'in 0')
  expect(await second('SELECT', '5')).toBe('OK')
  expect(await second('GET', 'k')).toBeNull()
  await second('SET', 'k', 'in 5')
  expect(await first('GET', 'k')).toBe('in 0')
  expect(await second('SELECT', '16')).toBe('ERR DB index is out of range')
  expect(await second('MSET', 'a', '1', 'b', '2', 'c', '3')).toBe('OK')
  expect(await second('DBSIZE')).toBe(4)
  expect(await first('DBSIZE')).toBe(1)
  expect(await second('MOVE', 'k', '0')).toBe(0)
  await first('DEL', 'k')
  expect(await second('MOVE', 'k', '0')).toBe(1)
  expect(await first('GET', 'k')).toBe('in 5')
  expect(await first('SWAPDB', '0', '5')).toBe('OK')
  expect(await first('DBSIZE')).toBe(3)
})
