/**
 * A watch over the network, by WATCHREV: changes in the order of their revisions, across lost connections.
 *
 *     WATCHREV pattern … [SINCE revision] [VALUES]  ──►  revision from which on nothing is missing
 *     ◄── > watchrev  revision  [[db, key, event, value or null, type] …]     one push per revision
 *     ◄── > watchrev  revision  []                                            nothing else up to here
 *
 * When the connection is lost it goes on from the last revision that came, with nothing missing and nothing
 * twice; only when the server has forgotten since does the watch end with an error, or say so in an item and
 * go on from the oldest revision that there is, as was asked for.
 *
 * Invariants: as those of a watch in the process of the keyspace: (1) items come in the order of revisions;
 * (2) every change since the start that fits is in an item, or within the range of a `lost`, or the watch
 * ends with an error; (3) at most `queueMax` revisions wait here.
 * Tests: test/client/remote-watch.test.ts, test/client/remote-client.race.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import { type ByteString, ErrorReply, keyEventClass } from '../keyspace/engine/index.ts'
import {
  ChangeFilter,
  type LostRange,
  type RecordedChange,
  replyError,
  type WatchRules,
} from '../keyspace/remoting/index.ts'
import type { CallLimits } from './call-limits.ts'
import type { Connection } from './connection.ts'
import type { RemoteClient } from './remote-client.ts'
import { RemoteStream } from './remote-stream.ts'
import { wireArgument } from './wire-values.ts'

/** A revision that waits, or the loss of some. */
interface Waiting {
  /** Where the server is with it. */
  readonly revision: number
  readonly changes?: readonly RecordedChange[]
  readonly lost?: LostRange
}

/** Iterates over changes; made by `keyspace.watch` and `keyspace.events`. */
export class RemoteWatch<Item> extends RemoteStream<Item, number> {
  readonly #rules: WatchRules<Item>
  readonly #filter: ChangeFilter
  #queue: Waiting[] = []
  #out: Item[] = []
  /** Everything up to it has come here. */
  #through: number | undefined
  #given: number
  #connection: Connection | undefined
  #isOpen = false
  #hasBegun = false

