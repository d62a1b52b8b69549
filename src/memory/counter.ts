/**
 * A counter in shared memory: it only grows, and any thread adds to it without waiting.
 *
 * Writer: any thread. Readers: any thread.
 * Invariants: additions are never lost; values read are exact up to 2^53 and never go back (`wide-count.ts`
 * says why). Cost: 10 ns to add (bench/counter.ts). Tests: test/memory/metrics.test.ts, metrics.race.test.ts
 */
import { invalidOption } from '../base/index.ts'
import { ADDEND_MAX, addCount, addSmall, readCount } from './wide-count.ts'

/** What an imported constant says, in this module: V8 looks an import up each time. */
const SMALL_MASK = ADDEND_MAX - 1

/** Counts events. */
export class Counter {
  readonly name: string
  readonly #words: Int32Array<SharedArrayBuffer>
  readonly #index: number

  /** @internal The count stands at `words[index]`. Use `Metrics.counter`. */
  constructor(name: string, words: Int32Array<SharedArrayBuffer>, index: number) {
    this.name = name
    this.#words = words
    this.#index = index
  }

  /** Adds a whole number, not negative. @throws SHL_OPTION_INVALID */
  add(n = 1): void {
    // One test for what nearly every addition is: whole, not negative, and small.
    if (n === (n & SMALL_MASK)) addSmall(this.#words, this.#index, n)
    else this.#addRare(n)
  }

  /** The sum so far. */
  value(): number {
    return readCount(this.#words, this.#index)
  }

  #addRare(n: number): void {
    if (!(Number.isSafeInteger(n) && n >= 0)) invalidOption('n', n, 'a whole number ≥ 0')
    addCount(this.#words, this.#index, n)
  }
}
