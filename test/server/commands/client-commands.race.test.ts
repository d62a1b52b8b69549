/** CLIENT over two threads, with clients on both. */
import { mkdtempSync, rmSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freePort } from '../../support/redis/redis-server.ts'
import { delay, RespClient } from '../../support/redis/resp-client.ts'
import type { Resp2Form } from '../../support/resp2.mjs'
import { type WireClient, WireClients } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const MIB = 1024 * 1024

let server: TestServer
const open: RespClient[] = []

beforeAll(async () => {
  server = await testServer()
})
afterAll(async () => {
  for (const client of open) client.close()
  await server.close()
})

async function connect(): Promise<RespClient> {
  const client = await RespClient.connect(server.port)
  open.push(client)
  return client
}

/** Clients on both threads. */
async function several(count = 6): Promise<RespClient[]> {
  return Promise.all(Array.from({ length: count }, connect))
}

async function idOf(client: RespClient): Promise<string> {
  return String(await client.call('CLIENT', 'ID')).slice(1)
}

/** Whether the connection has been closed by the server. */
async function isClosed(client: RespClient): Promise<boolean> {
  try {
    await client.call('PING')
    return false
  } catch {
    return true
  }
}

test('ids are unique, and all connections are listed, wherever they live', async () => {
  const clients = await several()
  const ids = await Promise.all(clients.map(idOf))
  expect(new Set(ids).size).toBe(ids.length)
  const list = String(await clients[0]!.call('CLIENT', 'LIST')).slice(1)
  const lines = list.trim().split('\n')
  for (const id of ids)
    expect(lines.filter((line) => line.startsWith(`id=${id} addr=127.0.0.1:`))).toHaveLength(1)
  expect(lines.map((line) => Number(/id=(\d+)/.exec(line)![1]))).toEqual(
    lines.map((line) => Number(/id=(\d+)/.exec(line)![1])).sort((one, other) => one - other),
  )
  const some = String(await clients[0]!.call('CLIENT', 'LIST', 'ID', ids[1]!, ids[2]!))
  expect(some.trim().split('\n')).toHaveLength(2)
  expect(lines[0]).toMatch(
    /^id=\d+ addr=\S+ laddr=\S+ fd=\d+ name=\S* age=\d+ idle=\d+ flags=\w+ db=0 sub=0 psub=0 ssub=0 multi=-1/,
  )
  for (const client of clients) client.close()
})

test('names and libraries are shown, and what would break a line is refused', async () => {
  const client = await connect()
  expect(await client.call('CLIENT', 'GETNAME')).toBe('_')
  expect(await client.call('CLIENT', 'SETNAME', 'worker-1')).toBe('+OK')
  expect(await client.call('CLIENT', 'GETNAME')).toBe('$worker-1')
  expect(await client.call('CLIENT', 'SETNAME', 'a b')).toBe(
    '-ERR Client names cannot contain spaces, newlines or special characters.',
  )
  expect(await client.call('CLIENT', 'SETINFO', 'LIB-NAME', 'mylib')).toBe('+OK')
  expect(String(await client.call('CLIENT', 'INFO'))).toMatch(
    /name=worker-1 .* resp=2 lib-name=mylib lib-ver=/,
  )
  client.close()
})

test('clients are killed by id, address and user, the own one after its reply', async () => {
  const [killer, one, two, three] = (await several(4)) as [RespClient, RespClient, RespClient, RespClient]
  expect(await killer.call('CLIENT', 'KILL', 'ID', await idOf(one))).toBe(':1')
  expect(await isClosed(one)).toBe(true)
  const address = /addr=(\S+)/.exec(String(await two.call('CLIENT', 'INFO')))![1]!
  expect(await killer.call('CLIENT', 'KILL', address)).toBe('+OK')
  expect(await isClosed(two)).toBe(true)
  expect(await killer.call('CLIENT', 'KILL', '1.2.3.4:5')).toBe('-ERR No such client')
  expect(await killer.call('CLIENT', 'KILL', 'ID', '0')).toBe('-ERR client-id should be greater than 0')
  expect(await killer.call('CLIENT', 'KILL', 'USER', 'nobody')).toBe("-ERR No such user 'nobody'")
  expect(await isClosed(three)).toBe(false)
  expect(await killer.call('CLIENT', 'KILL', 'ID', await idOf(killer), 'SKIPME', 'no')).toBe(':1')
  expect(await isClosed(killer)).toBe(true)
})

