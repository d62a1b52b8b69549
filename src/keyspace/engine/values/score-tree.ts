/**
 * Pairs of a score and a member in order, with the rank of each: what a sorted set is searched by.
 *
 * A B+ tree whose inner nodes count the pairs below each child. Redis has a skip list with spans; here that
 * would be an object, a tower and its spans for every pair, well over 100 bytes. The tree keeps up to 64
 * pairs next to each other in plain arrays and takes 25 to 30; a range runs along arrays, and a look-up among
 * a million passes four nodes in place of some forty. Order is by score, then by the bytes of the member.
 * Scores are any doubles but NaN; -0 equals 0.
 *
 * A node splits when it is too full. It is joined with a neighbour under the same parent only when both fit
 * into half a node: nothing is ever borrowed, and a pair that comes and goes does not split and join in
 * turns. What is added behind the last pair, or before the first, splits off alone, so that a set filled in
 * order has full leaves.
 *
 * Invariants (all checked by `checkScoreTree`)
 *   1. Pairs ascend strictly along the leaves, and the leaves' chain is the order of the tree.
 *   2. An inner node's pairs are exactly the first pairs of its children, its counts their sizes.
 *   3. No node but an empty root is empty; a root that is inner has two children or more.
 *   4. Two neighbours under one parent fill more than half a node together: a level has a fraction of the
 *      nodes of the one below, and the height is O(log n).
 *
 * Cost: every operation passes one path, O(log n) nodes, twice at most. Removing a range takes one path for
 * each leaf in it, so it can be done in slices of any size.
 * Tests: test/keyspace/engine/values/score-tree.test.ts, test/keyspace/engine/values/score-tree.prop.test.ts
 * Source: Bayer and McCreight's B-tree, with the counts of an order-statistic tree.
 */
import type { ByteString } from '../byte-string.ts'
import {
  childFor,
  emptyLeaf,
  insertEntry,
  insertPair,
  joinRight,
  lowerBound,
  memberBound,
  movePair,
  nodeOver,
  removeEntry,
  removePairs,
  type ScoreNode,
  scoreBound,
  setEntry,
  splitAt,
  unlink,
} from './score-node.ts'

/** A member and its score. */
export interface ScoredMember {
  readonly member: ByteString
  readonly score: number
}

/**
 * Pairs of a leaf, or children of an inner node, at most. V8 grows an array of 33 to 65 places: a half that
 * was split off grows once until it splits again, and then has no place unused.
 */
export const NODE_ENTRIES_MAX = 64

/**
 * Bytes of a node's objects, and of a pair in arrays with their unused places: as heap sizes were measured.
 */
const NODE_BYTES = 224
const PAIR_BYTES = 22

/** The inner nodes from the root down to a leaf, and the child that was taken in each; for one call. */
const PATH: (ScoreNode | undefined)[] = []
const PLACES: number[] = []

/** An ordered list of pairs that knows the rank of each. */
export class ScoreTree {
  /** Nodes that operations have looked at so far: for tests that bound the work. */
  nodesTouched = 0
  nodeCount = 1
  readonly entriesMax: number
  #root: ScoreNode = emptyLeaf()
  /** The place in the leaf that `#seek` found. */
  #offset = 0

  /** `entriesMax` is for tests: small nodes make a deep tree of few pairs. */
  constructor(entriesMax: number = NODE_ENTRIES_MAX) {
    this.entriesMax = entriesMax
  }

  get size(): number {
    return this.#root.size
  }

  /** The topmost node: for `checkScoreTree`. */
  get root(): ScoreNode {
    return this.#root
  }

  /** An estimate, without the members themselves. */
  get bytes(): number {
    return this.nodeCount * NODE_BYTES + this.#root.size * PAIR_BYTES
  }

  /** Adds a pair that is not there. */
  insert(score: number, member: ByteString): void {
    const right = this.#insertBelow(this.#root, score, member, true)
    if (right === undefined) return
    this.#root = nodeOver(this.#root, right)
    this.nodeCount++
  }

  /** Removes a pair; false when it was not there. */
  delete(score: number, member: ByteString): boolean {
    const isFound = this.#deleteBelow(this.#root, score, member)
    if (isFound) this.#lowerRoot()
    return isFound
  }

