/** Rounds that measure one thing, and what processor time it took. */
import type { BenchParams, Figure } from './harness.ts'
import { type MeasuredRound, type MeasuredSubject, measureAll } from './measures.ts'

/** What a round measured. */
export interface Round {
  readonly value: number
  /** The same for every subject that did the same work. */
  readonly check: string
  /** Processor time of the process for each thing done, in ns: what a busy machine does not change much. */
  readonly processorNs?: number
}

/** One of those compared. */
export interface Subject {
  readonly name: string
  /** Prepares it; what it returns is run for each round. */
  start(): Promise<{ round(): Promise<Round>; stop(): Promise<void> }>
}

/** Runs the subjects in turn, as `measureAll` does, and sums up. */
export function compare(
  { question, metric, unit }: { question: string; metric: string; unit: string },
  subjects: readonly Subject[],
  params: BenchParams,
): Promise<Figure[]> {
  const measured = ({ value, check, processorNs }: Round): MeasuredRound => {
    const spent = { metric: `${metric}, processor time`, unit: 'ns', value: processorNs ?? 0 }
    return { check, measures: [{ metric, unit, value }, ...(processorNs === undefined ? [] : [spent])] }
  }
  const all = subjects.map(
    (subject): MeasuredSubject => ({
      name: subject.name,
      async start() {
        const running = await subject.start()
        return { round: async () => measured(await running.round()), stop: () => running.stop() }
      },
    }),
  )
  return measureAll(question, all, params)
}
