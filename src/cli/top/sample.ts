/**
 * One reading of a server: everything the view shows, as plain data with the time of reading.
 *
 * A part that the server does not have is named as missing and not asked for again, since each refusal would
 * count among its errors; so the same view works on a plain Redis. What is asked for goes out in one piece.
 * The list of clients grows with them, and is left out where they are many unless somebody looks at it.
 *
 * Tests: test/cli/top/sample.test.ts
 */

import type { RespValue } from '../../server/resp/index.ts'
import { errorTextOf, fieldsOf, integerOf, itemsOf, pairsOf, textOf } from '../connection/reading.ts'
import type { RespConnection } from '../connection/resp-connection.ts'
import { type Info, infoOf, numberOf } from './info.ts'
import type { CommandHistogram } from './latency.ts'

/** What the connection is called: what it asks is none of what somebody wants to see. */
export const TOP_NAME = 'shardloom-top'
const SLOW_COUNT = 128
const HOT_KEYS_COUNT = 64
const LOCKS_MAX = 64
/** With more clients the list is read only when it is wanted. */
const CLIENTS_LISTED_MAX = 1_000

/** A part of the server, or why it is not there. */
export type Part<T> = { readonly rows: readonly T[] } | { readonly missing: string }

/** One row of SLOWLOG GET. */
export interface SlowRow {
  readonly id: number
  readonly atSeconds: number
  readonly durationUs: number
  readonly argv: readonly string[]
  readonly address: string
  readonly client: string
}

/** One row of CLIENT LIST. */
export type ClientRow = ReadonlyMap<string, string>

/** A key that is asked for more than others. */
export interface HotKeyRow {
  readonly key: string
  readonly db: number
  readonly callsPerSecond: number
  readonly shard: number | undefined
}

/** A lock that is held or waited for. */
export interface LockRow {
  readonly key: string
  readonly mode: string
  readonly holders: number
  readonly owner: string
  readonly token: number
  readonly remainingMs: number
  readonly waiters: number
  readonly waitingMs: number
}

/** Everything at one time. */
export interface Sample {
  readonly atMs: number
  readonly info: Info
  readonly slow: Part<SlowRow>
  readonly latency:
    | { readonly histograms: ReadonlyMap<string, CommandHistogram> }
    | { readonly missing: string }
  readonly clients: Part<ClientRow>
  readonly hotKeys: Part<HotKeyRow>
  readonly locks: Part<LockRow>
}

/** Reads one server again and again. */
export class Sampler {
  readonly #connection: RespConnection
  readonly #nowMs: () => number
  /** Command → what the server said to it. */
  readonly #missing = new Map<string, string>()

  constructor(connection: RespConnection, nowMs: () => number) {
    this.#connection = connection
    this.#nowMs = nowMs
  }

  /** One reading; undefined: the connection is lost. A refusal of INFO itself is given back as its text. */
  async read(wantsClients: boolean): Promise<Sample | string | undefined> {
    const info = await this.#connection.call(['INFO', 'everything'])
    if (info === undefined) return undefined
    const refusal = errorTextOf(info)
    if (refusal !== undefined) return refusal
    const parsed = infoOf(textOf(info) ?? '')
    const atMs = this.#nowMs()
    const clientCount = numberOf(parsed, 'connected_clients') ?? 0
    const isListed = wantsClients || clientCount <= CLIENTS_LISTED_MAX
    const [slow, latency, clients, hotKeys, locks] = await Promise.all([
      this.#ask(['SLOWLOG', 'GET', String(SLOW_COUNT)]),
      this.#ask(['LATENCY', 'HISTOGRAM']),
      isListed ? this.#ask(['CLIENT', 'LIST']) : { missing: `${clientCount} clients: enter lists them` },
      this.#ask(['SHARDLOOM.HOTKEYS', 'COUNT', String(HOT_KEYS_COUNT)]),
      this.#ask(['LOCK.LIST']),
    ])
    return {
      atMs,
      info: parsed,
      slow: partOf(slow, slowRows),
      latency: 'missing' in latency ? latency : { histograms: histograms(latency.reply) },
      clients: partOf(clients, (reply) => clientRows(textOf(reply) ?? '')),
      hotKeys: partOf(hotKeys, hotKeyRows),
      locks: 'missing' in locks ? locks : { rows: await this.#lockRows(itemsOf(locks.reply)) },
    }
  }

  async #ask(argv: readonly string[]): Promise<{ readonly reply: RespValue } | { readonly missing: string }> {
    const name = argv.slice(0, argv[0]?.includes('.') === true ? 1 : 2).join(' ')
    const known = this.#missing.get(name)
    if (known !== undefined) return { missing: known }
    const reply = await this.#connection.call(argv)
    if (reply === undefined) return { missing: 'the connection is lost' }
    const refusal = errorTextOf(reply)
    if (refusal === undefined) return { reply }
    const isUnknown = /unknown (?:sub)?command/i.test(refusal)
    const missing = isUnknown ? `this server has no ${name}` : `${name}: ${refusal}`
    if (isUnknown || refusal.startsWith('NOPERM')) this.#missing.set(name, missing)
    return { missing }
  }

