/**
 * The typed calls that are the same wherever the shards are: in this process, or behind a network.
 *
 * Keys and values are text, stored as UTF-8, or bytes. Missing is `undefined`. Times are milliseconds. What a
 * command refuses is thrown as a `ShardloomError`.
 * Tests: test/keyspace/keyspace.race.test.ts, test/keyspace/faces.race.test.ts,
 * test/client/remote-keyspace.test.ts
 */
import { bufferOf, type CommandCaller, type KeyspaceInput, textOf, withEntries } from './caller.ts'
import type { CommandClient } from './command-client.ts'
import { KeyspaceHash } from './hash-face.ts'
import { KeyspaceList } from './list-face.ts'
import type { KeyspaceLock } from './lock.ts'
import { type LimitOptions, type LimitView, LockFace, type LockView } from './lock-face.ts'
import type { OwnerLife } from './lock-lease.ts'
import type { LockOptions, SemaphoreOptions, TryLockOptions, TrySemaphoreOptions } from './lock-options.ts'
import { type ReplyValue, replyValue } from './reply-value.ts'
import { type ScanOptions, scanTexts } from './scanning.ts'
import { KeyspaceSet } from './set-face.ts'
import { KeyspaceSortedSet } from './sorted-set-face.ts'

/** A key: text, stored as UTF-8, or bytes. */
export type KeyspaceKey = string | Uint8Array

/** Calls on keys: of `Keyspace`, and of the keyspace of a server. */
export class TypedCalls {
  readonly #client: CommandClient
  readonly #caller: CommandCaller
  readonly #life: OwnerLife | undefined
  #lockFace: LockFace | undefined

  /** @internal */
  constructor(caller: CommandCaller, client: CommandClient, life: OwnerLife | undefined) {
    this.#caller = caller
    this.#client = client
    this.#life = life
  }

  /** Any command, by its name, as a Redis client would run it. @throws SHL_COMMAND_REFUSED and its kin */
  command(name: string, ...args: KeyspaceInput[]): Promise<ReplyValue> {
    return this.#caller.as([name, ...args], (reply) => replyValue(reply, name))
  }

  /** The same, with strings of the reply as bytes. */
  commandBuffer(name: string, ...args: KeyspaceInput[]): Promise<ReplyValue> {
    return this.#caller.as([name, ...args], (reply) => replyValue(reply, name, 'buffer'))
  }

  // Strings. `set` is not among them: its options mean more where the shards are.

