/** Serving, as programs start and end it. */
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime } from 'shardloom'
import { expect, test } from 'vitest'
import { RespClient } from '../support/redis/resp-client.ts'
import { rejection } from '../support/runtime.ts'
import { request, testServer } from '../support/server.ts'

test('clients are spread over the threads, see one keyspace, and share it with the program', async () => {
  const { runtime, port, close } = await testServer()
  try {
    const clients = await Promise.all(Array.from({ length: 16 }, () => RespClient.connect(port)))
    await Promise.all(clients.map((client, i) => client.call('SET', `key:${i}`, `${i}`)))
    for (let i = 0; i < 16; i++) expect(runtime.keyspace.getSync(`key:${i}`)).toBe(String(i))
    await runtime.keyspace.set('from:program', 'hello')
    expect(await Promise.all(clients.map((client) => client.call('GET', 'from:program')))).toEqual(
      clients.map(() => '$hello'),
    )
    const threads = String(await clients[0]!.call('INFO', 'threads'))
    const counts = [...threads.matchAll(/connections=(\d+)/g)].map((found) => Number(found[1]))
    expect(counts).toHaveLength(2)
    expect(counts.every((count) => count > 0)).toBe(true)
    expect(counts[0]! + counts[1]!).toBe(16)
    for (const client of clients) client.close()
  } finally {
    await close()
  }
})

test('a Unix socket is served beside TCP, and its file goes with the server', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shardloom-'))
  const path = join(folder, 'server.sock')
  const { close } = await testServer({
    threads: 1,
    keyspace: { shards: 1 },
    serve: { port: 0, unixSocket: path },
  })
  try {
    const reply = await new Promise<string>((resolve, reject) => {
      const socket = connect(path)
      socket.once('error', reject)
      socket.once('data', (bytes) => {
        socket.destroy()
        resolve(String(bytes))
      })
      socket.write(request('PING'))
    })
    expect(reply).toBe('+PONG\r\n')
  } finally {
    await close()
  }
  expect(existsSync(path)).toBe(false)
  rmSync(folder, { recursive: true })
})

test('unixsocketperm is the mode of the socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'shardloom-'))
  const path = join(folder, 'server.sock')
  const modeOf = (): string => (statSync(path).mode & 0o777).toString(8)
  // 0: as a socket is made under the umask of the process.
  const probe = createServer().listen(path)
  await once(probe, 'listening')
  const asMade = modeOf()
  await new Promise((resolve) => probe.close(resolve))
  const runtime = await createRuntime({ threads: 2, keyspace: { shards: 1 } })
  try {
    for (const [given, mode] of [
      ['700', '700'],
      ['660', '660'],
      ['0777', '777'],
      [0o750, '750'],
      ['0', asMade],
    ] as const) {
      const server = await runtime.serve({ port: 0, unixSocket: path, unixSocketPerm: given })
      expect([given, modeOf(), statSync(path).isSocket()]).toEqual([given, mode, true])
      const client = new RespClient(connect(path))
      const told = await client.call('CONFIG', 'GET', 'unixsocketperm')
      expect(told).toEqual(['$unixsocketperm', `$${typeof given === 'number' ? mode : Number(given)}`])
      client.close()
      await server.close()
    }
  } finally {
    await runtime.close()
    rmSync(folder, { recursive: true })
  }
})

test('no keyspace, a wrong option, a port that is taken: each is refused with what to do', async () => {
  const bare = await createRuntime({ threads: 1 })
  expect(await rejection(bare.serve({ port: 0 }))).toMatchObject({ code: 'SHL_KEYSPACE_OFF' })
  await bare.close()
  const { runtime, port, close } = await testServer({ threads: 1, keyspace: { shards: 1 } })
  try {
    expect((await rejection(runtime.serve({ prot: 1 } as never))).message).toMatch(/prot.*port/)
    expect((await rejection(runtime.serve({ maxClients: 0, port: 0 }))).message).toMatch(/maxClients/)
    const taken = await rejection(runtime.serve({ port }))
    expect(taken).toMatchObject({ code: 'SHL_LISTEN_FAILED' })
    expect(taken.message).toMatch(/EADDRINUSE.*choose another/)
    // The one that serves goes on.
    const client = await RespClient.connect(port)
    expect(await client.call('PING')).toBe('+PONG')
    client.close()
  } finally {
    await close()
  }
})

test('closing the runtime ends its server, and another may begin on the same port', async () => {
  const first = await testServer({ threads: 1, keyspace: { shards: 1 } })
  const client = await RespClient.connect(first.port)
  const answered = client.pipeline([
    ['SET', 'a', '1'],
    ['GET', 'a'],
  ])
  expect(await answered).toEqual(['+OK', '$1'])
  await first.runtime.close()
  expect(String(await rejection(client.call('PING')))).toMatch(/closed/)
  const second = await testServer({ threads: 1, keyspace: { shards: 1 }, serve: { port: first.port } })
  const again = await RespClient.connect(first.port)
  expect(await again.call('GET', 'a')).toBe('_')
  again.close()
  await second.close()
})
