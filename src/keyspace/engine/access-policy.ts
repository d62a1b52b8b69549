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
}
