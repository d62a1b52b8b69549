/**
 * Which access clock a key gets when it is read or made: by age or by use, as the policy of the shard says.
 * Tests: test/keyspace/engine/shard-engine.test.ts
 */
import type { Random } from '../../base/index.ts'
import { type MemoryPolicy, usesFrequency } from './memory-policy.ts'

/** Placeholder body until the functions of access-clock.ts are joined in. */
export class AccessPolicy {
  readonly #memory: MemoryPolicy

  constructor(memory: MemoryPolicy, _random: Random) {
    this.#memory = memory
  }

  touched(clock: number, nowMs: number): number {
    return usesFrequency(this.#memory.policy) ? clock : Math.floor(nowMs / 1000) & 0xffffff
  }

  first(nowMs: number): number {
    return Math.floor(nowMs / 1000) & 0xffffff
  }

  /** Seconds since the last access, by a clock of age. */
  idleSeconds(clock: number, nowMs: number): number {
    return (Math.floor(nowMs / 1000) - clock) & 0xffffff
  }

  /** The clock of a key that was last used so many seconds ago. */
  clockOfIdle(idleSeconds: number, nowMs: number): number {
    return (Math.floor(nowMs / 1000) - Math.min(idleSeconds, 0xffffff)) & 0xffffff
  }

  /** How often the key is used, by a clock of use. */
  frequency(clock: number, _nowMs: number): number {
    return clock & 0xff
  }

  /** The clock of a key that is used so often. */
  clockOfFrequency(frequency: number, nowMs: number): number {
    return ((Math.floor(nowMs / 60_000) & 0xffff) << 8) | frequency
  }
}
