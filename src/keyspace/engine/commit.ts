/**
 * What a command, or a transaction, has done: one unit for the log, for watchers and for events.
 * Tests: test/keyspace/engine/shard-engine.test.ts
 */
import type { Argument, ByteString } from './byte-string.ts'

/** A command that has the same effect whenever it is replayed. */
export interface Effect {
  readonly db: number
  readonly argv: readonly Argument[]
}

/** What happened to a key, by the name of its keyspace event. */
export interface KeyChange {
  readonly db: number
  readonly key: ByteString
  readonly event: string
}

/** One unit of change: all of it happened at one revision. */
export interface Commit {
  readonly revision: number
  /** The wall-clock time that the unit was run at. */
  readonly atMs: number
  readonly effects: readonly Effect[]
  readonly changes: readonly KeyChange[]
  /**
   * Set when a fencing token was drawn: replies from this commit on go out when it is on disk, whatever the
   * caller's durability, since a token that was handed out must never be drawn again.
   */
  readonly needsSync?: true
  /** Set when it is the part that this shard has in a transaction over several. */
  readonly part?: TransactionPart
}

/** What a commit is a part of. */
export interface TransactionPart {
  readonly tx: number
  /** Whether all parts were committed at one revision, that was drawn for them when all had their turn. */
  readonly isOneRevision: boolean
  /** The log has it already, as a part. */
  readonly isLogged?: true
}
