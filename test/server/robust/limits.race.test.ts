/**
 * Every bound on a client, on a live server: what happens at it is as in Redis, to that client alone.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { makeCertificate } from '../../support/certificates.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { clientCount, eventually, untilClient } from '../../support/robust/client-list.ts'
import { WireClient, WireClients, type WireValue } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const MB = 1024 * 1024
const TLS_CLIENTS = 8

let dir: string
let server: TestServer
let redis: RedisServer | undefined
let clients: WireClients
let calm: WireClient
let tlsPort: number

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'shl-limits-'))
  const { cert, key } = makeCertificate({ commonName: 'localhost', names: ['DNS:localhost'] })
  writeFileSync(join(dir, 'cert.pem'), cert)
  writeFileSync(join(dir, 'key.pem'), key)
  server = await testServer({
    serve: {
      bind: ['*'],
      port: await freePort(),
      maxArguments: 5000,
      tlsPort: await freePort(),
      tlsCertFile: join(dir, 'cert.pem'),
      tlsKeyFile: join(dir, 'key.pem'),
      tlsAuthClients: 'no',
    } as never,
  })
  tlsPort = server.server.bound.flatMap((one) =>
    one.type === 'tcp' && one.label === 'tls' ? [one.port] : [],
  )[0]!
  clients = new WireClients(server.port)
  calm = await clients.one()
  redis = await startRedis()
})
afterAll(async () => {
  clients.close()
  await redis?.stop()
  await server.close()
  rmSync(dir, { recursive: true, force: true })
})

async function freePort(): Promise<number> {
  const { createServer } = await import('node:net')
  return new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

async function set(name: string, value: string | number): Promise<void> {
  expect(await calm.call('CONFIG', 'SET', name, value)).toBe('OK')
}

/** What is answered until the connection ends. */
async function answers(port: number, ...pieces: readonly (string | Buffer)[]): Promise<WireValue[]> {
  const client = await WireClient.connect(port)
  for (const piece of pieces) client.write(piece)
  const rest = await client.rest()
  client.destroy()
  return rest
}

test('what is no request, or too large, is refused in the words of Redis, and that is the end', async ({
  skip,
}) => {
  if (redis === undefined) return skip()
  const asRedis = await WireClient.connect(redis.port)
  for (const [one, port] of [[calm, server.port] as const, [asRedis, redis.port] as const]) {
    expect(await one.call('CONFIG', 'SET', 'proto-max-bulk-len', MB)).toBe('OK')
    expect([await one.call('CONFIG', 'GET', 'proto-max-bulk-len'), port]).toEqual([
      ['proto-max-bulk-len', String(MB)],
      port,
    ])
  }
  for (const bytes of [
    '*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1048577\r\n',
    'PING\r\n*2\r\n$3\r\nGET\r\n$-5\r\n',
    '*1\r\n!4\r\nPING\r\n',
    '*99999999999\r\n',
    '*1\r\n$4x\r\nPING\r\n',
    'GET "a\r\n',
    `${'x'.repeat(70_000)}`,
    `*${'1'.repeat(70_000)}`,
  ]) {
    const theirs = await answers(redis.port, bytes)
    expect(theirs.length).toBeGreaterThan(0)
    expect([bytes.slice(0, 40), await answers(server.port, bytes)]).toEqual([bytes.slice(0, 40), theirs])
  }
  // The last one that is not too large.
  expect(await calm.call('SET', 'a', 'x'.repeat(MB))).toBe('OK')
  await set('proto-max-bulk-len', 512 * MB)
  asRedis.destroy()
})

test('who has not said who it is may send little', async ({ skip }) => {
  if (redis === undefined) return skip()
  const asRedis = await WireClient.connect(redis.port)
  for (const one of [calm, asRedis])
    expect(await one.call('CONFIG', 'SET', 'requirepass', 's3cret')).toBe('OK')
  for (const bytes of [
    '*11\r\n',
    '*2\r\n$4\r\nAUTH\r\n$16385\r\n',
    'GET a\r\n*11\r\n',
    `*2\r\n$4\r\nAUTH\r\n$16384\r\n${'x'.repeat(16_384)}\r\nQUIT\r\n`,
  ]) {
    const theirs = await answers(redis.port, bytes)
    expect([bytes.slice(0, 40), await answers(server.port, bytes)]).toEqual([bytes.slice(0, 40), theirs])
  }
  // Who has may send more.
  const known = await clients.one()
  expect(await known.call('AUTH', 's3cret')).toBe('OK')
  expect(await known.call('MGET', ...Array.from({ length: 20 }, () => 'nothing'))).toHaveLength(20)
  known.destroy()
  for (const one of [calm, asRedis]) expect(await one.call('CONFIG', 'SET', 'requirepass', '')).toBe('OK')
  asRedis.destroy()
})

