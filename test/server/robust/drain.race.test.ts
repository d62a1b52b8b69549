/**
 * A server that is closed under load: what it has begun to answer is answered whole, what it has acknowledged
 * is there afterwards, who waits is told, and the process ends by itself, also when a client never reads.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRuntime } from 'shardloom'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { untilClient } from '../../support/robust/client-list.ts'
import { ServerProcess } from '../../support/robust/server-process.ts'
import { type WireClient, WireClients } from '../../support/robust/wire-client.ts'

const CONNECTIONS = 50
const PIPELINE = 20

let dir: string
let server: ServerProcess | undefined
let clients: WireClients

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'shl-drain-'))
  server = await ServerProcess.start({ keyspace: { shards: 2, dir, durability: 'os' } })
  clients = new WireClients(server.port)
})
afterEach(async () => {
  clients.close()
  await server?.kill()
  rmSync(dir, { recursive: true, force: true })
})

/** Counts a key of its own, in pipelines, until nothing is answered any more: the last number it was told. */
async function count(client: WireClient, key: string, onFirst: () => void): Promise<number> {
  let last = 0
  const send = () => client.send(...Array.from({ length: PIPELINE }, () => ['INCR', key]))
  send()
  try {
    for (;;) {
      send()
      for (let i = 0; i < PIPELINE; i++) {
        const told = await client.next()
        expect(told).toBe(++last)
        if (last === PIPELINE) onFirst()
      }
    }
  } catch (error) {
    if (!String(error).includes('has ended')) throw error
  }
  expect(client.cutBytes, `a reply to ${key} was cut`).toBe(0)
  client.destroy()
  return last
}

test('under load nothing that was told is lost, and no reply is cut', async () => {
  const counting = await clients.several(CONNECTIONS)
  let begun = 0
  let results: Promise<readonly number[]> | undefined
  await new Promise<void>((resolve) => {
    const onFirst = () => void (++begun === CONNECTIONS && resolve())
    results = Promise.all(counting.map((client, i) => count(client, `key:${i}`, onFirst)))
  })
  const [blocked, asker] = [await clients.one(), await clients.one()]
  await blocked.call('CLIENT', 'SETNAME', 'blocked')
  blocked.send(['PING'], ['BLPOP', 'nothing', '0'], ['PING'])
  await untilClient(asker, 'blocked', (line) => line?.['flags'] === 'b')
  // As clients do that learn that nobody answers any more: else each is waited for, for a moment.
  for (const client of [blocked, asker]) void client.ended.then(() => client.destroy())
  await server!.close()
  expect(await server!.ended).toEqual([0, null])
  const told = await results!
  expect(await blocked.rest()).toEqual(['PONG', expect.stringMatching(/^-UNBLOCKED/)])
  const runtime = await createRuntime({ threads: 1, keyspace: { shards: 2, dir, durability: 'os' } })
  const found = await runtime.keyspace.mget(told.map((_, i) => `key:${i}`))
  await runtime.close()
  // What was done and could not be told any more may be there as well.
  for (const [i, last] of told.entries()) expect(Number(found[i])).toBeGreaterThanOrEqual(last)
})

test('who reads late gets all of it, and who never reads does not keep the process', async () => {
  const [late, rude, silent, asker] = (await clients.several(4)) as [
    WireClient,
    WireClient,
    WireClient,
    WireClient,
  ]
  const value = 'v'.repeat(1_000_000)
  expect(await asker.call('SET', 'big', value)).toBe('OK')
  for (const [client, name] of [[late, 'late'] as const, [rude, 'rude'] as const]) {
    await client.call('CLIENT', 'SETNAME', name)
    client.pause()
    client.send(...Array.from({ length: 20 }, () => ['GET', 'big']))
    await untilClient(asker, name, (line) => Number(line?.['omem']) > 0)
  }
  const closing = server!.close(1000)
  // It is told that nobody answers any more, and does not care.
  await silent.ended
  late.resume()
  const replies = await late.rest()
  // Requests that were not begun are not answered.
  expect(replies.length).toBeGreaterThan(0)
  expect(replies.every((reply) => reply === value)).toBe(true)
  expect(late.cutBytes).toBe(0)
  await closing
  expect(await server!.ended).toEqual([0, null])
})
