/**
 * A shard's part in transactions that another shard, or itself, coordinates.
 *
 * From the moment its turn has come until it is applied or released, a transaction holds its keys here: other
 * commands on them wait in the schedule. A coordinator that is lost leaves transactions behind; they are
 * applied if it had decided so, which stands in shared memory, and released otherwise.
 *
 * Invariants
 *   1. What was staged is applied on all shards or on none.
 *   2. A transaction ends here by exactly one of run, apply, release, cancel.
 *   3. With a log, what was staged is made true in memory, and concluded in the log, in one turn of the event
 *      loop: nothing that happens to its keys by itself comes in between.
 *
 * Tests: test/keyspace/transaction.race.test.ts, test/keyspace/durability/transactions.crash.test.ts
 */
import { assert, ShardloomError } from '../../base/index.ts'
import type { PartLog, ShardJournal } from '../durability/index.ts'
import {
  type Commit,
  type Guest,
  guestOf,
  patchEffects,
  putPatches,
  type ShardEngine,
} from '../engine/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { WHOLE_SHARD } from '../transactions/index.ts'
import { begunAnew } from './shard-error.ts'
import { changesOf, doneBy } from './staged-effects.ts'
import type {
  GatherMessage,
  PatchMessage,
  RunMessage,
  ScheduleAnswer,
  ScheduleMessage,
  StageMessage,
  TransactionKey,
} from './transaction-messages.ts'
import type { Turns } from './turns.ts'

/** What a participant needs of its shard. */
export interface ParticipantShard {
  readonly id: number
  readonly engine: ShardEngine
  readonly memory: KeyspaceMemory
  readonly turns: Turns
  owns(slot: number): boolean
  readonly slots: { readonly isFreezing: boolean; isFrozen(slot: number): boolean }
  /** Runs commands whose keys are all here, as one. */
  runBatch(batch: Uint8Array): Uint8Array
  readonly durability: {
    readonly journal: Pick<ShardJournal, 'refusal'> | undefined
    readonly parts: PartLog | undefined
    conclude(revision: number): void
    forget(revision: number): void
  }
  /** A transaction has ended. */
  afterTurn(): void
}

interface Part {
  readonly by: number
  readonly life: number
  /** Undefined: all. */
  readonly slots: readonly number[] | undefined
  staged: StageMessage | undefined
  /** The commands to be run here, of a transaction that each shard runs a part of. */
  readonly batch: Uint8Array | undefined
  /** Answers the coordinator that still waits for its yes. */
  answer: ((answer: ScheduleAnswer) => void) | undefined
  /** Undefined until its turn has come. */
  hasTurn: boolean
  /** It was asked to run, and does in its turn. */
  isAsked: boolean
  /** It was given up before its turn: to be finished when that comes. */
  isGivenUp: boolean
  /** The revision of its part in the log, which is to be concluded; 0: there is none. */
  prepared: number
}

/** The transactions of one shard. */
export class Participant {
  readonly #shard: ParticipantShard
  readonly #parts = new Map<number, Part>()
  /** Of those that hold their keys: the newest revision when their turn came, in the order of their turns. */
  readonly #floors = new Map<number, number>()

  /** The latest life of each coordinator that is over: what still comes from it is refused. */
  readonly #lostLives = new Map<number, number>()

  constructor(shard: ParticipantShard) {
    this.#shard = shard
  }

  /** Transactions that have begun here and not ended. */
  get count(): number {
    return this.#parts.size
  }

  /** Transactions that have begun here and not ended. */
  get ids(): Iterable<number> {
    return this.#parts.keys()
  }

  /** What transactions still commit here has a revision above this; Infinity when none holds keys. */
  get floor(): number {
    const first = this.#floors.values().next()
    return first.done === true ? Number.POSITIVE_INFINITY : first.value
  }

