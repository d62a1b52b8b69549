/**
 * The doorbell: how a thread that sleeps in its event loop is woken, at most once per sleep.
 *
 *     sleeper                                   ringer
 *     1. store parked = 1                       1. publish its records
 *     2. look at the rings once more            2. load parked
 *     3. nothing there: sleep                   3. if 1: exchange it for 0; whoever did it rings
 *
 * Both sides store, then load what the other one stores. Whatever the interleaving, at least one of them sees
 * the other: either the sleeper finds the record in its second look, or the ringer sees that it must ring.
 * That needs sequential consistency on all four accesses (store→load is reordered even on x64); `Atomics`
 * gives it.
 *
 * Writer: the sleeper stores 1 and 0, a ringer exchanges 1 for 0. Readers: all ringers.
 * Invariants: (1) no lost wake-up; (2) at most one ring per sleep, however many ring.
 * Tests: test/memory/doorbell.model.test.ts, doorbell.race.test.ts. Source: virtio's and io_uring's wake-up
 * flags.
 */

const AWAKE = 0
const PARKED = 1

/** The side that sleeps. */
export class DoorbellSleeper {
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #index: number

  constructor(words: Int32Array<SharedArrayBuffer>, index: number) {
    this.#words = words
    this.#index = index
  }

  /** Says "ring for me". The caller then looks at its rings once more before it sleeps. */
  park(): void {
    Atomics.store(this.#words, this.#index, PARKED)
  }

  /** Says "no need to ring". */
  unpark(): void {
    Atomics.store(this.#words, this.#index, AWAKE)
  }

  isParked(): boolean {
    return Atomics.load(this.#words, this.#index) === PARKED
  }
}

/** The side that wakes. */
export class DoorbellRinger {
  /** How often it has rung. */
  rings = 0
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #index: number
  readonly #ring: () => void

  constructor(words: Int32Array<SharedArrayBuffer>, index: number, ring: () => void) {
    this.#words = words
    this.#index = index
    this.#ring = ring
  }

  /** Call after publishing. True when this call rang. */
  ringIfParked(): boolean {
    if (Atomics.load(this.#words, this.#index) !== PARKED) return false
    if (Atomics.compareExchange(this.#words, this.#index, PARKED, AWAKE) !== PARKED) return false
    this.rings++
    this.#ring()
    return true
  }
}
