/**
 * A disk that takes its time: at the level `fsync` nobody is told of what is not on it yet, in whatever order
 * replies of several threads come; who goes meanwhile leaves nothing behind, and the others are served.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientCount, eventually, untilClient } from '../../support/robust/client-list.ts'
import { HELD_DISK, ServerProcess } from '../../support/robust/server-process.ts'
import { keysOf, type WireClient, WireClients, type Words } from '../../support/robust/wire-client.ts'

const here = keysOf(0, 2, 8)
const there = keysOf(1, 2, 8)

let dir: string
let pipe: string
let server: ServerProcess
let clients: WireClients
let asker: WireClient

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'shl-gate-'))
  pipe = join(dir, 'pipe')
  execFileSync('mkfifo', [pipe])
  const keyspace = { shards: 2, dir: join(dir, 'data'), durability: 'fsync' as const }
  server = await ServerProcess.start({ keyspace }, HELD_DISK)
  clients = new WireClients(server.port)
  asker = await clients.one()
  expect(await asker.call('MSET', here[0]!, 'old', there[0]!, 'old')).toBe('OK')
})
afterAll(async () => {
  clients.close()
  await server.kill()
  rmSync(dir, { recursive: true, force: true })
})

/** Sends requests, and waits until the last of them, a PING, has been read, and for what could follow it. */
async function sendHeld(client: WireClient, name: string, ...commands: readonly Words[]): Promise<void> {
  expect(await client.call('CLIENT', 'SETNAME', name)).toBe('OK')
  client.send(...commands, ['PING', name])
  await untilClient(asker, name, (line) => line?.['cmd'] === 'ping')
  for (let i = 0; i < 20; i++) expect(await asker.call('PING', i)).toBe(String(i))
}

test('what is not on the disk is told to nobody', async () => {
  const two = await clients.several(2)
  const [gone, ended, multi, waiting, pushing] = (await clients.several(5)) as [
    WireClient,
    WireClient,
    WireClient,
    WireClient,
    WireClient,
  ]
  expect(await waiting.call('CLIENT', 'SETNAME', 'waiting')).toBe('OK')
  waiting.send(['BLPOP', there[7]!, 0])
  await untilClient(asker, 'waiting', (line) => line?.['flags'] === 'b')
  await server.holdDisk(pipe)

  // On both threads, perhaps: what is here for one is there for the other.
  for (const [i, client] of two.entries()) {
    const [one, other] = [here[1 + i]!, there[1 + i]!]
    await sendHeld(
      client,
      `mixed-${i}`,
      ...[
        ['GET', there[0]!],
        ['SET', one, 'new'],
        ['GET', here[0]!],
        ['INCR', other],
        ['GET', there[0]!],
      ],
    )
    // At most the first, which was read before anything was done.
    expect(client.replies.slice(1)).toEqual([])
    expect(['old', undefined]).toContain(client.replies[0])
  }
  await sendHeld(gone, 'gone', ['GET', there[0]!], ['SET', here[4]!, 'x'], ['SET', there[4]!, 'x'])
  expect(gone.replies.slice(1)).toEqual([])
  gone.reset()
  await untilClient(asker, 'gone', (line) => line === undefined)
  await sendHeld(ended, 'ended', ['GET', there[0]!], ['SET', here[5]!, 'x'], ['INCR', there[5]!])
  ended.end()
  expect(await multi.call('CLIENT', 'SETNAME', 'multi')).toBe('OK')
  multi.send(['MULTI'], ['SET', here[6]!, 'x'], ['INCR', there[6]!], ['EXEC'])
  await untilClient(asker, 'multi', (line) => line?.['cmd'] === 'exec')
  pushing.send(['RPUSH', there[7]!, 'element'])
  for (let i = 0; i < 20; i++) expect(await asker.call('PING', i)).toBe(String(i))
  expect(multi.replies.slice(3)).toEqual([])
  expect([pushing.replies, waiting.replies, ended.replies.slice(1)]).toEqual([[], [], []])

  // The disk goes on, and everybody is told.
  // Opened, not written to: the other side may have closed it again by then.
  closeSync(openSync(pipe, 'w'))
  for (const [i, client] of two.entries()) {
    expect(await client.take(6)).toEqual(['old', 'OK', 'old', 1, 'old', `mixed-${i}`])
  }
  expect(await ended.rest()).toEqual(['old', 'OK', 1, 'ended'])
  expect(await multi.take(4)).toEqual(['OK', 'QUEUED', 'QUEUED', ['OK', 1]])
  expect(await waiting.next()).toEqual([there[7]!, 'element'])
  expect(await pushing.next()).toBe(1)
  expect(await asker.call('MGET', here[4]!, there[4]!)).toEqual(['x', 'x'])
  clients.close()
  asker = await clients.one()
  await eventually(
    async () => (await clientCount(asker)) === 1,
    () => 'all have gone',
  )
})