test('clients are killed by the address they came to, and by their age', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shardloom-'))
  const path = join(folder, 'server.sock')
  const own = await testServer({ serve: { port: await freePort(), unixSocket: path } })
  const byTcp = await Promise.all(Array.from({ length: 4 }, () => RespClient.connect(own.port)))
  const byPath = Array.from({ length: 3 }, () => new RespClient(createConnection(path)))
  const asking = await RespClient.connect(own.port)
  open.push(...byTcp, ...byPath, asking)
  await Promise.all([...byTcp, ...byPath].map((client) => client.call('PING')))
  const closed = async (clients: readonly RespClient[]): Promise<boolean[]> =>
    Promise.all(clients.map(isClosed))
  const kill = (...words: string[]): Promise<Resp2Form> => asking.call('CLIENT', 'KILL', ...words)
  try {
    expect(await kill('LADDR', '127.0.0.1:1')).toBe(':0')
    expect(await kill('LADDR', `${path}:0`)).toBe(`:${byPath.length}`)
    expect(await closed(byPath)).toEqual(byPath.map(() => true))
    expect(await closed(byTcp)).toEqual(byTcp.map(() => false))
    // All that is given must fit.
    const laddr = `127.0.0.1:${own.port}`
    const id = await idOf(byTcp[0]!)
    expect(await kill('LADDR', laddr, 'ID', id, 'TYPE', 'pubsub')).toBe(':0')
    expect(await kill('LADDR', laddr, 'ID', id)).toBe(':1')
    expect(await closed(byTcp)).toEqual([true, false, false, false])

    for (const age of ['0', '-1'])
      expect(await kill('MAXAGE', age)).toBe('-ERR maxage should be greater than 0')
    expect(await kill('MAXAGE', 'x')).toBe('-ERR maxage is not an integer or out of range')
    expect(await kill('MAXAGE', '100000')).toBe(':0')
    const ages = async (): Promise<number[]> =>
      [...String(await asking.call('CLIENT', 'LIST')).matchAll(/ age=(\d+) /g)].map(([, age]) => Number(age))
    while ((await ages()).some((age) => age < 1)) await delay(20)
    expect(await kill('MAXAGE', '1', 'LADDR', '127.0.0.1:1')).toBe(':0')
    // The one that asks is as old, and is left out unless it says otherwise.
    expect(await kill('MAXAGE', '1')).toBe(':3')
    expect(await closed(byTcp)).toEqual([true, true, true, true])
    expect(await kill('MAXAGE', '1', 'LADDR', laddr, 'SKIPME', 'no')).toBe(':1')
    expect(await isClosed(asking)).toBe(true)
  } finally {
    await own.close()
    rmSync(folder, { recursive: true })
  }
})

test('a client that waits is unblocked, by whoever knows its id, with nothing or with an error', async () => {
  const [asker, waiter] = (await several(2)) as [RespClient, RespClient]
  const id = await idOf(waiter)
  for (const [reason, reply] of [
    ['TIMEOUT', '*_'],
    ['ERROR', '-UNBLOCKED client unblocked via CLIENT UNBLOCK'],
  ] as const) {
    const popped = waiter.call('BLPOP', 'nothing', 'nothing either', '0')
    while ((await asker.call('CLIENT', 'UNBLOCK', id, reason)) !== ':1') await delay(2)
    expect(await popped).toBe(reply)
  }
  expect(await asker.call('CLIENT', 'UNBLOCK', id)).toBe(':0')
  expect(await asker.call('CLIENT', 'UNBLOCK', id, 'NOW')).toBe(
    '-ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR',
  )
  // What was pushed in between was not lost with the wait.
  await asker.call('RPUSH', 'nothing', 'x')
  expect(await waiter.call('BLPOP', 'nothing', '1')).toEqual(['$nothing', '$x'])
  for (const client of [asker, waiter]) client.close()
})

test('a pause holds up writes, or all, on every thread, until it is over or ended', async () => {
  const clients = await several(4)
  const [admin, ...others] = clients as [RespClient, ...RespClient[]]
  expect(await admin.call('CLIENT', 'PAUSE', '60000', 'WRITE')).toBe('+OK')
  let written = 0
  const writes = others.map(async (client, i) => {
    const reply = await client.call('SET', `paused${i}`, 'v')
    written++
    return reply
  })
  expect(await admin.call('GET', 'paused0')).toBe('_')
  expect(written).toBe(0)
  expect(await admin.call('CLIENT', 'UNPAUSE')).toBe('+OK')
  expect(await Promise.all(writes)).toEqual(['+OK', '+OK', '+OK'])
  await admin.call('CLIENT', 'PAUSE', '30')
  expect(await others[0]!.call('GET', 'paused0')).toBe('$v')
  for (const client of clients) client.close()
})

test('replies are left out as CLIENT REPLY says', async () => {
  const client = await connect()
  const replies = client.pipeline([['PING']])
  client.send([
    ['CLIENT', 'REPLY', 'OFF'],
    ['SET', 'muted', '1'],
    ['NOPE'],
    ['BLPOP', 'none', 'none2', '0.01'],
    ['CLIENT', 'REPLY', 'SKIP'],
  ])
  expect(await client.call('CLIENT', 'REPLY', 'ON')).toBe('+OK')
  expect(await replies).toEqual(['+PONG'])
  client.send([
    ['CLIENT', 'REPLY', 'SKIP'],
    ['GET', 'muted'],
  ])
  expect(await client.call('GET', 'muted')).toBe('$1')
  client.close()
})

test('clients that take too much memory together are closed, the largest first', async () => {
  const clients = new WireClients(server.port)
  const [admin, spared, large, small, late] = (await clients.several(5)) as [
    ...[WireClient, WireClient, WireClient, WireClient, WireClient],
  ]
  for (const client of [admin, spared]) await client.call('CLIENT', 'NO-EVICT', 'ON')
  await admin.call('CONFIG', 'SET', 'maxmemory-clients', '6mb')
  // A request that is not whole yet.
  const begin = (client: WireClient, bytes: number): void =>
    client.write(`*2\r\n$4\r\nECHO\r\n$10000000\r\n${'v'.repeat(bytes)}`)
  begin(spared, 3 * MIB)
  begin(small, MIB / 2)
  begin(large, 2 * MIB)
  const held = async (): Promise<number> => {
    const list = String(await admin.call('CLIENT', 'LIST'))
    return [...list.matchAll(/ tot-mem=(\d+)/g)].reduce((sum, [, bytes]) => sum + Number(bytes), 0)
  }
  while ((await held()) < 5.5 * MIB) await delay(2)
  begin(late, MIB)
  await large.ended
  // What is spared alone is more than this: everybody else goes.
  await admin.call('CONFIG', 'SET', 'maxmemory-clients', '3mb')
  await Promise.all([small.ended, late.ended])
  expect(await admin.call('INFO', 'stats')).toMatch(/evicted_clients:[3-9]/)
  await admin.call('CONFIG', 'SET', 'maxmemory-clients', '0')
  expect(spared.socket.readableEnded).toBe(false)
  clients.close()
})
