/**
 * A hash, typed: fields and values as text, or bytes on request.
 * Tests: test/keyspace/faces.race.test.ts
 */
import { type CommandCaller, type KeyspaceInput, recordOf, withEntries } from './caller.ts'
import { scanPairs } from './scanning.ts'

/** The hash at a key. */
export class KeyspaceHash {
  readonly #key: KeyspaceInput
  readonly #caller: CommandCaller

  /** @internal Use `keyspace.hash`. */
  constructor(caller: CommandCaller, key: KeyspaceInput) {
    this.#caller = caller
    this.#key = key
  }

  /** Sets fields; how many of them are new. */
  set(fields: Readonly<Record<string, KeyspaceInput>>): Promise<number> {
    return this.#caller.as(withEntries(['HSET', this.#key], fields), Number)
  }

  /** Sets a field unless it is there; whether it was set. */
  setIfAbsent(field: KeyspaceInput, value: KeyspaceInput): Promise<boolean> {
    return this.#caller.boolean('HSETNX', this.#key, field, value)
  }

  get(field: KeyspaceInput): Promise<string | undefined> {
    return this.#caller.text('HGET', this.#key, field)
  }

  getMany(fields: readonly KeyspaceInput[]): Promise<(string | undefined)[]> {
    return this.#caller.maybeTextsOf(['HMGET', this.#key, ...fields])
  }

  getAll(): Promise<Record<string, string>> {
    return this.#caller.as(['HGETALL', this.#key], recordOf)
  }

  /** Removes fields; how many there were. */
  delete(...fields: KeyspaceInput[]): Promise<number> {
    return this.#caller.integer('HDEL', this.#key, ...fields)
  }

  has(field: KeyspaceInput): Promise<boolean> {
    return this.#caller.boolean('HEXISTS', this.#key, field)
  }

  size(): Promise<number> {
    return this.#caller.integer('HLEN', this.#key)
  }

  fields(): Promise<string[]> {
    return this.#caller.texts('HKEYS', this.#key)
  }

  values(): Promise<string[]> {
    return this.#caller.texts('HVALS', this.#key)
  }

  incrBy(field: KeyspaceInput, by: number | bigint): Promise<number> {
    return this.#caller.integer('HINCRBY', this.#key, field, by)
  }

  async incrByFloat(field: KeyspaceInput, by: number): Promise<number> {
    return (await this.#caller.number('HINCRBYFLOAT', this.#key, field, by)) ?? Number.NaN
  }

  /** Lets fields expire after `ttl` milliseconds; how many of them are there. */
  async expire(ttl: number, ...fields: KeyspaceInput[]): Promise<number> {
    const reply = await this.#caller.run(['HPEXPIRE', this.#key, ttl, 'FIELDS', fields.length, ...fields])
    return (reply as readonly number[]).filter((one) => one > 0).length
  }

  /** Milliseconds until a field expires; Infinity: never; undefined: no such field. */
  async ttl(field: KeyspaceInput): Promise<number | undefined> {
    const reply = await this.#caller.run(['HPTTL', this.#key, 'FIELDS', 1, field])
    const ms = (reply as readonly number[])[0] ?? -2
    return ms === -2 ? undefined : ms === -1 ? Number.POSITIVE_INFINITY : ms
  }

  /** Every field with its value, in steps: one that is there throughout comes at least once. */
  entries(
    options: { readonly match?: string; readonly count?: number } = {},
  ): AsyncGenerator<[string, string]> {
    return scanPairs(this.#caller, 'HSCAN', this.#key, options)
  }
}
