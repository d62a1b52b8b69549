/**
 * A command on its way: what it was, so that it can be sent again elsewhere, and who waits.
 * Tests: test/keyspace/slots.race.test.ts
 */
import type { Argument, Reply } from '../engine/index.ts'
import type { ReplyReader } from '../wire/index.ts'

/** A request whose arguments lie in bytes that are only lent; the name is the first of them. */
export interface LentArguments {
  readonly bytes: Uint8Array
  readonly count: number
  readonly offsets: Int32Array
  readonly lengths: Int32Array
}

/** One command that somebody waits for. */
export interface PendingCommand {
  /** Its row in the command table. */
  readonly row: number
  readonly db: number
  readonly slot: number
  /** The durability that is asked for, by number; 0: that of the keyspace. */
  readonly level?: number
  /** The version of the protocol in whose form the reply is wanted. Default 2. */
  readonly resp?: 2 | 3
  /** The client whose command it is, for those who are told of changes by others only. */
  readonly by?: number
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
  /** Where its arguments lie until it is added to a batch, which happens at once or after `keep`. */
  readonly lent?: LentArguments | undefined
  /** It is not added at once: makes `args` of what is lent. */
  keep?(): void
  /** It has been added to a batch: where it begins there. From then on nothing is lent. */
  added?(at: number): void
  /** Makes `args` of the batch that it was sent with. */
  recover?(batch: Uint8Array): void
  /** Settles with the reply that the reader is at; false: it is MOVED. In the place of `resolve`. */
  take?(reader: ReplyReader, batch: Uint8Array): boolean
  /** Whether it may wait for those that come in the same turn of the event loop. */
  readonly isOfTurn?: boolean
  resolve(reply: Reply): void
  reject(error: Error): void
}
