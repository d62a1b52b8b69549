/**
 * What was read is kept, until the server says that it has changed (CLIENT TRACKING).
 *
 * The library below has such a cache, too. It is not used, since it keeps what its own commands have decoded,
 * is bounded by entries and not by bytes, and cannot say how old what it gives may be.
 *
 * Of the modes that the server has:
 *   default, not BCAST   the server remembers who has read what, and tells of that alone; BCAST would tell
 *                        of every write to a prefix, whether anybody here has read the key or not
 *   OPTIN                only reads that are kept here are remembered there: CLIENT CACHING YES goes out
 *                        before each, in the same packet
 *   not NOLOOP           what this client writes is taken out when it is sent, and when it is answered, so
 *                        that it reads what it wrote; but of a write that nobody waits for any more, only the
 *                        server can tell when it took effect
 *
 *     read ──► kept? fresh? ──► given
 *        └──► sent, and noted ──► answer ──► kept, unless a word about a key of it came in between
 *
 * How old what is given may be: a word on its way, some milliseconds. When the network is broken no word
 * comes. So nothing is given once the server has been silent for `silentMs`; it is asked for a sign of life
 * when it has been silent for half of that.
 *
 * Invariants: (1) nothing is kept whose keys were spoken of since it was sent for; (2) what a connection has
 * brought goes with it; (3) bytes and entries are bounded, what was used longest ago goes first.
 * Tests: test/client/read-cache.test.ts
 * Source: https://redis.io/docs/latest/develop/reference/client-side-caching/
 */
import type { Clock, TimerHandle } from '../base/index.ts'
import { commandTable } from '../keyspace/commands/index.ts'
import { type Argument, byteString, ErrorReply, type Reply, StatusReply } from '../keyspace/engine/index.ts'
import type { CacheMetrics, ClientEvent } from './client-event.ts'
import type { CacheOptions } from './connect-options.ts'
import type { Connection } from './connection.ts'
import type { ConnectionWish } from './connector.ts'
import type { CommandProfile } from './retry-rules.ts'

/** What a cache needs besides its limits. */
export interface CacheParts {
  readonly clock: Clock
  readonly address: string
  tell(event: ClientEvent): void
}

/** A read: from here, or what to do with it. */
export interface CachedRead {
  /** What is kept; undefined: it is to be sent. */
  readonly reply: Reply | undefined
  /** What is to be sent before it. */
  readonly before: readonly (readonly string[])[]
  /** Takes the answer, and gives it back. */
  keep(reply: Reply): Reply
}

interface Entry {
  readonly id: string
  readonly keys: readonly string[]
  /** Null: there is no such key; undefined: its answer is awaited. */
  reply: Reply | undefined
  bytes: number
  sinceMs: number
}

/** Reads whose answer depends on their keys alone, and not on the time. */
const CACHED: ReadonlySet<string> = new Set(
  (
    'get mget strlen getrange exists type hget hmget hgetall hlen hexists hkeys hvals hstrlen ' +
    'llen lindex lrange lpos ' +
    'scard sismember smismember smembers zcard zscore zmscore zrank zrevrank zrange zcount'
  ).split(' '),
)
const TRACK: readonly string[] = ['CLIENT', 'TRACKING', 'ON', 'OPTIN']
const BEFORE: readonly (readonly string[])[] = [['CLIENT', 'CACHING', 'YES']]
/** Commands of the server that change no key. */
const HARMLESS: ReadonlySet<string> = new Set(
  'client config acl memory latency slowlog cluster wait waitaof script object'.split(' '),
)
/** An entry and its place in two maps, roughly; a value within a reply. */
const ENTRY_BYTES = 200
const VALUE_BYTES = 24

/** What one client has read. */
export class ReadCache {
  readonly #limits: Required<CacheOptions>
  readonly #parts: CacheParts
  /** In the order of use. */
  readonly #entries = new Map<string, Entry>()
  readonly #byKey = new Map<string, Set<Entry>>()
  readonly #connections = new Map<number, Connection>()
  #bytes = 0
  #timer: TimerHandle | undefined
  #isClosed = false
  #hits = 0
  #misses = 0
  #invalidations = 0
  #evictions = 0

  constructor(limits: Required<CacheOptions>, parts: CacheParts) {
    this.#limits = limits
    this.#parts = parts
    this.#watchSilence()
  }

  get metrics(): CacheMetrics {
    return {
      entries: this.#entries.size,
      bytes: this.#bytes,
      hits: this.#hits,
      misses: this.#misses,
      invalidations: this.#invalidations,
      evictions: this.#evictions,
    }
  }

  /** What connections of lanes are made with. */
  readonly wish: ConnectionWish = {
    purpose: 'commands',
    setup: [TRACK],
    onPush: (push) => this.#onPush(push),
  }

  /** A lane has a new connection, or has lost it: with it goes the word of the server. */
  onConnection(lane: number, connection: Connection | undefined): void {
    if (connection === undefined) {
      this.#connections.delete(lane)
      this.#empty()
    } else this.#connections.set(lane, connection)
  }

