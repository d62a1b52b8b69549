/**
 * Edges of real time: who had returned when who was called, without those that follow from others.
 *
 * All pairs would be n². The frontier is what has returned and precedes nothing that has: a new call needs
 * edges from the frontier only, and what returns replaces in it whatever had returned before its call. The
 * frontier is never larger than the number of calls that overlap.
 *
 * Cost: n log n to sort, then one edge per call and member of the frontier.
 * Tests: test/testkit/history/real-time.test.ts. Source: the real-time graph of Elle.
 */
import { type DependencyGraph, RT } from './dependencies.ts'
import type { Transaction } from './transactions.ts'

/** Adds the real-time order of all that took effect. */
export function addRealTime(
  graph: DependencyGraph,
  transactions: readonly Transaction[],
  tookEffect: (index: number) => boolean,
): void {
  const nodes = [...transactions.keys()].filter(tookEffect)
  const endOf = (index: number) => {
    const { status, returnAt } = transactions[index]!
    return status === 'unknown' ? Number.POSITIVE_INFINITY : returnAt!
  }
  const byCall = [...nodes].sort((a, b) => transactions[a]!.callAt - transactions[b]!.callAt)
  const byReturn = [...nodes].sort((a, b) => endOf(a) - endOf(b))
  let frontier: number[] = []
  let returned = 0
  for (const called of byCall) {
    const { callAt } = transactions[called]!
    for (; returned < byReturn.length && endOf(byReturn[returned]!) < callAt; returned++) {
      const done = byReturn[returned]!
      frontier = frontier.filter((before) => endOf(before) >= transactions[done]!.callAt)
      frontier.push(done)
    }
    for (const before of frontier) graph.add(before, called, RT)
  }
}