test('arguments are counted, and so is what one client keeps with us before it is run', async () => {
  expect(await answers(server.port, '*5001\r\n')).toEqual(['-ERR Protocol error: invalid multibulk length'])
  await set('client-query-buffer-limit', MB)
  // Redis closes such a connection without a word, and so do we; what was asked before is answered.
  const many = Array.from({ length: 1200 }, () => `$1000\r\n${'x'.repeat(1000)}\r\n`).join('')
  expect(await answers(server.port, `PING\r\n*1201\r\n$4\r\nMGET\r\n${many}`)).toEqual(['PONG'])
  // What is queued counts: nothing of it is run.
  const queuer = await clients.one()
  expect(await queuer.call('MULTI')).toBe('OK')
  const value = 'x'.repeat(100_000)
  for (let i = 0; i < 20; i++) queuer.send(['SET', 'queued', value])
  queuer.send(['EXEC'])
  const queued = await queuer.rest()
  expect(queued.every((reply) => reply === 'QUEUED')).toBe(true)
  expect(queued.length).toBeLessThan(11)
  expect(await calm.call('EXISTS', 'queued')).toBe(0)
  queuer.destroy()
  await set('client-query-buffer-limit', 1024 * MB)
})

test('who is idle for too long is closed, who waits or listens is not', async () => {
  const [idle, blocked, listening] = await clients.several(3)
  for (const [client, name] of [
    [idle!, 'idle'],
    [blocked!, 'blocked'],
    [listening!, 'listening'],
  ] as const) {
    expect(await client.call('CLIENT', 'SETNAME', name)).toBe('OK')
  }
  blocked!.send(['BLPOP', 'nothing', 0])
  await listening!.call('SUBSCRIBE', 'news')
  await set('timeout', 1)
  await untilClient(calm, 'idle', (line) => line === undefined)
  await idle!.ended
  await untilClient(calm, 'blocked', (line) => line !== undefined)
  await untilClient(calm, 'listening', (line) => line !== undefined)
  await set('timeout', 0)
  expect(await calm.call('LPUSH', 'nothing', 'x')).toBe(1)
  expect(await blocked!.next()).toEqual(['nothing', 'x'])
  for (const client of [blocked!, listening!]) client.destroy()
})

test('from elsewhere nobody is served without a password', async ({ skip }) => {
  const host = Object.values(networkInterfaces())
    .flat()
    .find((one) => one?.family === 'IPv4' && !one.internal)?.address
  if (host === undefined) return skip('needs an address that others reach')
  const stranger = await WireClient.connect(server.port, { host })
  stranger.send(['PING'])
  const [denied, ...others] = await stranger.rest()
  expect(String(denied)).toMatch(/^-DENIED Shardloom runs in protected mode/)
  expect(others).toEqual([])
  await set('protected-mode', 'no')
  const welcome = await WireClient.connect(server.port, { host })
  expect(await welcome.call('PING')).toBe('PONG')
  welcome.destroy()
  await set('protected-mode', 'yes')
})

test('who begins to speak TLS and never ends takes a place, and gives it back', async () => {
  await eventually(
    async () => (await clientCount(calm)) === 1,
    () => 'those of other tests have gone',
  )
  const silent = await Promise.all(Array.from({ length: TLS_CLIENTS }, () => WireClient.connect(tlsPort)))
  // A greeting that is cut, and nothing.
  for (const [i, client] of silent.entries()) {
    if (i % 2 === 0) client.write(Buffer.from('16030102000100', 'hex'))
  }
  await set('maxclients', TLS_CLIENTS + 1)
  await eventually(isFull, () => 'all places are taken')
  await set('maxclients', TLS_CLIENTS + 2)
  expect(await isFull()).toBe(false)
  const noise = await WireClient.connect(tlsPort)
  noise.write('PING\r\n')
  await noise.ended
  for (const client of [...silent, noise]) client.reset()
  await set('maxclients', 2)
  await eventually(
    async () => !(await isFull()),
    () => 'all places are given back',
  )
  await set('maxclients', 10_000)
})

/** Whether one client more is refused. */
async function isFull(): Promise<boolean> {
  const probe = await WireClient.connect(server.port)
  probe.send(['PING'])
  const answer = await probe.next()
  probe.destroy()
  await probe.closed
  return answer === '-ERR max number of clients reached'
}
