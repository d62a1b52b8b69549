/**
 * What a pump is made with, and what it drives. Tests: test/actor/ask.race.test.ts
 */
import type { Clock } from '../base/index.ts'
import type { IdleStrategy } from '../memory/index.ts'
import type { LinkReader } from './link-reader.ts'
import type { Scheduler } from './scheduler.ts'
import type { ThreadMemory } from './thread-memory.ts'

/** What the pump drives: the thread's actors. */
export interface PumpClient {
  /** One record is in the reader's fields. */
  onRecord(reader: LinkReader): void
  /** Runs local work for a bounded time; true when it did something. */
  runLocal(): boolean
  /** Whether local work waits. */
  hasLocal(): boolean
  /** Called after each batch: places in mailboxes are given back here. */
  afterBatch(): void
  /** How many asynchronous handlers have not settled. */
  unsettledCount(): number
  /** How many answers of other threads are awaited here. */
  expectedCount(): number
}

/** How a pump is made. */
export interface ThreadPumpOptions {
  readonly memory: ThreadMemory
  readonly runtimeWords: Int32Array<SharedArrayBuffer>
  readonly clock: Clock
  readonly idle: IdleStrategy
  readonly cores: number
  /**
   * Whether to spin also when no answer is awaited: true on worker threads, whose work is to wait for work.
   */
  readonly spinsUnasked: boolean
  /** Default: Node's. */
  readonly scheduler?: Scheduler
}
