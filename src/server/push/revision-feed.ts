/**
 * The live changes of one database for all WATCHREVs of a thread: one stream from each shard, whoever
 * watches.
 *
 *     shards ──► one KeyspaceWatch, of the patterns of all ──► groups of equal patterns ──► their watches
 *
 * A stream for each watch would have a shard encode and send each commit once for each client. Here a commit
 * comes once, is tried once on each group of patterns, and its push is encoded once for a group.
 *
 * A pattern that the stream does not fit makes another stream, of what is wanted then and from now on. The
 * first one goes on until it has given everything up to where the other begins, and what both have is given
 * once. The other does not begin where the first one is: that may be long ago when nothing that it is of has
 * changed, and the history begins later. Beyond so many patterns it is one of all keys: shards are to try
 * few, and a stream need not change any more. It is narrowed again when who wanted more has gone.
 *
 * Who comes from the past catches up with a stream of its own, and joins when it is not behind: see
 * RevisionWatch. The feed never waits for a client. When it fails, its members are told how far they are.
 *
 * Invariants: (1) everything above `revision` that fits its filter is given to a member, in order and once;
 * (2) a member joins only when it has everything up to `revision`.
 * Cost: per commit a filter for each group with patterns, and a push for each member.
 * Tests: test/server/push/revision-feed.prop.test.ts
 */
import type { TimerHandle } from '../../base/index.ts'
import { type ByteString, isLiteralPattern } from '../../keyspace/engine/index.ts'
import {
  ChangeFilter,
  type Deferred,
  deferred,
  FilterIndex,
  KeyspaceWatch,
  type RecordedChange,
  type StreamClient,
} from '../../keyspace/serving/index.ts'
import type { ServerReply } from '../resp/index.ts'
import { SharedPush } from './shared-push.ts'

/** Revisions that may wait at each shard for one watch. */
const QUEUE_MAX = 65_536
/** Patterns, and names in all, that shards try; more than that, and they tell of all keys. */
const PATTERNS_MAX = 64
const NAMES_MAX = 4096
/** Pushes in one turn of the loop. */
const TURN_PUSHES = 4096
/** So long after somebody has gone the stream is looked at: is it wider than it need be? */
const NARROW_MS = 1000

/** What is needed of the client of a thread. */
export interface FeedClient extends StreamClient {
  readonly memory: { readonly shardCount: number; readonly revision: number }
}

/** All that was changed at one revision. */
export interface WatchedCommit {
  readonly revision: number
  readonly changes: readonly RecordedChange[]
}

/** What a client is told of a watch, with its name where it has one. */
export function watchPush(name: ByteString, ...words: readonly ServerReply[]): SharedPush {
  return new SharedPush(name === '' ? words : [...words, name])
}

/** A commit for several watches. */
export class SharedCommit {
  readonly revision: number
  readonly #changes: readonly RecordedChange[]
  /** By the name of the watch. */
  readonly #pushes = new Map<ByteString, SharedPush>()

  constructor({ revision, changes }: WatchedCommit) {
    this.revision = revision
    this.#changes = changes
  }

  /** What a watch of this name is sent. */
  for(name: ByteString): SharedPush {
    const known = this.#pushes.get(name)
    if (known !== undefined) return known
    const changes = this.#changes.map(({ db, key, event, value, type }) => [
      ...[db, key, event],
      ...[value ?? null, type],
    ])
    const push = watchPush(name, 'watchrev', this.revision, changes)
    this.#pushes.set(name, push)
    return push
  }
}

/** A watch that is fed. */
export interface FeedMember {
  readonly patterns: readonly ByteString[]
  /** It has everything up to here. */
  readonly seen: number
  onCommit(commit: SharedCommit): void
  /** The feed has failed. Everything up to `revision` was given; the member is none any more. */
  onFeedLost(revision: number): void
}

/** Members with the same patterns. */
interface Group {
  readonly id: string
  readonly filter: ChangeFilter
  readonly members: Set<FeedMember>
}

