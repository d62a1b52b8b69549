/**
 * A sorted set: members with a score each, in order of score and then of bytes.
 *
 * Two structures over the same strings, as in Redis: a dictionary for the score of a member, and a tree for
 * what needs the order. Where Redis' tree is a skip list, ours is a B+ tree with counts: `score-tree.ts` says
 * why. Ranks are the one currency of ranges: a range by score or by member becomes a range of ranks in
 * O(log n), and everything that reads or removes takes ranks.
 *
 *     dictionary   "b" → 2.5                       score(), scan(), random()
 *     tree         (1, "c") (2.5, "a") (2.5, "b")  rank(), at(), ranges, pops
 *     expiry       "b" → time                      made when a member gets one
 *
 * A member whose time is over counts and has its rank until `takeExpired` removes it: ranks cannot leave out
 * what is still in the tree. Take all that are due before a command looks at the set.
 *
 * Invariants: (1) dictionary and tree hold the same pairs, and the same strings, not copies; (2) no score is
 * NaN; (3) `encoding` never goes back to `listpack`; (4) only members have an expiry.
 * Cost: score O(1); set, delete, rank, at, ranges O(log n) and what they return. About 27 bytes a member in
 * the tree, the dictionary's besides.
 * Tests: test/keyspace/engine/values/sorted-set-value.test.ts, sorted-set-value.prop.test.ts
 */
import { assert, type Random } from '../../../base/index.ts'
import type { ByteString } from '../byte-string.ts'
import { ByteDictionary, type ByteDictionaryOptions } from './byte-dictionary.ts'
import { MemberExpiry } from './member-expiry.ts'
import { distinctPlaces } from './sampling.ts'
import type { LexRange, RankRange, ScoreRange } from './score-range.ts'
import { type ScoredMember, ScoreTree } from './score-tree.ts'
import { checkScoreTree } from './score-tree-check.ts'

export type SortedSetEncoding = 'listpack' | 'skiplist'

/** A member as it is stored, for a copy of the set. */
export interface SortedSetEntry {
  readonly member: ByteString
  readonly score: number
  /** 0 when it does not expire. */
  readonly expireAtMs: number
}

/** Of the object around dictionary and tree. */
const SORTED_SET_BYTES = 96

/** A number that is not a small integer is an object of its own in the dictionary. */
const BOXED_SCORE_BYTES = 16

const OPTIONS: ByteDictionaryOptions<number> = {
  keepsOrder: false,
  valueBytes: (score) => ((score | 0) === score ? 0 : BOXED_SCORE_BYTES),
}

/** Members in order of their scores. */
export class SortedSetValue {
  readonly #listpackEntriesMax: number
  readonly #listpackValueBytesMax: number
  readonly #seed: number
  readonly #scores: ByteDictionary<number>
  readonly #tree = new ScoreTree()
  #expiry: MemberExpiry | undefined
  #encoding: SortedSetEncoding = 'listpack'

  /** The limits of the encoding `listpack`: zset-max-listpack-entries and zset-max-listpack-value. */
  constructor(listpackEntriesMax = 128, listpackValueBytesMax = 64, seed = 0) {
    this.#listpackEntriesMax = listpackEntriesMax
    this.#listpackValueBytesMax = listpackValueBytesMax
    this.#seed = seed
    this.#scores = new ByteDictionary(seed === 0 ? OPTIONS : { ...OPTIONS, seed })
  }

  /** Members, with those that have expired and have not been taken yet. */
  get size(): number {
    return this.#scores.size
  }

  /** An estimate of the memory of all of it. */
  get bytes(): number {
    return SORTED_SET_BYTES + this.#scores.bytes + this.#tree.bytes + (this.#expiry?.bytes ?? 0)
  }

  /** What OBJECT ENCODING answers. */
  get encoding(): SortedSetEncoding {
    return this.#encoding
  }

  score(member: ByteString): number | undefined {
    return this.#scores.get(member)
  }

