/**
 * Clients that ask and do not read, that listen and do not read, or that read a little at a time: what is
 * kept for them is bounded, and the others notice nothing.
 */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientList, untilClient } from '../../support/robust/client-list.ts'
import { keysOf, type WireClient, WireClients } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const MB = 1024 * 1024
const BIG_BYTES = MB
const REQUESTS = process.env['SHL_SOAK'] === undefined ? 120 : 4000
/** What is kept for one client: what it has unread, a reply more, and what is on its way. */
const KEPT_BYTES_MAX = 8 * MB
/** Of all threads together, for all clients here, and whatever the collector has not taken yet. */
const GROWTH_BYTES_MAX = 256 * MB

let server: TestServer
let clients: WireClients
let calm: WireClient
const [here] = keysOf(0, 2) as [string]
const [there] = keysOf(1, 2) as [string]

beforeAll(async () => {
  const limits = { clientOutputBufferLimit: 'pubsub 2mb 1mb 60', enableDebugCommand: 'yes' }
  server = await testServer({ serve: limits as never })
  clients = new WireClients(server.port)
  calm = await clients.one()
  expect(await calm.call('SET', here, 'a'.repeat(BIG_BYTES))).toBe('OK')
  expect(await calm.call('SET', there, 'b'.repeat(BIG_BYTES))).toBe('OK')
  expect(await calm.call('SET', 'small', '0')).toBe('OK')
})
afterAll(async () => {
  clients.close()
  await server.close()
})

async function named(name: string): Promise<WireClient> {
  const client = await clients.one()
  expect(await client.call('CLIENT', 'SETNAME', name)).toBe('OK')
  return client
}

/** Others are answered, rightly. */
async function othersAreServed(count = 200): Promise<void> {
  const others = await clients.several(4)
  const before = Number(await calm.call('GET', 'small'))
  await Promise.all(
    others.map(async (other, i) => {
      for (let n = 0; n < count / 4; n++) {
        expect(await other.call('PING', `${i}-${n}`)).toBe(`${i}-${n}`)
        expect(await other.call('INCR', 'small')).toBeGreaterThan(before)
      }
    }),
  )
  expect(await calm.call('GET', 'small')).toBe(String(before + count))
  for (const other of others) other.destroy()
}

test('who asks and never reads is asked for nothing more, and gets all when it reads', async () => {
  const before = process.memoryUsage().rss
  const rude = await Promise.all(['rude-0', 'rude-1', 'rude-2'].map(named))
  for (const client of rude) {
    client.pause()
    client.send(...Array.from({ length: REQUESTS }, (_, i) => ['GET', i % 2 === 0 ? here : there]))
  }
  for (const i of rude.keys())
    await untilClient(calm, `rude-${i}`, (line) => Number(line?.['omem']) > BIG_BYTES)
  await othersAreServed()
  const lines = await clientList(calm)
  for (const i of rude.keys()) {
    const line = lines.get(`rude-${i}`)!
    expect(Number(line['omem']), `rude-${i} keeps so much`).toBeLessThan(KEPT_BYTES_MAX)
    expect(Number(line['qbuf'])).toBeGreaterThan(0)
  }
  expect(process.memoryUsage().rss - before).toBeLessThan(GROWTH_BYTES_MAX)
  rude[0]!.resume()
  for (let i = 0; i < REQUESTS; i++) {
    const value = String(await rude[0]!.next())
    expect([value.length, value[0], value.at(-1)]).toEqual([BIG_BYTES, ...(i % 2 === 0 ? 'aa' : 'bb')])
  }
  for (const client of rude) client.destroy()
  for (const i of rude.keys()) await untilClient(calm, `rude-${i}`, (line) => line === undefined)
})

test('who writes a whole pipeline before it reads is read from, up to a bound', async () => {
  const client = await named('writes-first')
  client.pause()
  // What is unread is above its bound by far: nothing behind it runs.
  client.send(...Array.from({ length: 40 }, () => ['GET', here]))
  await untilClient(calm, 'writes-first', (line) => Number(line?.['omem']) > BIG_BYTES)
  const pings = 20_000
  client.send(...Array.from({ length: pings }, (_, i) => ['PING', String(i)]))
  await untilClient(calm, 'writes-first', (line) => Number(line?.['qbuf']) > pings * 20)
  // 8 MB more: it is left in the socket.
  client.send(...Array.from({ length: 80 }, () => ['ECHO', 'e'.repeat(100_000)]))
  await othersAreServed()
  const line = (await clientList(calm)).get('writes-first')!
  expect(Number(line['qbuf'])).toBeLessThan(6 * MB)
  client.resume()
  for (let i = 0; i < 40; i++) expect(String(await client.next()).length).toBe(BIG_BYTES)
  for (let i = 0; i < pings; i++) expect(await client.next()).toBe(String(i))
  for (let i = 0; i < 80; i++) expect(String(await client.next()).length).toBe(100_000)
  client.destroy()
})

