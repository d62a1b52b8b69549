/**
 * What a thread's client is made of, and how its calls differ.
 * Tests: test/keyspace/keyspace.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import type { Clock } from '../../base/index.ts'
import type { ShardMessages } from '../shard/shard-messages.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import type { TableDirectory } from '../shared/table-feed.ts'

/** What a client needs of its thread. */
export interface ClientParts {
  readonly isDurable: boolean
  readonly memory: KeyspaceMemory
  readonly tables: TableDirectory
  readonly clock: Clock
  readonly pendingMax: number
  /** How long a batch may take. */
  readonly timeoutMs: number
  /** Unlike that of any other client, of this process or of another one with the same data. */
  readonly name: string
  /** A ref to the shard that runs now; undefined while it does not. */
  shardRef(shard: number): ActorRef<ShardMessages> | undefined
  /** Runs `task` with the microtasks. */
  soon(task: () => void): void
  /** Runs `task` at the end of this turn of the event loop, when what has come by then has been read. */
  atTurnEnd(task: () => void): void
  /** Shows shards what was sent so far, before the code that runs now has ended. */
  publish(): void
}

/** How one call differs from others. */
export interface CallOptions {
  /** The database. Default 0. */
  readonly db?: number | undefined
  readonly signal?: AbortSignal | undefined
  /** Of a blocking command: how long its own wait may take at most, beyond which the answer is overdue. */
  readonly waitMs?: number | undefined
  /** The durability that is asked for, by number; see `levelNumber`. Default: that of the keyspace. */
  readonly level?: number | undefined
  /** The version of the protocol in whose form the reply is wanted. Default 2. */
  readonly resp?: 2 | 3 | undefined
  /** The client whose command it is; 0: nobody wants to know. */
  readonly by?: number | undefined
}
