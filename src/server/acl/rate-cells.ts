/**
 * One rate for each user over all threads: up to when a user's commands reach, in memory that threads share.
 *
 * A table of cells, open to all threads: a user and its rule are a key of 64 bits, and the cell is the one
 * with that key, looked for from the place that the key says. A user who is at rest (its time is past) is as
 * good as one who never came: whoever finds no cell takes one of those, so that the table need not know of
 * users who are gone. Where none is free nearby, as with thousands of users who are all busy, a thread counts
 * for itself.
 *
 *     64-bit words of a cell   [0] key, 0: free · [1] up to when its user's commands reach
 *                              [2] the latest time that somebody has come at
 *
 * Times are nanoseconds of the clock that all threads have. It is not quite the same on each: whoever comes
 * with an earlier time than another thread before comes at that one's, or a burst that is whole would be
 * found a little too long.
 *
 * Who writes: every thread, by compare-and-exchange alone. Nothing is locked, nothing is asked of others, and
 * a thread that is lost leaves nothing undone. A cell may be taken while its last user comes back: then that
 * user's command counts for the new one, who finds a time that its own rule cannot lead to, and begins anew
 * (see `RateLimit`).
 *
 * Cost: some 0.2 µs a command, for users with a rate only. Tests: test/server/acl/rate-limit.test.ts,
 * test/server/acl/users-over-threads.race.test.ts
 */
import { createHash } from 'node:crypto'
import type { ByteString } from '../../keyspace/engine/index.ts'

const WORD_BYTES = 8
const CELL_WORDS = 3
const CELLS = 4096
/** So many are looked at, from the place on that a key says. */
const REACH = 32
const FREE = 0n

/** The cells. */
export class RateCells {
  readonly #words: BigInt64Array
  readonly #count: number

  constructor(buffer: ArrayBufferLike) {
    this.#words = new BigInt64Array(buffer)
    this.#count = this.#words.length / CELL_WORDS
  }

  static buffer(cells: number = CELLS): SharedArrayBuffer {
    return new SharedArrayBuffer(cells * CELL_WORDS * WORD_BYTES)
  }

  /** What a user and its rule are known by. */
  static keyOf(user: ByteString, rule: string): bigint {
    const digest = createHash('sha256').update(`${rule} ${user}`, 'latin1').digest()
    return digest.readBigInt64LE() || 1n
  }

  /** The cell with this key, taken for it if there is none; undefined: none is free near its place. */
  find(key: bigint, nowNs: bigint): number | undefined {
    const words = this.#words
    const reach = Math.min(REACH, this.#count)
    const first = Number(BigInt.asUintN(32, key)) % this.#count
    for (;;) {
      let free: number | undefined
      let before = FREE
      for (let i = 0; i < reach; i++) {
        const at = ((first + i) % this.#count) * CELL_WORDS
        const found = Atomics.load(words, at)
        if (found === key) return at
        if (free === undefined && (found === FREE || Atomics.load(words, at + 1) < nowNs)) {
          free = at
          before = found
        }
        // No cell becomes free again: behind one that is, there is none with this key.
        if (found === FREE) break
      }
      if (free === undefined) return undefined
      if (Atomics.compareExchange(words, free, before, key) === before) return free
    }
  }

  /**
   * The latest time that anybody has come at, now that this one has. To be asked after `timeOf`: then what
   * that says does not come from a later time.
   */
  latest(cell: number, nowNs: bigint): bigint {
    for (;;) {
      const foundNs = Atomics.load(this.#words, cell + 2)
      if (foundNs >= nowNs) return foundNs
      if (Atomics.compareExchange(this.#words, cell + 2, foundNs, nowNs) === foundNs) return nowNs
    }
  }

  /** Up to when a user's commands reach. */
  timeOf(cell: number): bigint {
    return Atomics.load(this.#words, cell + 1)
  }

  /** Moves that on; false: another thread has moved it meanwhile. */
  move(cell: number, fromNs: bigint, toNs: bigint): boolean {
    return Atomics.compareExchange(this.#words, cell + 1, fromNs, toNs) === fromNs
  }
}