test('who listens and never reads is closed at its limit, and who reads hears all', async () => {
  const [deaf, hearing] = [await named('deaf'), await named('hearing')]
  for (const one of [deaf, hearing])
    expect(await one.call('SUBSCRIBE', 'news')).toEqual(['subscribe', 'news', 1])
  deaf.pause()
  const text = 'n'.repeat(64 * 1024)
  const messages = 200
  for (let i = 0; i < messages; i++) {
    await calm.call('PUBLISH', 'news', `${i}:${text}`)
    const heard = (await hearing.next()) as readonly string[]
    expect(heard[2]!.slice(0, 8)).toBe(`${i}:${text}`.slice(0, 8))
  }
  await untilClient(calm, 'deaf', (line) => line === undefined)
  expect((await clientList(calm)).has('hearing')).toBe(true)
  await othersAreServed(40)
})

test('who listens and is above the soft limit for its time is closed, too', async () => {
  const set = (limit: string) => calm.call('CONFIG', 'SET', 'client-output-buffer-limit', limit)
  expect(await set('pubsub 64mb 256kb 1')).toBe('OK')
  const deaf = await named('deaf-too')
  await deaf.call('SUBSCRIBE', 'news')
  deaf.pause()
  const text = 'n'.repeat(MB)
  for (let i = 0; i < 8; i++) await calm.call('PUBLISH', 'news', text)
  // Some of it lies with the machine; what is left is above.
  await untilClient(calm, 'deaf-too', (line) => line === undefined || Number(line['omem']) > 256 * 1024)
  await untilClient(calm, 'deaf-too', (line) => line === undefined)
  expect(await set('pubsub 2mb 1mb 60')).toBe('OK')
}, 10_000)

test('a reply that is above the hard limit is not sent, and what was asked for is done', async () => {
  const set = (limit: string) => calm.call('CONFIG', 'SET', 'client-output-buffer-limit', limit)
  expect(await set('normal 100kb 0 0')).toBe('OK')
  for (const key of [here, there]) {
    const client = await named('greedy')
    client.send(['MULTI'], ['GET', key], ['SET', `{${key}}done`, '1'], ['EXEC'])
    const replies = await client.rest()
    expect(replies).toEqual(['OK', 'QUEUED', 'QUEUED'].slice(0, replies.length))
    await untilClient(calm, 'greedy', (line) => line === undefined)
    expect(await calm.call('GET', `{${key}}done`)).toBe('1')
    expect(await calm.call('DEL', `{${key}}done`)).toBe(1)
  }
  expect(await set('normal 0 0 0')).toBe('OK')
})

test('who reads a little at a time gets everything, in order', async () => {
  const slow = await clients.one()
  slow.pause()
  const count = 400
  slow.send(...Array.from({ length: count }, (_, i) => ['ECHO', `${i}-${'e'.repeat(20_000)}`]))
  slow.send(...Array.from({ length: 10 }, () => ['GET', there]))
  let reads = 0
  slow.socket.on('data', () => {
    reads++
    slow.pause()
    setImmediate(() => slow.resume())
  })
  slow.resume()
  for (let i = 0; i < count; i++)
    expect(String(await slow.next()).slice(0, 6)).toBe(`${i}-eeeeee`.slice(0, 6))
  for (const value of await slow.take(10)) expect(String(value).length).toBe(BIG_BYTES)
  expect(reads).toBeGreaterThan(50)
})

test('what is pushed to a client while it waits behind a slow reply is bounded, too', async () => {
  const waiter = await named('waiter')
  await waiter.call('HELLO', '3')
  await waiter.call('SUBSCRIBE', 'news')
  waiter.send(['DEBUG', 'SLEEP', '60'])
  await untilClient(calm, 'waiter', (line) => line?.['cmd'] === 'debug')
  const text = 'n'.repeat(256 * 1024)
  waiter.pause()
  const { keyspace } = server.runtime
  for (let i = 0; i < 20; i++) await keyspace.publish('news', text)
  await untilClient(calm, 'waiter', (line) => line === undefined)
})
