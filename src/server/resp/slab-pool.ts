/**
 * Memory that replies are written to: one slab for all connections of a thread, with one writer in it at a
 * time.
 *
 * An `ArrayBuffer` for each answer costs more than what is written into it, and a slab for each connection
 * is too much for ten thousand that are idle, or for a thousand whose answers come from another thread in one
 * batch. So a writer enters the slab behind what the last one wrote, and leaves it with `take()`, or when
 * another enters before: what it has written is then a chunk, and it goes on behind the other. Nobody writes
 * again what was written; a slab lives as long as a chunk that was cut from it.
 *
 *     slab   A A A A | B B | A A | C …     A was put out by B, came back, and left
 *
 * Invariants: 1. Below `start` nothing is written again, unless `reuse` says so. 2. Only the tenant writes to
 * the slab.
 *
 * Cost: a chunk that is not sent keeps 64 KiB alive, however short it is. So a connection gives its socket a
 * chunk only when the last one has gone; until then answers stay with the writer.
 *
 * Tests: test/server/resp/reply-writer.test.ts
 */
import type { Latin1Buffer } from '../../codec/index.ts'

export const SLAB_BYTES: number = 64 * 1024

const NOTHING: Latin1Buffer = allocate(0)

/** Somebody who writes to the slab. */
export interface SlabTenant {
  /** Stops writing: where it ended. */
  leaveSlab(): number
}

/** The slab of a thread. */
export class SlabPool {
  /** Free memory from here on, for whoever has just entered. */
  start = 0
  #slab: Latin1Buffer = NOTHING
  #tenant: SlabTenant | undefined
  readonly #slabBytes: number

  constructor(slabBytes: number = SLAB_BYTES) {
    this.#slabBytes = slabBytes
  }

  /** Lets a writer in, who finds room for `count` bytes at `start` of what this gives. */
  enter(tenant: SlabTenant, count: number): Latin1Buffer {
    if (this.#tenant !== undefined) this.leave(this.#tenant.leaveSlab())
    if (this.start + count > this.#slab.length) {
      this.#slab = allocate(Math.max(count, this.#slabBytes))
      this.start = 0
    }
    this.#tenant = tenant
    return this.#slab
  }

  /** The tenant leaves, having written up to `end`. */
  leave(end: number): void {
    this.#tenant = undefined
    this.start = end
    // A large one is not kept for the small answers that may follow.
    if (this.#slab.length > this.#slabBytes) {
      this.#slab = NOTHING
      this.start = 0
    }
  }

  /** Nobody needs what was written: the slab is written again from its beginning. */
  reuse(): void {
    this.start = 0
  }
}

/** Bytes with nothing in them yet, never from Node's own pool. */
export function allocate(sizeBytes: number): Latin1Buffer {
  return Buffer.allocUnsafeSlow(sizeBytes) as Latin1Buffer
}
