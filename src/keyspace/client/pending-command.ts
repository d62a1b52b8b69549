/**
 * A command on its way: what it was, so that it can be sent again elsewhere, and who waits.
 * Tests: test/keyspace/slots.race.test.ts
 */
import type { Argument, Reply } from '../engine/index.ts'

/** One command that somebody waits for. */
export interface PendingCommand {
  /** Its row in the command table. */
  readonly row: number
  readonly db: number
  readonly slot: number
  /** The durability that is asked for, by number; 0: that of the keyspace. */
  readonly level?: number
  /** Without the name. */
  readonly args: readonly Argument[]
  /** Of a command with keys in several slots of one shard: all of them. */
  readonly slots?: readonly number[]
  /** Of such a command: whether its keys lie on several shards by now. */
  readonly isOver?: () => boolean
  /** Runs it as a transaction over them, and answers it. Never rejects. */
  readonly runOver?: () => Promise<void>
  /** Its place among those that were sent. Set by the router. */
  place?: number
  resolve(reply: Reply): void
  reject(error: Error): void
}
