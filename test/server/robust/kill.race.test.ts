/**
 * A process that is killed while several clients write over the network, at the level `fsync`: whatever a
 * client was told is there after the next start, also what it was told behind replies of another thread.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { ServerProcess } from '../../support/robust/server-process.ts'
import { keysOf, type WireClient, WireClients, type WireValue } from '../../support/robust/wire-client.ts'

const isSoak = process.env['SHL_SOAK'] !== undefined
const ROUNDS = isSoak ? 40 : 1
const CLIENTS = 8
/** Acknowledged writes of all clients, at which the process is killed. */
const KILL_AT = isSoak ? 3000 : 400

let dir: string
let server: ServerProcess | undefined

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'shl-net-kill-'))
})
afterEach(async () => {
  await server?.kill()
  rmSync(dir, { recursive: true, force: true })
})

/** The keys of one client: some on each shard, of either thread. */
interface Lane {
  readonly here: string
  readonly there: string
  readonly list: string
  readonly both: readonly [string, string]
}

const here = keysOf(0, 2, 3 * CLIENTS)
const there = keysOf(1, 2, 3 * CLIENTS)
const lanes: readonly Lane[] = Array.from({ length: CLIENTS }, (_, i) => ({
  here: here[i]!,
  there: there[i]!,
  list: (i % 2 === 0 ? here : there)[CLIENTS + i]!,
  both: [here[2 * CLIENTS + i]!, there[2 * CLIENTS + i]!],
}))

/** What was told of each key, and asked for: the last number. */
interface Book {
  readonly told: Map<string, number>
  readonly asked: Map<string, number>
}

/** Writes growing numbers in pipelines of every kind, and notes what is told, until the connection ends. */
async function write(
  client: WireClient,
  lane: Lane,
  from: number,
  book: Book,
  onTold: () => void,
): Promise<void> {
  const { told, asked } = book
  const { here, there, list, both } = lane
  const send = (n: number): void => {
    for (const key of [here, there, list, ...both]) asked.set(key, n)
    client.send(
      // A reply of one thread stands before what the other one has done, and the other way round.
      ['GET', there],
      ['SET', here, n],
      ['GET', here],
      ['SET', there, n],
      ['RPUSH', list, n],
      ['MSET', both[0], n, both[1], n],
    )
  }
  const note = (key: string, n: number, reply: WireValue, wanted: WireValue): void => {
    expect([key, reply]).toEqual([key, wanted])
    told.set(key, n)
    onTold()
  }
  try {
    send(from)
    for (let n = from; ; n++) {
      send(n + 1)
      await client.next()
      note(here, n, await client.next(), 'OK')
      expect(await client.next()).toBe(String(n))
      note(there, n, await client.next(), 'OK')
      note(list, n, await client.next(), n)
      const reply = await client.next()
      for (const key of both) note(key, n, reply, 'OK')
    }
  } catch (error) {
    if (!String(error).includes('has ended')) throw error
  }
}

test('what was told is there after the process was killed', async () => {
  const random = seededRandom(isSoak ? Math.floor(performance.timeOrigin) % 2 ** 31 : 7)
  const book: Book = { told: new Map(), asked: new Map() }
  let from = 1
  for (let round = 0; round <= ROUNDS; round++) {
    server = await ServerProcess.start({
      keyspace: { shards: 2, dir, durability: 'fsync', logSegmentBytes: 65_536, snapshotBytes: 262_144 },
    })
    const clients = new WireClients(server.port)
    from = await check(await clients.one(), book, from)
    if (round === ROUNDS) return clients.close()
    const killAt = 1 + random.below(KILL_AT)
    let count = 0
    let reached: () => void = () => undefined
    const isReached = new Promise<void>((resolve) => {
      reached = resolve
    })
    const onTold = (): void => {
      if (++count === killAt) reached()
    }
    const open = await clients.several(CLIENTS)
    const writing = open.map((client, i) => write(client, lanes[i]!, from, book, onTold))
    await isReached
    await server.kill()
    await Promise.all(writing)
    expect(count).toBeGreaterThanOrEqual(killAt)
  }
}, 600_000)

/** Everything that was told is there; the number to go on with. */
async function check(client: WireClient, { told, asked }: Book, from: number): Promise<number> {
  for (const { here, there, list, both } of lanes) {
    for (const key of [here, there, ...both]) {
      const value = Number((await client.call('GET', key)) ?? 0)
      expect(value, `${key} was told`).toBeGreaterThanOrEqual(told.get(key) ?? 0)
      expect(value, `${key} was asked for`).toBeLessThanOrEqual(asked.get(key) ?? 0)
    }
    const [one, other] = (await client.call('MGET', ...both)) as readonly WireValue[]
    expect(one).toBe(other)
    const items = (await client.call('LRANGE', list, 0, -1)) as readonly string[]
    expect(items.length, `${list} was told`).toBeGreaterThanOrEqual(told.get(list) ?? 0)
    expect(items).toEqual(items.map((_, i) => String(i + 1)))
  }
  // All go on with one number, and lists with it.
  const next = Math.max(from, ...[...asked.values()].map((n) => n + 1))
  for (const { list } of lanes) {
    await client.call('DEL', list)
    client.send(...Array.from({ length: next - 1 }, (_, i) => ['RPUSH', list, i + 1]))
    await client.take(next - 1)
  }
  return next
}
