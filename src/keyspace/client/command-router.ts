/**
 * Sends each command of a thread to the shard that owns its slot, and keeps their order when slots move.
 *
 * Usually a command goes straight into the pipeline of the owner. When the slot map has changed, or a shard
 * answers that a slot is no longer its own, new commands are held back until all that are on their way have
 * been answered; then what was refused is sent again, first, and in its order, and what was held back follows.
 * So two commands for one key never overtake each other, at the price of one round trip whenever slots move.
 *
 * Invariants
 *   1. Commands of this thread for one key take effect in the order in which they were given.
 *   2. A command is answered once.
 *
 * Tests: test/keyspace/client/command-router.test.ts, test/keyspace/slots.race.test.ts
 */
import { type Clock, ShardloomError } from '../../base/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import { NO_SLOT } from '../wire/index.ts'
import type { PendingCommand } from './pending-command.ts'
import { ShardPipeline } from './shard-pipeline.ts'

/** What routing needs. */
export interface RouterParts {
  readonly memory: KeyspaceMemory
  readonly clock: Clock
  /** Commands that may wait at a time; above, one is refused. */
  readonly pendingMax: number
  send(shard: number, batch: Uint8Array): Promise<Uint8Array>
  atTickEnd(flush: () => void): void
}

/** The commands of one thread. */
export class CommandRouter {
  readonly #parts: RouterParts
  readonly #pipelines: ShardPipeline[]
  #epoch: number
  /** Refused by shards that no longer own their slots. */
  #moved: PendingCommand[] = []
  /** Came while slots moved; undefined while none do. */
  #held: PendingCommand[] | undefined
  #pending = 0

  constructor(parts: RouterParts) {
    this.#parts = parts
    this.#epoch = parts.memory.epoch
    this.#pipelines = Array.from({ length: parts.memory.shardCount }, (_, shard) => {
      return new ShardPipeline({
        clock: parts.clock,
        send: (batch) => parts.send(shard, batch),
        onMoved: (command) => this.#onMoved(command),
        onSettled: (count) => this.#onSettled(count),
        atTickEnd: parts.atTickEnd,
      })
    })
  }

  /** Commands that were given and not answered. */
  get pendingCount(): number {
    return this.#pending
  }

  /** Sends a command with a key, or, with NO_SLOT, to the shard that is named. */
  send(command: PendingCommand, shard = -1): void {
    const { pendingMax } = this.#parts
    if (this.#pending >= pendingMax) {
      command.reject(new ShardloomError('SHL_KEYSPACE_BUSY', { pending: this.#pending, pendingMax }))
      return
    }
    this.#pending++
    this.#route(command, shard)
  }

  #route(command: PendingCommand, shard: number): void {
    const { memory } = this.#parts
    if (this.#held !== undefined && command.slot !== NO_SLOT) {
      this.#held.push(command)
      return
    }
    const owner = command.slot === NO_SLOT ? shard : memory.ownerOf(command.slot)
    // Read after the owner: see KeyspaceMemory.setOwner.
    if (memory.epoch !== this.#epoch && command.slot !== NO_SLOT) {
      this.#hold()
      this.#held!.push(command)
      this.#release()
      return
    }
    this.#pipelines[owner]!.add(command)
  }

  /** Sends what was given so far, without waiting for the end of the tick. */
  flush(): void {
    for (const pipeline of this.#pipelines) pipeline.flush()
  }

  #onMoved(command: PendingCommand): void {
    this.#moved.push(command)
    this.#hold()
  }

  #hold(): void {
    this.#held ??= []
  }

  /** An answer has come: whoever was held back may be next. */
  #onSettled(count: number): void {
    this.#pending -= count
    if (this.#held !== undefined) this.#release()
  }

  #release(): void {
    if (this.#pipelines.some((pipeline) => !pipeline.isIdle)) return
    const again = [...this.#moved, ...(this.#held ?? [])]
    this.#moved = []
    this.#held = undefined
    this.#epoch = this.#parts.memory.epoch
    for (const command of again) this.#route(command, -1)
  }
}
