/**
 * What a runtime takes from the machine beside what each of its threads takes: threads, and the process.
 *
 * Tests: test/runtime/close.race.test.ts, test/testkit/simulate.test.ts
 */
import type { WorkerOptions } from 'node:worker_threads'
import { type Random, seededRandom } from '../base/index.ts'
import { KeepAlive } from './keep-alive.ts'
import { leaveWithoutJoining } from './leave.ts'
import { type ThreadStart, workerOptionsFor } from './thread-bootstrap.ts'
import { nodeThreadPlatform, type ThreadPlatform } from './thread-platform.ts'
import { startWorker } from './worker-entry.ts'

/** A thread that was started: what the pool uses of Node's `Worker`. */
export interface WorkerThread {
  on(event: 'error', listener: (error: unknown) => void): unknown
  on(event: 'exit', listener: () => void): unknown
  terminate(): Promise<unknown>
  unref(): void
  /** Node's id of it; none where it is simulated. */
  readonly threadId?: number
  readonly performance?: { eventLoopUtilization(): { readonly utilization: number } }
}

/** Holds the process while something is awaited. */
export interface ProcessHold {
  hold(): void
  release(): void
  close(): void
}

/** The surroundings of a runtime, and of its main thread. */
export interface Platform extends ThreadPlatform {
  /** For the jitter of restarts. */
  readonly random: Random
  readonly keepAlive: ProcessHold
  startThread(start: ThreadStart, options: WorkerOptions): Promise<WorkerThread>
  /** A thread had to be given up; what it returns is called should it end after all. */
  onGivenUp(thread: number): () => void
  /** Calls `listener` when the process has nothing left to do, until what it returns is called. */
  onBeforeExit(listener: () => void): () => void
  warn(text: string): void
}

/** The surroundings of a runtime on Node. */
export function nodePlatform(): Platform {
  return {
    ...nodeThreadPlatform(),
    random: seededRandom(Number(process.hrtime.bigint() & 0xffff_ffffn)),
    keepAlive: new KeepAlive(),
    startThread: (start, options) => startWorker(workerOptionsFor(start, options)),
    onGivenUp: leaveWithoutJoining,
    onBeforeExit(listener) {
      process.on('beforeExit', listener)
      return () => process.removeListener('beforeExit', listener)
    },
    warn: (text) => process.emitWarning(text),
  }
}
