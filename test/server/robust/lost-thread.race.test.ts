/**
 * A thread that is lost while it serves: clients of the other one go on, and are answered rightly or with an
 * error, in time; the server on the lost thread comes back with users and parameters as they were changed
 * meanwhile, and no connection is counted twice, or for ever.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { clientCount, eventually, threadCounts } from '../../support/robust/client-list.ts'
import { keysOf, type WireClient, WireClients, type WireValue } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const isSoak = process.env['SHL_SOAK'] !== undefined
const CLIENTS = 16
const MAX_CLIENTS = 40

let dir: string
let server: TestServer
let clients: WireClients
/** Values after earlier rounds. */
const before = new Map<string, number>()
const keys = [...keysOf(0, 2, CLIENTS), ...keysOf(1, 2, CLIENTS)]

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'shl-lost-'))
  server = await testServer({
    keyspace: { shards: 2, dir, durability: 'os' },
    serve: { maxClients: MAX_CLIENTS } as never,
  })
  clients = new WireClients(server.port)
})
afterAll(async () => {
  clients.close()
  await server.close()
  rmSync(dir, { recursive: true, force: true })
})

/** What one client was told of its keys. */
class Counting {
  readonly told = new Map<string, number>()
  readonly asked = new Map<string, number>()
  readonly errors: string[] = []
  lost = false
  #isOver = false
  readonly #client: WireClient
  readonly #keys: readonly string[]

  constructor(client: WireClient, keys: readonly string[]) {
    this.#client = client
    this.#keys = keys
  }

  stop(): void {
    this.#isOver = true
  }

  async run(): Promise<void> {
    const [key, other] = this.#keys as [string, string]
    while (!this.#isOver) {
      const commands = [['INCR', key], ['INCR', other], ['MGET', key, other], ['PING']]
      for (const name of [key, other]) this.asked.set(name, (this.asked.get(name) ?? 0) + 1)
      this.#client.send(...commands)
      try {
        const [one, two, both, pong] = await this.#client.take(commands.length)
        this.#take(key, one!)
        this.#take(other, two!)
        if (Array.isArray(both)) this.#check(both.map(Number), [key, other])
        else this.#takeError(both!)
        expect(pong).toBe('PONG')
      } catch (error) {
        if (!String(error).includes('has ended')) throw error
        this.lost = true
        return
      }
    }
  }

  #take(key: string, reply: WireValue): void {
    if (typeof reply !== 'number') return this.#takeError(reply)
    expect(reply).toBeGreaterThan(this.told.get(key) ?? 0)
    expect(reply).toBeLessThanOrEqual(this.asked.get(key)!)
    this.told.set(key, reply)
  }

  #check(values: readonly number[], keys: readonly string[]): void {
    for (const [i, key] of keys.entries()) {
      expect(values[i]).toBeGreaterThanOrEqual(this.told.get(key) ?? 0)
      expect(values[i]).toBeLessThanOrEqual(this.asked.get(key)!)
    }
  }

  #takeError(reply: WireValue): void {
    expect(String(reply)).toMatch(/^-(UNAVAILABLE|TIMEOUT|TRYAGAIN|BUSY)/)
    this.errors.push(String(reply))
  }
}

async function isBack(): Promise<WireClient> {
  let asker: WireClient | undefined
  await eventually(
    async () => {
      try {
        asker ??= await clients.one()
        if ((await threadCounts(asker)).length === 2) return true
        return false
      } catch {
        asker = undefined
        return false
      }
    },
    () => 'two threads serve',
  )
  return asker!
}

