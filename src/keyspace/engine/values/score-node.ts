/**
 * One node of a score tree, and what is done to a single node: search, insert, cut, join.
 *
 * A leaf holds pairs, an inner node holds children; both carry the pairs by which they are searched in two
 * parallel arrays, so that a search reads numbers next to each other and touches a member only where scores
 * are equal. Scores live in an array that V8 keeps as plain doubles, 8 bytes each, from the first element on.
 *
 *     inner  scores   [ s0 │ s1 │ s2 ]   the first pair of each child, exactly
 *            members  [ m0 │ m1 │ m2 ]
 *            counts   [ 64 │ 41 │ 57 ]   pairs below each child: no child is touched to add them up
 *            children [  • │  • │  • ]
 *     leaf   scores   [ s0 │ s1 │ …  ]   the pairs themselves, in order
 *            members  [ m0 │ m1 │ …  ]   previous, next: the leaves beside it
 *
 * Tests: test/keyspace/engine/values/score-tree.test.ts, test/keyspace/engine/values/score-tree.prop.test.ts
 */
import type { ByteString } from '../byte-string.ts'

/** A node: a leaf when it has no `children`. */
export class ScoreNode {
  scores: number[]
  members: ByteString[]
  children: ScoreNode[] | undefined
  counts: number[] | undefined
  /** Pairs in and below this node. */
  size: number
  previous: ScoreNode | undefined = undefined
  next: ScoreNode | undefined = undefined

  constructor(
    scores: number[],
    members: ByteString[],
    children: ScoreNode[] | undefined,
    counts: number[] | undefined,
    size: number,
  ) {
    this.scores = scores
    this.members = members
    this.children = children
    this.counts = counts
    this.size = size
  }
}

/** A leaf without pairs. */
export function emptyLeaf(): ScoreNode {
  return new ScoreNode(emptyScores(), [], undefined, undefined, 0)
}

/** An inner node over two nodes. */
export function nodeOver(left: ScoreNode, right: ScoreNode): ScoreNode {
  const node = new ScoreNode(emptyScores(), [], [], [], left.size + right.size)
  insertEntry(node, 0, left)
  insertEntry(node, 1, right)
  return node
}

/**
 * An array that V8 keeps as doubles: so it does from a first element with a fraction on, also when emptied.
 */
function emptyScores(): number[] {
  const scores = [0.5]
  scores.length = 0
  return scores
}

/** The first index whose pair is at or after (score, member). */
export function lowerBound(node: ScoreNode, score: number, member: ByteString): number {
  const { scores, members } = node
  let low = 0
  let high = members.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const here = scores[middle]!
    if (here < score || (here === score && members[middle]! < member)) low = middle + 1
    else high = middle
  }
  return low
}

/** The child that holds (score, member), or would. */
export function childFor(node: ScoreNode, score: number, member: ByteString): number {
  const { scores, members } = node
  // The last child whose first pair is not after it; the first child takes what is before everything.
  let low = 1
  let high = members.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const here = scores[middle]!
    if (here < score || (here === score && members[middle]! <= member)) low = middle + 1
    else high = middle
  }
  return low - 1
}

/** The first index whose score is not before `score`, or, with `isAfter`, is after it. */
export function scoreBound(node: ScoreNode, score: number, isAfter: boolean): number {
  const { scores } = node
  let low = 0
  let high = scores.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const here = scores[middle]!
    if (here < score || (isAfter && here === score)) low = middle + 1
    else high = middle
  }
  return low
}

/** The first index whose member is not before `member`, or, with `isAfter`, is after it. */
export function memberBound(node: ScoreNode, member: ByteString, isAfter: boolean): number {
  const { members } = node
  let low = 0
  let high = members.length
  while (low < high) {
    const middle = (low + high) >>> 1
    const here = members[middle]!
    if (here < member || (isAfter && here === member)) low = middle + 1
    else high = middle
  }
  return low
}

/**
 * Puts a pair at `index`. Loops, here and below, each over one kind of array: `splice` makes an array of what
 * it removes, also of nothing, and one helper for all kinds would have V8 make them all arrays of objects.
 */
