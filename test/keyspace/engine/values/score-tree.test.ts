/** How much work a score tree does, how full its nodes are, and how V8 keeps them. */
import { setFlagsFromString } from 'node:v8'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Random, seededRandom } from '../../../../src/base/index.ts'
import type { ScoreNode } from '../../../../src/keyspace/engine/values/score-node.ts'
import { NODE_ENTRIES_MAX, ScoreTree } from '../../../../src/keyspace/engine/values/score-tree.ts'
import { checkScoreTree } from '../../../../src/keyspace/engine/values/score-tree-check.ts'

const MEMBERS = 100_000
const LOG2 = Math.log2(MEMBERS)

describe('with a hundred thousand members', () => {
  const random = seededRandom(7)
  const tree = new ScoreTree()
  const scores: number[] = []

  beforeAll(() => {
    for (let i = 0; i < MEMBERS; i++) {
      scores.push(random.next() * 1000)
      tree.insert(scores[i]!, name(i))
    }
    checkScoreTree(tree)
  })

  test('a look-up touches a quarter of log n nodes', () => {
    const worst = worstOf(tree, random, (i) => {
      const rank = tree.rank(scores[i]!, name(i))
      expect(tree.at(rank).member).toBe(name(i))
      tree.countBelowScore(scores[i]!, true)
    })
    expect(worst).toBeLessThanOrEqual((3 * LOG2) / 4)
  })

  test('a change touches no more than log n nodes', () => {
    const worst = worstOf(tree, random, (i) => {
      const score = random.next() * 1000
      tree.rescore(scores[i]!, name(i), score)
      scores[i] = score
    })
    expect(worst).toBeLessThanOrEqual(2 * LOG2)
    const worstPair = worstOf(tree, random, (i) => {
      expect(tree.delete(scores[i]!, name(i))).toBe(true)
      tree.insert(scores[i]!, name(i))
    })
    expect(worstPair).toBeLessThanOrEqual(2 * LOG2)
  })

  test('a range touches the leaves that it is in', () => {
    const worst = worstOf(tree, random, () => {
      const from = random.below(MEMBERS - 1000)
      tree.visit(from, from + 1000, random.next() < 0.5, () => {})
    })
    // Two neighbours hold more than half of what one may hold.
    expect(worst).toBeLessThanOrEqual(1000 / (NODE_ENTRIES_MAX / 4) + LOG2)
  })

  test('a slice of a removal touches one path for each leaf', () => {
    let left = MEMBERS / 2
    while (left > 0) {
      const before = tree.nodesTouched
      tree.removeRanks(1000, 1000 + Math.min(left, 500), () => {})
      left -= 500
      expect(tree.nodesTouched - before).toBeLessThanOrEqual((500 / (NODE_ENTRIES_MAX / 4) + 2) * 2 * LOG2)
    }
    checkScoreTree(tree)
  })

  test('what was thinned out at random still has few nodes', () => {
    tree.removeRanks(0, tree.size, () => {})
    expect(tree.nodeCount).toBe(1)
    for (let i = 0; i < MEMBERS; i++) tree.insert(scores[i]!, name(i))
    for (let i = 0; i < MEMBERS; i++) if (i % 20 !== 0) tree.delete(scores[i]!, name(i))
    checkScoreTree(tree)
    expect(tree.nodeCount).toBeLessThanOrEqual(tree.size / (NODE_ENTRIES_MAX / 4) + 2)
    for (let i = 0; i < MEMBERS; i += 20) tree.delete(scores[i]!, name(i))
    expect([tree.size, tree.nodeCount]).toEqual([0, 1])
  })
})

describe('filled in order', () => {
  test.each([
    ['ascending', 1],
    ['descending', -1],
  ])('%s scores fill the leaves', (_, step) => {
    const tree = new ScoreTree()
    for (let i = 0; i < 10_000; i++) tree.insert(i * step, name(i))
    checkScoreTree(tree)
    expect(tree.nodeCount).toBeLessThanOrEqual((10_000 / NODE_ENTRIES_MAX) * 1.06 + 2)
  })
})

test('a pair that comes and goes splits a leaf once, and joins nothing', () => {
  const tree = new ScoreTree()
  for (let i = 0; i < NODE_ENTRIES_MAX; i++) tree.insert(i, name(i))
  for (let i = 0; i < 10; i++) {
    tree.insert(10.5, 'guest')
    expect(tree.nodeCount).toBe(3)
    tree.delete(10.5, 'guest')
    expect(tree.nodeCount).toBe(3)
  }
  checkScoreTree(tree)
})

test('a score that changes within its leaf moves nothing else', () => {
  const tree = new ScoreTree()
  for (let i = 0; i < 10_000; i++) tree.insert(i, name(i))
  const before = tree.nodesTouched
  tree.rescore(5030, name(5030), 5032.5)
  expect(tree.nodesTouched - before).toBe(3)
  expect(tree.rank(5032.5, name(5030))).toBe(5032)
  checkScoreTree(tree)
})

test('scores are kept as plain doubles, whatever came first', () => {
  // Syntax that only V8 knows, on a function that only this test has.
  setFlagsFromString('--allow-natives-syntax')
  const isDoubles = new Function('list', 'return %HasDoubleElements(list)') as (list: unknown) => boolean
  const tree = new ScoreTree()
  for (let i = 0; i < 5000; i++) tree.insert((i * 7919) % 5000, name(i))
  for (let i = 0; i < 5000; i += 2) tree.rescore((i * 7919) % 5000, name(i), i + 0.5)
  tree.removeRanks(100, 3000, () => {})
  for (let i = 0; i < 3000; i++) tree.insert(-i, `z${i}`)
  const nodes: ScoreNode[] = [tree.root]
  for (const node of nodes) {
    nodes.push(...(node.children ?? []))
    expect(isDoubles(node.scores)).toBe(true)
  }
  expect(nodes).toHaveLength(tree.nodeCount)
})

function name(i: number): string {
  return `member:${i}`
}

/** The most nodes that one of a thousand steps touched. */
function worstOf(tree: ScoreTree, random: Random, step: (i: number) => void): number {
  let worst = 0
  for (let i = 0; i < 1000; i++) {
    const before = tree.nodesTouched
    step(random.below(MEMBERS))
    worst = Math.max(worst, tree.nodesTouched - before)
  }
  return worst
}
