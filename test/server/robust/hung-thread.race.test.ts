/**
 * A thread that an actor never gives back: what the clients of the others are told, and how all of it ends.
 */

import { createRuntime, type Runtime } from 'shardloom'
import { afterEach, expect, test } from 'vitest'
import { keysOf, WireClients } from '../../support/robust/wire-client.ts'

const TESTER = new URL('../../support/actors/tester.mjs', import.meta.url)
const THREADS = 2
const COMMAND_MS = 500
/** Which of the shards is on the hung thread nobody says. */
const [firstKeys, secondKeys] = [keysOf(0, 2, 1), keysOf(1, 2, 1)]

let runtime: Runtime | undefined
let clients: WireClients | undefined

afterEach(async () => {
  clients?.close()
  await runtime?.close({ timeoutMs: 2000 })
})

/** A server one of whose threads hangs, and a client that another thread serves. */
async function hung() {
  runtime = await createRuntime({ threads: THREADS, keyspace: { shards: 2, timeoutMs: COMMAND_MS } })
  const server = await runtime.serve({ port: 0 })
  const ref = await runtime.spawn(TESTER, { export: 'tester' })
  clients = new WireClients(server.address.port)
  const all = []
  for (let i = 0; i < 8; i++) all.push(await clients.one())
  for (const client of all) expect(await client.call('PING')).toBe('PONG')
  ref.tell('spin')
  const answers = await Promise.all(
    all.map((client) =>
      Promise.race([client.call('PING'), new Promise((resolve) => setTimeout(resolve, 300))]),
    ),
  )
  const served = all.filter((_, i) => answers[i] === 'PONG')
  expect(served.length).toBeGreaterThan(0)
  expect(served.length).toBeLessThan(all.length)
  return { runtime, server, served }
}

test('commands that it has to do with are answered with an error, and others go on', async () => {
  const { served } = await hung()
  const [client] = served as [(typeof served)[0]]
  const one = await Promise.all([firstKeys[0]!, secondKeys[0]!].map((key) => client.call('SET', key, 1)))
  expect(one.map(String).sort()).toEqual([expect.stringMatching(/^-TIMEOUT no answer in time/), 'OK'])
  for (const words of [
    ['FLUSHALL'],
    ['MGET', firstKeys[0]!, secondKeys[0]!],
    ['ACL', 'SETUSER', 'bob', 'on'],
  ]) {
    expect(String(await client.call(...words))).toMatch(/^-TIMEOUT/)
  }
  expect(await client.call('PING')).toBe('PONG')
  // What it would go on with it could not know.
  const subscribed = client.call('SUBSCRIBE', 'x')
  expect(String(await subscribed)).toMatch(/^-TIMEOUT|^subscribe/)
})

test('the server closes within its time, and leaves the thread to the runtime', async () => {
  const { server, served } = await hung()
  const startMs = performance.now()
  await server.close({ timeoutMs: 500 })
  // Its supervisor gives such a thread 5 s and more.
  expect(performance.now() - startMs).toBeLessThan(4500)
  await expect(served[0]!.call('PING')).rejects.toThrow()
})

test('the runtime closes within its deadline', async () => {
  const { runtime: whole } = await hung()
  const startMs = performance.now()
  const { durationMs } = await whole.close({ timeoutMs: 3000 })
  // Of the machine's own time nothing is asserted; of a second deadline behind the first, this is.
  expect(performance.now() - startMs).toBeLessThan(20_000)
  expect(durationMs).toBeLessThan(20_000)
})
