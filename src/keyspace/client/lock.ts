/**
 * A lock, as its holder has it in hand.
 * Tests: test/keyspace/locks.race.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import type { LockLease } from './lock-lease.ts'
import { newTtl } from './lock-options.ts'

/**
 * A lock that is held, or several that are held together, or a place of a semaphore. Made by `keyspace.lock`.
 *
 * What it protects must bear in mind that a lease can end while its holder is paused: let `signal` end the
 * work, and write with `{ fence: lock }`, which the store refuses when the lease is over.
 */
export class KeyspaceLock {
  /** In the order in which they were given; each once. */
  readonly names: readonly string[]
  readonly #lease: LockLease
  readonly #nowMs: () => number

  /** @internal Use `keyspace.lock`. */
  constructor(names: readonly string[], lease: LockLease, nowMs: () => number) {
    this.names = names
    this.#lease = lease
    this.#nowMs = nowMs
  }

  /** The first name. */
  get name(): string {
    return this.names[0] as string
  }

  /** Who holds it, as `keyspace.lockInfo` shows it. */
  get owner(): string {
    return this.#lease.owner
  }

  /** The fencing token of the first name: greater than that of each holder before. */
  get token(): bigint {
    return this.fence(this.name).token
  }

  /** The tokens of all names, in their order. */
  get tokens(): readonly bigint[] {
    return this.names.map((name) => this.fence(name).token)
  }

  /** One of the names with its token, for `set(key, value, { fence })`. @throws SHL_OPTION_INVALID */
  fence(name: string): { readonly name: string; readonly token: bigint } {
    const token = this.#lease.tokenOf(name)
    if (token === undefined) {
      const allowed = this.names.join(' | ')
      throw new ShardloomError('SHL_OPTION_INVALID', { option: 'name', value: name, allowed })
    }
    return { name, token: BigInt(token) }
  }

  /**
   * Aborts with SHL_LOCK_LOST when the lease is over by this thread's clock, or was refused; not by
   * `release`.
   */
  get signal(): AbortSignal {
    return this.#lease.signal
  }

  /** Whether the lease runs, by this thread's clock, which thinks that it is over rather too early. */
  get isHeld(): boolean {
    return this.#lease.isHeld
  }

  /** Milliseconds until the lease is over, if nothing renews it; 0 when it is. */
  get expiresInMs(): number {
    return this.isHeld ? this.#lease.dueMs - this.#nowMs() : 0
  }

  /** Renews the lease now; false when it is lost. With `ttl`, renewals from now on are for so long. */
  renew(ttl?: number): Promise<boolean> {
    return this.#lease.renew(ttl === undefined ? undefined : newTtl(ttl))
  }

  /** Gives it back; false when it was lost, or given back before. */
  release(): Promise<boolean> {
    return this.#lease.release()
  }

  /** Gives it back. When that fails, the lease ends by itself. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch(() => undefined)
  }
}
