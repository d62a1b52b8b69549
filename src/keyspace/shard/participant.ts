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
 *
 * Tests: test/keyspace/transaction.race.test.ts
 */
import { assert } from '../../base/index.ts'
import {
  type Guest,
  guestOf,
  type KeyPatch,
  patchEffects,
  putPatches,
  type ShardEngine,
} from '../engine/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { WHOLE_SHARD } from '../transactions/index.ts'
import { begunAnew } from './shard-error.ts'
import type {
  GatherMessage,
  PatchMessage,
  RunMessage,
  ScheduleAnswer,
  ScheduleMessage,
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
  /** A transaction has ended. */
  afterTurn(): void
}

interface Part {
  readonly by: number
  readonly life: number
  /** Undefined: all. */
  readonly slots: readonly number[] | undefined
  staged: PatchMessage | undefined
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

  schedule({ tx, by, life, keys, batch }: ScheduleMessage): ScheduleAnswer | Promise<ScheduleAnswer> {
    const shard = this.#shard
    if (life <= (this.#lostLives.get(by) ?? 0)) return 'refused'
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
      if (commit !== undefined) engine.onCommit({ ...commit, part: { tx, isOneRevision: revision !== 0 } })
      return value
    } finally {
      if (isMore === undefined) this.finish(tx)
    }
  }

  stage(message: PatchMessage): void {
    this.#part(message.tx).staged = message
  }

  /** Makes the keys what the patches say. */
  apply(message: PatchMessage): void {
    const { tx, revision, patches } = message
    assert(this.#part(tx).hasTurn, 'what is applied holds its keys')
    this.applyPatches(tx, patches, revision)
    if (message.isMore === undefined) this.finish(tx)
  }

  /** The coordinator has decided: what was staged is made true. */
  applyStaged(tx: number): void {
    const { staged } = this.#part(tx)
    assert(staged !== undefined, 'what is decided was staged before')
    this.apply(staged)
  }

  /** Ends it here without a change; also when its turn is still to come. */
  release(tx: number): void {
    const part = this.#parts.get(tx)
    if (part === undefined) return
    if (part.hasTurn) return this.finish(tx)
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
      if (isDecided && part.staged !== undefined) this.apply(part.staged)
      else if (isDecided && part.batch !== undefined) this.#runDecided(tx, part, part.batch)
      else this.release(tx)
    }
  }

  /** Its part is still to come, or has been asked for by now, and comes in its turn. */
  #runDecided(tx: number, part: Part, batch: Uint8Array): void {
    if (part.isAsked) return
    void this.run({ tx, batch, revision: 0 })
  }

  /** Makes keys what patches say, as one commit. */
  applyPatches(tx: number, patches: readonly KeyPatch[], revision: number): void {
    const { engine } = this.#shard
    const { commit } = engine.capture(() => putPatches(engine, patches), revision)
    // What was done to get there is nobody's business: the log is told the state, watchers the events.
    const changes = patches.flatMap(({ db, key, events }) => events.map((event) => ({ db, key, event })))
    if (commit !== undefined) {
      const part = { tx, isOneRevision: true }
      engine.onCommit?.({ ...commit, effects: patchEffects(patches), changes, part })
    }
    for (const { db, key } of patches) engine.blocked.mark(db, key)
  }

  /** The keys are free again. */
  finish(tx: number): void {
    this.#parts.delete(tx)
    this.#floors.delete(tx)
    this.#shard.turns.schedule.finish(tx)
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
        if (part.isGivenUp) this.finish(tx)
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
