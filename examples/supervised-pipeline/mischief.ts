/**
 * What chaos calls within a subsystem: loops that block its thread, and memory that it does not give back.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { performance } from 'node:perf_hooks'

/** Ways for a subsystem to fail. */
export interface Mischief {
  /** Blocks the thread during this call: seen by `limits.messageMs`. */
  hang(ms: number): void
  /** Blocks the thread when no call is under way: seen by `limits.heartbeatMs`. */
  hangLater(ms: number): void
  /** Holds so much more memory: seen by `limits.memory`. */
  bloat(bytes: number): void
}

/** For the interface of a subsystem. */
export function mischief(): Mischief {
  const ballast: Uint8Array[] = []
  return {
    hang: block,
    hangLater: (ms) => void setTimeout(block, 1, ms),
    bloat: (bytes) => void ballast.push(new Uint8Array(bytes).fill(1)),
  }
}

function block(ms: number): void {
  const endMs = performance.now() + ms
  while (performance.now() < endMs);
}
