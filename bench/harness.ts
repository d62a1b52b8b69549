/**
 * The harness: questions, their targets, and figures, which are medians with their spread.
 *
 * These machines are shared and noisy, so figures are compared only within one run, round by round
 * (measures.ts, compare.ts). tinybench is used where one function is timed in one thread (`counter`,
 * `codec`); questions between threads need rounds that are interleaved across subjects, which it does not do.
 */
import { createHash } from 'node:crypto'

/** One figure of one subject. The contract of `--json`. */
export interface Figure {
  readonly question: string
  readonly subject: string
  readonly metric: string
  readonly unit: string
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
}

/** How a question is run. */
export interface BenchParams {
  readonly rounds: number
  /** Small sizes, for a test that only shows that it works. */
  readonly small: boolean
  /** Keys, where a question is asked of so many. Default: as many as its size says. */
  readonly keys?: number | undefined
}

/** A figure to meet, for the table. */
export interface Target {
  readonly text: string
  readonly isMet: (figures: readonly Figure[]) => boolean
}

/** One question. */
export interface Question {
  readonly name: string
  readonly question: string
  readonly targets: readonly Target[]
  run(params: BenchParams): Promise<Figure[]>
}

/** A peer that is not there, and how to get it. */
export class MissingPeer extends Error {
  readonly install: string

  constructor(message: string, install: string) {
    super(message)
    this.install = install
  }
}

const reported = new Set<string>()

/** Says once that a peer is left out, and what to do about it. */
export function skipped(subject: string, error: unknown): void {
  const why = error instanceof Error ? error.message : String(error)
  const how = error instanceof MissingPeer ? error.install : 'npm install'
  if (reported.has(`${subject} ${why}`)) return
  reported.add(`${subject} ${why}`)
  process.stderr.write(`skipped: ${subject} (${why}); install it with: ${how}\n`)
}

let checks = ''

/** Adds what a question found to what `takeResultsHash` sums up. */
export function noteCheck(check: string): void {
  checks += `${check}\n`
}

/** The hash of all results since it was asked last: the same for whoever did the same work. */
export function takeResultsHash(): string {
  const hash = createHash('sha256').update(checks).digest('hex').slice(0, 16)
  checks = ''
  return hash
}

/** Median and spread of a subject's rounds. */
export function summarise(
  about: { question: string; metric: string; unit: string },
  subject: string,
  values: readonly number[],
): Figure {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { ...about, subject, median, min: sorted[0]!, max: sorted.at(-1)!, rounds: sorted.length }
}

/** The variants of question `i` of several: all of them, or small, one each, so that all have their turn. */
export function inTurn<T>(all: readonly T[], i: number, { small }: BenchParams): readonly T[] {
  return small ? [all[i % all.length]!] : all
}

/** The figure of a subject, for targets. */
export function figureOf(figures: readonly Figure[], subject: string, metric?: string): Figure | undefined {
  return figures.find((one) => one.subject === subject && (metric === undefined || one.metric === metric))
}

/** How many times better the first is than the second, larger being better; NaN when either is missing. */
export function ratio(
  figures: readonly Figure[],
  subject: string,
  peer: string,
  isLessBetter = false,
  metric?: string,
): number {
  const a = figureOf(figures, subject, metric)?.median ?? Number.NaN
  const b = figureOf(figures, peer, metric)?.median ?? Number.NaN
  return isLessBetter ? b / a : a / b
}