/** A stream, and what it is of. */
interface Source {
  readonly watch: KeyspaceWatch<WatchedCommit>
  readonly patterns: ReadonlySet<ByteString>
}

/** What a watch of a thread's client is made with, besides what it wants. */
export const WATCH_PARTS = {
  queueMax: QUEUE_MAX,
  whenSlow: 'cut',
  signal: undefined,
  shape: (revision: number, changes: readonly RecordedChange[]) => [{ revision, changes }],
  // With `cut` there is none.
  lost: ({ to }: { readonly to: number }) => ({ revision: to, changes: [] }),
} as const

/** The feed of a database, with values or without. */
export class RevisionFeed {
  readonly #client: FeedClient
  readonly #db: number
  readonly #values: boolean
  readonly #onIdle: () => void
  /** Names that are wanted, by members and by those who are to join: by how many. */
  readonly #wanted = new Map<ByteString, number>()
  readonly #groups = new Map<string, Group>()
  readonly #index = new FilterIndex<Group>()
  #live: Source | undefined
  /** Another one that is being opened. */
  #next: ReadonlySet<ByteString> | undefined
  #opening: Promise<void> | undefined
  /** Where the other one begins: the stream is to get there. */
  #goal: { readonly revision: number; readonly reached: Deferred<void> } | undefined
  /** Everything up to it was given. */
  #given = 0
  #turn: TimerHandle | undefined
  #narrow: TimerHandle | undefined
  #isClosed = false

  /** `onIdle`: nobody wants anything any more, and it is closed. */
  constructor(client: FeedClient, db: number, values: boolean, onIdle: () => void) {
    this.#client = client
    this.#db = db
    this.#values = values
    this.#onIdle = onIdle
  }

