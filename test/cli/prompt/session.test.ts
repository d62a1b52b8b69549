/** A session at a real server: what the prompt shows of it, and what is left of it after a loss. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addressDefaults } from '../../../src/cli/connection/address-options.ts'
import { Session } from '../../../src/cli/prompt/session.ts'
import type { RespValue } from '../../../src/server/resp/index.ts'
import { closedPort, type PortedRedis, startPorted } from './captured-cli.ts'

let redis: PortedRedis | undefined

beforeAll(async () => {
  redis = await startPorted()
})

afterAll(() => redis?.server.stop())

/** A session, and what it says. */
function open(port: number): { session: Session; said: string[]; pushed: RespValue[]; losses: () => number } {
  const said: string[] = []
  const pushed: RespValue[] = []
  let losses = 0
  const session = new Session(
    { ...addressDefaults({}), port },
    { say: (line) => said.push(line), onPush: (value) => pushed.push(value), onIdleLoss: () => losses++ },
  )
  return { session, said, pushed, losses: () => losses }
}

test('the prompt shows the database and an open transaction', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { session } = open(redis.port)
  expect(session.prompt).toBe('not connected> ')
  await session.connect()
  const shown = async (...argv: string[]): Promise<string> => {
    await session.call(argv)
    return session.prompt.replace(session.address, '')
  }
  expect(await shown('PING')).toBe('> ')
  expect(await shown('SELECT', '3')).toBe('[3]> ')
  expect(await shown('SELECT', '99')).toBe('[3]> ')
  expect(await shown('multi')).toBe('[3](TX)> ')
  expect(await shown('select', '0')).toBe('(TX)> ')
  expect(await shown('discard')).toBe('[3]> ')
  expect(await shown('MULTI')).toBe('[3](TX)> ')
  expect(await shown('SELECT', '4')).toBe('[4](TX)> ')
  expect(await shown('EXEC')).toBe('[4]> ')
  expect(await shown('RESET')).toBe('> ')
  session.close()
})

test('a new connection is put where the old one was', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { client } = redis.server
  await client.call('ACL', 'SETUSER', 'me', 'on', '>pa ss', '+@all', '~*')
  const { session, losses } = open(redis.port)
  await session.connect()
  await session.call(['HELLO', '3', 'AUTH', 'me', 'pa ss'])
  await session.call(['SELECT', '5'])
  await client.call('CLIENT', 'KILL', 'USER', 'me')
  while (session.isConnected) await new Promise((resolve) => setImmediate(resolve))
  expect([session.prompt, losses()]).toEqual(['not connected> ', 1])
  const info = await session.call(['CLIENT', 'INFO'])
  expect(info).toMatchObject({ type: 'verbatim', text: expect.stringMatching(/ db=5 .* user=me .* resp=3/) })
  await session.call(['AUTH', 'default', 'whatever'])
  await session.connect()
  expect(await session.call(['ACL', 'WHOAMI'])).toMatchObject({ text: 'default' })
  session.close()
})

test('in RESP3 the reply of UNSUBSCRIBE is a push, and what follows stays in order', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { session, pushed } = open(redis.port)
  await session.connect()
  await session.call(['HELLO', '3'])
  expect(await session.call(['UNSUBSCRIBE'])).toMatchObject({ type: 'push' })
  expect(await session.call(['ECHO', 'a'])).toMatchObject({ text: 'a' })
  await session.call(['CLIENT', 'TRACKING', 'ON'])
  await session.call(['GET', 'k'])
  await session.call(['SET', 'k', 'v'])
  await session.call(['PING'])
  expect(pushed).toMatchObject([
    { type: 'push', items: [{ text: 'invalidate' }, { items: [{ text: 'k' }] }] },
  ])
  session.close()
})

test('a stream gives what comes until it is closed', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { session, losses } = open(redis.port)
  const seen: RespValue[] = []
  await session.stream(['SUBSCRIBE', 'news'], (value) => {
    seen.push(value)
    if (seen.length === 1) void redis?.server.client.call('PUBLISH', 'news', 'hello')
    else session.close()
  })
  expect(seen).toMatchObject([
    { items: [{ text: 'subscribe' }, { text: 'news' }, { value: 1 }] },
    { items: [{ text: 'message' }, { text: 'news' }, { text: 'hello' }] },
  ])
  expect([session.isConnected, losses()]).toEqual([false, 0])
})

test('a stream that is refused is a command like any other', async ({ skip }) => {
  if (redis === undefined) return skip()
  const { session } = open(redis.port)
  const seen: RespValue[] = []
  expect(await session.stream(['SUBSCRIBE'], (value) => seen.push(value))).toMatchObject({ type: 'error' })
  expect(seen).toEqual([])
  expect(await session.call(['ECHO', 'a'])).toMatchObject({ text: 'a' })
  session.close()
})

test('a server that is not there is said', async () => {
  const port = await closedPort()
  const { session, said } = open(port)
  expect(await session.call(['PING'])).toBeUndefined()
  expect(said).toEqual([`Could not connect to 127.0.0.1:${port}: connection refused`])
})