  get(key: KeyspaceKey): Promise<string | undefined>
  get(key: KeyspaceKey, form: 'buffer'): Promise<Uint8Array | undefined>
  get(key: KeyspaceKey, form?: 'buffer'): Promise<string | Uint8Array | undefined> {
    return this.#caller.as<string | Uint8Array | undefined>(
      ['GET', key],
      form === undefined ? textOf : bufferOf,
    )
  }

  mget(keys: readonly KeyspaceKey[]): Promise<(string | undefined)[]> {
    return this.#caller.maybeTextsOf(['MGET', ...keys])
  }

  /** Sets several strings, all at once for whoever reads by commands. */
  mset(values: Readonly<Record<string, KeyspaceInput>>): Promise<void> {
    return this.#caller.as(withEntries(['MSET'], values), () => undefined)
  }

  /** Adds to a number; the sum. A key that is not there counts as 0. */
  incrBy(key: KeyspaceKey, by: number | bigint = 1): Promise<number> {
    return this.#caller.integer('INCRBY', key, by)
  }

  async incrByFloat(key: KeyspaceKey, by: number): Promise<number> {
    return (await this.#caller.number('INCRBYFLOAT', key, by)) ?? Number.NaN
  }

  /** Appends to a string; its new length in bytes. */
  append(key: KeyspaceKey, value: KeyspaceInput): Promise<number> {
    return this.#caller.integer('APPEND', key, value)
  }

  // Collections.

  hash(key: KeyspaceKey): KeyspaceHash {
    return new KeyspaceHash(this.#caller, key)
  }

  list(key: KeyspaceKey): KeyspaceList {
    return new KeyspaceList(this.#caller, key)
  }

  /** The set at a key; `set` sets a string. */
  members(key: KeyspaceKey): KeyspaceSet {
    return new KeyspaceSet(this.#caller, key)
  }

  zset(key: KeyspaceKey): KeyspaceSortedSet {
    return new KeyspaceSortedSet(this.#caller, key)
  }

  // Keys.

  /** Removes keys; how many there were. */
  delete(...keys: KeyspaceKey[]): Promise<number> {
    return this.#caller.integerOf(['DEL', ...keys])
  }

  async has(key: KeyspaceKey): Promise<boolean> {
    return this.#caller.boolean('EXISTS', key)
  }

  /** What a key holds: `string`, `hash`, `list`, `set`, `zset`; undefined: no such key. */
  async type(key: KeyspaceKey): Promise<string | undefined> {
    const type = await this.command('TYPE', key)
    return type === 'none' ? undefined : (type as string)
  }

  /** Lets a key expire after `ttl` milliseconds; false: no such key. */
  expire(key: KeyspaceKey, ttl: number): Promise<boolean> {
    return this.#caller.boolean('PEXPIRE', key, ttl)
  }

  /** Lets a key live for ever; false when it does, or there is no such key. */
  persist(key: KeyspaceKey): Promise<boolean> {
    return this.#caller.boolean('PERSIST', key)
  }

  /** Milliseconds until a key expires; Infinity: never; undefined: no such key. */
  async ttl(key: KeyspaceKey): Promise<number | undefined> {
    const ms = await this.#caller.integer('PTTL', key)
    return ms === -2 ? undefined : ms === -1 ? Number.POSITIVE_INFINITY : ms
  }

  rename(from: KeyspaceKey, to: KeyspaceKey): Promise<void> {
    return this.#caller.done('RENAME', from, to)
  }

  /** The revision of a key's last change; undefined: no such key. */
  revision(key: KeyspaceKey): Promise<number | undefined> {
    return this.#caller.number('REVISION', key)
  }

  /** The number of keys. */
  size(): Promise<number> {
    return this.#caller.integer('DBSIZE')
  }

  /** Removes every key. */
  clear(): Promise<void> {
    return this.#caller.done('FLUSHDB')
  }

  /** Every key, in steps: one that is there throughout comes at least once. */
  scan(options: ScanOptions & { readonly type?: string } = {}): AsyncGenerator<string> {
    const { type, ...rest } = options
    return scanTexts(this.#caller, ['SCAN'], rest, type === undefined ? [] : ['TYPE', type])
  }

  // Locks.

  /**
   * Waits for a lock and takes it; for several names, all of them at once, wherever they lie. It is a lease:
   * see `LockOptions.ttl`, and `KeyspaceLock` for what a holder must bear in mind. Who came first is served
   * first.
   *
   * @throws SHL_LOCK_TIMEOUT, SHL_LOCK_ABORTED, SHL_LOCK_MODE, SHL_LOCK_BUSY, SHL_OPTION_INVALID
   */
  lock(name: string | readonly string[], options: LockOptions = {}): Promise<KeyspaceLock> {
    return this.#locks().lock(name, options)
  }

  /** Takes a lock, or several, if nobody holds them or waits for them; else undefined. */
  tryLock(name: string | readonly string[], options: TryLockOptions = {}): Promise<KeyspaceLock | undefined> {
    return this.#locks().tryLock(name, options)
  }

  /** Waits for one of `limit` places of a semaphore. All who use a name must give the same limit. */
  semaphore(name: string, limit: number, options: SemaphoreOptions = {}): Promise<KeyspaceLock> {
    return this.#locks().semaphore(name, limit, options)
  }

  /** Takes a place if one is free and nobody waits; else undefined. */
  trySemaphore(
    name: string,
    limit: number,
    options: TrySemaphoreOptions = {},
  ): Promise<KeyspaceLock | undefined> {
    return this.#locks().trySemaphore(name, limit, options)
  }

  /** Who holds a lock or a semaphore, and who waits for it. */
  lockInfo(name: string): Promise<LockView> {
    return this.#locks().info(name)
  }

  /** All that are held or waited for: each as it is when it is looked at, not all at one moment. */
  locks(options: { readonly match?: string } = {}): Promise<LockView[]> {
    return this.#locks().list(options.match)
  }

  /** Counts an event against a rate limiter (GCRA), and says whether it may happen. */
  limit(key: KeyspaceKey, options: LimitOptions): Promise<LimitView> {
    return this.#locks().limit(key, options)
  }

  // Messages.

  /** Publishes to a channel; how many subscriptions get it. */
  publish(
    channel: string,
    message: string | Uint8Array,
    options: { readonly sharded?: boolean } = {},
  ): Promise<number> {
    return this.#caller.integer(options.sharded === true ? 'SPUBLISH' : 'PUBLISH', channel, message)
  }

  // Made when first used: most actors take no locks.

  #locks(): LockFace {
    this.#lockFace ??= new LockFace(this.#client, this.#life)
    return this.#lockFace
  }
}
