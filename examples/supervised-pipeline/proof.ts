/**
 * The proof: what clients were told, beside what stands in the file.
 *
 * It knows nothing of how results were found: factors are right when they are prime and multiply to the
 * number, which no other ascending list does.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { isPrime, type Result } from './job.ts'

/** What clients know of their jobs: id → number. */
export interface Claims {
  /** Answered with 202. */
  readonly accepted: Map<string, number>
  /** Answered with 429, and nothing else. */
  readonly refused: Map<string, number>
  /** Neither: it may be written, once. */
  readonly unanswered: Map<string, number>
}

/** What was found. Lists hold ids. */
export interface Proof {
  readonly isRight: boolean
  readonly accepted: number
  readonly refused: number
  readonly unanswered: number
  readonly lines: number
  /** Accepted, and not written. */
  readonly lost: readonly string[]
  /** Written more than once. */
  readonly doubled: readonly string[]
  /** Written with another number, or with factors that are none. */
  readonly wrong: readonly string[]
  /** Written, though no client was told that it was accepted. */
  readonly uninvited: readonly string[]
  /** Lines that are no result at all. */
  readonly broken: number
  /** Unanswered jobs that are written. */
  readonly unansweredWritten: number
  readonly byVersion: Readonly<Record<string, number>>
}

/** Compares claims with the text of the file. */
export function prove(claims: Claims, text: string): Proof {
  const { accepted, refused, unanswered } = claims
  const times = new Map<string, number>()
  const wrong = new Set<string>()
  const uninvited = new Set<string>()
  const byVersion: Record<string, number> = {}
  const lines = text.split('\n').filter((line) => line !== '')
  let broken = text === '' || text.endsWith('\n') ? 0 : 1
  for (const line of lines) {
    const result = readResult(line)
    if (result === undefined) {
      broken++
      continue
    }
    const { id, version } = result
    times.set(id, (times.get(id) ?? 0) + 1)
    byVersion[`v${version}`] = (byVersion[`v${version}`] ?? 0) + 1
    const n = accepted.get(id) ?? unanswered.get(id)
    if (n === undefined) uninvited.add(id)
    else if (!isRightResult(n, result)) wrong.add(id)
  }
  const lost = [...accepted.keys()].filter((id) => !times.has(id))
  const doubled = [...times].filter(([, count]) => count > 1).map(([id]) => id)
  return {
    isRight: lost.length + doubled.length + wrong.size + uninvited.size + broken === 0,
    accepted: accepted.size,
    refused: refused.size,
    unanswered: unanswered.size,
    lines: lines.length,
    lost,
    doubled,
    wrong: [...wrong],
    uninvited: [...uninvited],
    broken,
    unansweredWritten: [...unanswered.keys()].filter((id) => times.has(id)).length,
    byVersion,
  }
}

function isRightResult(n: number, { n: written, factors }: Result): boolean {
  if (written !== n || !factors.every((one) => Number.isSafeInteger(one))) return false
  const isAscending = factors.every((one, i) => i === 0 || one >= factors[i - 1]!)
  const product = factors.reduce((all, one) => all * BigInt(one), 1n)
  return isAscending && product === BigInt(n) && factors.every((one) => isPrime(BigInt(one)))
}

function readResult(line: string): Result | undefined {
  try {
    const result = JSON.parse(line) as Partial<Result> | null
    const isResult = typeof result?.id === 'string' && Array.isArray(result.factors)
    return isResult ? (result as Result) : undefined
  } catch {
    return undefined // A line that was cut off.
  }
}