  /** Everything up to it was given to the members. */
  get revision(): number {
    return Math.max(this.#given, this.#live?.watch.revision ?? 0)
  }

  /** Somebody wants these names, until `unwant`. */
  want(patterns: readonly ByteString[]): void {
    for (const name of patterns) this.#wanted.set(name, (this.#wanted.get(name) ?? 0) + 1)
  }

  unwant(patterns: readonly ByteString[]): void {
    for (const name of patterns) {
      const count = this.#wanted.get(name) ?? 0
      if (count > 1) this.#wanted.set(name, count - 1)
      else this.#wanted.delete(name)
    }
    if (this.#wanted.size === 0) this.#close()
    else this.#narrowLater()
  }

  /** Whether all changes of these names come, from the stream and from the one that takes its place. */
  covers(patterns: readonly ByteString[]): boolean {
    if (this.#live === undefined) return false
    const isIn = (names: ReadonlySet<ByteString>): boolean =>
      names.has('*') || patterns.every((name) => names.has(name))
    return isIn(this.#live.patterns) && (this.#next === undefined || isIn(this.#next))
  }

  /** Resolves when they come, as far as nobody else has changed that since. They are wanted. */
  async cover(patterns: readonly ByteString[]): Promise<void> {
    while (!this.covers(patterns) && !this.#isClosed) await this.#open()
  }

  /** False: it is behind this feed, or changes of its names do not come yet. */
  join(member: FeedMember): boolean {
    const { patterns, seen } = member
    if (seen < this.revision || !this.covers(patterns)) return false
    const id = JSON.stringify(patterns)
    let group = this.#groups.get(id)
    if (group === undefined) {
      group = { id, filter: new ChangeFilter({ db: this.#db, patterns }), members: new Set() }
      this.#groups.set(id, group)
      this.#index.add(group)
    }
    group.members.add(member)
    return true
  }

  leave(member: FeedMember): void {
    const group = this.#groups.get(JSON.stringify(member.patterns))
    if (group?.members.delete(member) !== true || group.members.size > 0) return
    this.#groups.delete(group.id)
    this.#index.delete(group)
  }

  /** Soon `revision` is not below this one. */
  askThrough(revision: number): void {
    this.#live?.watch.askThrough(revision)
  }

  #open(): Promise<void> {
    this.#opening ??= this.#openNext().finally(() => {
      this.#opening = undefined
      this.#next = undefined
    })
    return this.#opening
  }

  async #openNext(): Promise<void> {
    const patterns = new Set(this.#union())
    this.#next = patterns
    const watch: KeyspaceWatch<WatchedCommit> = new KeyspaceWatch<WatchedCommit>({
      ...WATCH_PARTS,
      client: this.#client,
      shardCount: this.#client.memory.shardCount,
      filter: { db: this.#db, patterns: [...patterns] },
      since: undefined,
      values: this.#values,
      onMoved: () => this.#onMoved(watch),
    })
    const start = await watch.ready
    await this.#reach(start)
    if (this.#isClosed) return void watch.return()
    this.#given = Math.max(this.revision, start)
    void this.#live?.watch.return()
    this.#live = { watch, patterns }
    this.#onMoved(watch)
  }

  /** Resolves when everything up to a revision was given, or when there is no stream that gives it. */
  #reach(revision: number): Promise<void> {
    this.#goal = { revision, reached: deferred() }
    const { promise } = this.#goal.reached
    this.#lookForGoal()
    return promise
  }

  /** Asks again each time: a shard that was asked may have been started again. */
  #lookForGoal(): void {
    const goal = this.#goal
    if (goal === undefined) return
    if (this.#live !== undefined && this.revision < goal.revision) return this.askThrough(goal.revision)
    this.#goal = undefined
    goal.reached.resolve()
  }

  /** The names that a stream is to be of. */
  #union(): readonly ByteString[] {
    const names = [...this.#wanted.keys()]
    const isMuch = names.length > NAMES_MAX || names.filter((n) => !isLiteralPattern(n)).length > PATTERNS_MAX
    return isMuch || this.#wanted.has('*') ? ['*'] : names
  }

  #onMoved(watch: KeyspaceWatch<WatchedCommit>): void {
    if (watch !== this.#live?.watch) return
    if (this.#turn === undefined) this.#give(watch)
    this.#lookForGoal()
  }

  /** Gives what is there; the rest, when it is much, in the next turn. */
  #give(watch: KeyspaceWatch<WatchedCommit>): void {
    for (let pushes = 0; pushes < TURN_PUSHES; ) {
      let commit: WatchedCommit | undefined
      try {
        commit = watch.takeNow()
      } catch {
        return this.#fail()
      }
      if (commit === undefined) return
      // The stream before this one may have had it.
      if (commit.revision > this.#given) pushes += 1 + this.#giveOne(commit)
    }
    this.#turn = this.#client.clock.after(0, () => {
      this.#turn = undefined
      if (this.#live !== undefined) this.#onMoved(this.#live.watch)
    })
  }

  #giveOne(commit: WatchedCommit): number {
    this.#given = commit.revision
    let pushes = 0
    for (const { filter, members } of this.#index.concerned(commit.changes)) {
      const shared = new SharedCommit({ revision: commit.revision, changes: filter.of(commit.changes) })
      for (const member of members) {
        member.onCommit(shared)
        pushes++
      }
    }
    return pushes
  }

  /** Members go on from here by streams of their own, which say whether anything is lost. */
  #fail(): void {
    const { revision } = this
    this.#given = revision
    this.#live = undefined
    const members = [...this.#groups.values()].flatMap((group) => [...group.members])
    for (const member of members) {
      this.leave(member)
      member.onFeedLost(revision)
    }
  }

  #narrowLater(): void {
    this.#narrow ??= this.#client.clock.after(
      NARROW_MS,
      () => {
        this.#narrow = undefined
        const names = this.#union()
        const live = this.#live?.patterns
        if (live === undefined || (names.length === live.size && names.every((name) => live.has(name))))
          return
        // When it fails, the one that there is goes on.
        this.#open().catch(() => undefined)
      },
      { unref: true },
    )
  }

  #close(): void {
    this.#isClosed = true
    void this.#live?.watch.return()
    this.#live = undefined
    this.#turn?.cancel()
    this.#narrow?.cancel()
    this.#lookForGoal()
    this.#onIdle()
  }
}
