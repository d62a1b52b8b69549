/**
 * How a coordinator reaches the shards of a transaction, its own among them, whatever becomes of them.
 *
 * Before anything has changed, a shard that does not answer ends the transaction with an error. From then on
 * nothing may: who is slow is asked again, and who is gone has lost what it held, as if it had been lost a
 * moment later. So the rest of the shards have all of a transaction or nothing of it.
 *
 * Tests: test/keyspace/transaction.race.test.ts, test/keyspace/consistency/losses.prop.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import type { Guest } from '../engine/index.ts'
import type { Shard } from './shard.ts'
import { askShard } from './shard-error.ts'
import type { ShardMessages } from './shard-messages.ts'
import type { GatherMessage, RunMessage, ScheduleAnswer, ScheduleMessage } from './transaction-messages.ts'

/** Between two attempts to reach a shard that is slow, or to write down a decision. */
const PAUSE_MS = 1

type Step = 'gather' | 'stage' | 'apply' | 'applyStaged'
type StepMessage<K extends Step> = Parameters<Shard['participant'][K]>[0]

/** The shards, as one of them sees them. */
export class TransactionPeers {
  readonly #shard: Shard
  readonly #peer: (shard: number) => ActorRef<ShardMessages>

  constructor(shard: Shard, peer: (shard: number) => ActorRef<ShardMessages>) {
    this.#shard = shard
    this.#peer = peer
  }

  /** Takes a turn on a shard. @throws SHL_SHARD_DOWN when it is not there */
  async schedule(id: number, message: ScheduleMessage): Promise<ScheduleAnswer> {
    if (id === this.#shard.id) return this.#shard.participant.schedule(message)
    return askShard(id, () => this.#peer(id).ask('schedule', message))
  }

  /** A step on a shard, this one or another. */
  async on<K extends Step>(
    id: number,
    step: K,
    message: StepMessage<K>,
  ): Promise<Awaited<ReturnType<Shard['participant'][K]>>> {
    const { participant } = this.#shard
    if (id !== this.#shard.id) {
      return askShard(id, () => (this.#peer(id) as ActorRef).ask(step, message)) as never
    }
    return (participant[step] as (message: unknown) => never).call(participant, message)
  }

  /** Values of this shard that its caller will hear of at once: when they are as durable as that. */
  async here(message: GatherMessage, level: number): Promise<readonly Guest[]> {
    const { participant, durability } = this.#shard
    return durability.acknowledged(participant.gather(message), durability.appended, level, level === 0)
  }

  /** The same as `on`, which has to be done, unless the shard is gone: false. */
  async insist<K extends Step>(id: number, step: K, message: StepMessage<K>): Promise<boolean> {
    const { memory } = this.#shard
    const incarnation = memory.incarnationOf(id)
    for (;;) {
      try {
        await this.on(id, step, message)
        return true
      } catch (error) {
        // What was done in spite of a timeout is refused when it is asked again.
        if (!isLate(error) || memory.incarnationOf(id) !== incarnation) return false
        await this.pause()
      }
    }
  }

  async run(id: number, message: RunMessage): Promise<Uint8Array> {
    if (id === this.#shard.id) return this.#shard.participant.run(message)
    return askShard(id, () => this.#peer(id).ask('runPart', message))
  }

  /** Ends a transaction without a change, wherever it is known. */
  releaseAll(ids: readonly number[], tx: number): void {
    for (const id of ids) {
      if (id === this.#shard.id) this.#shard.participant.release(tx)
      // A shard that is gone has nothing left to release.
      else void this.#release(id, tx)
    }
  }

  /** Writes down that it will be committed. There is room for so many that nobody waits but in theory. */
  async decide(tx: number): Promise<number> {
    const { memory, id } = this.#shard
    for (;;) {
      const at = memory.decide(id, tx)
      if (at !== undefined) return at
      await this.pause()
    }
  }

  pause(): Promise<void> {
    return new Promise((resolve) => void this.#shard.clock.after(PAUSE_MS, resolve))
  }

  async #release(id: number, tx: number): Promise<void> {
    const { memory } = this.#shard
    const incarnation = memory.incarnationOf(id)
    for (;;) {
      try {
        return await this.#peer(id).ask('release', tx)
      } catch (error) {
        if (!isLate(error) || memory.incarnationOf(id) !== incarnation) return
        await this.pause()
      }
    }
  }
}

function isLate(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown }
  return code === 'SHL_ASK_TIMEOUT' || code === 'SHL_OFFER_TIMEOUT' || code === 'SHL_ASK_LIMIT'
}