  /** Undefined: it is none that is kept. */
  read({ name, spec }: CommandProfile, argv: readonly Argument[]): CachedRead | undefined {
    if (spec === undefined || !CACHED.has(name)) return undefined
    if (!this.#isHeard()) {
      // There may be nothing for which they would be asked, and one that nobody uses is silent for ever.
      this.#askSilent()
      return undefined
    }
    const id = idOf(argv)
    const found = this.#entries.get(id)
    if (found?.reply !== undefined) {
      if (this.#parts.clock.nowMs() - found.sinceMs < this.#limits.maxAgeMs) {
        this.#hits++
        this.#entries.delete(id)
        this.#entries.set(id, found)
        return { reply: found.reply, before: [], keep: (reply) => reply }
      }
      this.#drop(found)
    }
    this.#misses++
    const keys = commandTable.keysOf(spec, argv).map(({ index }) => byteString(argv[index]!))
    const entry = found?.reply === undefined && found !== undefined ? found : this.#expect(id, keys)
    return { reply: undefined, before: BEFORE, keep: (reply) => this.#keep(entry, reply) }
  }

  /** What a command may change is not given any more. Whether it may change anything. */
  written({ name, spec, rule }: CommandProfile, argv: readonly Argument[]): boolean {
    if (rule === 'read' || HARMLESS.has(name)) return false
    if (spec === undefined || spec.flags.includes('all_shards')) this.#empty()
    else {
      for (const { index, isWritten } of commandTable.keysOf(spec, argv)) {
        if (isWritten) this.#invalidate(byteString(argv[index]!))
      }
    }
    return true
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
    this.#empty()
  }

  #expect(id: string, keys: readonly string[]): Entry {
    const entry: Entry = { id, keys, reply: undefined, bytes: 0, sinceMs: this.#parts.clock.nowMs() }
    this.#entries.set(id, entry)
    for (const key of keys) {
      const known = this.#byKey.get(key)
      if (known === undefined) this.#byKey.set(key, new Set([entry]))
      else known.add(entry)
    }
    return entry
  }

  #keep(entry: Entry, reply: Reply): Reply {
    // Somebody has spoken of its keys since, or it was kept by another.
    if (this.#entries.get(entry.id) !== entry || entry.reply !== undefined) return reply
    const bytes = ENTRY_BYTES + 2 * entry.id.length + bytesOf(reply)
    if (reply instanceof ErrorReply || bytes > this.#limits.maxBytes / 2) {
      this.#drop(entry)
      return reply
    }
    entry.reply = reply
    entry.bytes = bytes
    this.#bytes += bytes
    this.#evict()
    return reply
  }

  #evict(): void {
    const { maxBytes, maxEntries } = this.#limits
    for (const entry of this.#entries.values()) {
      if (this.#bytes <= maxBytes && this.#entries.size <= maxEntries) return
      this.#evictions++
      this.#drop(entry)
    }
  }

  #drop(entry: Entry): void {
    if (this.#entries.get(entry.id) !== entry) return
    this.#entries.delete(entry.id)
    this.#bytes -= entry.bytes
    for (const key of entry.keys) {
      const known = this.#byKey.get(key)
      known?.delete(entry)
      if (known?.size === 0) this.#byKey.delete(key)
    }
  }

  #invalidate(key: string): void {
    const known = this.#byKey.get(key)
    if (known !== undefined) for (const entry of [...known]) this.#drop(entry)
  }

  #onPush(push: readonly unknown[]): boolean {
    if (String(push[0]) !== 'invalidate') return false
    this.#invalidations++
    const keys = push[1]
    if (!Array.isArray(keys)) this.#empty()
    else for (const key of keys) this.#invalidate(Buffer.isBuffer(key) ? key.toString('latin1') : String(key))
    return true
  }

  #empty(): void {
    const entries = this.#entries.size
    if (entries === 0) return
    this.#entries.clear()
    this.#byKey.clear()
    this.#bytes = 0
    this.#parts.tell({ type: 'cacheEmptied', address: this.#parts.address, entries })
  }

  /** Whether every connection has been heard of lately: else words of the server may be missing. */
  #isHeard(): boolean {
    if (this.#isClosed || this.#connections.size === 0) return false
    const since = this.#parts.clock.nowMs() - this.#limits.silentMs
    for (const { heardMs } of this.#connections.values()) if (heardMs < since) return false
    return true
  }

  #askSilent(): void {
    const since = this.#parts.clock.nowMs() - this.#limits.silentMs / 2
    for (const connection of this.#connections.values()) {
      if (connection.heardMs >= since || connection.pending > 0) continue
      connection.send(['PING'], connection.mark()).catch(() => undefined)
    }
  }

  /** Asks connections that are silent for a sign of life, as long as there is something to be given. */
  #watchSilence(): void {
    const { clock } = this.#parts
    const everyMs = this.#limits.silentMs / 4
    const look = (): void => {
      if (this.#isClosed) return
      if (this.#entries.size > 0) this.#askSilent()
      this.#timer = clock.after(everyMs, look, { unref: true })
    }
    this.#timer = clock.after(everyMs, look, { unref: true })
  }
}

/** Lengths stand before what they are of: no two requests look alike. */
function idOf(argv: readonly Argument[]): string {
  let id = byteString(argv[0] ?? '').toLowerCase()
  for (let i = 1; i < argv.length; i++) {
    const argument = byteString(argv[i]!)
    id += ` ${argument.length} ${argument}`
  }
  return id
}

function bytesOf(reply: Reply): number {
  if (typeof reply === 'string' || reply instanceof Uint8Array) return VALUE_BYTES + reply.length
  if (reply instanceof StatusReply) return VALUE_BYTES + reply.text.length
  if (Array.isArray(reply))
    return reply.reduce<number>((sum, item) => sum + bytesOf(item as Reply), VALUE_BYTES)
  return VALUE_BYTES
}