  /** Gives a pair that is there another score. Within its leaf nothing but the leaf changes. */
  rescore(score: number, member: ByteString, newScore: number): void {
    let node = this.#root
    let depth = 0
    this.nodesTouched++
    while (node.children !== undefined) {
      const child = childFor(node, score, member)
      PATH[depth] = node
      PLACES[depth++] = child
      node = node.children[child]!
      this.nodesTouched++
    }
    const from = lowerBound(node, score, member)
    const last = node.members.length - 1
    const to = lowerBound(node, newScore, member)
    // The first pair stands in the nodes above, and beyond the last another leaf may begin.
    if (from > 0 && to > 0 && (to <= last || node.next === undefined)) {
      movePair(node, from, to > from ? to - 1 : to, newScore)
    } else {
      this.#deleteAt(depth, node, from)
      this.insert(newScore, member)
    }
    // Else it would hold nodes that are gone.
    for (let i = 0; i < depth; i++) PATH[i] = undefined
  }

  /** How many pairs come before (score, member), whether it is there or not. */
  rank(score: number, member: ByteString): number {
    let node = this.#root
    let rank = 0
    this.nodesTouched++
    while (node.children !== undefined) {
      const child = childFor(node, score, member)
      rank += sumBefore(node, child)
      node = node.children[child]!
      this.nodesTouched++
    }
    return rank + lowerBound(node, score, member)
  }

  /** How many pairs have a score below `score`; with `isAfter`, a score of at most that. */
  countBelowScore(score: number, isAfter: boolean): number {
    let node = this.#root
    let count = 0
    this.nodesTouched++
    while (node.children !== undefined) {
      const child = Math.max(scoreBound(node, score, isAfter) - 1, 0)
      count += sumBefore(node, child)
      node = node.children[child]!
      this.nodesTouched++
    }
    return count + scoreBound(node, score, isAfter)
  }

  /** How many members are before `member`, or with `isAfter` not behind it. All scores must be the same. */
  countBelowMember(member: ByteString, isAfter: boolean): number {
    let node = this.#root
    let count = 0
    this.nodesTouched++
    while (node.children !== undefined) {
      const child = Math.max(memberBound(node, member, isAfter) - 1, 0)
      count += sumBefore(node, child)
      node = node.children[child]!
      this.nodesTouched++
    }
    return count + memberBound(node, member, isAfter)
  }

  /** The pair of a rank in [0, size). */
  at(rank: number): ScoredMember {
    const leaf = this.#seek(rank)
    return { member: leaf.members[this.#offset]!, score: leaf.scores[this.#offset]! }
  }

  /** Calls `each` for the ranks in [from, to), which are within [0, size]; backwards from the last. */
  visit(
    from: number,
    to: number,
    isReverse: boolean,
    each: (member: ByteString, score: number) => void,
  ): void {
    if (from >= to) return
    let left = to - from
    let leaf: ScoreNode | undefined = this.#seek(isReverse ? to - 1 : from)
    let offset = this.#offset
    while (leaf !== undefined && left > 0) {
      const { scores, members } = leaf
      if (isReverse) {
        for (; offset >= 0 && left > 0; offset--, left--) each(members[offset]!, scores[offset]!)
        leaf = leaf.previous
        offset = leaf === undefined ? 0 : leaf.members.length - 1
      } else {
        for (; offset < members.length && left > 0; offset++, left--) each(members[offset]!, scores[offset]!)
        leaf = leaf.next
        offset = 0
      }
      this.nodesTouched++
    }
  }

  /** The pairs of the ranks in [from, to). The tree must not change before it has ended. */
  *iterate(from: number, to: number, isReverse: boolean): Generator<ScoredMember, void, undefined> {
    if (from >= to) return
    let leaf: ScoreNode | undefined = this.#seek(isReverse ? to - 1 : from)
    let offset = this.#offset
    for (let left = to - from; left > 0; left--) {
      if (offset < 0 || offset >= leaf.members.length) {
        leaf = isReverse ? leaf.previous : leaf.next
        if (leaf === undefined) return
        offset = isReverse ? leaf.members.length - 1 : 0
      }
      yield { member: leaf.members[offset]!, score: leaf.scores[offset]! }
      offset += isReverse ? -1 : 1
    }
  }

  /** Removes the ranks in [from, to) and calls `each` for each of them, in order. */
  removeRanks(from: number, to: number, each: (member: ByteString, score: number) => void): void {
    for (let left = to - from; left > 0; ) {
      left -= this.#removeBelow(this.#root, from, left, each)
      this.#lowerRoot()
    }
  }

  /** The leaf of a rank in [0, size); `#offset` is the place in it. */
  #seek(rank: number): ScoreNode {
    let node = this.#root
    let left = rank
    this.nodesTouched++
    while (node.children !== undefined) {
      const counts = node.counts!
      let child = 0
      while (left >= counts[child]!) left -= counts[child++]!
      node = node.children[child]!
      this.nodesTouched++
    }
    this.#offset = left
    return node
  }

  /** The node to put behind `node` when it had to be split. `isLast`: none of its level is behind it. */
  #insertBelow(node: ScoreNode, score: number, member: ByteString, isLast: boolean): ScoreNode | undefined {
    this.nodesTouched++
    node.size++
    if (node.children === undefined) {
      const index = lowerBound(node, score, member)
      insertPair(node, index, score, member)
      if (node.members.length <= this.entriesMax) return undefined
      this.nodeCount++
      return splitAt(node, leafCut(node, index))
    }
    const index = childFor(node, score, member)
    const child = node.children[index]!
    const last = node.children.length - 1
    const right = this.#insertBelow(child, score, member, isLast && index === last)
    setEntry(node, index, child)
    if (right === undefined) return undefined
    insertEntry(node, index + 1, right)
    if (node.children.length <= this.entriesMax) return undefined
    this.nodeCount++
    // As with leaves: what grows at its end is filled in order.
    return splitAt(node, isLast && index === last ? last + 1 : node.children.length >>> 1)
  }

