/**
 * A counter in shared memory: 64 bits, added to by any thread with one atomic instruction.
 *
 * V8 compiles an `Atomics.add` on a `BigInt64Array` whose result is not used without making a BigInt: it costs as
 * much as the 32-bit one (9 ns), and needs no carry word, which a reader could see half done.
 *
 * Writer: any thread. Readers: any thread.
 * Invariants: additions are never lost; a value read never goes back. Cost: bench/counter.ts
 * Tests: test/memory/metrics.test.ts, metrics.race.test.ts
 */
import { invalidOption } from '../base/index.ts'

/** Counts events. */
export class Counter {
  readonly name: string
  readonly #cell: BigInt64Array<SharedArrayBuffer>

  constructor(name: string, cell: BigInt64Array<SharedArrayBuffer>) {
    this.name = name
    this.#cell = cell
  }

  /** Adds a whole number, not negative. @throws SHL_OPTION_INVALID */
  add(n = 1): void {
    if (!(n >= 0) || n > Number.MAX_SAFE_INTEGER || Math.floor(n) !== n)
      invalidOption('n', n, 'a whole number ≥ 0')
    Atomics.add(this.#cell, 0, BigInt(n))
  }

  /** The sum so far; exact up to 2^53. */
  value(): number {
    return Number(Atomics.load(this.#cell, 0))
  }
}
