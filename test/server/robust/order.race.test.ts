/**
 * Several connections write the same keys in pipelines, alone and in transactions over two shards, while
 * slots go to and fro between these: what each asked for is done in its order, once, and nothing is lost.
 *
 * Every reply says where it stands among all: a counter's value, the length of a list or of a string. So the
 * outcome is one order that all replies agree with, which is found in the lists and strings themselves.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../src/base/index.ts'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import { keysOf, type WireClient, WireClients, type Words } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const isSoak = process.env['SHL_SOAK'] !== undefined
const CLIENTS = 6
const PIPELINES = isSoak ? 400 : 8
const PIPELINE = 30
/** Pipelines of one client that are on their way. */
const AHEAD = 3
const SEED = isSoak ? Math.floor(performance.timeOrigin) % 2 ** 31 : 11
const SLOTS = 16_384
const PAIRS = isSoak ? 20_000 : 600

const [hereKeys, thereKeys] = [keysOf(0, 2, 4), keysOf(1, 2, 4)]
const COUNTERS = [hereKeys[0]!, thereKeys[0]!]
const LISTS = [hereKeys[1]!, thereKeys[1]!]
const TEXTS = [hereKeys[2]!, thereKeys[2]!]
/** Both are only counted together. */
const PAIR = [hereKeys[3]!, thereKeys[3]!] as const

let server: TestServer
let clients: WireClients

beforeAll(async () => {
  server = await testServer()
  clients = new WireClients(server.port)
})
afterAll(async () => {
  clients.close()
  await server.close()
})

/** What all replies together say of each key: who stands where. */
class Record {
  readonly #places = new Map<string, Map<number, string>>()

  /** What was done to `key` stands at `place`, where nothing else does. */
  put(key: string, place: number, what: string): void {
    const places = this.#places.get(key) ?? new Map<number, string>()
    this.#places.set(key, places)
    expect(places.has(place), `${key} has two at ${place}`).toBe(false)
    places.set(place, what)
  }

  of(key: string): ReadonlyMap<number, string> {
    return this.#places.get(key) ?? new Map()
  }
}

interface Asked {
  readonly command: Words
  check(reply: unknown): void
}

/** One connection, and what it was told last of each key. */
class Writer {
  readonly #client: WireClient
  readonly #name: string
  readonly #random: Random
  readonly #record: Record
  readonly #last = new Map<string, number>()
  #count = 0

  constructor(client: WireClient, name: string, random: Random, record: Record) {
    this.#client = client
    this.#name = name
    this.#random = random
    this.#record = record
  }

