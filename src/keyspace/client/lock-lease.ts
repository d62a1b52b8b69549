/**
 * The leases of one holder, kept alive, and watched by the holder's own clock.
 *
 * A lease runs on the shard's clock from the moment of the grant, which the holder does not know. It counts
 * from the moment before it asked, which was earlier: so it thinks that a lease is over when it is, or
 * sooner, never later. (The other way, to trust the answer, lets a holder whose thread was paused between
 * question and answer believe in a lease that has ended.)
 *
 *     asked            granted              asked + ttl     granted + ttl
 *       ├─────────────────┼────────────────────────┤─────────────┤
 *                                       over for the holder   over for the shard
 *
 * A heartbeat asks again after a third of the time to live, so that two of them may fail. A renewal that is
 * refused, or none that is confirmed in time, is the end: the holder is told at once, and what is left of the
 * lease is given back, since nobody uses it any more. What a paused thread has in its hands when it wakes is
 * decided by the clock, not by a timer that has not fired yet. The lease of an actor ends with the actor: its
 * thread, which lives on, would keep it alive for ever.
 *
 * Invariants
 *   1. `dueMs` is never later than the end of any of the leases on their shards.
 *   2. It ends once: lost, or released.
 *
 * Cost: one renewal per lock and third of the time to live; one timer.
 * Tests: test/keyspace/locks.race.test.ts, test/keyspace/locks.prop.test.ts, lock-kin.prop.test.ts
 * Source: Gray and Cheriton, "Leases" (1989).
 */
import { type Clock, ShardloomError, type TimerHandle } from '../../base/index.ts'
import type { CommandCaller } from './caller.ts'

/** Renewals within one time to live. */
const BEATS = 3
/** After a renewal that nobody answered, as a part of the time to live. */
const RETRY_PART = 20
const RETRY_MS_MAX = 1000
/** A timer of Node may fire within the millisecond before. */
const TIMER_MS_MIN = 1

/** Gives what says whether the owner, as it is now, still lives. */
export type OwnerLife = () => () => boolean

/** What a lease is made of. */
export interface LeaseOptions {
  readonly caller: CommandCaller
  readonly clock: Clock
  readonly owner: string
  readonly ttl: number
  readonly heartbeat: boolean
  /** Whether the actor that asked for it still lives: nobody else keeps its lease alive. */
  readonly isAlive: () => boolean
}

interface LeasePart {
  readonly name: string
  readonly token: number
  dueMs: number
}

/** One holder's leases: those of one lock, or of several that are held together. */
export class LockLease {
  readonly owner: string
  readonly #caller: CommandCaller
  readonly #clock: Clock
  readonly #isBeating: boolean
  readonly #isAlive: () => boolean
  readonly #parts: LeasePart[] = []
  #ttl: number
  #beatMs = Number.POSITIVE_INFINITY
  #isAsking = false
  #timer: TimerHandle | undefined
  #state: 'held' | 'lost' | 'released' = 'held'
  #loss: ShardloomError | undefined
  #controller: AbortController | undefined

  constructor({ caller, clock, owner, ttl, heartbeat, isAlive }: LeaseOptions) {
    this.#caller = caller
    this.#clock = clock
    this.#isBeating = heartbeat
    this.#isAlive = isAlive
    this.#ttl = ttl
    this.owner = owner
  }

  /** When the first of the leases is over, at the latest. */
  get dueMs(): number {
    return this.#parts.reduce((dueMs, part) => Math.min(dueMs, part.dueMs), Number.POSITIVE_INFINITY)
  }

  get isHeld(): boolean {
    this.#look()
    return this.#state === 'held'
  }