export function insertPair(node: ScoreNode, index: number, score: number, member: ByteString): void {
  const { scores, members } = node
  scores.push(score)
  members.push(member)
  for (let i = members.length - 1; i > index; i--) {
    scores[i] = scores[i - 1]!
    members[i] = members[i - 1]!
  }
  scores[index] = score
  members[index] = member
}

/** Removes the pairs from `from` to `to`, exclusive. */
export function removePairs(node: ScoreNode, from: number, to: number): void {
  const { scores, members } = node
  const length = members.length - (to - from)
  for (let i = from; i < length; i++) {
    scores[i] = scores[i + to - from]!
    members[i] = members[i + to - from]!
  }
  // To set a length is a call into the runtime.
  for (let i = from; i < to; i++) {
    scores.pop()
    members.pop()
  }
}

/** Puts a child at `index`. */
export function insertEntry(node: ScoreNode, index: number, child: ScoreNode): void {
  insertPair(node, index, child.scores[0]!, child.members[0]!)
  const children = node.children!
  const counts = node.counts!
  children.push(child)
  counts.push(child.size)
  for (let i = children.length - 1; i > index; i--) {
    children[i] = children[i - 1]!
    counts[i] = counts[i - 1]!
  }
  children[index] = child
  counts[index] = child.size
}

/** Writes down what the child at `index` is now. */
export function setEntry(node: ScoreNode, index: number, child: ScoreNode): void {
  node.counts![index] = child.size
  node.scores[index] = child.scores[0]!
  node.members[index] = child.members[0]!
}

/** Takes the child at `index` out. */
export function removeEntry(node: ScoreNode, index: number): void {
  removePairs(node, index, index + 1)
  const children = node.children!
  const counts = node.counts!
  for (let i = index + 1; i < children.length; i++) {
    children[i - 1] = children[i]!
    counts[i - 1] = counts[i]!
  }
  children.pop()
  counts.pop()
}

/** Moves the pair at `from` of a leaf to `to`, with another score. */
export function movePair(leaf: ScoreNode, from: number, to: number, score: number): void {
  const { scores, members } = leaf
  const member = members[from]!
  const step = from < to ? 1 : -1
  for (let i = from; i !== to; i += step) {
    scores[i] = scores[i + step]!
    members[i] = members[i + step]!
  }
  scores[to] = score
  members[to] = member
}

/** Takes what is from `index` on out of a node, as a new node behind it. */
export function splitAt(node: ScoreNode, index: number): ScoreNode {
  const { children, counts } = node
  const right = new ScoreNode(
    node.scores.slice(index),
    node.members.slice(index),
    children?.slice(index),
    counts?.slice(index),
    0,
  )
  node.scores.length = index
  node.members.length = index
  if (children === undefined || counts === undefined) {
    right.size = right.members.length
    linkAfter(node, right)
  } else {
    children.length = index
    counts.length = index
    for (const count of right.counts!) right.size += count
  }
  node.size -= right.size
  return right
}

/** Appends what `right`, the node behind `node`, holds. `right` is empty of use afterwards. */
export function joinRight(node: ScoreNode, right: ScoreNode): void {
  const { scores, members, children, counts } = right
  for (let i = 0; i < members.length; i++) {
    node.scores.push(scores[i]!)
    node.members.push(members[i]!)
  }
  if (children === undefined || counts === undefined) unlink(right)
  else {
    for (let i = 0; i < children.length; i++) {
      node.children!.push(children[i]!)
      node.counts!.push(counts[i]!)
    }
  }
  node.size += right.size
}

function linkAfter(leaf: ScoreNode, added: ScoreNode): void {
  added.previous = leaf
  added.next = leaf.next
  if (leaf.next !== undefined) leaf.next.previous = added
  leaf.next = added
}

/** Takes a leaf out of the chain. */
export function unlink(leaf: ScoreNode): void {
  if (leaf.previous !== undefined) leaf.previous.next = leaf.next
  if (leaf.next !== undefined) leaf.next.previous = leaf.previous
}
