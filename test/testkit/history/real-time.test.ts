/** Few edges, and none missing: reachability is the order of the clock. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { DependencyGraph } from '../../../src/testkit/history/dependencies.ts'
import { addRealTime } from '../../../src/testkit/history/real-time.ts'
import type { Transaction } from '../../../src/testkit/index.ts'

test('what is reachable is exactly what had not returned too late', () => {
  for (let seed = 0; seed < 200; seed++) {
    const random = seededRandom(seed)
    const history = Array.from({ length: 20 }, (): Transaction => {
      const callAt = random.below(40)
      return random.below(8) === 0
        ? { steps: [], status: 'unknown', callAt }
        : { steps: [], callAt, returnAt: callAt + random.below(10) }
    })
    const graph = new DependencyGraph(history.length)
    addRealTime(graph, history, () => true)
    const reaches = (from: number, to: number): boolean =>
      graph.edges.some((edge) => edge.from === from && (edge.to === to || reaches(edge.to, to)))
    for (const [i, a] of history.entries()) {
      for (const [j, b] of history.entries()) {
        const isBefore = a.status !== 'unknown' && a.returnAt! < b.callAt
        expect(reaches(i, j), `seed ${seed}: ${i} ${j}`).toBe(isBefore)
        // None of the edges follows from two others.
        const isEdge = graph.edges.some(({ from, to }) => from === i && to === j)
        const isBetween = (c: Transaction) =>
          c.status !== 'unknown' && a.returnAt! < c.callAt && c.returnAt! < b.callAt
        if (isEdge) expect(history.some(isBetween)).toBe(false)
      }
    }
  }
})
