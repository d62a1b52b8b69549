/**
 * How a log is written, and what it promises: the options of `LogWriter`.
 *
 * Tests: test/storage/log-writer.test.ts
 */
import type { Clock, Disk } from '../base/index.ts'
import type { LogEncryption } from './log-cipher.ts'

/** What an acknowledgement may mean, from the least to the most. */
export const DURABILITIES = ['memory', 'os', 'fsync'] as const

/** What an acknowledgement means. */
export type Durability = (typeof DURABILITIES)[number]

/** How a log is written. */
export interface LogWriterOptions {
  readonly disk: Disk
  readonly clock: Clock
  /** It is there, and so will it be after a power cut. */
  readonly folder: string
  /** Of whose directory, and which shard's log it is. */
  readonly directory: string
  readonly shard: number
  /** A segment that has reached this size is followed by another one. */
  readonly segmentBytes: number
  /** What was written is synced after so long, also when nobody waits for it. */
  readonly syncEveryMs: number
  /** Bytes that are kept free for what is under way when the disk is full; 0: none. */
  readonly reserveBytes: number
  /** Default: what is written is in the clear. */
  readonly encryption?: LogEncryption | undefined
}
