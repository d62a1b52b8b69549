/** What the test suites of Redis and of its clients rely on, and nothing else would notice. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../support/clients/until.ts'
import { delay, RespClient } from '../../support/redis/resp-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let client: RespClient
let other: RespClient

beforeAll(async () => {
  server = await testServer({ serve: { enableDebugCommand: 'local' } })
  ;[client, other] = [await RespClient.connect(server.port), await RespClient.connect(server.port)]
})
afterAll(async () => {
  for (const one of [client, other]) one.close()
  await server.close()
})

const say = async (line: string): Promise<unknown> => client.call(...line.split(' '))

test('suites begin with FLUSHALL, FUNCTION FLUSH and settings, and end with them', async () => {
  for (const line of [
    'FLUSHALL',
    'FLUSHALL ASYNC',
    'FUNCTION FLUSH',
    'SELECT 9',
    'CONFIG RESETSTAT',
    'SELECT 0',
  ]) {
    expect(await say(line)).toBe('+OK')
  }
  expect(await say('CONFIG GET maxmemory save')).toEqual(
    expect.arrayContaining(['$maxmemory', '$0', '$save']),
  )
})

test('a watched key that has expired, and that nobody has removed yet, has changed', async () => {
  await say('DEBUG SET-ACTIVE-EXPIRE 0')
  for (const key of ['a', 'b', 'c']) {
    // It must be there when it is watched, however slow the machine is just now.
    do {
      await say('UNWATCH')
      await say(`SET ${key} 1 PX 50`)
      await say(`WATCH ${key}`)
    } while (!/^:[1-9]/.test(String(await say(`PTTL ${key}`))))
    await delay(55)
    await say('MULTI')
    await say(`INCR ${key}`)
    expect(await say('EXEC')).toBe('*_')
  }
  expect(await say('DEBUG SET-ACTIVE-EXPIRE 1')).toBe('+OK')
})

test('the request that asks for the list of clients is in its own query buffer', async () => {
  expect(String(await say('CLIENT LIST'))).toMatch(/ qbuf=26 .* cmd=client\|list /)
  expect(String(await say('CLIENT INFO'))).toMatch(/ qbuf=26 .* cmd=client\|info /)
})

test('commands that CLIENT PAUSE holds up are counted as blocked', async () => {
  const blocked = async (count: number): Promise<boolean> =>
    String(await say('INFO clients')).includes(`blocked_clients:${count}\r\n`)
  await say('CLIENT PAUSE 60000 WRITE')
  const held = other.call('SET', 'k', 'v')
  await until(() => blocked(1))
  await say('CLIENT UNPAUSE')
  expect(await held).toBe('+OK')
  await until(() => blocked(0))
})

test('CONFIG RESETSTAT is the first of the new count', async () => {
  await say('SET k v')
  await say('CONFIG RESETSTAT')
  const stats = String(await say('INFO commandstats'))
  expect(stats).toMatch(/cmdstat_config\|resetstat:calls=1,/)
  expect(stats).not.toMatch(/cmdstat_set:/)
})

test('SORT finds weights wherever they are', async () => {
  await say('DEL list')
  for (let i = 0; i < 16; i++) {
    await say(`SET weight_${i} ${(i * 7) % 16}`)
    await say(`HSET object_${i} name n${i}`)
    await say(`RPUSH list ${i}`)
  }
  const sorted = [...Array(16).keys()].sort((one, two) => ((one * 7) % 16) - ((two * 7) % 16))
  expect(await say('SORT list BY weight_*')).toEqual(sorted.map((i) => `$${i}`))
  expect(await say('SORT_RO list BY weight_* GET object_*->name')).toEqual(sorted.map((i) => `$n${i}`))
})
