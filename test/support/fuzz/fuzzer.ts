/**
 * A small fuzzer that is led by coverage: it keeps each input that reaches a part of the sources that no
 * input before has reached, and changes what it keeps.
 *
 * So a condition within a condition is met step by step, where chance alone would have to meet all at once.
 * Inputs run in batches, since asking for coverage costs more than many runs. Everything follows from the
 * seed: a finding repeats.
 */
import { type Random, seededRandom } from '../../../src/base/index.ts'
import type { BlockCoverage } from './block-coverage.ts'
import { Mutator } from './mutator.ts'

const BATCH_RUNS = 32
/** Longer inputs have too many single steps. */
const WALK_BYTES_MAX = 64

/** What is fuzzed, and how long. */
export interface FuzzOptions {
  /** Throws when something is wrong. The same input must run the same way each time. */
  readonly run: (input: Buffer) => void
  readonly seeds: readonly string[]
  /** Words that are put into inputs. */
  readonly dictionary: readonly string[]
  readonly seed: number
  readonly runs: number
  /** Leads the search; without it the seeds alone are changed, by chance. */
  readonly coverage?: BlockCoverage
}

/** What was found. */
export interface FuzzResult {
  readonly runs: number
  readonly corpus: readonly Buffer[]
  readonly finding?: { readonly input: Buffer; readonly error: unknown }
}

/** Runs until something is wrong, or so many inputs were right. */
export function fuzz(options: FuzzOptions): FuzzResult {
  return new Fuzzer(options).search()
}

class Fuzzer {
  readonly #options: FuzzOptions
  readonly #random: Random
  readonly #mutator: Mutator
  readonly #corpus: Buffer[] = []
  /** Single steps from inputs of the corpus, the last of which comes first. */
  readonly #walks: Generator<Buffer>[] = []
  #runs = 0
  #finding: FuzzResult['finding']

  constructor(options: FuzzOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.#mutator = new Mutator(this.#random, options.dictionary)
    for (const text of options.seeds) this.#keep(Buffer.from(text, 'latin1'))
  }

  search(): FuzzResult {
    const { coverage, runs } = this.#options
    for (const input of this.#corpus) this.#try(input)
    coverage?.hasNew()
    while (this.#finding === undefined && this.#runs < runs) {
      const batch = Array.from({ length: BATCH_RUNS }, () => this.#draw())
      for (const input of batch) if (this.#finding === undefined) this.#try(input)
      if (coverage?.peekNew() === true && this.#finding === undefined) this.#keepNew(coverage, batch)
    }
    const found = { runs: this.#runs, corpus: this.#corpus }
    return this.#finding === undefined ? found : { ...found, finding: this.#finding }
  }

  /** Those of a batch that reach something new. They count once. */
  #keepNew(coverage: BlockCoverage, batch: readonly Buffer[]): void {
    const before = this.#corpus.length
    for (const input of batch) {
      this.#options.run(input)
      if (coverage.hasNew()) this.#keep(input)
    }
    if (this.#corpus.length > before) return
    // Blocks that ran equally often are told as one: a batch may have a border that no single input has.
    for (const input of batch) this.#options.run(input)
    coverage.hasNew()
  }

  #keep(input: Buffer): void {
    this.#corpus.push(input)
    if (input.length <= WALK_BYTES_MAX) this.#walks.push(this.#mutator.walk(input))
  }

  #draw(): Buffer {
    const corpus = this.#corpus
    const random = this.#random
    const isWalk = random.below(2) === 0
    while (isWalk && this.#walks.length > 0) {
      const step = this.#walks.at(-1)!.next()
      if (step.done !== true) return step.value
      this.#walks.pop()
    }
    // What was found last is likely to lead on.
    const isLate = random.below(2) === 0
    const first = isLate ? Math.max(0, corpus.length - 4) : 0
    const input = corpus[first + random.below(corpus.length - first)]!
    return this.#mutator.mutate(input, corpus[random.below(corpus.length)]!)
  }

  #try(input: Buffer): void {
    this.#runs++
    try {
      this.#options.run(input)
    } catch (error) {
      this.#finding = { input, error }
    }
  }
}
