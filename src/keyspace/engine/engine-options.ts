/**
 * How an engine is made, and what its callers give it.
 * Tests: test/keyspace/engine/shard-engine.test.ts
 */
import type { Random } from '../../base/index.ts'
import type { KeyTableWriter } from '../../memory/index.ts'
import type { ValueLimits } from './collection.ts'
import type { CommandTable } from './command-table.ts'
import type { EngineClock } from './engine-services.ts'
import type { TokenSource } from './locks/token-counter.ts'
import type { MemoryPolicy } from './memory-policy.ts'
import type { Reply } from './reply.ts'

/** How an engine is made. */
export interface EngineOptions {
  readonly commands: CommandTable
  readonly clock: EngineClock
  readonly random: Random
  /** Draws the next revision: above all that were drawn before. */
  nextRevision(): number
  readonly databaseCount?: number
  readonly limits?: Partial<ValueLimits>
  readonly memory?: Partial<MemoryPolicy>
  /** Makes the table of a database when it is first used. */
  makeTable?(db: number): KeyTableWriter
  /** Draws fencing tokens. Default: a counter of the shard, which the log's replay raises. */
  readonly tokens?: TokenSource
}

/** A reply that may come later. */
export interface LaterReply {
  resolve(reply: Reply): void
  /** Set while the caller waits: ends the wait, with the answer of a timeout. */
  cancel?: (() => void) | undefined
}

/** What was set, and where it lies. */
export type PlainSetListener = (
  bytes: Uint8Array,
  keyOffset: number,
  keyLength: number,
  valueOffset: number,
  valueLength: number,
  revision: number,
) => void

/** Takes the answer of a GET as bytes. */
export interface BulkSink {
  null(): void
  /** Makes room for a string of so many bytes: where to write them. */
  bulk(lengthBytes: number): { readonly bytes: Uint8Array; readonly offset: number }
}

/** Returned by `execute` when the caller waits; the reply comes through its `resolve`. */
export const BLOCKED: unique symbol = Symbol('blocked')
