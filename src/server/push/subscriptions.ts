/**
 * Which clients of a thread listen to what: SUBSCRIBE and its kin, and giving out what comes.
 *
 *     shard ──► ear ──► name ──► clients of this thread, each its copy of the same bytes
 *
 * An acknowledgement goes out when the shards concerned know of it: what is published afterwards, anywhere in
 * the process, is heard. The client is on the list before that, and messages line up behind the reply that is
 * still to come.
 *
 * Invariants: (1) a name's shards have the number of clients that are on its list here, or will be told;
 * (2) a client that is closed is on no list.
 * Cost: a message for 1000 clients is encoded once and copied 1000 times; most of it is the 1000 writes.
 * Tests: test/server/push/subscriptions.race.test.ts
 */
import { type ByteString, ErrorReply } from '../../keyspace/engine/index.ts'
import {
  channelHomes,
  type DeliveredMessage,
  type LocalEar,
  type SubscriptionKind,
} from '../../keyspace/serving/index.ts'
import type { ServerThread, Session } from '../commands/server-command.ts'
import { errorReplyOf } from '../connection/error-reply.ts'
import { PushReply, SeveralReplies } from '../resp/index.ts'
import { ShardEar } from './shard-ear.ts'
import { SharedPush } from './shared-push.ts'

/** Names that one client may listen to. */
const NAMES_MAX = 1_000_000
const TOO_MANY = new ErrorReply('ERR', `a client may listen to ${NAMES_MAX} names at most`)

/** What confirmations begin with. */
const WORDS: Readonly<Record<SubscriptionKind, readonly [on: string, off: string]>> = {
  channels: ['subscribe', 'unsubscribe'],
  patterns: ['psubscribe', 'punsubscribe'],
  sharded: ['ssubscribe', 'sunsubscribe'],
}

type Names = Readonly<Record<SubscriptionKind, Set<ByteString>>>

/** What a client listens to. */
interface Listening {
  readonly names: Names
  readonly end: () => void
}