  /**
   * Gives a member a score, which is not NaN. Its expiry stays: `persist` takes it away. -0 and 0 are the
   * same score, of which the first one given stays.
   */
  set(member: ByteString, score: number): 'added' | 'updated' | 'same' {
    assert(!Number.isNaN(score), 'a score is a number')
    const place = this.#scores.indexOf(member)
    if (place === -1) {
      this.#chooseEncoding(member)
      const stored = this.#stored(score)
      this.#scores.set(member, stored)
      this.#tree.insert(stored, member)
      return 'added'
    }
    const old = this.#scores.valueAt(place)
    if (old === score) return 'same'
    const stored = this.#stored(score)
    this.#scores.setAt(place, stored)
    // The key of the dictionary, not the argument: an equal string would be held a second time.
    this.#tree.rescore(old, this.#scores.keyAt(place), stored)
    return 'updated'
  }

  /** Whether it was there. */
  delete(member: ByteString): boolean {
    const place = this.#scores.indexOf(member)
    if (place === -1) return false
    this.#tree.delete(this.#scores.valueAt(place), member)
    this.#forget(member, place)
    return true
  }

  /** How many members are before it; undefined when it is not there. From behind: `size - 1 - rank`. */
  rank(member: ByteString): number | undefined {
    const score = this.#scores.get(member)
    return score === undefined ? undefined : this.#tree.rank(score, member)
  }

  /** The member of a rank in [0, size). */
  at(rank: number): ScoredMember {
    assert(rank >= 0 && rank < this.size, 'a rank is within the set')
    return this.#tree.at(rank)
  }

  /** The rank of the first member in a range of scores; undefined when there is none. */
  firstRankIn(range: ScoreRange): number | undefined {
    const { from, to } = this.ranksInScore(range)
    return from < to ? from : undefined
  }

  /** How many members have a score in the range. */
  countIn(range: ScoreRange): number {
    const { from, to } = this.ranksInScore(range)
    return to - from
  }

  /** The ranks of the members whose scores are in a range. */
  ranksInScore(range: ScoreRange): RankRange {
    const from = this.#tree.countBelowScore(range.min, range.minExclusive)
    const to = this.#tree.countBelowScore(range.max, !range.maxExclusive)
    return { from, to: Math.max(from, to) }
  }

  /** The ranks of the members in a range. Meant for one score in all; with others the answer is any range. */
  ranksInLex({ min, max }: LexRange): RankRange {
    const from = this.#rankOfBound(min.kind, min.value, min.exclusive)
    const to = this.#rankOfBound(max.kind, max.value, !max.exclusive)
    return { from, to: Math.max(from, to) }
  }

  /**
   * Calls `each` for the ranks in [from, to), cut to those there are; `isReverse`: from the last to the
   * first.
   */
  visit(
    from: number,
    to: number,
    isReverse: boolean,
    each: (member: ByteString, score: number) => void,
  ): void {
    this.#tree.visit(Math.max(from, 0), Math.min(to, this.size), isReverse, each)
  }

  /** As `visit`, one by one; the set must not change meanwhile. */
  iterate(from: number, to: number, isReverse = false): IterableIterator<ScoredMember> {
    return this.#tree.iterate(Math.max(from, 0), Math.min(to, this.size), isReverse)
  }

  /** Removes at most `count` members from the lowest score on, and returns them in that order. */
  popMin(count: number): ScoredMember[] {
    return this.removeRanks(0, count)
  }

  /** Removes at most `count` members from the highest score down, and returns them in that order. */
  popMax(count: number): ScoredMember[] {
    return this.removeRanks(this.size - count, this.size).reverse()
  }

