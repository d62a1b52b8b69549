/**
 * Runs transactions over several shards, from the shard that a client asked: VLL's coordinator.
 *
 *     draw id ─► schedule on all ─► gather the keys of others ─► run here ─► apply there ─► answer
 *                    │ refused
 *                    └── release all, again with a newer id
 *
 * Commands run on this shard, with the keys of the others (`transaction-runs.ts`). A command that is a
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
import { ErrorReply, type Guest, type KeyPatch, type Reply } from '../engine/index.ts'
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
} from './split-command.ts'
import { type Decision, type Outcome, TransactionEnd } from './transaction-end.ts'
import type {
  BeginAnswer,
  ScheduleAnswer,
  TransactAnswer,
  TransactionKey,
  TransactMessage,
} from './transaction-messages.ts'
import { TransactionPeers } from './transaction-peers.ts'
import { type PlannedCommand, planTransaction, readBatch, type TransactionPlan } from './transaction-plan.ts'
import { isOneOf, TransactionRuns } from './transaction-runs.ts'
import { WholeBatch } from './whole-batch.ts'

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

/** An answer, and whether all that it tells of is on disks already. */
type Done = TransactAnswer & { readonly isSynced?: boolean }

/** Coordinates what clients ask of one shard. */
export class Coordinator {
  readonly #shard: Shard
  readonly #life: number
  readonly #peers: TransactionPeers
  readonly #end: TransactionEnd
  readonly #open = new Map<number, Open>()
  readonly #runs: TransactionRuns

  constructor(shard: Shard, life: number, peer: (shard: number) => ActorRef<ShardMessages>) {
    this.#shard = shard
    this.#life = life
    this.#peers = new TransactionPeers(shard, peer)
    this.#end = new TransactionEnd(shard, this.#peers)
    this.#runs = new TransactionRuns(shard)
  }

  /**
   * Runs a batch of commands as one. It answers when what it tells of has the durability that was asked for.
   */
  async transact(message: TransactMessage, signal: AbortSignal): Promise<TransactAnswer> {
    const before = this.#shard.durability.appended
    const { isSynced, ...answer } = await this.#transact(message, signal)
    return isSynced === true ? answer : this.#acknowledged(answer, before, message.level)
  }

