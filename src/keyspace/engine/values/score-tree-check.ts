/**
 * Checks everything that must hold of a score tree: for tests, after every step.
 * Tests: test/keyspace/engine/values/score-tree.prop.test.ts
 */
import { assert } from '../../../base/index.ts'
import type { ScoreNode } from './score-node.ts'
import type { ScoreTree } from './score-tree.ts'

/** Walks the whole tree. @throws SHL_ASSERTION with the invariant that is broken. */
export function checkScoreTree(tree: ScoreTree): void {
  const { root, entriesMax } = tree
  const leaves: ScoreNode[] = []
  const depths = new Set<number>()
  let nodeCount = 0
  const check = (node: ScoreNode, depth: number): void => {
    nodeCount++
    const { scores, members, children, counts } = node
    assert(scores.length === members.length, 'scores and members are parallel')
    assert(members.length <= entriesMax, 'no node is too full')
    assert(members.length > 0 || (node === root && children === undefined), 'only an empty root is empty')
    if (children === undefined) {
      assert(counts === undefined && node.size === members.length, "a leaf's size is its number of pairs")
      leaves.push(node)
      depths.add(depth)
      return
    }
    assert(counts !== undefined && counts.length === children.length, 'every child is counted')
    assert(children.length === members.length, 'every child has its first pair in its parent')
    assert(node !== root || children.length > 1, 'a root over one child gives way')
    let sum = 0
    children.forEach((child, i) => {
      check(child, depth + 1)
      sum += child.size
      assert(counts[i] === child.size, 'a count is the size of its child')
      assert(
        Object.is(scores[i], child.scores[0]) && members[i] === child.members[0],
        'a first pair is exact',
      )
      const next = children[i + 1]
      if (next === undefined) return
      assert(child.members.length + next.members.length > entriesMax >>> 1, 'neighbours fill half a node')
    })
    assert(node.size === sum, 'a size is the sum of the counts')
  }
  check(root, 0)
  assert(depths.size === 1, 'all leaves are equally deep')
  assert(nodeCount === tree.nodeCount, 'every node is counted')
  checkLeaves(leaves)
}

function checkLeaves(leaves: readonly ScoreNode[]): void {
  let score = Number.NEGATIVE_INFINITY
  let member: string | undefined
  leaves.forEach((leaf, i) => {
    assert(leaf.previous === leaves[i - 1] && leaf.next === leaves[i + 1], 'the chain is in order')
    leaf.members.forEach((here, j) => {
      const hereScore = leaf.scores[j]!
      const isAfter = member === undefined || hereScore > score || (hereScore === score && here > member)
      assert(isAfter, 'pairs ascend strictly')
      score = hereScore
      member = here
    })
  })
}
