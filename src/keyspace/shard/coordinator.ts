/**
 * Runs transactions over several shards, from the shard that a client asked: VLL's coordinator.
 *
 *     draw id ─► schedule on all ─► gather the keys of others ─► run here ─► apply there ─► answer
 *                    │ refused
 *                    └── release all, again with a newer id
 *
 * Commands run on this shard, with the keys of the others as guests (`engine/guests.ts`). A command that is a
 * sum of its parts runs on each shard at once instead, with one hop. A transaction whose callback runs at the
 * client is gathered here, and applied here when the client says what has become of the keys; it has a deadline
 * of its own, since it holds its keys meanwhile.
 *
 * Where two or more other shards change, they are told first (`stage`), the decision is written to shared
 * memory, and only then do they apply: should this shard be lost in between, they find there what to do.
 *
 * Invariants: see participant.ts. Strictly serialisable: see transactions/shard-schedule.ts.
 * Cost: two hops, about 40 µs while both threads are awake (bench/transactions.ts).
 * Tests: test/keyspace/shard/transactions.test.ts, test/keyspace/serializable.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import { ShardloomError, type TimerHandle } from '../../base/index.ts'
import {
  byteString,
  ErrorReply,
  type Guest,
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
import { isLockCommand, mergeReplies, splitByKeys, wholeCommand } from './split-command.ts'
import type {
  BeginAnswer,
  PatchMessage,
  ScheduleAnswer,
  TransactAnswer,
  TransactionKey,
  TransactMessage,
} from './transaction-messages.ts'
import { type PlannedCommand, planTransaction, readBatch, type TransactionPlan } from './transaction-plan.ts'

/** Refusals in a row after which a transaction gives up: each means that another one went ahead. */
const ATTEMPTS_MAX = 1000
/** A slot that is on its way is soon there. */
const MOVED_WAIT_MS = 1

/** Transactions that are open at their clients. */
interface Open {
  readonly shards: readonly number[]
  readonly timer: TimerHandle
}

/** Coordinates what clients ask of one shard. */
export class Coordinator {
  readonly #shard: Shard
  readonly #life: number
  readonly #peer: (shard: number) => ActorRef<ShardMessages>
  readonly #open = new Map<number, Open>()

  constructor(shard: Shard, life: number, peer: (shard: number) => ActorRef<ShardMessages>) {
    this.#shard = shard
    this.#life = life
    this.#peer = peer
  }

