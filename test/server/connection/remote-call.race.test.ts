/** What goes to a shard of another thread is answered, counted and shown as what runs here. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keysOf, type WireClient, WireClients } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

let server: TestServer
let clients: WireClients
/** Whichever threads they are on, keys of one of the shards are elsewhere. */
let both: WireClient[]

beforeAll(async () => {
  server = await testServer()
  clients = new WireClients(server.port)
  both = await clients.several(2)
})
afterAll(async () => {
  clients.close()
  await server.close()
})

const keys = [...keysOf(0, 2, 2), ...keysOf(1, 2, 2)] as const

test('replies of every kind come in order, whatever their size, from here and from there', async () => {
  const texts = ['', 'x', 'y'.repeat(127), 'z'.repeat(129), 'l'.repeat(5000), 'm'.repeat(70_000)]
  for (const [c, client] of both.entries()) {
    const wanted: unknown[] = []
    for (let round = 0; round < 2; round++) {
      for (const text of texts) {
        for (const key of keys) {
          const own = `{${key}}${c}`
          client.send(['SET', own, text], ['GET', own], ['STRLEN', own], ['GET', `${own} is none`])
          wanted.push('OK', text, text.length, null)
          client.send(
            ['INCR', own],
            ['LPUSH', `${own}l`, text],
            ['LRANGE', `${own}l`, '0', '0'],
            ['GET', `${own}l`],
          )
          const [number, pushed] = ['-ERR value is not an integer or out of range', expect.any(Number)]
          const wrong = '-WRONGTYPE Operation against a key holding the wrong kind of value'
          wanted.push(number, pushed, [text], wrong)
        }
      }
      expect(await client.take(wanted.length)).toEqual(wanted.splice(0))
    }
  }
})

test('CLIENT REPLY holds for what comes from there, too', async () => {
  for (const client of both) {
    client.send(['CLIENT', 'REPLY', 'OFF'], ...keys.map((key) => ['SET', key, '1']), [
      'CLIENT',
      'REPLY',
      'ON',
    ])
    client.send(...keys.map((key) => ['GET', key]))
    expect(await client.take(5)).toEqual(['OK', '1', '1', '1', '1'])
  }
})

test('the slow log shows a request as it was written, and calls are counted', async () => {
  const [client] = both as [WireClient]
  await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '0', 'slowlog-max-len', '100')
  await client.call('CONFIG', 'RESETSTAT')
  await client.call('SLOWLOG', 'RESET')
  const asked = keys.flatMap((key) => [
    ['set', key, '\xff\0 value'],
    ['GET', key],
    ['Get', key],
    ['hset', `${key}h`, 'field', 'v'],
    ['LPUSH', `${key}list`, 'v'],
  ])
  for (const argv of asked) await client.call(...argv)
  // One that is so large that its batch moves to the other thread takes nothing along that is shown later.
  const fields = Array.from({ length: 20_000 }, (_, i) => `${i % 10}`)
  const beside = keys.map((key) => ['SET', `${key}b`, 'beside'])
  client.send(...keys.flatMap((key, i) => [beside[i]!, ['HSET', `${key}w`, ...fields]]))
  expect(await client.take(8)).toEqual(keys.flatMap(() => ['OK', 5]))
  const log = (await client.call('SLOWLOG', 'GET', '-1')) as unknown[][]
  const shown = log.map((entry) => JSON.stringify(entry[3]))
  for (const argv of [...asked, ...beside]) expect(shown).toContain(JSON.stringify(argv))
  const stats = String(await client.call('INFO', 'commandstats'))
  for (const [name, calls] of [
    ['set', 8],
    ['get', 8],
    ['hset', 8],
    ['lpush', 4],
  ]) {
    expect(stats).toContain(`cmdstat_${name}:calls=${calls},`)
  }
  await client.call('CONFIG', 'SET', 'slowlog-log-slower-than', '10000')
})