test('clients of the other thread go on, and the lost one comes back as it would be', async () => {
  const threads = [...server.runtime.sharedThreads].slice(0, isSoak ? 2 : 1)
  for (const [round, thread] of threads.entries()) {
    const open = await clients.several(CLIENTS)
    const countings = open.map((client, i) => new Counting(client, [keys[i]!, keys[i + CLIENTS]!]))
    for (const counting of countings) {
      for (const key of keys) {
        // What earlier rounds have done.
        counting.asked.set(key, before.get(key) ?? 0)
      }
    }
    const running = Promise.all(countings.map((counting) => counting.run()))
    await eventually(
      () => countings.every(({ told }) => told.size === 2),
      () => 'all have begun',
    )
    await server.runtime.killThread(thread)
    await eventually(
      () => countings.some(({ lost }) => lost),
      () => 'some clients were on it',
    )
    // On the thread that is left, while the other is being started: as soon as it knows.
    await changes(await anyClient(), `s3cret-${round}`, 100 + round)
    const asker = await isBack()
    for (const counting of countings) counting.stop()
    await running
    const lost = countings.filter((counting) => counting.lost)
    expect(lost.length).toBeGreaterThan(0)
    expect(lost.length).toBeLessThan(CLIENTS)
    await checkValues(asker, countings)
    clients.close()
    await checkServer(`s3cret-${round}`, 100 + round)
  }
}, 60_000)

/** A client of whichever thread accepts by now. */
async function anyClient(): Promise<WireClient> {
  let found: WireClient | undefined
  await eventually(
    async () => {
      try {
        const client = await clients.one()
        await client.call('PING')
        found = client
        return true
      } catch {
        return false
      }
    },
    () => 'somebody accepts',
  )
  return found!
}

/** Changes users and parameters, as soon as that can be done. */
async function changes(client: WireClient, password: string, timeout: number): Promise<void> {
  const made = async (...argv: (string | number)[]): Promise<void> => {
    let reply: WireValue = null
    const isMade = async () => {
      reply = await client.call(...argv)
      return reply === 'OK'
    }
    await eventually(isMade, () => `${argv.join(' ')}: ${reply}`)
  }
  await made('CONFIG', 'SET', 'timeout', timeout)
  await made('ACL', 'SETUSER', 'bob', 'reset', 'on', `>${password}`, '~*', '+@all')
}

/** What was told is there, and nothing that nobody asked for. */
async function checkValues(asker: WireClient, countings: readonly Counting[]): Promise<void> {
  for (const [i, { told, asked }] of countings.entries()) {
    for (const key of [keys[i]!, keys[i + CLIENTS]!]) {
      let reply: WireValue = null
      const isRead = async () => {
        reply = await asker.call('GET', key)
        return !String(reply).startsWith('-')
      }
      await eventually(isRead, () => `${key} can be read: ${reply}`)
      const value = Number(reply)
      expect(value).toBeGreaterThanOrEqual(told.get(key) ?? 0)
      expect(value).toBeLessThanOrEqual(asked.get(key) ?? 0)
      before.set(key, value)
    }
  }
}

/** All places are free again, and every client finds the same users and parameters, on either thread. */
async function checkServer(password: string, timeout: number): Promise<void> {
  let first: WireClient | undefined
  await eventually(
    async () => {
      first ??= await clients.one()
      return (await clientCount(first)) === 1
    },
    () => 'all have gone',
  )
  // The thread that comes back listens a little later than it answers.
  const isSpread = async (): Promise<boolean> => {
    const some = await clients.several(4)
    const counts = await threadCounts(first!)
    for (const client of some) client.destroy()
    return counts.length === 2 && counts.every((count) => count > 0)
  }
  await eventually(isSpread, () => 'both threads accept')
  await eventually(
    async () => (await clientCount(first!)) === 1,
    () => 'all have gone again',
  )
  const more = await clients.several(MAX_CLIENTS - 1)
  for (const client of more) {
    expect(await client.call('CONFIG', 'GET', 'timeout')).toEqual(['timeout', String(timeout)])
    expect(await client.call('AUTH', 'bob', password)).toBe('OK')
  }
  expect(await clientCount(first!)).toBe(MAX_CLIENTS)
  for (const count of await threadCounts(first!)) expect(count).toBeGreaterThan(0)
  const refused = await clients.one()
  expect(await refused.rest()).toEqual(['-ERR max number of clients reached'])
  expect(await first!.call('CONFIG', 'SET', 'timeout', 0)).toBe('OK')
  expect(await first!.call('ACL', 'DELUSER', 'bob')).toBe(1)
  for (const client of more) client.destroy()
  await eventually(
    async () => (await clientCount(first!)) === 1,
    () => 'all have gone',
  )
  clients.close()
}
