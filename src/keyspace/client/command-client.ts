/**
 * What the typed faces need of the client that runs their commands: that of a thread of the runtime, which
 * sends them to shards, or that of `connect()`, which sends them over the network.
 * Tests: test/keyspace/faces.race.test.ts, test/client/remote-keyspace.test.ts
 */
import type { Clock } from '../../base/index.ts'
import type { Argument, Reply } from '../engine/index.ts'
import type { MOVED } from '../wire/index.ts'
import type { CallOptions } from './client-parts.ts'
import type { Convert } from './key-command.ts'

/** Runs commands. */
export interface CommandClient {
  readonly clock: Clock
  /**
   * Sends a command; `settle` gets what `convert` makes of its reply, `fail` what went wrong, error replies
   * too.
   */
  call<T>(
    argv: readonly Argument[],
    options: CallOptions,
    convert: Convert<T>,
    settle: (value: T) => void,
    fail: (error: Error) => void,
  ): void
  /** The same, with errors as replies. */
  callRaw(argv: readonly Argument[], options?: CallOptions): Promise<Reply>
  /**
   * Sends a command that waits for a lock, for at most `waitMs`. When `end` aborts, the wait ends: with null,
   * or with what was granted just before. MOVED: it is to be sent anew.
   */
  callWaiting(argv: readonly Argument[], waitMs: number, end: AbortSignal): Promise<Reply | typeof MOVED>
  /** Whether one waiting command may name keys of these two hash slots. */
  isTogether(slot: number, other: number): boolean
  /** A name that nobody else has or had: for who takes a lock. */
  newName(): string
}
