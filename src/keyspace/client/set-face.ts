/**
 * A set, typed. Tests: test/keyspace/faces.race.test.ts
 */
import type { CommandCaller, KeyspaceInput } from './caller.ts'
import { type ScanOptions, scanTexts } from './scanning.ts'

/** The set at a key. */
export class KeyspaceSet {
  readonly #key: KeyspaceInput
  readonly #caller: CommandCaller

  /** @internal Use `keyspace.members`. */
  constructor(caller: CommandCaller, key: KeyspaceInput) {
    this.#caller = caller
    this.#key = key
  }

  /** Adds members; how many of them are new. */
  add(...members: KeyspaceInput[]): Promise<number> {
    return this.#caller.integer('SADD', this.#key, ...members)
  }

  /** Removes members; how many there were. */
  delete(...members: KeyspaceInput[]): Promise<number> {
    return this.#caller.integer('SREM', this.#key, ...members)
  }

  has(member: KeyspaceInput): Promise<boolean> {
    return this.#caller.boolean('SISMEMBER', this.#key, member)
  }

  size(): Promise<number> {
    return this.#caller.integer('SCARD', this.#key)
  }

  members(): Promise<string[]> {
    return this.#caller.texts('SMEMBERS', this.#key)
  }

  /** Takes a member picked at random. */
  pop(): Promise<string | undefined> {
    return this.#caller.text('SPOP', this.#key)
  }

  /** Members picked at random, no two the same. */
  random(count: number): Promise<string[]> {
    return this.#caller.texts('SRANDMEMBER', this.#key, count)
  }

  /** Members of this set and of all the others. */
  intersect(...others: KeyspaceInput[]): Promise<string[]> {
    return this.#caller.texts('SINTER', this.#key, ...others)
  }

  union(...others: KeyspaceInput[]): Promise<string[]> {
    return this.#caller.texts('SUNION', this.#key, ...others)
  }

  /** Members of this set and of none of the others. */
  difference(...others: KeyspaceInput[]): Promise<string[]> {
    return this.#caller.texts('SDIFF', this.#key, ...others)
  }

  /** Every member, in steps: one that is there throughout comes at least once. */
  scan(options: ScanOptions = {}): AsyncGenerator<string> {
    return scanTexts(this.#caller, ['SSCAN', this.#key], options)
  }
}
