/**
 * Runs transactions over several shards, from the shard that a client asked: VLL's coordinator.
 *
 *     draw id ─► schedule on all ─► gather the keys of others ─► run here ─► apply there ─► answer
 *                    │ refused
 *                    └── release all, again with a newer id
 *
 * Commands run on this shard, with the keys of the others as guests (`engine/guests.ts`). A command that is a
 * sum of its parts runs on each shard at once instead, with one hop. A transaction whose callback runs at the
 * client is gathered here, and applied here when the client says what has become of the keys; it has a
 * deadline of its own, since it holds its keys meanwhile.
 *
 * Where two or more other shards change, they are told first (`stage`), the decision is written to shared
 * memory, and only then do they apply: should this shard be lost in between, they find there what to do.
 *
 * Invariants: see participant.ts. Strictly serialisable: see transactions/shard-schedule.ts.
 * Cost: two hops, about 40 µs while both threads are awake (bench/transactions.ts).
 * Tests: test/keyspace/shard/coordinator.test.ts, test/keyspace/consistency/keyspace.prop.test.ts,
 * test/keyspace/consistency/losses.prop.test.ts, test/keyspace/transaction.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { ShardloomError, type TimerHandle } from '../../base/index.ts'
import {
  ErrorReply,
  type Guest,
  guestOf,
  type KeyPatch,
  patchEffects,
  patchesOf,
  putGuests,
  type Reply,
  removeGuests,
} from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import { ReplyReader, ReplyWriter } from '../wire/index.ts'
import type { Shard } from './shard.ts'
import type { ShardMessages } from './shard-messages.ts'
import {
  isLockCommand,
  mayBeRefusedInPart,
  mergeReplies,
  type SplitCommand,
  splitOf,
  wholeCommand,
} from './split-command.ts'
import { patchesByOwner, TransactionEnd } from './transaction-end.ts'
import type {
  BeginAnswer,
  ScheduleAnswer,
  TransactAnswer,
  TransactionKey,
  TransactMessage,
} from './transaction-messages.ts'
import { TransactionPeers } from './transaction-peers.ts'
import {
  keysUsedBy,
  type PlannedCommand,
  planTransaction,
  readBatch,
  type TransactionPlan,
} from './transaction-plan.ts'

/** Refusals in a row after which a transaction gives up: each means that another one went ahead. */
const ATTEMPTS_MAX = 1000
/** A slot that is on its way is soon there; or its new shard is slow. */
const MOVED_WAIT_MS = 1
const MOVED_WAIT_MS_MAX = 32

/** Transactions that are open at their clients. */
interface Open {
  readonly shards: readonly number[]
  readonly timer: TimerHandle
}

/** Coordinates what clients ask of one shard. */
export class Coordinator {
  readonly #shard: Shard
  readonly #life: number
  readonly #peers: TransactionPeers
  readonly #end: TransactionEnd
  readonly #open = new Map<number, Open>()

  constructor(shard: Shard, life: number, peer: (shard: number) => ActorRef<ShardMessages>) {
    this.#shard = shard
    this.#life = life
    this.#peers = new TransactionPeers(shard, peer)
    this.#end = new TransactionEnd(shard, this.#peers)
  }

