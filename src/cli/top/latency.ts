/**
 * Percentiles from LATENCY HISTOGRAM: of the calls between two readings, or of all.
 *
 * The server counts calls up to a bound in microseconds, cumulatively, over its whole life. The difference of
 * two readings is the distribution of what happened between them, which is what somebody wants to see of a
 * server that is slow now. A percentile is the bound of its bucket, so it is never too small.
 *
 * Tests: test/cli/top/latency.test.ts
 */

/** Calls of one command. */
export interface CommandHistogram {
  readonly calls: number
  /** Bound in microseconds and how many calls took no longer, growing in both. */
  readonly buckets: readonly (readonly [number, number])[]
}

/** What somebody reads of a command. */
export interface CommandLatency {
  readonly p50Us: number
  readonly p99Us: number
  readonly maxUs: number
}

/** What was added since `before`; all of it when the counters were reset between. */
export function histogramSince(
  now: CommandHistogram,
  before: CommandHistogram | undefined,
): CommandHistogram {
  if (before === undefined || before.calls > now.calls) return now
  const buckets = now.buckets.map(([bound, count]) => [bound, count - countUpTo(before, bound)] as const)
  return { calls: now.calls - before.calls, buckets: buckets.filter(([, count]) => count > 0) }
}

/** The figures of a distribution, or of another one when it is empty; zeros when that is too. */
export function latencyOf(since: CommandHistogram, otherwise: CommandHistogram = since): CommandLatency {
  const histogram = since.calls > 0 ? since : otherwise
  return {
    p50Us: percentile(histogram, 0.5),
    p99Us: percentile(histogram, 0.99),
    maxUs: percentile(histogram, 1),
  }
}

function percentile({ buckets }: CommandHistogram, part: number): number {
  const total = buckets.at(-1)?.[1] ?? 0
  const wanted = Math.max(1, Math.ceil(total * part))
  return buckets.find(([, count]) => count >= wanted)?.[0] ?? 0
}

/** Calls that took no longer than a bound. */
function countUpTo({ buckets }: CommandHistogram, bound: number): number {
  return buckets.findLast(([other]) => other <= bound)?.[1] ?? 0
}
