/**
 * Union, intersection and difference of sorted sets and of sets, whose members count with score 1.
 *
 * Sums of doubles depend on their order. Redis takes the smallest set first, and so do we, for this reason as
 * well as for speed; infinity minus infinity is 0, as there. The result is ordered once at its end: inserting
 * each member where it belongs takes longer, and a union changes scores until the last set was seen.
 *
 * Cost: a look-up per member and set, and O(m log m) to order the m members of the result.
 * Tests: test/keyspace/commands/sorted-set-algebra-commands.test.ts
 * Source: Redis 7.2, src/t_zset.c (zunionInterDiffGenericCommand, zdiff).
 */
import {
  ByteDictionary,
  type ByteString,
  type Database,
  type ScoredMember,
  type SetValue,
  type SortedSetValue,
  WRONG_TYPE,
} from '../engine/index.ts'

/** How the scores that a member has in several sets become one. */
export type Aggregate = 'SUM' | 'MIN' | 'MAX'

/** One of the sets. */
export interface Source {
  readonly size: number
  score(member: ByteString): number | undefined
  members(): Iterable<ScoredMember>
}

/** A set with the factor of its scores. */
export interface WeightedSource {
  readonly source: Source
  readonly weight: number
}

const EMPTY: Source = { size: 0, score: () => undefined, members: () => [] }

/** What a key holds, as a set with scores. @throws WRONG_TYPE */
export function sourceOf(db: Database, key: ByteString): Source {
  switch (db.typeOf(key)) {
    case 'zset':
      return scoredSource(db.sortedSet(key))
    case 'set':
      return plainSource(db.set(key), db.nowMs)
    case undefined:
      return EMPTY
    default:
      throw WRONG_TYPE
  }
}

function scoredSource(set: SortedSetValue | undefined): Source {
  if (set === undefined) return EMPTY
  return {
    size: set.size,
    score: (member) => set.score(member),
    members: () => set.iterate(0, set.size),
  }
}

function plainSource(set: SetValue | undefined, nowMs: number): Source {
  if (set === undefined) return EMPTY
  return {
    size: set.size,
    score: (member) => (set.has(member, nowMs) ? 1 : undefined),
    *members() {
      for (const member of set.members(nowMs)) yield { member, score: 1 }
    },
  }
}

/** All members, each once. In no order. */
export function* union(inputs: readonly WeightedSource[], aggregate: Aggregate): Iterable<ScoredMember> {
  const scores = new ByteDictionary<number>({ keepsOrder: false })
  for (const { source, weight } of smallestFirst(inputs)) {
    for (const { member, score } of source.members()) {
      const weighted = numberOrZero(score * weight)
      const place = scores.indexOf(member)
      if (place === -1) scores.set(member, weighted)
      else scores.setAt(place, aggregated(scores.valueAt(place), weighted, aggregate))
    }
  }
  for (const [member, score] of scores.entries()) yield { member, score }
}

/** The members that all sets have. In no order. */
export function* intersection(
  inputs: readonly WeightedSource[],
  aggregate: Aggregate,
): Iterable<ScoredMember> {
  const [smallest, ...others] = smallestFirst(inputs)
  if (smallest === undefined) return
  next: for (const { member, score } of smallest.source.members()) {
    let sum = numberOrZero(score * smallest.weight)
    for (const { source, weight } of others) {
      const other = source.score(member)
      if (other === undefined) continue next
      // Unlike in a union, what is not a number goes into the sum, which is then 0.
      sum = aggregated(sum, other * weight, aggregate)
    }
    yield { member, score: sum }
  }
}

/** The members of the first set that no other has, by whichever way looks at fewer members. In no order. */
export function* difference(sources: readonly Source[]): Iterable<ScoredMember> {
  const [first, ...rest] = sources
  if (first === undefined || first.size === 0) return
  // The largest is the most likely to have a member.
  const others = rest.filter(({ size }) => size > 0).sort((a, b) => b.size - a.size)
  const othersSize = others.reduce((sum, { size }) => sum + size, 0)
  if ((first.size * others.length) / 2 <= first.size + othersSize) {
    for (const scored of first.members()) {
      if (others.every((other) => other.score(scored.member) === undefined)) yield scored
    }
    return
  }
  const excluded = new ByteDictionary<undefined>({ isSet: true, keepsOrder: false })
  for (const other of others) for (const { member } of other.members()) excluded.set(member, undefined)
  for (const scored of first.members()) if (!excluded.has(scored.member)) yield scored
}

/** The members as a sorted set has them. */
export function inOrder(members: Iterable<ScoredMember>): ScoredMember[] {
  // Not a difference of scores: that of two infinities is not a number.
  return [...members].sort((a, b) => {
    if (a.score !== b.score) return a.score < b.score ? -1 : 1
    return a.member < b.member ? -1 : 1
  })
}

function smallestFirst(inputs: readonly WeightedSource[]): WeightedSource[] {
  return [...inputs].sort((a, b) => a.source.size - b.source.size)
}

function aggregated(a: number, b: number, aggregate: Aggregate): number {
  switch (aggregate) {
    case 'SUM':
      return numberOrZero(a + b)
    case 'MIN':
      return b < a ? b : a
    case 'MAX':
      return b > a ? b : a
  }
}

function numberOrZero(score: number): number {
  return Number.isNaN(score) ? 0 : score
}