  /** Aborts when the lease is lost. */
  get signal(): AbortSignal {
    this.#look()
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#loss !== undefined) this.#controller.abort(this.#loss)
    }
    return this.#controller.signal
  }

  tokenOf(name: string): number | undefined {
    return this.#parts.find((part) => part.name === name)?.token
  }

  /** Leases that were granted, and asked for at `askedMs` or later. */
  add(names: readonly string[], tokens: readonly number[], askedMs: number): void {
    for (const [i, name] of names.entries()) {
      this.#parts.push({ name, token: tokens[i] as number, dueMs: askedMs + this.#ttl })
    }
    this.#beatMs = Math.min(this.#beatMs, askedMs + this.#ttl / BEATS)
    this.#arm()
  }

  /** Prolongs the leases; false when they are lost. Another `ttl` holds from now on. */
  async renew(ttl: number = this.#ttl): Promise<boolean> {
    if (!this.isHeld) return false
    this.#ttl = ttl
    const askedMs = this.#clock.nowMs()
    this.#beatMs = askedMs + ttl / BEATS
    const isKept = await renewAll(this.#caller, this.#parts, this.owner, ttl)
    // It may be too late: whoever woke up first has been told that it is over.
    if (!this.isHeld) return false
    if (!isKept) {
      this.#lose('refused')
      return false
    }
    for (const part of this.#parts) part.dueMs = Math.max(part.dueMs, askedMs + ttl)
    this.#arm()
    return true
  }

  /** Gives the leases back; false when one of them was lost. */
  async release(): Promise<boolean> {
    if (!this.isHeld) return false
    this.#state = 'released'
    this.#timer?.cancel()
    return this.#giveBack()
  }

  /** What the clock says counts, whether a timer has fired or not. */
  #look(): void {
    if (this.#state === 'held' && this.#clock.nowMs() >= this.dueMs) this.#lose('expired')
  }

  #arm(): void {
    this.#timer?.cancel()
    if (this.#state !== 'held') return
    const atMs = Math.min(this.dueMs, this.#isBeating ? this.#beatMs : Number.POSITIVE_INFINITY)
    const inMs = Math.max(TIMER_MS_MIN, atMs - this.#clock.nowMs())
    this.#timer = this.#clock.after(inMs, () => this.#onTimer(), { unref: true })
  }

  #onTimer(): void {
    if (!this.isHeld) return
    if (!this.#isAlive()) return this.#lose('owner ended')
    if (this.#isBeating && !this.#isAsking && this.#clock.nowMs() >= this.#beatMs) void this.#beat()
    this.#arm()
  }

  async #beat(): Promise<void> {
    this.#isAsking = true
    try {
      await this.renew()
    } catch {
      // Nobody knows whether it was heard. The lease that is known runs on, and there is time to ask again.
      this.#beatMs = this.#clock.nowMs() + Math.min(RETRY_MS_MAX, this.#ttl / RETRY_PART)
      this.#arm()
    } finally {
      this.#isAsking = false
    }
  }

  #lose(reason: 'expired' | 'refused' | 'owner ended'): void {
    this.#state = 'lost'
    this.#timer?.cancel()
    const [first] = this.#parts
    const details = { lock: first?.name, token: first?.token, ttl: this.#ttl, reason }
    this.#loss = new ShardloomError('SHL_LOCK_LOST', details)
    // Whoever waits need not wait for the rest of a lease that nobody uses.
    this.#giveBack().catch(() => undefined)
    this.#controller?.abort(this.#loss)
  }

  async #giveBack(): Promise<boolean> {
    return releaseAll(this.#caller, this.#parts, this.owner)
  }
}

/** A lock, and the token with which it was granted. */
export interface GrantedLock {
  readonly name: string
  readonly token: number
}

/** Whether all of them are still held. */
export async function renewAll(
  caller: CommandCaller,
  locks: readonly GrantedLock[],
  owner: string,
  ttl: number,
): Promise<boolean> {
  const renewed = locks.map(({ name, token }) => caller.boolean('LOCK.RENEW', name, owner, token, 'PX', ttl))
  return (await Promise.all(renewed)).every((isRenewed) => isRenewed)
}

/** Whether all of them were still held. */
export async function releaseAll(
  caller: CommandCaller,
  locks: readonly GrantedLock[],
  owner: string,
): Promise<boolean> {
  const released = locks.map(({ name, token }) => caller.boolean('LOCK.RELEASE', name, owner, token))
  return (await Promise.all(released)).every((isReleased) => isReleased)
}
