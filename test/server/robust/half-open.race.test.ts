/**
 * Clients that end one side, or vanish: what was asked for is answered to who still reads, nothing is done
 * for who is gone, and nobody else notices.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientCount, eventually, untilClient } from '../../support/robust/client-list.ts'
import { keysOf, type WireClient, WireClients } from '../../support/robust/wire-client.ts'
import { sleep } from '../../support/runtime.ts'
import { request, type TestServer, testServer } from '../../support/server.ts'

const ROUNDS = process.env['SHL_SOAK'] === undefined ? 20 : 1000

let dir: string
let server: TestServer
let clients: WireClients
let calm: WireClient
const here = keysOf(0, 2, 4) as [string, string, string, string]
const there = keysOf(1, 2, 4) as [string, string, string, string]

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'shl-half-'))
  // What is answered waits for a disk: a gate stands in many a pipeline.
  server = await testServer({ keyspace: { shards: 2, dir, durability: 'fsync' } })
  clients = new WireClients(server.port)
  calm = await clients.one()
})
afterAll(async () => {
  clients.close()
  await server.close()
  rmSync(dir, { recursive: true, force: true })
})

async function named(name: string): Promise<WireClient> {
  const client = await clients.one()
  expect(await client.call('CLIENT', 'SETNAME', name)).toBe('OK')
  return client
}

test('who ends its side after a pipeline is answered whole, whatever was in it', async () => {
  const big = 'x'.repeat(300_000)
  for (let round = 0; round < 4; round++) {
    const client = await clients.one()
    await calm.call('FLUSHALL')
    client.send(
      ['SET', here[0], big],
      ['SET', there[0], big],
      ['GET', there[0]],
      ['GET', here[0]],
      ['MSET', here[1], '1', there[1], '2'],
      ['MGET', here[1], there[1]],
      ['MULTI'],
      ['INCR', here[1]],
      ['INCR', there[1]],
      ['EXEC'],
      ['RPUSH', here[2], 'a', 'b'],
      ['BLPOP', here[2], '0'],
      ['BLPOP', there[2], here[2], '0'],
      ...Array.from({ length: 300 }, (_, i) => ['INCR', i % 2 === 0 ? here[3] : there[3]]),
      ['PING', 'last'],
    )
    client.end()
    expect(await client.rest()).toEqual([
      ...['OK', 'OK', big, big, 'OK', ['1', '2'], 'OK', 'QUEUED', 'QUEUED', [2, 3], 2],
      ...[
        [here[2], 'a'],
        [here[2], 'b'],
      ],
      ...Array.from({ length: 300 }, (_, i) => Math.floor(i / 2) + 1),
      'last',
    ])
  }
})

test('who ends its side while it waits is told nothing, and what is behind that is not done', async () => {
  for (const keys of [[here[2]], [there[2]], [here[2], there[2]]]) {
    await calm.call('FLUSHALL')
    for (const isWaiting of [false, true]) {
      const client = await named('waits')
      client.send(['SET', here[0], '1'], ['BLPOP', ...keys, '0'], ['SET', here[1], '1'])
      if (isWaiting) await untilClient(calm, 'waits', (line) => line?.['flags'] === 'b')
      client.end()
      expect(await client.rest()).toEqual(['OK'])
    }
    expect(await calm.call('EXISTS', here[0], here[1])).toBe(1)
  }
})

test('who ends its side in a request is answered what was before it', async () => {
  const client = await clients.one()
  client.send(['SET', here[0], '1'], ['GET', here[0]])
  client.write('*2\r\n$3\r\nGET\r\n$100\r\nabc')
  client.end()
  expect(await client.rest()).toEqual(['OK', '1'])
})

test.each([
  ['ends its side', (client: WireClient) => client.end()],
  ['resets', (client: WireClient) => client.reset()],
])('who waits for elements and %s takes none of them', async (_what, vanish) => {
  for (const keys of [[here[2]], [there[2]], [here[2], there[2]]]) {
    await calm.call('DEL', ...keys)
    const [gone, waiting] = [await named('gone'), await named('waiting')]
    gone.send(['BLPOP', ...keys, '0'])
    await untilClient(calm, 'gone', (line) => line?.['flags'] === 'b')
    waiting.send(['BLPOP', ...keys, '0'])
    await untilClient(calm, 'waiting', (line) => line?.['flags'] === 'b')
    vanish(gone)
    await untilClient(calm, 'gone', (line) => line === undefined)
    for (const key of keys) {
      expect(await calm.call('RPUSH', key, 'one')).toBe(1)
      expect(await waiting.next()).toEqual([key, 'one'])
      waiting.send(['BLPOP', ...keys, '0'])
    }
    waiting.destroy()
    await untilClient(calm, 'waiting', (line) => line === undefined)
  }
})

test('who resets while elements come loses at most what was handed to it', async () => {
  const queue = there[2]
  await calm.call('DEL', queue)
  let taken = 0
  for (let round = 0; round < ROUNDS; round++) {
    const gone = await named('gone')
    gone.send(['BLPOP', queue, '0'])
    await untilClient(calm, 'gone', (line) => line?.['flags'] === 'b')
    gone.reset()
    await untilClient(calm, 'gone', (line) => line === undefined)
    // On either thread, at once.
    const pusher = await clients.one()
    expect(Number(await pusher.call('RPUSH', queue, `e${round}`))).toBeGreaterThan(0)
    const found = await pusher.call('LPOP', queue)
    if (found !== null) expect(found).toBe(`e${taken++}`)
    pusher.destroy()
  }
  // What had been taken for somebody who was gone came back.
  const left = (await calm.call('LRANGE', queue, '0', '-1')) as readonly string[]
  expect(taken + left.length).toBe(ROUNDS)
  await calm.call('DEL', queue)
})

test('who vanishes in a transaction, or in the middle of a value, has done nothing', async () => {
  await calm.call('DEL', here[0], there[0])
  const inMulti = await named('in-multi')
  expect(await inMulti.call('MULTI')).toBe('OK')
  expect(await inMulti.call('SET', here[0], 'x')).toBe('QUEUED')
  expect(await inMulti.call('SET', there[0], 'x')).toBe('QUEUED')
  const inValue = await named('in-value')
  inValue.write(request('SET', there[0], 'x'.repeat(8_000_000)).subarray(0, 6_000_000))
  await untilClient(calm, 'in-value', (line) => Number(line?.['qbuf']) > 5_000_000)
  inMulti.reset()
  inValue.reset()
  await untilClient(calm, 'in-multi', (line) => line === undefined)
  await untilClient(calm, 'in-value', (line) => line === undefined)
  expect(await calm.call('MGET', here[0], there[0])).toEqual([null, null])
})

test('who vanishes while replies of another thread are on their way hurts nobody', async () => {
  await calm.call('SET', here[0], 'h'.repeat(20_000))
  await calm.call('SET', there[0], 't'.repeat(20_000))
  for (let round = 0; round < ROUNDS; round++) {
    const rude = await clients.several(3)
    for (const client of rude) {
      client.send(...Array.from({ length: 200 }, (_, i) => ['GET', i % 3 === 0 ? here[0] : there[0]]))
      client.send(['MGET', here[0], there[0]], ['INCR', here[1]], ['SET', there[1], 'y'])
    }
    // Some replies have come by then, in some rounds.
    if (round % 2 === 0) await rude[0]!.next()
    for (const client of rude) client.reset()
    expect(await calm.call('GET', here[0])).toBe('h'.repeat(20_000))
    expect(await calm.call('GET', there[0])).toBe('t'.repeat(20_000))
  }
  await eventually(
    async () => (await clientCount(calm)) === 1,
    () => 'all have gone',
  )
})

test('who has said its last word and does not end its side is closed all the same', async () => {
  const client = await clients.one()
  client.send(['SET', here[0], '1'], ['QUIT'], ['SET', here[0], '2'])
  expect(await client.rest()).toEqual(['OK', 'OK'])
  // What it goes on to send is thrown away, for a moment; then it is told that nobody is there.
  while (!client.socket.destroyed) {
    client.send(['SET', here[0], '3'])
    await sleep(5)
  }
  expect(await calm.call('GET', here[0])).toBe('1')
})