  async run(): Promise<void> {
    const waiting: Asked[][] = []
    for (let i = 0; i < PIPELINES + AHEAD; i++) {
      if (i < PIPELINES) {
        const pipeline = Array.from({ length: PIPELINE }, () => this.#draw()).flat()
        this.#client.send(...pipeline.map(({ command }) => command))
        waiting.push(pipeline)
      }
      if (i < AHEAD) continue
      for (const { check } of waiting.shift() ?? []) check(await this.#client.next())
    }
  }

  #draw(): Asked[] {
    const random = this.#random
    const which = random.below(2)
    const name = `${this.#name}.${this.#count++};`
    switch (random.below(6)) {
      case 0:
        return [this.#grows(['RPUSH', LISTS[which]!, name], LISTS[which]!, name)]
      case 1:
        return [this.#grows(['APPEND', TEXTS[which]!, name], TEXTS[which]!, name)]
      case 2:
        return this.#transaction()
      case 3:
        return [{ command: ['MGET', ...PAIR], check: (reply) => this.#checkPair(reply as readonly string[]) }]
      default:
        return [this.#grows(['INCR', COUNTERS[which]!], COUNTERS[which]!, name)]
    }
  }

  /** Its reply is where it stands, and behind what was told before. */
  #grows(command: Words, key: string, name: string): Asked {
    return {
      command,
      check: (reply) => {
        expect(typeof reply, `${command.join(' ')}: ${reply}`).toBe('number')
        expect(reply).toBeGreaterThan(this.#last.get(key) ?? 0)
        this.#last.set(key, reply as number)
        this.#record.put(key, reply as number, name)
      },
    }
  }

  #transaction(): Asked[] {
    const is = (wanted: string) => (reply: unknown) => expect(reply).toBe(wanted)
    return [
      { command: ['MULTI'], check: is('OK') },
      { command: ['INCR', PAIR[0]], check: is('QUEUED') },
      { command: ['INCR', PAIR[1]], check: is('QUEUED') },
      {
        command: ['EXEC'],
        check: (reply) => {
          const [one, other] = reply as readonly [number, number]
          expect(one).toBe(other)
          this.#record.put(PAIR[0], one, this.#name)
          this.#checkPair([String(one), String(other)])
        },
      },
    ]
  }

  /** Nobody sees one half of a transaction, and nobody sees it go back. */
  #checkPair([one, other]: readonly (string | null)[]): void {
    expect(one).toBe(other)
    const value = Number(one ?? 0)
    expect(value).toBeGreaterThanOrEqual(this.#last.get(PAIR[0]) ?? 0)
    this.#last.set(PAIR[0], value)
  }
}

/** Slots go to and fro until all have written: how often they did. */
async function moveWhile(isOver: () => boolean, random: Random): Promise<number> {
  const { keyspace } = server.runtime
  let moves = 0
  while (!isOver()) {
    const first = random.below(SLOTS)
    const count = Math.min(SLOTS - first, 1 + random.below(SLOTS / 2))
    const slots = Array.from({ length: count }, (_, i) => first + i)
    await keyspace.moveSlots(slots, random.below(2))
    moves++
  }
  return moves
}

test(`all that is asked for is done once, in the order of each connection (seed ${SEED})`, async () => {
  const random = seededRandom(SEED)
  const record = new Record()
  const open = await clients.several(CLIENTS)
  const writers = open.map(
    (client, i) => new Writer(client, `w${i}`, seededRandom(random.below(2 ** 31)), record),
  )
  let isOver = false
  const moving = moveWhile(() => isOver, random)
  await Promise.all(writers.map((writer) => writer.run())).finally(() => {
    isOver = true
  })
  expect(await moving).toBeGreaterThan(2)

  const reader = await clients.one()
  for (const key of [...COUNTERS, PAIR[0]]) {
    const places = record.of(key)
    expect(await reader.call('GET', key)).toBe(String(places.size))
    expect(Math.max(...places.keys())).toBe(places.size)
  }
  expect(await reader.call('GET', PAIR[1])).toBe(await reader.call('GET', PAIR[0]))
  for (const key of LISTS) {
    const items = (await reader.call('LRANGE', key, 0, -1)) as readonly string[]
    expect(items.length).toBe(record.of(key).size)
    for (const [place, name] of record.of(key)) expect(items[place - 1]).toBe(name)
  }
  for (const key of TEXTS) {
    const text = String(await reader.call('GET', key))
    const names = [...record.of(key)].sort(([one], [other]) => one - other)
    expect(text).toBe(names.map(([, name]) => name).join(''))
    for (const [end, name] of names) expect(text.slice(end - name.length, end)).toBe(name)
  }
}, 600_000)

/** Pairs of a write and a read of one key, whose slot goes to and fro meanwhile. */
async function writeAndRead(
  { server: { runtime }, client, pairs }: { server: TestServer; client: WireClient; pairs: number },
  send: (value: number) => Promise<void>,
): Promise<void> {
  const slot = hashSlotOf(hereKeys[0]!)
  let isOver = false
  const moving = (async () => {
    for (let to = 1; !isOver; to = 1 - to) await runtime.keyspace.moveSlots([slot], to)
  })()
  for (let i = 0; i < pairs; i++) {
    await send(i)
    expect(await client.take(2)).toEqual(['OK', String(i)])
  }
  isOver = true
  await moving
}

test('a read does not pass the write before it that waits for a slot on its way', async () => {
  const client = await clients.one()
  await writeAndRead({ server, client, pairs: PAIRS }, async (value) => {
    client.send(['SET', hereKeys[0]!, value], ['GET', hereKeys[0]!])
  })
}, 600_000)

test('nor does a command that goes another way pass it', async () => {
  const key = hereKeys[0]!
  const slot = hashSlotOf(key)
  let isOver = false
  const moving = (async () => {
    for (let to = 1; !isOver; to = 1 - to) await server.runtime.keyspace.moveSlots([slot], to)
  })()
  const large = 'x'.repeat(100_000)
  for (const client of [await clients.one(), await clients.one(), await clients.one()]) {
    for (let i = 0; i < PAIRS / 6; i++) {
      client.send(['SET', key, i], ['DEL', key], ['EXISTS', key])
      expect(await client.take(3)).toEqual(['OK', 1, 0])
      client.send(['SET', key, i], ['SET', key, 'last', 'EX', 100], ['GET', key])
      expect(await client.take(3)).toEqual(['OK', 'OK', 'last'])
      client.send(['SET', key, large], ['SET', key, i], ['GET', key])
      expect(await client.take(3)).toEqual(['OK', 'OK', String(i)])
    }
  }
  isOver = true
  await moving
}, 600_000)

test('nor where the write is told when it is on the disk, and the read comes a little later', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'shl-order-'))
  const durable = await testServer({ keyspace: { shards: 2, dir, durability: 'fsync' } })
  const others = new WireClients(durable.port)
  try {
    // On both threads.
    for (const client of [await others.one(), await others.one(), await others.one()]) {
      await writeAndRead({ server: durable, client, pairs: PAIRS / 6 }, async (value) => {
        client.send(['SET', hereKeys[0]!, value])
        for (let turns = value % 4; turns > 0; turns--) await new Promise(setImmediate)
        client.send(['GET', hereKeys[0]!])
      })
    }
  } finally {
    others.close()
    await durable.close()
    rmSync(dir, { recursive: true })
  }
}, 600_000)
