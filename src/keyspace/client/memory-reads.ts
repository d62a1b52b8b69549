/**
 * Reads of one thread straight from the memory of shards: no message, whatever the shard is doing.
 *
 * A read follows the slot map. A key that was not found may have moved, or its shard may have been started
 * anew, since the map was looked at: then it is looked for again.
 *
 * Cost: some 200 ns for a string of 64 bytes (bench/get-sync.ts).
 * Tests: test/keyspace/keyspace.race.test.ts, test/keyspace/slots.race.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import { NOT_A_STRING, TORN } from '../../memory/index.ts'
import { argumentOf, byteString, bytesOfText } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { KeyspaceMemory } from '../shared/keyspace-memory.ts'
import type { TableDirectory } from '../shared/table-feed.ts'

/** Reads for one thread. */
export class MemoryReads {
  readonly #memory: KeyspaceMemory
  readonly #tables: TableDirectory
  readonly #isSingle: boolean
  readonly #nowMs: () => number

  /** `nowMs` gives the keyspace's wall clock: it is asked only for keys that expire. */
  constructor(memory: KeyspaceMemory, tables: TableDirectory, nowMs: () => number) {
    this.#memory = memory
    this.#tables = tables
    this.#isSingle = memory.shardCount === 1
    this.#nowMs = nowMs
  }

  /** A string, read from memory. @throws SHL_WRONG_TYPE, SHL_SHARD_DOWN */
  getSync(key: string): string | undefined {
    const shard = this.#isSingle ? 0 : this.#memory.ownerOf(hashSlotOf(bytesOfText(key)))
    const reader = this.#tables.reader(shard)
    if (reader === undefined)
      throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'it has not started' })
    const value = reader.getString(key, this.#nowMs)
    if (typeof value === 'string') return value
    if (value === undefined) return this.#isStill(shard, key) ? undefined : this.getSync(key)
    return this.#refuseRead(shard, value)
  }

  /** The same as bytes of its own. @throws SHL_WRONG_TYPE, SHL_SHARD_DOWN */
  getBytesSync(key: string | Uint8Array): Uint8Array | undefined {
    const shard = this.#shardOf(key)
    const reader = this.#tables.reader(shard)
    if (reader === undefined)
      throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'it has not started' })
    const value = reader.getBytes(key, this.#nowMs)
    if (value instanceof Uint8Array) return value
    if (value === undefined) return this.#isStill(shard, key) ? undefined : this.getBytesSync(key)
    return this.#refuseRead(shard, value)
  }

  hasSync(key: string | Uint8Array): boolean {
    return this.expireAtSync(key) !== undefined
  }

  /** Wall-clock milliseconds; 0: never; undefined: no such key. */
  expireAtSync(key: string | Uint8Array): number | undefined {
    const shard = this.#shardOf(key)
    const reader = this.#tables.reader(shard)
    if (reader === undefined)
      throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'it has not started' })
    const value = reader.expireAt(key, this.#nowMs)
    if (typeof value === 'number') return value
    if (value === undefined) return this.#isStill(shard, key) ? undefined : this.expireAtSync(key)
    return this.#refuseRead(shard, value)
  }

  #shardOf(key: string | Uint8Array): number {
    if (this.#isSingle) return 0
    return this.#memory.ownerOf(hashSlotOf(byteString(argumentOf(key))))
  }

  /**
   * A key that was not found in the memory of a shard may have gone to another one meanwhile, or be in its
   * new memory, since it was started anew. @throws SHL_SHARD_DOWN when nobody has told of that
   */
  #isStill(shard: number, key: string | Uint8Array): boolean {
    if (this.#shardOf(key) !== shard) return false
    if (this.#tables.isCurrent(shard)) return true
    this.#tables.drain()
    if (this.#tables.isCurrent(shard)) return false
    throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'its memory is not known to this thread' })
  }

  #refuseRead(shard: number, outcome: symbol): never {
    if (outcome === NOT_A_STRING) {
      const reply = 'WRONGTYPE Operation against a key holding the wrong kind of value'
      throw new ShardloomError('SHL_WRONG_TYPE', { reply, command: 'getSync' })
    }
    const reason = outcome === TORN ? 'it stopped in the middle of a write' : String(outcome)
    throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason })
  }
}