  async #lockRows(keys: readonly RespValue[]): Promise<LockRow[]> {
    const names = keys.slice(0, LOCKS_MAX).map((key) => textOf(key) ?? '')
    const replies = await Promise.all(names.map((key) => this.#connection.call(['LOCK.INFO', key])))
    return replies.flatMap((reply, index) =>
      reply === undefined || errorTextOf(reply) !== undefined ? [] : [lockRow(names[index] as string, reply)],
    )
  }
}

function partOf<T>(
  answer: { readonly reply: RespValue } | { readonly missing: string },
  rowsOf: (reply: RespValue) => readonly T[],
): Part<T> {
  return 'missing' in answer ? answer : { rows: rowsOf(answer.reply) }
}

function slowRows(reply: RespValue): SlowRow[] {
  return itemsOf(reply)
    .map(slowRow)
    .filter(({ client }) => client !== TOP_NAME)
}

function slowRow(reply: RespValue): SlowRow {
  const [id, at, duration, argv, address, client] = itemsOf(reply)
  return {
    id: integerOf(id) ?? 0,
    atSeconds: integerOf(at) ?? 0,
    durationUs: integerOf(duration) ?? 0,
    argv: itemsOf(argv).map((word) => textOf(word) ?? ''),
    address: textOf(address) ?? '',
    client: textOf(client) ?? '',
  }
}

function histograms(reply: RespValue): ReadonlyMap<string, CommandHistogram> {
  return new Map(
    pairsOf(reply).map(([command, value]) => {
      const fields = fieldsOf(value)
      const buckets = pairsOf(fields.get('histogram_usec')).map(
        ([bound, count]) => [integerOf(bound) ?? 0, integerOf(count) ?? 0] as const,
      )
      return [textOf(command) ?? '', { calls: integerOf(fields.get('calls')) ?? 0, buckets }]
    }),
  )
}

function clientRows(text: string): ClientRow[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      return new Map(
        line.split(' ').map((part) => {
          const equals = part.indexOf('=')
          return [part.slice(0, equals), part.slice(equals + 1)] as const
        }),
      )
    })
}

function hotKeyRows(reply: RespValue): HotKeyRow[] {
  return itemsOf(reply).map((row) => {
    const fields = fieldsOf(row)
    return {
      key: textOf(fields.get('key')) ?? '',
      db: integerOf(fields.get('db')) ?? 0,
      callsPerSecond: integerOf(fields.get('commands-per-second')) ?? 0,
      shard: integerOf(fields.get('shard')),
    }
  })
}

function lockRow(key: string, reply: RespValue): LockRow {
  const fields = fieldsOf(reply)
  const holders = itemsOf(fields.get('holders')).map(fieldsOf)
  const waiters = itemsOf(fields.get('waiters')).map(fieldsOf)
  return {
    key,
    mode: textOf(fields.get('mode')) ?? '',
    holders: holders.length,
    owner: textOf(holders[0]?.get('owner')) ?? '',
    token: integerOf(holders[0]?.get('token')) ?? integerOf(fields.get('last-token')) ?? 0,
    remainingMs: Math.max(0, ...holders.map((holder) => integerOf(holder.get('remaining-ms')) ?? 0)),
    waiters: waiters.length,
    waitingMs: Math.max(0, ...waiters.map((waiter) => integerOf(waiter.get('waiting-ms')) ?? 0)),
  }
}