  async #transact(message: TransactMessage, signal: AbortSignal): Promise<Done> {
    const { batch, watched, level = 0 } = message
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
        return this.#runSplit(tx, plan, split, staged !== undefined, level)
      }
      if (plan.isWhole) return this.#runWhole(tx, plan, message)
      return this.#runWithGuests(tx, plan, message)
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
        const gathered = await Promise.all(ids.map((id) => this.#gather(id, tx, shards.get(id) ?? [], 0)))
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
  async commit(tx: number, patches: readonly KeyPatch[], level = 0): Promise<boolean> {
    const open = this.#open.get(tx)
    if (open === undefined) return false
    this.#open.delete(tx)
    open.timer.cancel()
    const revision = this.#shard.memory.drawRevisions(1)
    const before = this.#shard.durability.appended
    const isSynced = await this.#end.applyAll(tx, open.shards, { patches, revision, level })
    return isSynced || this.#acknowledged(true, before, level)
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
      // Each turn of the engine takes the time: a watched key that has expired since is gone by now.
      const isUnchanged =
        watched.length === 0 ||
        engine.atomically(() =>
          watched.every(({ db, key, revision }) => (engine.database(db).revisionOf(key) ?? 0) === revision),
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
    level: number,
  ): Promise<Done> {
    const { memory } = this.#shard
    const ids = [...plan.shards.keys()]
    const isLogged = isWrite && this.#shard.durability.parts !== undefined
    const revision = isWrite && (isLogged || memory.isWatched) ? await this.#oneRevision(tx, ids) : 0
    let decision: Decision | undefined
    if (isLogged) {
      const messages = [...parts].map(([id, { batch }]) => [id, { tx, batch, revision }] as const)
      decision = await this.#end.stageAll(tx, ids, messages, { revision, level })
    } else if (isStaged) decision = { at: await this.#peers.decide(tx), isSynced: false }
    const settled = await Promise.allSettled(
      [...parts].map(async ([id, { batch, places }]) => {
        const bytes = await this.#peers.run(id, { tx, batch, revision, level })
        return { reply: new ReplyReader(bytes).next() as Reply, places }
      }),
    )
    if (decision !== undefined) memory.forgetDecision(decision.at)
    if (decision?.failure !== undefined) throw decision.failure
    const writer = new ReplyWriter()
    writer.reply(mergeReplies(rule, settled.map(valueOrThrow)))
    return { type: 'done', replies: writer.take(), isSynced: decision?.isSynced === true }
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
    { batch, watched, level = 0 }: TransactMessage,
  ): Promise<Done> {
    const { shard } = this
    const ids = [...plan.shards.keys()]
    const others = ids.filter((id) => id !== shard.id)
    const ownKeys = plan.shards.get(shard.id) ?? []
    let guests: readonly Guest[]
    let outcome: Outcome & { readonly replies: Uint8Array }
    try {
      const [own, ...theirs] = await Promise.all([
        ids.includes(shard.id) ? this.#gather(shard.id, tx, ownKeys.filter(isOneOf(watched))) : [],
        ...others.map((id) => this.#gather(id, tx, plan.shards.get(id) ?? [])),
      ])
      guests = theirs.flat()
      if (!isUnchanged(watched, [...own, ...guests])) {
        this.#releaseAll(ids, tx)
        return { type: 'aborted' }
      }
      const revision = shard.memory.drawRevisions(1)
      outcome = { ...this.#runs.run(tx, ownKeys, guests, batch, revision), revision, level }
    } catch (error) {
      this.#releaseAll(ids, tx)
      throw error
    }
    const isSynced = await this.#end.applyAll(tx, ids, outcome)
    return { type: 'done', replies: outcome.replies, isSynced }
  }

  /** Several commands, of which some are over all keys, while the transaction holds all shards. */
  async #runWhole(tx: number, plan: TransactionPlan, { watched, level = 0 }: TransactMessage): Promise<Done> {
    const { memory, id: self } = this.#shard
    // Whoever asks for any key is answered by this shard first.
    const ids = [self, ...[...plan.shards.keys()].filter((id) => id !== self)]
    const gather = async (keys: readonly TransactionKey[]): Promise<readonly Guest[]> =>
      (await Promise.all(keys.map((use) => this.#gather(memory.ownerOf(use.slot), tx, [use])))).flat()
    const look = (batch: Uint8Array): Promise<Uint8Array[]> =>
      Promise.all(ids.map((id) => this.#peers.run(id, { tx, batch, revision: 0, isMore: true, level })))
    const scratch = this.#runs.takeScratch()
    const writer = new ReplyWriter()
    let outcome: Outcome
    try {
      await Promise.all(ids.map((id) => this.#gather(id, tx, [])))
      const uses = watched.map(({ db, key }) => ({ db, key, slot: hashSlotOf(key), isWritten: false }))
      if (!isUnchanged(watched, await gather(uses))) {
        this.#releaseAll(ids, tx)
        return { type: 'aborted' }
      }
      const revision = memory.drawRevisions(1)
      const whole = new WholeBatch(scratch, { gather, look }, revision)
      for (const command of plan.commands) writer.reply(await whole.run(command))
      outcome = { patches: whole.patches, first: whole.first, revision, level }
    } catch (error) {
      this.#releaseAll(ids, tx)
      throw error
    } finally {
      this.#runs.giveBack(scratch)
    }
    const isSynced = await this.#end.applyAll(tx, ids, outcome)
    return { type: 'done', replies: writer.take(), isSynced }
  }

  /** When this shard's log has what it speaks of. `before` is where the log was when it began. */
  #acknowledged<T>(answer: T, before: number, level = 0): T | Promise<T> {
    return this.#shard.durability.acknowledged(answer, before, level, level === 0)
  }

  async #gather(
    id: number,
    tx: number,
    keys: readonly TransactionKey[],
    level?: number,
  ): Promise<readonly Guest[]> {
    const message = level === undefined ? { tx, keys } : { tx, keys, level }
    if (id === this.#shard.id && level !== undefined) return this.#peers.here(message, level)
    return this.#peers.on(id, 'gather', message)
  }

  #releaseAll(ids: readonly number[], tx: number): void {
    this.#peers.releaseAll(ids, tx)
  }
}

/** Whether some command of a transaction may change something. */
function isWriteOf({ commands }: TransactionPlan): boolean {
  return commands.some(({ spec }) => !(spec instanceof ErrorReply) && spec.flags.includes('write'))
}

/** Whether keys that are watched have the revisions that they had. */
function isUnchanged(watched: TransactMessage['watched'], known: readonly Guest[]): boolean {
  const revisions = new Map(known.map(({ db, key, revision }) => [`${db}:${key}`, revision]))
  return watched.every(({ db, key, revision }) => revisions.get(`${db}:${key}`) === revision)
}

function valueOrThrow<T>(settled: PromiseSettledResult<T>): T {
  if (settled.status === 'rejected') throw settled.reason
  return settled.value
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
  const reply =
    commands.length === 1
      ? `ERR '${name}' takes locks of one shard: give their names a common {tag}`
      : `ERR '${name}' cannot run in a transaction over several shards`
  throw new ShardloomError('SHL_COMMAND_REFUSED', { reply, command: name })
}
