/**
 * Rates of now out of counters: the mean over the last second and a half, from samples ten times a second.
 * Tests: test/server/report/rate-sampler.test.ts
 */

const SAMPLES = 16

/** Counters that only grow, until they are reset. */
export interface Counts {
  readonly commands: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** What they grow by per second. */
export interface Rates {
  readonly commands: number
  readonly bytesIn: number
  readonly bytesOut: number
}

/** The rates of one thread. */
export class RateSampler {
  readonly #samples: Rates[] = []
  #next = 0
  #last: (Counts & { readonly atMs: number }) | undefined

  /** To be called ten times a second. */
  sample(atMs: number, { commands, bytesIn, bytesOut }: Counts): void {
    const last = this.#last
    this.#last = { atMs, commands, bytesIn, bytesOut }
    if (last === undefined || atMs <= last.atMs) return
    const seconds = (atMs - last.atMs) / 1000
    const rate = (now: number, before: number): number => Math.max(0, now - before) / seconds
    this.#samples[this.#next++ % SAMPLES] = {
      commands: rate(commands, last.commands),
      bytesIn: rate(bytesIn, last.bytesIn),
      bytesOut: rate(bytesOut, last.bytesOut),
    }
  }

  get rates(): Rates {
    const { length } = this.#samples
    const mean = (of: (rates: Rates) => number): number =>
      length === 0 ? 0 : this.#samples.reduce((sum, one) => sum + of(one), 0) / length
    return {
      commands: mean((one) => one.commands),
      bytesIn: mean((one) => one.bytesIn),
      bytesOut: mean((one) => one.bytesOut),
    }
  }

  reset(): void {
    this.#samples.length = 0
    this.#next = 0
    this.#last = undefined
  }
}
