/**
 * Whether a shard holds more than it may, told to all threads, and room that is asked for.
 *
 * Commands that need memory make room for themselves. Who queues commands for later wants to know before, and
 * looks into shared memory: only a shard that was above its ceiling is asked.
 *
 * Cost: without a ceiling one load after each batch.
 * Tests: test/server/commands/transaction-commands.race.test.ts, test/keyspace/shared/keyspace-memory.test.ts
 */
import type { ShardEngine } from '../engine/index.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'

/** What of a shard is looked at. */
export interface FilledShard {
  readonly id: number
  readonly engine: ShardEngine
  readonly memory: KeyspaceMemory
  afterCommands(): void
}

/** The room of one shard. */
export class ShardRoom {
  readonly #shard: FilledShard
  /** As all were told. */
  #isFull = false

  constructor(shard: FilledShard) {
    this.#shard = shard
    // Whoever lived here before may have been.
    shard.memory.setFull(shard.id, false)
  }

  /** Keys may have changed, or the ceiling. */
  look(): void {
    const { engine, memory, id } = this.#shard
    if (engine.memory.maxBytes === 0 && !this.#isFull) return
    const { isFull } = engine
    if (isFull === this.#isFull) return
    this.#isFull = isFull
    memory.setFull(id, isFull)
  }

  /** Throws out what may be; false: there is still no room. */
  make(): boolean {
    const { engine } = this.#shard
    const hasRoom = engine.atomically(() => engine.makeRoom())
    this.#shard.afterCommands()
    return hasRoom
  }
}
