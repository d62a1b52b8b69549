/**
 * Who runs when on a shard: commands that wait for a transaction, and hops of transactions, in their turns.
 *
 * The schedule (`transactions/`) says whose turn it is; here is what is then run, and which slots whoever
 * waits concerns, for slots that are about to move.
 * Tests: test/keyspace/transaction.race.test.ts
 */
import { type Intents, ShardSchedule, type TransactionId, WHOLE_SHARD } from '../transactions/index.ts'

/** The turns of one shard. */
export class Turns {
  readonly schedule = new ShardSchedule()
  /** What runs when the schedule says so: commands of this shard alone, and hops of transactions. */
  readonly #runners = new Map<TransactionId, () => void>()
  readonly #acknowledgers = new Map<TransactionId, () => void>()
  /** The slots of commands that wait for their turn; undefined: all. */
  readonly #localSlots = new Map<TransactionId, readonly number[] | undefined>()
  readonly #afterRun: () => void

  /** `afterRun` is called when a command has run in its turn. */
  constructor(afterRun: () => void) {
    this.#afterRun = afterRun
  }

  /** Runs a command of this shard alone when no transaction is in its way. */
  whenFree(intents: Intents, slots: readonly number[], run: () => void): void {
    const id = this.schedule.scheduleLocal(intents)
    this.#localSlots.set(id, intents === WHOLE_SHARD ? undefined : slots)
    this.onTurn(id, () => {
      try {
        run()
      } finally {
        this.#localSlots.delete(id)
        this.schedule.finish(id)
        this.#afterRun()
      }
    })
    this.pump()
  }

  /** Runs what the schedule lets run now; to be called after each change of it. */
  pump(): void {
    for (;;) {
      const acknowledged = this.schedule.nextAcknowledged()
      if (acknowledged !== undefined) {
        this.#acknowledgers.get(acknowledged)?.()
        this.#acknowledgers.delete(acknowledged)
        continue
      }
      const id = this.schedule.next()
      if (id === undefined) return
      const runner = this.#runners.get(id)
      this.#runners.delete(id)
      runner?.()
    }
  }

  /** Calls `run` when the transaction may run here; it must end with `schedule.finish`. */
  onTurn(id: TransactionId, run: () => void): void {
    this.#runners.set(id, run)
  }

  onAcknowledged(id: TransactionId, acknowledge: () => void): void {
    this.#acknowledgers.set(id, acknowledge)
  }

  forget(id: TransactionId): void {
    this.#runners.delete(id)
    this.#acknowledgers.delete(id)
  }

  /** Whether commands that wait for their turn use these slots. */
  usesSlots(slots: ReadonlySet<number>): boolean {
    for (const used of this.#localSlots.values()) {
      if (used === undefined || used.some((slot) => slots.has(slot))) return true
    }
    return false
  }

  /** Whether a command over all keys waits for its turn. */
  get hasWhole(): boolean {
    for (const used of this.#localSlots.values()) if (used === undefined) return true
    return false
  }
}
