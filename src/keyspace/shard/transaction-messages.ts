/**
 * What shards say to each other about a transaction.
 *
 *     coordinator          each shard
 *     schedule      ──►    yes (its turn is settled) · no (another one went ahead: cancel, and again)
 *     gather        ──►    its keys, when its turn has come; it holds them from then on
 *     run           ──►    the replies of its own commands, when its turn has come; it is done, or goes on
 *     stage         ──►    kept, and logged, to be applied or run when the coordinator has decided
 *     applyStaged   ──►    applied, done
 *     apply         ──►    the same at once, where nobody else changes anything
 *     release       ──►    nothing changed, done
 *
 * Tests: test/keyspace/transaction.race.test.ts
 */
import type { ByteString, Guest, KeyPatch } from '../engine/index.ts'

/** A key that a transaction uses. */
export interface TransactionKey {
  readonly db: number
  readonly key: ByteString
  readonly slot: number
  readonly isWritten: boolean
}

/** Takes its turn on a shard. */
export interface ScheduleMessage {
  readonly tx: number
  /** The shard that coordinates, and which of its lives. */
  readonly by: number
  readonly life: number
  /** Undefined: the whole shard. */
  readonly keys: readonly TransactionKey[] | undefined
  /** Some command may change something, perhaps elsewhere. */
  readonly isWrite?: boolean
  /** What to run here when the coordinator has decided so and is lost; see `Participant`. */
  readonly batch?: Uint8Array
}

/** `refused`: try again with a newer id; `moved`: a slot is no longer here. */
export type ScheduleAnswer = 'yes' | 'behind' | 'refused' | 'moved'

/** Asks for values. */
export interface GatherMessage {
  readonly tx: number
  readonly keys: readonly TransactionKey[]
  /**
   * Given: it is answered when what the values speak of has reached this durability, by number. Else whoever
   * gathers asks again before it tells anybody.
   */
  readonly level?: number
}

/** Runs commands whose keys are all here, and ends, unless there is more to come. */
export interface RunMessage {
  readonly tx: number
  readonly batch: Uint8Array
  /** That of the whole transaction; 0: the shard draws one for its part. */
  readonly revision: number
  /** The commands only look, and the transaction does not end with them. */
  readonly isMore?: true
  /** The durability of what the replies speak of, by number. Default: that of the keyspace. */
  readonly level?: number
}

/** What to make of keys, at which revision. */
export interface PatchMessage {
  readonly tx: number
  readonly revision: number
  readonly patches: readonly KeyPatch[]
  /** Commands that empty or exchange databases, and are run before. */
  readonly first?: Uint8Array
  /** The durability that is asked for, by number. Default: that of the keyspace. */
  readonly level?: number
}

/** What to do when it is decided: what to make of keys, or commands of which all keys are here. */
export type StageMessage = (PatchMessage | Omit<RunMessage, 'isMore'>) & {
  /** The shards that change, by number, ascending. */
  readonly participants: readonly number[]
}

/** What a client asks a shard to coordinate. */
export interface TransactMessage {
  /** The durability that is asked for, by number. Default: that of the keyspace. */
  readonly level?: number
  /** The commands, encoded. */
  readonly batch: Uint8Array
  /** Keys that must still have these revisions; 0: must not exist. */
  readonly watched: readonly { readonly db: number; readonly key: ByteString; readonly revision: number }[]
}

/** `aborted`: a watched key has changed. */
export type TransactAnswer =
  | { readonly type: 'done'; readonly replies: Uint8Array }
  | { readonly type: 'aborted' }

/** A transaction whose callback runs at its caller. */
export interface BeginAnswer {
  readonly tx: number
  readonly guests: readonly Guest[]
}
