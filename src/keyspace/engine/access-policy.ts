/**
 * What the access clock of a key means under the policy of the shard: its age, or how much it is used.
 * Tests: test/keyspace/engine/memory-ceiling.test.ts
 */
import type { Random } from '../../base/index.ts'
import * as clocks from './access-clock.ts'
import { type MemoryPolicy, usesFrequency } from './memory-policy.ts'

/** Access clocks of one shard. */
export class AccessPolicy {
  readonly #memory: MemoryPolicy
  readonly #random: Random

  constructor(memory: MemoryPolicy, random: Random) {
    this.#memory = memory
    this.#random = random
  }

  /** The clock of a key that is used now. */
  touched(clock: number, nowMs: number): number {
    if (!usesFrequency(this.#memory.policy)) return clocks.touchLru(nowMs)
    return clocks.touchLfu(clock, clocks.minutesOf(nowMs), this.#random, this.#memory)
  }

  /** The clock of a new key. */
  first(nowMs: number): number {
    if (!usesFrequency(this.#memory.policy)) return clocks.touchLru(nowMs)
    return clocks.clockOfFrequency(clocks.FREQUENCY_FIRST, clocks.minutesOf(nowMs))
  }
}