/** The subscriptions of a thread's clients. */
export class Subscriptions {
  readonly #thread: ServerThread
  readonly #ears: readonly ShardEar[]
  readonly #clients: Readonly<Record<SubscriptionKind, Map<ByteString, Set<Session>>>> = {
    channels: new Map(),
    patterns: new Map(),
    sharded: new Map(),
  }
  readonly #listening = new Map<Session, Listening>()

  constructor(thread: ServerThread, ears: Map<string, LocalEar>) {
    this.#thread = thread
    const { client } = thread
    this.#ears = Array.from({ length: client.memory.shardCount }, (_, shard) => {
      return new ShardEar({
        client,
        shard,
        ears,
        onMessage: (message) => this.#onMessage(message),
        onLost: (names) => {
          for (const [kind, name] of names) this.#closeAll(kind, name)
        },
      })
    })
  }

  /** Clients that listen to anything. */
  get clientCount(): number {
    return this.#listening.size
  }

  async subscribe(
    session: Session,
    kind: SubscriptionKind,
    names: readonly ByteString[],
  ): Promise<SeveralReplies | ErrorReply> {
    // Within a transaction its client may have gone meanwhile.
    if (!this.#thread.sessions.has(session.id)) return new SeveralReplies([])
    const listening = this.#listeningOf(session)
    const own = listening.names[kind]
    if (own.size + names.length > NAMES_MAX) return TOO_MANY
    const added = names.filter((name) => !own.has(name))
    const lines: PushReply[] = []
    for (const name of names) {
      if (!own.has(name)) this.#add(session, listening, kind, name)
      lines.push(new PushReply([WORDS[kind][0], name, countIn(listening.names, kind)]))
    }
    this.#count(session, listening)
    try {
      await this.#heard(kind, added)
    } catch (error) {
      for (const name of added) this.#remove(session, listening, kind, name)
      this.#count(session, listening)
      return errorReplyOf(error)
    }
    return new SeveralReplies(lines)
  }

  /** `names`: none for all. */
  async unsubscribe(
    session: Session,
    kind: SubscriptionKind,
    names: readonly ByteString[],
  ): Promise<SeveralReplies> {
    const listening = this.#listeningOf(session)
    const word = WORDS[kind][1]
    const removed = names.length > 0 ? names : [...listening.names[kind]]
    const lines: PushReply[] = []
    for (const name of removed) {
      this.#remove(session, listening, kind, name)
      lines.push(new PushReply([word, name, countIn(listening.names, kind)]))
    }
    if (lines.length === 0) lines.push(new PushReply([word, null, countIn(listening.names, kind)]))
    this.#count(session, listening)
    // The shard that cannot be told has nothing to count either.
    await this.#heard(kind, removed).catch(() => undefined)
    return new SeveralReplies(lines)
  }

  close(): void {
    for (const ear of this.#ears) ear.close()
  }

  #listeningOf(session: Session): Listening {
    const known = this.#listening.get(session)
    if (known !== undefined) return known
    const end = (): void => this.#forget(session)
    const names = { channels: new Set<string>(), patterns: new Set<string>(), sharded: new Set<string>() }
    const made = { names, end }
    this.#listening.set(session, made)
    session.onGone.add(end)
    return made
  }

  #forget(session: Session): void {
    const listening = this.#listening.get(session)
    if (listening === undefined) return
    for (const kind of ['channels', 'patterns', 'sharded'] as const) {
      for (const name of listening.names[kind]) this.#remove(session, listening, kind, name)
    }
    this.#listening.delete(session)
    session.onGone.delete(listening.end)
  }

  #add(session: Session, { names }: Listening, kind: SubscriptionKind, name: ByteString): void {
    names[kind].add(name)
    const clients = this.#clients[kind].get(name)
    if (clients === undefined) this.#clients[kind].set(name, new Set([session]))
    else clients.add(session)
    this.#weigh(kind, name, clients?.size ?? 1)
  }

  #remove(session: Session, { names }: Listening, kind: SubscriptionKind, name: ByteString): void {
    if (!names[kind].delete(name)) return
    const clients = this.#clients[kind].get(name)
    clients?.delete(session)
    if (clients?.size === 0) this.#clients[kind].delete(name)
    this.#weigh(kind, name, clients?.size ?? 0)
  }

  #weigh(kind: SubscriptionKind, name: ByteString, clients: number): void {
    for (const home of channelHomes(kind, name, this.#ears.length)) this.#ears[home]!.set(kind, name, clients)
  }

  /** Resolves when the shards of these names have what was said of them. */
  async #heard(kind: SubscriptionKind, names: readonly ByteString[]): Promise<void> {
    const homes = new Set(names.flatMap((name) => channelHomes(kind, name, this.#ears.length)))
    await Promise.all([...homes].map((home) => this.#ears[home]!.synced()))
  }

  #count(session: Session, { names }: Listening): void {
    const { channels, patterns, sharded } = names
    session.channelCount = channels.size
    session.patternCount = patterns.size
    session.shardedCount = sharded.size
    if (channels.size + patterns.size + sharded.size === 0) this.#forget(session)
    session.changed()
  }

  #onMessage({ channel, pattern, message, isSharded }: DeliveredMessage): void {
    const kind = pattern !== undefined ? 'patterns' : isSharded === true ? 'sharded' : 'channels'
    const clients = this.#clients[kind].get(pattern ?? channel)
    if (clients === undefined) return
    const items =
      pattern !== undefined
        ? ['pmessage', pattern, channel, message]
        : [isSharded === true ? 'smessage' : 'message', channel, message]
    const push = new SharedPush(items)
    for (const client of clients) client.push(push.in(client.resp))
  }

  #closeAll(kind: SubscriptionKind, name: ByteString): void {
    for (const client of this.#clients[kind].get(name) ?? []) {
      this.#thread.log('warn', 'client closed since messages for it may have been lost', { id: client.id })
      client.close('messages for it may have been lost')
    }
  }
}

/** Those of sharded channels are counted by themselves. */
function countIn({ channels, patterns, sharded }: Names, kind: SubscriptionKind): number {
  return kind === 'sharded' ? sharded.size : channels.size + patterns.size
}