  /**
   * Removes the first `limit` of the ranks in [from, to), and returns them in order. For a large range in
   * slices: call it again with `to` less what was removed, until nothing is. Between two slices the set is
   * whole, with the rest of the range still in it.
   */
  removeRanks(from: number, to: number, limit: number = Number.POSITIVE_INFINITY): ScoredMember[] {
    const removed: ScoredMember[] = []
    const start = Math.max(from, 0)
    this.#tree.removeRanks(start, Math.min(to, this.size, start + limit), (member, score) => {
      removed.push({ member, score })
    })
    for (const { member } of removed) this.#forget(member, this.#scores.indexOf(member))
    return removed
  }

  /** One member, each equally likely; undefined when there is none. */
  random(random: Random): ScoredMember | undefined {
    const place = this.#scores.random(random)
    return place === -1 ? undefined : this.#memberAt(place)
  }

  /** `count` different members, or all. */
  randomDistinct(count: number, random: Random): ScoredMember[] {
    return distinctPlaces(this.size, count, random).map((place) => this.#memberAt(place))
  }

  /** As `ByteDictionary.scan`; a set that is a listpack takes one call, and is visited in order. */
  scan(cursor: number, count: number, visit: (member: ByteString, score: number) => void): number {
    if (this.#encoding !== 'listpack') return this.#scores.scan(cursor, count, visit)
    this.#tree.visit(0, this.size, false, visit)
    return 0
  }

  /** When it expires, in wall-clock milliseconds; 0 when it does not; undefined when it is not there. */
  expireAt(member: ByteString): number | undefined {
    if (!this.#scores.has(member)) return undefined
    return this.#expiry?.expireAt(member) ?? 0
  }

  /** False when it is not there. A time that is over makes it due at once. */
  setExpireAt(member: ByteString, expireAtMs: number): boolean {
    const place = this.#scores.indexOf(member)
    if (place === -1) return false
    this.#expiry ??= new MemberExpiry(this.#seed)
    this.#expiry.set(this.#scores.keyAt(place), expireAtMs)
    return true
  }

  /** Takes its expiry away. False when it is not there or has none. */
  persist(member: ByteString): boolean {
    if (!this.#expiry?.clear(member)) return false
    if (this.#expiry.size === 0) this.#expiry = undefined
    return true
  }

  /** When the first member expires, in wall-clock milliseconds; Infinity when none does. */
  get nextExpiry(): number {
    return this.#expiry ? this.#expiry.next : Number.POSITIVE_INFINITY
  }

  /** How many members will expire. */
  get expiringCount(): number {
    return this.#expiry?.size ?? 0
  }

  /** Removes at most `limit` members whose time is over, the earliest first, and returns them. */
  takeExpired(nowMs: number, limit: number): ByteString[] {
    if (this.nextExpiry > nowMs || !this.#expiry) return []
    const members = this.#expiry.takeDue(nowMs, limit)
    for (const member of members) this.delete(member)
    if (this.#expiry.size === 0) this.#expiry = undefined
    return members
  }

  /** At most `limit` entries from a rank on, for a copy while the set does not change; none: the end. */
  slice(from: number, limit: number): SortedSetEntry[] {
    const entries: SortedSetEntry[] = []
    this.visit(from, from + limit, false, (member, score) => {
      entries.push({ member, score, expireAtMs: this.#expiry?.expireAt(member) ?? 0 })
    })
    return entries
  }

  /** Checks the tree, and that it is one with the dictionary: for tests. @throws SHL_ASSERTION */
  checkTree(): void {
    checkScoreTree(this.#tree)
    assert(this.#tree.size === this.#scores.size, 'as many pairs as members')
    this.#tree.visit(0, this.size, false, (member, score) => {
      assert(Object.is(this.#scores.get(member), score), 'a member has the score that it stands at')
    })
    assert((this.#expiry?.size ?? 1) > 0, 'an expiry without members is dropped')
  }

  /** A listpack keeps -0 as the integer 0, a skip list as it is: the score that is answered differs. */
  #stored(score: number): number {
    return this.#encoding === 'listpack' ? score + 0 : score
  }

  #chooseEncoding(added: ByteString): void {
    if (this.size < this.#listpackEntriesMax && added.length <= this.#listpackValueBytesMax) return
    this.#encoding = 'skiplist'
  }

  #rankOfBound(kind: '-' | '+' | 'member', value: ByteString, isAfter: boolean): number {
    if (kind === 'member') return this.#tree.countBelowMember(value, isAfter)
    return kind === '-' ? 0 : this.size
  }

  #memberAt(place: number): ScoredMember {
    return { member: this.#scores.keyAt(place), score: this.#scores.valueAt(place) }
  }

  /** Everything but the tree's pair. */
  #forget(member: ByteString, place: number): void {
    this.#scores.deleteAt(place)
    this.persist(member)
  }
}
