/**
 * Rounds that measure several things at once: rates, latencies, bytes. Of one thing: compare.ts.
 *
 * Subjects take turns, A B A B …; the first round warms up. Each round says what it has seen in a check
 * value, which must be the same for all: nothing was optimised away, all did the same work, and what was
 * written was read back.
 */
import { type BenchParams, type Figure, noteCheck, skipped, summarise } from './harness.ts'

/** One thing that was measured in a round. */
export interface Measure {
  readonly metric: string
  readonly unit: string
  readonly value: number
}

/** What a round measured. */
export interface MeasuredRound {
  readonly measures: readonly Measure[]
  readonly check: string
}

/** One of those compared. */
export interface MeasuredSubject {
  readonly name: string
  start(): Promise<{ round(): Promise<MeasuredRound>; stop(): Promise<void> }>
}

type Started = Awaited<ReturnType<MeasuredSubject['start']>>

/** The parts of a distribution that are shown. */
export const LATENCY_PARTS = [
  ['p50', 0.5],
  ['p99', 0.99],
  ['p99.9', 0.999],
] as const

/**
 * Runs the subjects in turn and sums up, a figure for each subject of a metric. One that cannot start is left
 * out with a line on standard error; ours must. `isCold`: each round starts anew, and nothing can be warm;
 * nobody looks how fast small ones are.
 */
export async function measureAll(
  question: string,
  subjects: readonly MeasuredSubject[],
  { rounds, small, isCold = false }: BenchParams & { readonly isCold?: boolean },
): Promise<Figure[]> {
  const running: (Started & { readonly name: string; readonly rounds: (readonly Measure[])[] })[] = []
  let check: string | undefined
  try {
    for (const { name, start } of subjects) {
      try {
        running.push({ name, rounds: [], ...(await start()) })
      } catch (error) {
        if (name.startsWith('shardloom')) throw error
        skipped(name, error)
      }
    }
    for (let i = isCold || small ? 1 : 0; i <= rounds; i++) {
      for (const subject of running) {
        const round = await subject.round()
        check ??= round.check
        if (round.check !== check) {
          throw new Error(`${subject.name} did other work: ${round.check} instead of ${check}`)
        }
        // The first round warms up.
        if (i > 0) subject.rounds.push(round.measures)
      }
    }
  } finally {
    for (const subject of running) await subject.stop()
  }
  noteCheck(check ?? '')
  return figuresOf(question, running)
}

/** By metric, in the order in which they are met first. */
function figuresOf(
  question: string,
  subjects: readonly { readonly name: string; readonly rounds: readonly (readonly Measure[])[] }[],
): Figure[] {
  const metrics = new Map<string, Map<string, { readonly unit: string; readonly values: number[] }>>()
  for (const { name, rounds } of subjects) {
    for (const { metric, unit, value } of rounds.flat()) {
      const bySubject = metrics.get(metric) ?? new Map<string, { unit: string; values: number[] }>()
      metrics.set(metric, bySubject)
      const known = bySubject.get(name)
      if (known === undefined) bySubject.set(name, { unit, values: [value] })
      else known.values.push(value)
    }
  }
  return [...metrics].flatMap(([metric, bySubject]) =>
    [...bySubject].map(([name, { unit, values }]) => summarise({ question, metric, unit }, name, values)),
  )
}

/** Parts of a distribution of latencies in µs, which is sorted by this. */
export function latencyMeasures(
  what: string,
  latencies: Float64Array,
  parts: readonly (readonly [string, number])[] = LATENCY_PARTS,
): Measure[] {
  latencies.sort()
  return parts.map(([name, part]) => {
    const at = Math.min(latencies.length - 1, Math.floor(latencies.length * part))
    return { metric: `${what}, ${name}`, unit: 'µs', value: latencies[at] ?? Number.NaN }
  })
}
