/**
 * What was slow, by kind: for each kind of event its last 160 samples, at most one per second.
 *
 * Within a second the worst counts, so that a burst does not push out what was before. Kinds are Redis':
 * `command` and `fast-command`, for commands that should be fast.
 *
 * Cost: nothing below the threshold. Tests: test/server/report/latency-events.test.ts
 * Source: Redis' latency monitor
 */

const SAMPLES_MAX = 160

/** One second in which something was slow. */
export interface LatencySample {
  readonly second: number
  readonly ms: number
}

/** One kind of event: its samples, the oldest first. */
export interface LatencyEvent {
  readonly name: string
  /** The worst of all time. */
  readonly maxMs: number
  readonly samples: readonly LatencySample[]
}

interface Series {
  maxMs: number
  samples: LatencySample[]
}

/** The events of one thread. */
export class LatencyEvents {
  readonly #series = new Map<string, Series>()

  add(name: string, second: number, durationMs: number): void {
    const ms = Math.floor(durationMs)
    const series = this.#series.get(name) ?? { maxMs: 0, samples: [] }
    this.#series.set(name, series)
    series.maxMs = Math.max(series.maxMs, ms)
    put(series.samples, { second, ms })
  }

  all(): LatencyEvent[] {
    return [...this.#series].map(([name, { maxMs, samples }]) => ({ name, maxMs, samples: [...samples] }))
  }

  /** Forgets some, or all where none is named; the names of those that there were. */
  reset(names: readonly string[]): string[] {
    const found =
      names.length === 0 ? [...this.#series.keys()] : names.filter((name) => this.#series.has(name))
    for (const name of found) this.#series.delete(name)
    return found
  }
}

/** The events of several threads as those of one. */
export function mergeEvents(threads: readonly (readonly LatencyEvent[])[]): LatencyEvent[] {
  const merged = new Map<string, Series>()
  for (const { name, maxMs, samples } of threads.flat()) {
    const series = merged.get(name) ?? { maxMs: 0, samples: [] }
    merged.set(name, series)
    series.maxMs = Math.max(series.maxMs, maxMs)
    series.samples.push(...samples)
  }
  return [...merged].map(([name, { maxMs, samples }]) => {
    const inOrder: LatencySample[] = []
    for (const sample of samples.sort((one, other) => one.second - other.second)) put(inOrder, sample)
    return { name, maxMs, samples: inOrder }
  })
}

/** Adds a sample that is no older than the last. */
function put(samples: LatencySample[], sample: LatencySample): void {
  const last = samples.at(-1)
  if (last?.second === sample.second) {
    if (sample.ms > last.ms) samples[samples.length - 1] = sample
    return
  }
  samples.push(sample)
  if (samples.length > SAMPLES_MAX) samples.shift()
}