  #deleteBelow(node: ScoreNode, score: number, member: ByteString): boolean {
    this.nodesTouched++
    if (node.children === undefined) {
      const index = lowerBound(node, score, member)
      if (node.scores[index] !== score || node.members[index] !== member) return false
      removePairs(node, index, index + 1)
      node.size--
      return true
    }
    const index = childFor(node, score, member)
    if (!this.#deleteBelow(node.children[index]!, score, member)) return false
    node.size--
    this.#tend(node, index)
    return true
  }

  /** Removes the pair at `index` of a leaf that so many nodes of `PATH` lead to. */
  #deleteAt(depth: number, leaf: ScoreNode, index: number): void {
    removePairs(leaf, index, index + 1)
    leaf.size--
    for (let i = depth - 1; i >= 0; i--) {
      const node = PATH[i]!
      node.size--
      this.#tend(node, PLACES[i]!)
    }
    this.#lowerRoot()
  }

  /** Removes what one leaf holds of the ranks in [from, from + count): at least one pair. */
  #removeBelow(
    node: ScoreNode,
    from: number,
    count: number,
    each: (member: ByteString, score: number) => void,
  ): number {
    this.nodesTouched++
    if (node.children === undefined) {
      const to = Math.min(from + count, node.members.length)
      for (let i = from; i < to; i++) each(node.members[i]!, node.scores[i]!)
      removePairs(node, from, to)
      node.size -= to - from
      return to - from
    }
    const counts = node.counts!
    let index = 0
    let rank = from
    while (rank >= counts[index]!) rank -= counts[index++]!
    const removed = this.#removeBelow(node.children[index]!, rank, count, each)
    node.size -= removed
    this.#tend(node, index)
    return removed
  }

  /** After a child has lost pairs: takes over what it is now, or removes it, or joins it with a neighbour. */
  #tend(node: ScoreNode, index: number): void {
    const child = node.children![index]!
    if (child.size === 0) {
      if (child.children === undefined) unlink(child)
      removeEntry(node, index)
      this.nodeCount--
    } else {
      setEntry(node, index, child)
      // With neither neighbour it fits into half a node: they need not be looked at.
      if (child.members.length > this.entriesMax >>> 1) return
      this.#joinIfSmall(node, index)
    }
    this.#joinIfSmall(node, index - 1)
  }

  /** Joins the children at `index` and behind it when both fit into half a node. */
  #joinIfSmall(node: ScoreNode, index: number): void {
    const left = node.children![index]
    const right = node.children![index + 1]
    if (left === undefined || right === undefined) return
    this.nodesTouched += 2
    if (left.members.length + right.members.length > this.entriesMax >>> 1) return
    joinRight(left, right)
    setEntry(node, index, left)
    removeEntry(node, index + 1)
    this.nodeCount--
  }

  /** An inner root with one child gives way to it. */
  #lowerRoot(): void {
    while (this.#root.children !== undefined && this.#root.children.length < 2) {
      const only = this.#root.children[0]
      // Without any child nothing is left: an empty leaf takes the root's place.
      this.#root = only ?? emptyLeaf()
      if (only !== undefined) this.nodeCount--
    }
  }
}

/** The pairs below the children before `child`. */
function sumBefore(node: ScoreNode, child: number): number {
  const counts = node.counts!
  let sum = 0
  for (let i = 0; i < child; i++) sum += counts[i]!
  return sum
}

/** Where a leaf is cut that became too full at `index`. */
function leafCut(leaf: ScoreNode, index: number): number {
  const last = leaf.members.length - 1
  if (index === last && leaf.next === undefined) return last
  // Nothing is ever put before the first pair of any leaf but the first.
  if (index === 0) return 1
  return leaf.members.length >>> 1
}