  /** Runs a batch of commands as one. */
  async transact({ batch, watched }: TransactMessage, signal: AbortSignal): Promise<TransactAnswer> {
    const commands = readBatch(batch)
    const { shard } = this
    let movedMs = MOVED_WAIT_MS
    for (;;) {
      const plan = planTransaction(commands, watched, shard.memory)
      const others = [...plan.shards.keys()].filter((one) => one !== shard.id)
      if (others.length === 0) {
        const slots = (plan.shards.get(shard.id) ?? []).map(({ slot }) => slot)
        if (!slots.some((slot) => shard.slots.isFrozen(slot)))
          return this.#runHere(plan, batch, watched, signal)
        await shard.slots.whenThawed(slots)
        continue
      }
      refuseLocks(commands)
      const isPlain = watched.length === 0 && !mayBeRefusedInPart(commands, shard.engine.memory.maxBytes > 0)
      const split = isPlain ? splitOf(commands, plan, shard.memory) : undefined
      // Who is left when this shard is lost has to know what was decided.
      const staged = others.length > 1 && split?.isWrite === true ? split : undefined
      const tx = await this.#schedule(plan, signal, staged)
      if (tx === undefined) {
        await this.#movedWait(movedMs)
        movedMs = Math.min(MOVED_WAIT_MS_MAX, 2 * movedMs)
        continue
      }
      if (split !== undefined) {
        return { type: 'done', replies: await this.#runSplit(tx, plan, split, staged !== undefined) }
      }
      if (plan.isWhole) return this.#runWhole(tx, plan, watched)
      return this.#runWithGuests(tx, plan, batch, watched)
    }
  }

  /** Takes keys for a callback at the client, for at most `holdMs`. */
  async begin(keys: readonly TransactionKey[], holdMs: number, signal: AbortSignal): Promise<BeginAnswer> {
    const { shard } = this
    const watched = keys.map(({ db, key }) => ({ db, key, revision: 0 }))
    let movedMs = MOVED_WAIT_MS
    for (;;) {
      const found = planTransaction([], watched, shard.memory)
      // All of them may be written.
      const shards = new Map(
        [...found.shards].map(([id, uses]) => [id, uses?.map((use) => ({ ...use, isWritten: true }))]),
      )
      const plan = { commands: [], shards, isWhole: false }
      const tx = await this.#schedule(plan, signal)
      if (tx === undefined) {
        await this.#movedWait(movedMs)
        movedMs = Math.min(MOVED_WAIT_MS_MAX, 2 * movedMs)
        continue
      }
      const ids = [...shards.keys()]
      try {
        const gathered = await Promise.all(ids.map((id) => this.#gather(id, tx, shards.get(id) ?? [])))
        // Nobody waits any more: nobody will say what has become of the keys.
        if (signal.aborted) throw abortedError()
        const timer = shard.clock.after(holdMs, () => this.abort(tx), { unref: true })
        this.#open.set(tx, { shards: ids, timer })
        return { tx, guests: gathered.flat() }
      } catch (error) {
        this.#releaseAll(ids, tx)
        throw error
      }
    }
  }

  /** The callback is done: makes the keys what it made of them. False: it came too late, nothing changed. */
  async commit(tx: number, patches: readonly KeyPatch[]): Promise<boolean> {
    const open = this.#open.get(tx)
    if (open === undefined) return false
    this.#open.delete(tx)
    open.timer.cancel()
    const revision = this.#shard.memory.drawRevisions(1)
    await this.#end.applyAll(tx, open.shards, patches, revision)
    return true
  }

  /** The callback has thrown, or takes too long. */
  abort(tx: number): void {
    const open = this.#open.get(tx)
    if (open === undefined) return
    this.#open.delete(tx)
    open.timer.cancel()
    this.#releaseAll(open.shards, tx)
  }

  get shard(): Shard {
    return this.#shard
  }

  /** All keys are here. */
  #runHere(
    plan: TransactionPlan,
    batch: Uint8Array,
    watched: TransactMessage['watched'],
    signal: AbortSignal,
  ): Promise<TransactAnswer> {
    const { shard } = this
    const keys = plan.shards.get(shard.id)
    return shard.inTurn(keys ?? [], plan.shards.has(shard.id) && keys === undefined, () => {
      // It has waited behind others: its caller may have given it up.
      if (signal.aborted) throw abortedError()
      const { engine } = shard
      if (isWriteOf(plan)) shard.participant.checkWritable()
      const isUnchanged = watched.every(
        ({ db, key, revision }) => (engine.database(db).revisionOf(key) ?? 0) === revision,
      )
      return isUnchanged ? { type: 'done', replies: shard.runBatch(batch) } : { type: 'aborted' }
    })
  }

  /** Takes a turn on every shard; undefined: the plan must be made again. @throws SHL_TRANSACTION_REFUSED */
  async #schedule(
    plan: TransactionPlan,
    signal: AbortSignal,
    split?: SplitCommand,
  ): Promise<number | undefined> {
    const { memory } = this.#shard
    const { shards } = plan
    const isWrite = isWriteOf(plan)
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const tx = memory.drawTransaction()
      const ids = [...shards.keys()]
      const settled = await Promise.allSettled(
        ids.map((id) => this.#scheduleOn(id, tx, shards.get(id), isWrite, split?.parts.get(id)?.batch)),
      )
      const answers = settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason))
      const isWanted = !signal.aborted
      if (isWanted && answers.every((answer) => answer === 'yes')) return tx
      if (isWanted && answers.every((answer) => answer === 'yes' || answer === 'behind')) {
        return await this.#turnEverywhere(tx, ids, signal)
      }
      // Who has not answered may have it all the same.
      this.#releaseAll(
        ids.filter((_, i) => answers[i] !== 'refused' && answers[i] !== 'moved'),
        tx,
      )
      const failed = settled.find((one) => one.status === 'rejected')
      if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
      if (!isWanted) throw abortedError()
      if (answers.includes('moved')) return undefined
    }
    throw new ShardloomError('SHL_TRANSACTION_REFUSED', { attempts: ATTEMPTS_MAX })
  }

  /** Waits behind others on all shards. @throws SHL_ASK_ABORTED when its caller has given it up meanwhile */
  async #turnEverywhere(tx: number, ids: readonly number[], signal: AbortSignal): Promise<number> {
    try {
      await Promise.all(ids.map((id) => this.#gather(id, tx, [])))
      if (signal.aborted) throw abortedError()
      return tx
    } catch (error) {
      this.#releaseAll(ids, tx)
      throw error
    }
  }

  #movedWait(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#shard.clock.after(ms, resolve))
  }

  async #scheduleOn(
    id: number,
    tx: number,
    keys: readonly TransactionKey[] | undefined,
    isWrite: boolean,
    batch: Uint8Array | undefined,
  ): Promise<ScheduleAnswer> {
    const from = { tx, by: this.#shard.id, life: this.#life }
    const message = { ...from, keys, ...(isWrite && { isWrite }), ...(batch && { batch }) }
    return this.#peers.schedule(id, message)
  }

  /**
   * Each shard runs its part. With `isStaged` they have them already, should this shard be lost meanwhile.
   */
  async #runSplit(
    tx: number,
    plan: TransactionPlan,
    { rule, isWrite, parts }: SplitCommand,
    isStaged: boolean,
  ): Promise<Uint8Array> {
    const { memory } = this.#shard
    const ids = [...plan.shards.keys()]
    const isLogged = isWrite && this.#shard.durability.parts !== undefined
    const revision = isWrite && (isLogged || memory.isWatched) ? await this.#oneRevision(tx, ids) : 0
    let decision: number | undefined
    if (isLogged) {
      const messages = [...parts].map(([id, { batch }]) => [id, { tx, batch, revision }] as const)
      decision = await this.#end.stageAll(tx, ids, messages, revision)
    } else if (isStaged) decision = await this.#peers.decide(tx)
    const settled = await Promise.allSettled(
      [...parts].map(async ([id, { batch, places }]) => {
        const bytes = await this.#peers.run(id, { tx, batch, revision })
        return { reply: new ReplyReader(bytes).next() as Reply, places }
      }),
    )
    if (decision !== undefined) memory.forgetDecision(decision)
    const writer = new ReplyWriter()
    writer.reply(mergeReplies(rule, settled.map(valueOrThrow)))
    return writer.take()
  }

  /**
   * A revision for all parts, drawn when all hold their keys. It costs a hop more, so that it is done only
   * while somebody watches, who is to see the parts together. To be asked for when all have scheduled it: a
   * watch that begins later finds it on each shard, and leaves it out (`WatchHub`).
   */
  async #oneRevision(tx: number, ids: readonly number[]): Promise<number> {
    try {
      await Promise.all(ids.map((id) => this.#gather(id, tx, [])))
    } catch (error) {
      this.#releaseAll(ids, tx)
      throw error
    }
    return this.#shard.memory.drawRevisions(1)
  }

  async #runWithGuests(
    tx: number,
    plan: TransactionPlan,
    batch: Uint8Array,
    watched: TransactMessage['watched'],
  ): Promise<TransactAnswer> {
    const { shard } = this
    const { memory } = shard
    const ids = [...plan.shards.keys()]
    const others = ids.filter((id) => id !== shard.id)
    let guests: readonly Guest[]
    let own: readonly Guest[]
    try {
      const ownKeys = plan.shards.get(shard.id) ?? []
      // With a log they may have to become again what they were.
      const wanted = shard.durability.parts === undefined ? ownKeys.filter(isOneOf(watched)) : ownKeys
      const gathered = await Promise.all([
        ids.includes(shard.id) ? this.#gather(shard.id, tx, wanted) : [],
        ...others.map((id) => this.#gather(id, tx, plan.shards.get(id) ?? [])),
      ])
      own = gathered[0] as readonly Guest[]
      guests = gathered.slice(1).flat()
    } catch (error) {
      this.#releaseAll(ids, tx)
      throw error
    }
    const known = [...own, ...guests]
    const revisions = new Map(known.map(({ db, key, revision }) => [`${db}:${key}`, revision]))
    const isUnchanged = watched.every(({ db, key, revision }) => revisions.get(`${db}:${key}`) === revision)
    if (!isUnchanged) {
      this.#releaseAll(ids, tx)
      return { type: 'aborted' }
    }
    const revision = memory.drawRevisions(1)
    const { replies, patches } = this.#runOver(tx, guests, batch, revision)
    // What changed here is true already; here there is nothing to apply.
    await this.#end.applyAll(tx, ids, patches, revision, own)
    return { type: 'done', replies }
  }

  /** Runs commands here, with guests; what has become of these is given back. */
  #runOver(
    tx: number,
    guests: readonly Guest[],
    batch: Uint8Array,
    revision: number,
  ): { readonly replies: Uint8Array; readonly patches: readonly KeyPatch[] } {
    const { shard } = this
    const { engine, slots } = shard
    // Copies of theirs may be here, of slots that are coming in: these must be here afterwards, too.
    const copies = slots.mayHaveForeign ? guests.map(({ db, key }) => guestOf(engine, db, key)) : []
    engine.capture(() => putGuests(engine, guests))
    engine.guestTokens = new Map(guests.map(({ key, tokens }) => [key, tokens]))
    const { value: replies, commit } = engine.capture(() => shard.runBatch(batch), revision)
    engine.guestTokens = undefined
    const changed = commit === undefined ? [] : patchesOf(engine, commit.changes)
    engine.capture(() => {
      removeGuests(engine, guests)
      putGuests(engine, copies)
    })
    const isGuest = isOneOf(guests)
    const isHome = (one: { readonly db: number; readonly key: string }): boolean => !isGuest(one)
    const home = changed.filter(isHome)
    if (commit !== undefined && home.length > 0) {
      const changes = commit.changes.filter(isHome)
      shard.participant.onChangedHere(tx, { ...commit, effects: patchEffects(home), changes })
    }
    return { replies, patches: changed.filter((patch) => !isHome(patch)) }
  }

  /**
   * Several commands, of which some are over all keys: one after the other, while the transaction holds all
   * shards. Should this shard be lost on the way, the others keep what was done by then.
   */
  async #runWhole(
    tx: number,
    plan: TransactionPlan,
    watched: TransactMessage['watched'],
  ): Promise<TransactAnswer> {
    const ids = [...plan.shards.keys()]
    const { memory } = this.#shard
    const writer = new ReplyWriter()
    try {
      await Promise.all(ids.map((id) => this.#gather(id, tx, [])))
      const uses = watched.map(({ db, key }) => ({ db, key, slot: hashSlotOf(key), isWritten: false }))
      const known = (
        await Promise.all(uses.map((use) => this.#gather(memory.ownerOf(use.slot), tx, [use])))
      ).flat()
      if (watched.some(({ revision }, i) => known[i]?.revision !== revision)) return { type: 'aborted' }
      const revision = memory.drawRevisions(1)
      for (const command of plan.commands) writer.reply(await this.#runOneOf(tx, ids, command, revision))
      if (this.#shard.durability.parts !== undefined) await this.#end.conclude(tx, ids, revision)
      return { type: 'done', replies: writer.take() }
    } finally {
      this.#releaseAll(ids, tx)
    }
  }

  async #runOneOf(
    tx: number,
    ids: readonly number[],
    command: PlannedCommand,
    revision: number,
  ): Promise<Reply> {
    const { spec } = command
    if (spec instanceof ErrorReply) return spec
    const batch = wholeCommand(command)
    if (spec.flags.includes('all_shards')) {
      if (spec.split === undefined) return firstReply(this.#runOver(tx, [], batch, revision).replies)
      const message = { tx, batch, revision, isMore: true } as const
      const replies = await Promise.all(ids.map((id) => this.#peers.run(id, message)))
      return mergeReplies(
        spec.split,
        replies.map((bytes) => ({ reply: firstReply(bytes), places: [] })),
      )
    }
    const { memory } = this.#shard
    const keys = keysUsedBy([command])
    const foreign = keys.filter(({ slot }) => !this.#shard.owns(slot))
    const guests = await Promise.all(foreign.map((use) => this.#gather(memory.ownerOf(use.slot), tx, [use])))
    const ran = this.#runOver(tx, guests.flat(), batch, revision)
    await Promise.all(
      patchesByOwner(this.#shard.memory, ran.patches).map(([id, patches]) =>
        this.#peers.insist(id, 'apply', { tx, revision, patches, isMore: true }),
      ),
    )
    return firstReply(ran.replies)
  }

  async #gather(id: number, tx: number, keys: readonly TransactionKey[]): Promise<readonly Guest[]> {
    return this.#peers.on(id, 'gather', { tx, keys })
  }

  #releaseAll(ids: readonly number[], tx: number): void {
    this.#peers.releaseAll(ids, tx)
  }
}

/** Whether some command of a transaction may change something. */
function isWriteOf({ commands }: TransactionPlan): boolean {
  return commands.some(({ spec }) => !(spec instanceof ErrorReply) && spec.flags.includes('write'))
}

function firstReply(bytes: Uint8Array): Reply {
  return new ReplyReader(bytes).next() as Reply
}

function valueOrThrow<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason
  return settled.value
}

/** Whether a key is one of these. */
function isOneOf(
  list: readonly { readonly db: number; readonly key: string }[],
): (one: { readonly db: number; readonly key: string }) => boolean {
  const names = new Set(list.map(({ db, key }) => `${db}:${key}`))
  return ({ db, key }) => names.has(`${db}:${key}`)
}

/** Its caller has gone, or its deadline has passed, before anything was changed. */
function abortedError(): ShardloomError {
  return new ShardloomError('SHL_ASK_ABORTED', { actor: 'keyspace', type: 'transaction' })
}

/** Locks do not travel: who acquires one over several shards asks for each. @throws SHL_COMMAND_REFUSED */
function refuseLocks(commands: readonly PlannedCommand[]): void {
  // One that only puts together what each shard says is as good as any.
  const isSplit = ({ spec }: PlannedCommand): boolean =>
    commands.length === 1 && !(spec instanceof ErrorReply) && spec.split !== undefined
  const found = commands.find(
    (one) => !(one.spec instanceof ErrorReply) && isLockCommand(one.spec) && !isSplit(one),
  )
  if (found === undefined || found.spec instanceof ErrorReply) return
  const { name } = found.spec
  const reply = `ERR '${name}' cannot run in a transaction over several shards`
  throw new ShardloomError('SHL_COMMAND_REFUSED', { reply, command: name })
}