  /** Whether one of them is over all keys. */
  get hasWhole(): boolean {
    for (const part of this.#parts.values()) if (part.slots === undefined) return true
    return false
  }

  usesSlots(slots: ReadonlySet<number>): boolean {
    for (const part of this.#parts.values()) {
      if (part.slots === undefined || part.slots.some((slot) => slots.has(slot))) return true
    }
    return false
  }

  schedule(message: ScheduleMessage): ScheduleAnswer | Promise<ScheduleAnswer> {
    const { tx, by, life, keys, batch, isWrite } = message
    const shard = this.#shard
    if (life <= (this.#lostLives.get(by) ?? 0)) return 'refused'
    if (keys === undefined ? isWrite === true : keys.some(({ isWritten }) => isWritten)) this.checkWritable()
    if (keys !== undefined && !keys.every(({ slot }) => shard.owns(slot) && !shard.slots.isFrozen(slot))) {
      return 'moved'
    }
    // All keys of a shard that is about to give some away: soon it is known which.
    if (keys === undefined && shard.slots.isFreezing) return 'moved'
    const intents = keys === undefined ? WHOLE_SHARD : keys.map(intentOf)
    const outcome = shard.turns.schedule.schedule(tx, intents)
    if (outcome === 'refused') return 'refused'
    const slots = keys?.map(({ slot }) => slot)
    const part: Part = {
      by,
      life,
      slots,
      staged: undefined,
      batch,
      answer: undefined,
      hasTurn: false,
      isAsked: false,
      isGivenUp: false,
      prepared: 0,
    }
    this.#parts.set(tx, part)
    if (outcome !== 'pending') return outcome === 'granted' ? 'yes' : 'behind'
    return new Promise((resolve) => {
      part.answer = resolve
      shard.turns.onAcknowledged(tx, () => {
        part.answer = undefined
        resolve('behind')
      })
    })
  }

  /** @throws SHL_COMMAND_REFUSED when the log takes nothing: before anything changes */
  checkWritable(): void {
    const { refusal } = this.#shard.durability.journal ?? {}
    if (refusal === undefined) return
    throw new ShardloomError('SHL_COMMAND_REFUSED', { reply: refusal.text, command: 'transaction' })
  }

  /** The values of keys, when the transaction's turn has come. */
  async gather({ tx, keys }: GatherMessage): Promise<readonly Guest[]> {
    await this.#turn(tx)
    const { engine } = this.#shard
    return engine.atomically(() => keys.map(({ db, key }) => guestOf(engine, db, key)))
  }

  /** Runs commands of this shard alone, when the turn has come, and ends the transaction here. */
  async run({ tx, batch, revision, isMore }: RunMessage): Promise<Uint8Array> {
    this.#part(tx).isAsked = true
    await this.#turn(tx)
    const { engine } = this.#shard
    try {
      if (engine.onCommit === undefined) return engine.atomically(() => this.#shard.runBatch(batch), revision)
      const { value, commit } = engine.capture(() => this.#shard.runBatch(batch), revision)
      if (commit !== undefined) this.onChanged(tx, commit, revision !== 0)
      return value
    } finally {
      // What was staged is decided by now.
      if (isMore === undefined) this.#finish(tx, true)
    }
  }

  /** Keeps what is to be done until it is decided; with a log, resolves when that is on the disk. */
  stage(message: StageMessage): void | Promise<void> {
    const part = this.#part(message.tx)
    const { parts } = this.#shard.durability
    part.staged = message
    if (parts === undefined) return
    const { engine } = this.#shard
    const { revision, participants } = message
    parts.prepare({ revision, atMs: engine.clock.wallMs(), ...doneBy(message, engine) }, participants)
    part.prepared = revision
    return parts.synced()
  }

  /** Makes the keys what the patches say. */
  apply(message: PatchMessage): void {
    const { tx } = message
    assert(this.#part(tx).hasTurn, 'what is applied holds its keys')
    this.#applyPatches(message)
    this.#finish(tx, true)
  }

  /** The coordinator has decided: what was staged is made true. */
  applyStaged(tx: number): void {
    const { staged } = this.#part(tx)
    assert(staged !== undefined && 'patches' in staged, 'what is decided was staged before')
    this.apply(staged)
  }

  /** Ends it here without a change; also when its turn is still to come. */
  release(tx: number): void {
    const part = this.#parts.get(tx)
    if (part === undefined) return
    if (part.hasTurn) return this.#finish(tx, false)
    const { schedule } = this.#shard.turns
    if (schedule.stateOf(tx) === 'running') {
      part.isGivenUp = true
      return
    }
    this.#parts.delete(tx)
    this.#shard.turns.forget(tx)
    part.answer?.('refused')
    schedule.cancel(tx)
    this.#shard.afterTurn()
  }

  /** A coordinator is gone: what it had decided is done, the rest is given up. */
  onCoordinatorLost(by: number, life: number): void {
    const { memory } = this.#shard
    this.#lostLives.set(by, Math.max(life, this.#lostLives.get(by) ?? 0))
    for (const [tx, part] of [...this.#parts]) {
      if (part.by !== by || part.life > life) continue
      const isDecided = memory.isDecided(by, tx)
      if (isDecided && part.prepared !== 0) void this.#decideAlone(tx, part)
      else if (isDecided && part.staged !== undefined) this.#doStaged(part.staged)
      else if (isDecided && part.batch !== undefined) this.#runDecided(tx, part, part.batch)
      else this.release(tx)
    }
  }

  /** The coordinator is gone, and what it has decided perhaps in no log: it is decided in this one. */
  async #decideAlone(tx: number, { prepared, staged }: Part): Promise<void> {
    const { durability, engine } = this.#shard
    assert(staged !== undefined, 'what is prepared was staged')
    // A log that has failed knows as little as the coordinator's: then it is true in memory.
    const decided = durability.parts?.decide(prepared, engine.clock.wallMs(), staged.participants)
    await decided?.catch(() => undefined)
    if (this.#parts.has(tx)) this.#doStaged(staged)
  }

  #doStaged(staged: StageMessage): void {
    if ('patches' in staged) this.apply(staged)
    else if (!this.#part(staged.tx).isAsked) void this.run(staged)
  }

  /** Its part is still to come, or has been asked for by now, and comes in its turn. */
  #runDecided(tx: number, part: Part, batch: Uint8Array): void {
    if (part.isAsked) return
    void this.run({ tx, batch, revision: 0 })
  }

  /** Makes keys what patches say, as one commit. */
  #applyPatches({ tx, patches, revision, first }: PatchMessage): void {
    const { engine } = this.#shard
    const { commit } = engine.capture(() => {
      if (first !== undefined) this.#shard.runBatch(first)
      putPatches(engine, patches)
    }, revision)
    // What was done to get there is nobody's business: the log is told the state, watchers the events.
    if (commit !== undefined) {
      const emptied = commit.changes.filter(({ key }) => key === '')
      const changes = [...emptied, ...changesOf(patches)]
      this.onChanged(tx, { ...commit, effects: patchEffects(patches), changes }, true)
    }
    for (const { db, key } of patches) engine.blocked.mark(db, key)
  }

  /** A transaction has changed keys here: tells who listens. A part is in the log already. */
  onChanged(tx: number, commit: Commit, isOneRevision: boolean): void {
    const isLogged = this.#part(tx).prepared !== 0
    this.#shard.engine.onCommit?.({ ...commit, part: { tx, isOneRevision, ...(isLogged && { isLogged }) } })
  }

  /** The keys are free again. `isTrue`: what was staged was done. */
  #finish(tx: number, isTrue: boolean): void {
    const { durability, turns } = this.#shard
    const prepared = this.#parts.get(tx)?.prepared ?? 0
    if (prepared !== 0 && isTrue) durability.conclude(prepared)
    else if (prepared !== 0) durability.forget(prepared)
    this.#parts.delete(tx)
    this.#floors.delete(tx)
    turns.schedule.finish(tx)
    this.#shard.afterTurn()
  }

  /** Resolves when the transaction may run here; it holds its keys then. */
  #turn(tx: number): Promise<void> {
    const shard = this.#shard
    const part = this.#part(tx)
    if (part.hasTurn) return Promise.resolve()
    return new Promise((resolve) => {
      shard.turns.onTurn(tx, () => {
        part.hasTurn = true
        this.#floors.set(tx, shard.memory.revision)
        if (part.isGivenUp) this.#finish(tx, false)
        else resolve()
      })
      shard.turns.schedule.arm(tx)
      shard.turns.pump()
    })
  }

  #part(tx: number): Part {
    const part = this.#parts.get(tx)
    // This shard was started anew since, or the coordinator asks once more for what was done.
    if (part === undefined) throw begunAnew(this.#shard.id)
    return part
  }
}

function intentOf({ db, key, isWritten }: TransactionKey): { key: string; exclusive: boolean } {
  return { key: intentName(db, key), exclusive: isWritten }
}

/** Keys of all databases in one table of intents. */
export function intentName(db: number, key: string): string {
  return db === 0 ? key : `${db}\u0000${key}`
}