  /** Runs a batch of commands as one. */
  async transact({ batch, watched }: TransactMessage, signal: AbortSignal): Promise<TransactAnswer> {
    const commands = readBatch(batch)
    const { shard } = this
    for (;;) {
      const plan = planTransaction(commands, watched, shard.memory)
      const others = [...plan.shards.keys()].filter((one) => one !== shard.id)
      if (others.length === 0) return this.#runHere(plan, batch, watched)
      refuseLocks(commands)
      const tx = await this.#schedule(plan, signal)
      if (tx === undefined) continue
      const [only] = commands
      if (commands.length === 1 && watched.length === 0 && only !== undefined) {
        const { spec } = only
        const rule = spec instanceof ErrorReply ? undefined : spec.split
        if (rule !== undefined) return { type: 'done', replies: await this.#runSplit(tx, plan, only, rule) }
      }
      return this.#runWithGuests(tx, plan, batch, watched)
    }
  }

  /** Takes keys for a callback at the client, for at most `holdMs`. */
  async begin(keys: readonly TransactionKey[], holdMs: number, signal: AbortSignal): Promise<BeginAnswer> {
    const { shard } = this
    const watched = keys.map(({ db, key }) => ({ db, key, revision: 0 }))
    for (;;) {
      const found = planTransaction([], watched, shard.memory)
      // All of them may be written.
      const shards = new Map(
        [...found.shards].map(([id, uses]) => [id, uses?.map((use) => ({ ...use, isWritten: true }))]),
      )
      const plan = { commands: [], shards }
      const tx = await this.#schedule(plan, signal)
      if (tx === undefined) continue
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
    await this.#applyAll(tx, open.shards, patches, revision)
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
  ): Promise<TransactAnswer> {
    const { shard } = this
    const keys = plan.shards.get(shard.id)
    return shard.inTurn(keys ?? [], plan.shards.has(shard.id) && keys === undefined, () => {
      const { engine } = shard
      const isUnchanged = watched.every(
        ({ db, key, revision }) => (engine.database(db).revisionOf(key) ?? 0) === revision,
      )
      return isUnchanged ? { type: 'done', replies: shard.runBatch(batch) } : { type: 'aborted' }
    })
  }

  /** Takes a turn on every shard; undefined: the plan must be made again. @throws SHL_TRANSACTION_REFUSED */
  async #schedule({ shards }: TransactionPlan, signal: AbortSignal): Promise<number | undefined> {
    const { memory, clock } = this.#shard
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const tx = memory.drawTransaction()
      const ids = [...shards.keys()]
      const settled = await Promise.allSettled(ids.map((id) => this.#scheduleOn(id, tx, shards.get(id))))
      const answers = settled.map((one) => (one.status === 'fulfilled' ? one.value : one.reason))
      const isWanted = !signal.aborted
      if (isWanted && answers.every((answer) => answer === 'yes')) return tx
      this.#releaseAll(
        ids.filter((_, i) => answers[i] === 'yes'),
        tx,
      )
      const failed = settled.find((one) => one.status === 'rejected')
      if (failed !== undefined) throw (failed as PromiseRejectedResult).reason
      if (!isWanted) throw abortedError()
      if (answers.includes('moved')) {
        await new Promise<void>((resolve) => void clock.after(MOVED_WAIT_MS, resolve))
        return undefined
      }
    }
    throw new ShardloomError('SHL_TRANSACTION_REFUSED', { attempts: ATTEMPTS_MAX })
  }

  async #scheduleOn(
    id: number,
    tx: number,
    keys: readonly TransactionKey[] | undefined,
  ): Promise<ScheduleAnswer> {
    const message = { tx, by: this.#shard.id, life: this.#life, keys }
    if (id === this.#shard.id) return this.#shard.participant.schedule(message)
    return this.#peer(id).ask('schedule', message)
  }

  async #runSplit(
    tx: number,
    plan: TransactionPlan,
    command: PlannedCommand,
    rule: NonNullable<Parameters<typeof mergeReplies>[0]>,
  ): Promise<Uint8Array> {
    const { memory } = this.#shard
    const { spec } = command
    if (spec instanceof ErrorReply)
      throw new ShardloomError('SHL_ASSERTION', { text: 'a split command is known' })
    const isWhole = spec.flags.includes('all_shards')
    const whole = isWhole ? wholeCommand(command) : undefined
    const parts = isWhole ? undefined : splitByKeys(command, spec, (slot) => memory.ownerOf(slot))
    const ids = [...plan.shards.keys()]
    const revision = spec.flags.includes('write') && memory.isWatched ? await this.#oneRevision(tx, ids) : 0
    const answers = await Promise.all(
      ids.map(async (id) => {
        const part = parts?.get(id)
        const batch = whole ?? part?.batch
        if (batch === undefined) throw new ShardloomError('SHL_ASSERTION', { text: 'each shard has a part' })
        const bytes = await this.#runOn(id, tx, batch, revision)
        return { reply: new ReplyReader(bytes).next() as Reply, places: part?.places ?? [] }
      }),
    )
    const writer = new ReplyWriter()
    writer.reply(mergeReplies(rule, answers))
    return writer.take()
  }

  /**
   * A revision for all parts, drawn when all hold their keys. It costs a hop more, so that it is done only while
   * somebody watches, who is to see the parts together. To be asked for when all have scheduled it: a watch that
   * begins later finds it on each shard, and leaves it out (`WatchHub`).
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
    const { engine, memory } = shard
    const ids = [...plan.shards.keys()]
    const others = ids.filter((id) => id !== shard.id)
    let guests: readonly Guest[]
    let own: readonly Guest[]
    try {
      const ownWatched = (plan.shards.get(shard.id) ?? []).filter(({ db, key }) => isIn(watched, db, key))
      const gathered = await Promise.all([
        ids.includes(shard.id) ? this.#gather(shard.id, tx, ownWatched) : [],
        ...others.map((id) => this.#gather(id, tx, plan.shards.get(id) ?? [])),
      ])
      own = gathered[0] as readonly Guest[]
      guests = gathered.slice(1).flat()
    } catch (error) {
      this.#releaseAll(ids, tx)
      throw error
    }
    const known = [...own, ...guests]
    const isUnchanged = watched.every((one) =>
      known.some(({ db, key, revision }) => db === one.db && key === one.key && revision === one.revision),
    )
    if (!isUnchanged) {
      this.#releaseAll(ids, tx)
      return { type: 'aborted' }
    }
    engine.capture(() => putGuests(engine, guests))
    const revision = memory.drawRevisions(1)
    engine.guestTokens = new Map(guests.map(({ key, tokens }) => [key, tokens]))
    const { value: replies, commit } = engine.capture(() => shard.runBatch(batch), revision)
    engine.guestTokens = undefined
    const patches = commit === undefined ? [] : patchesOf(engine, commit.changes)
    engine.capture(() => removeGuests(engine, guests))
    const isHome = ({ db, key }: { db: number; key: string }): boolean => !isIn(guests, db, key)
    const home = patches.filter(isHome)
    if (commit !== undefined && home.length > 0) {
      const changes = commit.changes.filter(isHome)
      const part = { tx, isOneRevision: true }
      engine.onCommit?.({ ...commit, effects: patchEffects(home), changes, part })
    }
    // What changed here is true already; here there is nothing to apply.
    await this.#applyAll(
      tx,
      ids,
      patches.filter((patch) => !isHome(patch)),
      revision,
    )
    return { type: 'done', replies }
  }

  /** Applies patches where they belong, and ends the transaction on all its shards. */
  async #applyAll(
    tx: number,
    ids: readonly number[],
    patches: readonly KeyPatch[],
    revision: number,
  ): Promise<void> {
    const { memory } = this.#shard
    const byShard = new Map<number, KeyPatch[]>()
    for (const patch of patches) {
      const owner = memory.ownerOf(hashSlotOf(byteString(patch.key)))
      const known = byShard.get(owner)
      if (known === undefined) byShard.set(owner, [patch])
      else known.push(patch)
    }
    const untouched = ids.filter((id) => !byShard.has(id))
    const written = [...byShard].map(([id, some]): [number, PatchMessage] => [
      id,
      { tx, revision, patches: some },
    ])
    if (written.length < 2) {
      await Promise.all(written.map(([id, message]) => this.#on(id, 'apply', message)))
      this.#releaseAll(untouched, tx)
      return
    }
    await Promise.all(written.map(([id, message]) => this.#on(id, 'stage', message)))
    const decision = await this.#decide(tx)
    await Promise.all(written.map(([id]) => this.#on(id, 'applyStaged', tx)))
    memory.forgetDecision(decision)
    this.#releaseAll(untouched, tx)
  }

  /** Writes down that it will be committed. There is room for so many that nobody waits but in theory. */
  async #decide(tx: number): Promise<number> {
    const { memory, clock, id } = this.#shard
    for (;;) {
      const at = memory.decide(id, tx)
      if (at !== undefined) return at
      await new Promise<void>((resolve) => void clock.after(MOVED_WAIT_MS, resolve))
    }
  }

  async #gather(id: number, tx: number, keys: readonly TransactionKey[]): Promise<readonly Guest[]> {
    return this.#on(id, 'gather', { tx, keys })
  }

  async #runOn(id: number, tx: number, batch: Uint8Array, revision: number): Promise<Uint8Array> {
    return id === this.#shard.id
      ? this.#shard.participant.run({ tx, batch, revision })
      : this.#peer(id).ask('runPart', { tx, batch, revision })
  }

  /** A step on a shard, this one or another. */
  async #on<K extends 'gather' | 'stage' | 'apply' | 'applyStaged'>(
    id: number,
    step: K,
    message: Parameters<Shard['participant'][K]>[0],
  ): Promise<Awaited<ReturnType<Shard['participant'][K]>>> {
    const { participant } = this.#shard
    if (id !== this.#shard.id) return (this.#peer(id) as ActorRef).ask(step, message) as never
    return (participant[step] as (message: unknown) => never).call(participant, message)
  }

  #releaseAll(ids: readonly number[], tx: number): void {
    for (const id of ids) {
      if (id === this.#shard.id) this.#shard.participant.release(tx)
      // A shard that is gone has nothing left to release.
      else
        this.#peer(id)
          .ask('release', tx)
          .catch(() => undefined)
    }
  }
}

function isIn(
  list: readonly { readonly db: number; readonly key: string }[],
  db: number,
  key: string,
): boolean {
  return list.some((one) => one.db === db && one.key === key)
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
