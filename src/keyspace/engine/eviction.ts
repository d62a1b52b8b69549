/**
 * Which key to throw out when memory is short: nearly the best, for nearly nothing.
 *
 * An exact order of all keys by use would cost memory per key and a write per read. Instead a few keys are
 * drawn at random, and the best candidates that were ever drawn and are still there are kept in a small pool:
 * after some evictions it holds keys from the very end of the order, although no order exists. (Redis 2.8
 * took the best of each draw, without a pool, and threw out many that were in use.)
 *
 * Pure: who draws keys, and who knows whether a key is still there, are callbacks. Of a key only its score is
 * kept: the greater, the better to go. A score grows old in the pool; when the key is drawn again, it is set
 * right, and who takes a candidate may say no to it.
 *
 * Invariants
 *   1. The pool holds at most 16 candidates, in the order of their scores, no key twice.
 *   2. A candidate that does not get in is worse than all in the pool, at the time.
 *   3. Keys without an expiry have no score under `volatile-*`: such a policy never takes them.
 *
 * Cost: five draws, and up to 16 comparisons for each.
 * Tests: test/keyspace/engine/eviction.prop.test.ts
 * Source: Redis' documentation of key eviction, "Approximated LRU algorithm".
 */
import { assert } from '../../base/index.ts'
import {
  type AccessClock,
  FREQUENCY_MAX,
  type FrequencyScale,
  frequency,
  idleMs,
  minutesOf,
} from './access-clock.ts'
import type { ByteString } from './byte-string.ts'
import type { EvictionPolicyName } from './memory-policy.ts'

/** A key that may go. */
export interface Candidate {
  readonly key: ByteString
  readonly db: number
  /** The greater, the better to go. */
  readonly score: number
}

/** Candidates that are kept. Redis' EVPOOL_SIZE. */
const POOL_SIZE = 16
/** Draws per key that goes, by default. Redis' maxmemory-samples. */
const SAMPLES = 5
/** Rounds of draws that may find only what is gone already. */
const ROUNDS_MAX = 16

/** Whether a policy throws out only keys that have an expiry: draw among those. */
export function isVolatilePolicy(policy: EvictionPolicyName): boolean {
  return policy.startsWith('volatile-')
}

/** Whether a policy takes what is drawn, so that one draw is enough and no pool is needed. */
export function isRandomPolicy(policy: EvictionPolicyName): boolean {
  return policy.endsWith('-random')
}

/**
 * How well a key can go, undefined when it may not. `expireAtMs` is 0 for a key without an expiry; `nowMs` is
 * wall-clock time.
 */
export function evictionScore(
  policy: EvictionPolicyName,
  clock: AccessClock,
  expireAtMs: number,
  nowMs: number,
  scale: FrequencyScale,
): number | undefined {
  if (expireAtMs === 0 && isVolatilePolicy(policy)) return undefined
  switch (policy) {
    case 'noeviction':
      return undefined
    case 'allkeys-lru':
    case 'volatile-lru':
      return idleMs(clock, nowMs)
    case 'allkeys-lfu':
    case 'volatile-lfu':
      return FREQUENCY_MAX - frequency(clock, minutesOf(nowMs), scale)
    case 'volatile-ttl':
      return -expireAtMs
    case 'allkeys-random':
    case 'volatile-random':
      return 0
  }
}

/** The best candidates so far. One per shard, whatever the database; clear it when the policy changes. */
export class EvictionPool {
  /** By score, the best last. */
  readonly #candidates: Candidate[] = []

  get size(): number {
    return this.#candidates.length
  }

  /**
   * Draws `samples` keys, adds them, and takes the best that `isThere` says yes to; undefined when there is
   * none. `sample` answers undefined for a draw that found nothing that may go. Whoever gets a candidate
   * removes it.
   */
  pick(
    sample: () => Candidate | undefined,
    isThere: (candidate: Candidate) => boolean = () => true,
    samples: number = SAMPLES,
  ): Candidate | undefined {
    assert(samples > 0, 'something is drawn')
    for (let round = 0; round < ROUNDS_MAX; round++) {
      let drawn = 0
      for (let i = 0; i < samples; i++) {
        const candidate = sample()
        if (candidate === undefined) continue
        this.#offer(candidate)
        drawn++
      }
      for (let best = this.#candidates.pop(); best !== undefined; best = this.#candidates.pop()) {
        if (isThere(best)) return best
      }
      if (drawn === 0) return undefined
    }
    return undefined
  }

  /** Forgets all: scores of another policy mean something else. */
  clear(): void {
    this.#candidates.length = 0
  }

  /** The candidates, the best last. For reports and tests. */
  list(): readonly Candidate[] {
    return [...this.#candidates]
  }

  #offer(candidate: Candidate): void {
    const candidates = this.#candidates
    const known = candidates.findIndex(({ key, db }) => key === candidate.key && db === candidate.db)
    if (known !== -1) candidates.splice(known, 1)
    if (candidates.length === POOL_SIZE) {
      if (candidate.score <= candidates[0]!.score) return
      candidates.shift()
    }
    let index = candidates.length
    while (index > 0 && candidates[index - 1]!.score > candidate.score) index--
    candidates.splice(index, 0, candidate)
  }
}
