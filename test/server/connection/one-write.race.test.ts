/**
 * What a pipeline costs: writes to the client's socket, and messages to shards.
 *
 * Writes are counted where they are made, by an actor on each thread; messages, by a trace of each shard's
 * actor. Each is exact: a read, a write, a message more is one more.
 */
import type { ActorRef, Runtime } from 'shardloom'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../../support/clients/until.ts'
import { figuresIn } from '../../support/info-fields.ts'
import { keysOf, WireClient, type Words } from '../../support/robust/wire-client.ts'
import { type TestServer, testServer } from '../../support/server.ts'

const COUNTER = new URL('../../support/actors/socket-writes.mjs', import.meta.url)
const COMMANDS = 100
/** So much is sent at once, whatever is still to come. */
const SENT_BYTES_MIN = 16 * 1024
const SHARDS = 2
/** More than a pipeline can make. */
const TRACED_MAX = 1000

interface Address {
  readonly thread: number
  readonly slot: number
  readonly generation: number
}

/** What of a runtime is not for programs. */
interface Internals {
  readonly sharedThreads: readonly number[]
  spawnOn(thread: number, request: object): Promise<ActorRef>
  readonly keyspace: { readonly client: { readonly memory: { addressOf(shard: number): Address } } }
}

let server: TestServer
let client: WireClient
let inside: Runtime & Internals
/** Gives the writes to the client since the last look. */
let takeWrites: () => Promise<readonly number[]>
/** Keys of the shard of the client's thread, and of the other. */
let here: readonly string[]
let there: readonly string[]

beforeAll(async () => {
  server = await testServer({ threads: SHARDS, keyspace: { shards: SHARDS } })
  inside = server.runtime as unknown as Runtime & Internals
  const request = { module: COUNTER.href, exportName: 'socketWrites', args: undefined, name: 'socket-writes' }
  const counters = new Map<number, ActorRef>()
  for (const thread of inside.sharedThreads) counters.set(thread, await inside.spawnOn(thread, request))
  client = await WireClient.connect(server.port)
  const info = String(await client.call('INFO', 'shards'))
  const port = client.socket.localPort
  for (const [thread, counter] of counters) {
    if ((await counter.ask('take', port)) === undefined) continue
    takeWrites = () => counter.ask('take', port) as Promise<readonly number[]>
    const threads = [...info.matchAll(/^shard\d+:(.*)$/gm)].map(([, text]) => figuresIn(text).get('thread'))
    const local = threads.indexOf(thread)
    here = keysOf(local, SHARDS, COMMANDS)
    there = keysOf(1 - local, SHARDS, COMMANDS)
  }
  expect(here).toHaveLength(COMMANDS)
}, 30_000)
afterAll(async () => {
  client?.destroy()
  await server?.close()
})
beforeEach(async () => {
  await client.call('FLUSHALL')
  await takeWrites()
})

/** What a pipeline takes that is answered without an error. */
async function costOf(commands: readonly Words[]): Promise<{ writes: readonly number[]; messages: number }> {
  const handled: string[][] = Array.from({ length: SHARDS }, () => [])
  const ends = handled.map((names, shard) => {
    const address = { ...inside.keyspace.client.memory.addressOf(shard)!, name: `shard ${shard}` }
    return inside.sys.trace(address, TRACED_MAX, ({ step, message }) => {
      if (step === 'begin') names.push(message)
    })
  })
  client.send(...commands)
  const replies = await client.take(commands.length)
  expect(replies.filter((reply) => String(reply).startsWith('-'))).toEqual([])
  const writes = await takeWrites()
  // A transaction over both shards ends what is traced: what is told of it comes behind all before it.
  await server.runtime.keyspace.command('DBSIZE')
  const isTold = (names: readonly string[]): boolean =>
    names.includes('transact') || names.includes('runPart')
  await until(() => handled.every(isTold))
  for (const end of ends) end()
  return { writes, messages: handled.flat().filter((name) => name === 'run').length }
}

const bytesIn = (writes: readonly number[]): number => writes.reduce((sum, bytes) => sum + bytes, 0)

test('a pipeline for a shard of the same thread is answered in one write, and is no message', async () => {
  const set = await costOf(here.map((key) => ['SET', key, 'v']))
  expect(set).toEqual({ writes: [COMMANDS * '+OK\r\n'.length], messages: 0 })
  const get = await costOf(here.map((key) => ['GET', key]))
  expect(get).toEqual({ writes: [COMMANDS * '$1\r\nv\r\n'.length], messages: 0 })
  // Not only what is served from bytes to bytes, and whatever stands between.
  const rest = await costOf(
    here.flatMap((key) => [
      ['INCRBY', `{${key}}n`, 2],
      ['RPUSH', `{${key}}l`, 'a', 'b'],
      ['LRANGE', `{${key}}l`, 0, -1],
      ['PING'],
    ]),
  )
  expect([rest.writes.length, rest.messages]).toEqual([1, 0])
})

test('large replies are sent in no more writes than 16 KB each ask for', async () => {
  await costOf(here.map((key) => ['SET', key, 'v'.repeat(1000)]))
  const { writes, messages } = await costOf(here.map((key) => ['GET', key]))
  expect(bytesIn(writes)).toBe(COMMANDS * (1000 + '$1000\r\n\r\n'.length))
  expect(writes.length).toBeLessThanOrEqual(Math.ceil(bytesIn(writes) / SENT_BYTES_MIN))
  expect(messages).toBe(0)
})

test('one half for the other thread: few writes, and few messages', async () => {
  const mixed = (name: string, ...words: Words): Words[] =>
    here.slice(0, COMMANDS / 2).flatMap((key, i) => [
      [name, key, ...words],
      [name, there[i]!, ...words],
    ])
  // To a client of whose replies nothing is known, few go at first.
  const first = await costOf(mixed('SET', 'v'))
  expect(first.messages).toBeGreaterThan(0)
  expect(first.messages).toBeLessThanOrEqual(COMMANDS / 10)
  expect(first.writes.length).toBeLessThanOrEqual(first.messages + 1)
  for (const commands of [mixed('GET'), mixed('APPEND', 'w'), mixed('SET', 'v'), mixed('TYPE')]) {
    const { writes, messages } = await costOf(commands)
    expect(messages).toBeGreaterThan(0)
    expect(messages).toBeLessThanOrEqual(3)
    expect(writes.length).toBeLessThanOrEqual(3)
  }
})

test('all for the other thread: many commands to a message, many replies to a write', async () => {
  for (const words of [
    ['SET', 'v'],
    ['APPEND', 'w'],
  ] as const) {
    const { writes, messages } = await costOf(there.map((key) => [words[0], key, words[1]]))
    expect(messages).toBeGreaterThan(0)
    expect(Math.max(messages, writes.length)).toBeLessThanOrEqual(COMMANDS / 10)
  }
})
