/**
 * A gauge in shared memory: a double that goes up and down, set or added to by any thread.
 *
 * The double is stored as its 64 bits, because `Atomics` knows integers only; a plain store could be seen torn.
 *
 * Writer: any thread. Readers: any thread.
 * Invariants: no torn reads; `add` loses nothing (compare-exchange until it holds).
 * Tests: test/memory/metrics.test.ts, metrics.race.test.ts
 */

const scratch = new Float64Array(1)
const scratchBits = new BigInt64Array(scratch.buffer)

/** A number that can be set. */
export class Gauge {
  readonly name: string
  readonly #cell: BigInt64Array<SharedArrayBuffer>

  constructor(name: string, cell: BigInt64Array<SharedArrayBuffer>) {
    this.name = name
    this.#cell = cell
  }

  set(value: number): void {
    Atomics.store(this.#cell, 0, bitsOf(value))
  }

  add(delta: number): void {
    addDouble(this.#cell, 0, delta)
  }

  value(): number {
    return doubleOf(Atomics.load(this.#cell, 0))
  }
}

/** Adds to a double stored as bits. */
export function addDouble(cells: BigInt64Array<SharedArrayBuffer>, index: number, delta: number): void {
  for (;;) {
    const seen = Atomics.load(cells, index)
    if (Atomics.compareExchange(cells, index, seen, bitsOf(doubleOf(seen) + delta)) === seen) return
  }
}

export function bitsOf(value: number): bigint {
  scratch[0] = value
  return scratchBits[0]!
}

export function doubleOf(bits: bigint): number {
  scratchBits[0] = bits
  return scratch[0]!
}