  /** @internal */
  constructor(client: RemoteClient, rules: WatchRules<Item>, limits: CallLimits = {}) {
    const { filter, since, signal } = rules
    const setup = filter.db === client.settings.address.db ? [] : [['SELECT', String(filter.db)]]
    const wish = { setup, onPush: (push: readonly unknown[]) => this.#onPush(push) }
    // Those who are behind wait in line for the history, of which the server reads for a few at a time.
    super({ client, type: 'watch', wish, mayWait: since !== undefined, signal, limits })
    this.#rules = rules
    this.#filter = new ChangeFilter(filter)
    this.#through = since
    this.#given = since ?? 0
    this.begin()
  }

  /** Everything up to this revision was given: a later watch may go on from here with `since`. */
  get revision(): number {
    if (this.#out.length > 0 || this.#queue.length > 0) return this.#given
    return Math.max(this.#given, this.#through ?? 0)
  }

  protected override async open(connection: Connection): Promise<number> {
    this.#connection = connection
    let pause = this.client.connector.pauses()
    for (let refused = 1; ; refused++) {
      const since = this.#through
      this.#isOpen = true
      const reply = await connection.send(this.#request(since), connection.mark())
      if (!(reply instanceof ErrorReply)) {
        const start = Number(reply)
        this.#through = Math.max(this.#through ?? 0, start)
        this.#hasBegun = true
        return start
      }
      this.#isOpen = false
      const oldest = Number(/oldest=(\d+)/.exec(reply.text)?.[1] ?? Number.NaN)
      if (reply.code !== 'COMPACTED' || Number.isNaN(oldest)) throw replyError(reply, 'watchrev')
      // Whoever begins so far back has been told nothing yet, and is to read the keys anew.
      if (this.#rules.whenSlow === 'cut' || !this.#hasBegun) {
        throw new ShardloomError('SHL_WATCH_COMPACTED', { since: since ?? 0, oldest })
      }
      this.#pushLost(since ?? 0, oldest)
      this.#through = oldest
      // What is oldest is asked for at once, before it is gone, too; and if it was, not at once again.
      if (refused % 2 !== 0) continue
      await this.client.pause(pause.duration)
      pause = pause.next(undefined)
    }
  }

  /** What came after `since`, up to `oldest`, is gone; or, when that is before, the server has begun anew. */
  #pushLost(since: number, oldest: number): void {
    if (oldest === since) return
    const lost = { from: Math.min(since + 1, oldest), to: oldest }
    const last = this.#queue.at(-1)
    if (last?.lost !== undefined) this.#queue.pop()
    this.#push({ revision: oldest, lost: last?.lost === undefined ? lost : spanOf([last.lost, lost]) })
  }

  #request(since: number | undefined): (string | Buffer)[] {
    const { filter, values } = this.#rules
    const words = ['WATCHREV', ...filter.patterns.map(asPattern)]
    if (since !== undefined) words.push('SINCE', String(since))
    if (values) words.push('VALUES')
    return words.map(wireArgument)
  }

  #onPush(push: readonly unknown[]): boolean {
    const kind = String(push[0])
    if (kind === 'watchrev-lost') {
      // It has forgotten what did not fit: whether what is missing is there, it says when it is asked.
      const details = { actor: this.#connection?.address, type: 'watchrev' }
      this.#connection?.end(new ShardloomError('SHL_STREAM_CANCELLED', details))
      return true
    }
    if (kind !== 'watchrev') return false
    if (!this.#isOpen || this.isOver) return true
    const revision = Number(push[1])
    if (revision <= (this.#through ?? -1)) return true
    this.#through = revision
    const all = (push[2] as readonly (readonly unknown[])[]).map(changeOf)
    const changes = all.filter((change) => this.#filter.matches(change))
    if (changes.length > 0) this.#push({ revision, changes })
    return true
  }

  #push(one: Waiting): void {
    this.#queue.push(one)
    const { queueMax, whenSlow } = this.#rules
    this.wake()
    if (this.#queue.length <= queueMax) return
    if (whenSlow === 'cut') {
      const from = this.#queue[0]?.revision ?? one.revision
      this.#queue = []
      return this.fail(new ShardloomError('SHL_WATCH_SLOW', { from, to: one.revision, queueMax }))
    }
    // Many at a time, and never the newest.
    const count = Math.max(this.#queue.length - queueMax, Math.ceil(queueMax / 2))
    const dropped = this.#queue.splice(0, count)
    const lost = spanOf(dropped.map(({ revision, lost }) => lost ?? { from: revision, to: revision }))
    this.#queue.unshift({ revision: dropped.at(-1)?.revision ?? one.revision, lost })
  }

  protected override take(): Item | undefined {
    while (this.#out.length === 0) {
      const next = this.#queue.shift()
      if (next === undefined) return undefined
      const { shape, lost } = this.#rules
      this.#given = next.revision
      if (next.lost !== undefined) this.#out.push(lost(next.lost))
      if (next.changes !== undefined) this.#out.push(...shape(next.revision, next.changes))
    }
    return this.#out.shift()
  }

  protected override onBroken(): boolean {
    this.#isOpen = false
    return true
  }

  protected override clear(): void {
    this.#queue = []
    this.#out = []
  }
}

/** Events after which there is no key. */
const GONE: ReadonlySet<string> = new Set([
  ...['del', 'expired', 'evicted', 'rename_from', 'move_from', 'flushdb', 'swapdb'],
])
const WORDS: ReadonlySet<string> = new Set(['KEYS', 'PREFIX', 'SINCE', 'VALUES', 'PROGRESS', 'ID'])
const TYPES = { $: 'string', l: 'list', s: 'set', h: 'hash', z: 'zset' } as const

function changeOf(item: readonly unknown[]): RecordedChange {
  const [db, key, event, value, given] = item
  const name = textOf(event)
  const bytes = Buffer.isBuffer(value) ? value : undefined
  const type = given === undefined ? typeAfter(name, bytes !== undefined) : textOf(given)
  return {
    db: Number(db),
    key: Buffer.isBuffer(key) ? key.toString('latin1') : String(key),
    event: name,
    type: type as RecordedChange['type'],
    ...(bytes !== undefined && { value: bytes }),
  }
}

/** What a key holds, as far as an event says it, where the server does not. */
function typeAfter(event: string, hasValue: boolean): RecordedChange['type'] {
  if (hasValue) return 'string'
  const letter = keyEventClass(event)
  if (GONE.has(event) || !(letter in TYPES)) return 'none'
  return TYPES[letter as keyof typeof TYPES]
}

/** A pattern that no word of the command is taken for. */
function asPattern(pattern: ByteString): ByteString {
  return WORDS.has(pattern.toUpperCase()) ? `[${pattern[0]}]${pattern.slice(1)}` : pattern
}

/** All of them, also of a server that has begun anew, whose revisions are lower. */
function spanOf(ranges: readonly LostRange[]): LostRange {
  return ranges.reduce((a, b) => ({ from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) }))
}

function textOf(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('latin1') : String(value)
}
