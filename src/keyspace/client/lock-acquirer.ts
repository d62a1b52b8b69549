/**
 * Takes locks for a caller: one, or several that lie on any shards, all or none of them.
 *
 * Locks of one shard are taken by one command, which waits for all of them and holds none before it holds
 * all. Shards are asked one after the other, in the order of their hash slots, so that nobody waits for a
 * shard while it holds what lies behind it: no circle can close. What is held meanwhile is kept by its
 * heartbeat.
 *
 *     names, by slot   [ a b ] [ c ] [ d e f ]
 *     shards            0       1     2          each waits while those before it are held
 *
 * Once slots have moved, a shard no longer has all slots between two of its own, and to take both at once
 * would overtake what lies in between. From then on each slot is asked for by itself.
 *
 * How long ago a wait ended in a grant is unknown. After a long one the lease is renewed once, before it is
 * handed out, so that its holder knows how much it has.
 *
 * Invariants
 *   1. Whoever is told of a lock holds it by its own clock. Whoever is not holds nothing, a moment later.
 *   2. A caller that waits on a shard holds nothing of a later slot.
 *
 * Cost: one message per shard; a contended lock one more.
 * Tests: test/keyspace/locks.race.test.ts, test/keyspace/locks.prop.test.ts, lock-kin.prop.test.ts
 * Source: Havender, "Avoiding deadlock in multitasking systems" (1968), for the order.
 */
import { addAbortListener } from '../../base/index.ts'
import { type Argument, bytesOfText, ErrorReply, type Reply } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { CommandCaller } from './caller.ts'
import type { CommandClient } from './command-client.ts'
import { type GrantedLock, LockLease, type OwnerLife, releaseAll, renewAll } from './lock-lease.ts'
import type { LockWant } from './lock-options.ts'
import { replyError } from './reply-value.ts'
import { hasMoved, isShardGone } from './waiting-call.ts'

/** What is left of a lease that is handed out, at least, as a part of its time to live. */
const FRESH_PART = 1 / 2
/** A grant this old is confirmed, as a part of the time to live. */
const STALE_PART = 1 / 4
/** Until a shard is asked again that has ended. */
const DOWN_MS = 10

/** How an attempt ended: `again`: what was held was lost, or a shard was. */
type Outcome = 'held' | 'ended' | 'again'

interface Place {
  readonly name: string
  readonly slot: number
}

/** Takes locks on one thread. */
export class LockAcquirer {
  readonly #client: CommandClient
  readonly #caller: CommandCaller
  readonly #life: OwnerLife

  constructor(client: CommandClient, caller: CommandCaller, life: OwnerLife = forEver) {
    this.#client = client
    this.#caller = caller
    this.#life = life
  }

  /**
   * Takes what is wanted; undefined: not in time, or `end` was aborted. Settles when nothing is waited for
   * any more and nothing is held but what it gives.
   *
   * @throws SHL_LOCK_MODE, SHL_LOCK_BUSY, SHL_SHARD_DOWN and its kin
   */
  async acquire(want: LockWant, end: AbortSignal): Promise<LockLease | undefined> {
    const { clock } = this.#client
    const endMs = clock.nowMs() + want.waitMs
    const isAlive = this.#life()
    for (;;) {
      const { ttl, heartbeat } = want
      // A name of its own for each attempt: whether a shard that was lost had granted the last one is
      // unknown.
      const owner = want.owner ?? this.#client.newName()
      const lease = new LockLease({ caller: this.#caller, clock, owner, ttl, heartbeat, isAlive })
      let outcome: Outcome
      try {
        outcome = await this.#fill(lease, want, endMs, end)
      } catch (error) {
        await lease.release().catch(() => undefined)
        if (!isShardGone(error) || clock.nowMs() >= endMs) throw error
        await new Promise<void>((resolve) => void clock.after(DOWN_MS, resolve))
        outcome = 'again'
      }
      if (outcome === 'held' && isAlive()) return lease
      await lease.release().catch(() => undefined)
      if (outcome !== 'again' || end.aborted) return undefined
    }
  }

  async #fill(lease: LockLease, want: LockWant, endMs: number, end: AbortSignal): Promise<Outcome> {
    let left = want.names
      .map((name): Place => ({ name, slot: hashSlotOf(bytesOfText(name)) }))
      .sort((a, b) => a.slot - b.slot)
    while (left.length > 0) {
      if (end.aborted) return 'ended'
      const group = this.#firstGroup(left)
      const outcome = await this.#take(lease, want, group, endMs, end)
      if (outcome === 'moved') continue
      if (outcome !== 'held') return outcome
      left = left.filter((place) => !group.includes(place))
    }
    if (end.aborted) return 'ended'
    const { clock } = this.#client
    const isFresh = lease.dueMs - clock.nowMs() >= want.ttl * FRESH_PART
    return isFresh || (await lease.renew()) ? 'held' : 'again'
  }

  /** Those that one command may take. */
  #firstGroup(left: readonly Place[]): readonly Place[] {
    const first = left[0]!
    return left.filter(({ slot }) => this.#client.isTogether(first.slot, slot))
  }

  async #take(
    lease: LockLease,
    want: LockWant,
    group: readonly Place[],
    endMs: number,
    end: AbortSignal,
  ): Promise<Outcome | 'moved'> {
    const { clock } = this.#client
    const names = group.map(({ name }) => name)
    const askedMs = clock.nowMs()
    const waitMs = want.waitMs === 0 ? 0 : Math.max(0, Math.ceil(endMs - askedMs))
    const reply = await this.#ask(lease, acquireCommand(want, lease.owner, names, waitMs), waitMs, end)
    if (hasMoved(reply)) return 'moved'
    if (reply instanceof ErrorReply) throw replyError(reply, 'LOCK.ACQUIRE')
    if (reply === null) return end.aborted || lease.isHeld ? 'ended' : 'again'
    const tokens = tokensOf(reply)
    const isStale = clock.nowMs() - askedMs > want.ttl * STALE_PART
    if (!isStale) {
      lease.add(names, tokens, askedMs)
      return 'held'
    }
    const againMs = clock.nowMs()
    const granted = names.map((name, i): GrantedLock => ({ name, token: tokens[i] as number }))
    if (await renewAll(this.#caller, granted, lease.owner, want.ttl)) {
      lease.add(names, tokens, againMs)
      return 'held'
    }
    // This thread was paused for longer than the lease.
    await releaseAll(this.#caller, granted, lease.owner)
    return 'again'
  }

  /** The wait also ends when what is held meanwhile is lost. */
  async #ask(
    lease: LockLease,
    argv: readonly Argument[],
    waitMs: number,
    end: AbortSignal,
  ): ReturnType<CommandClient['callWaiting']> {
    const stop = new AbortController()
    const forgets = [end, lease.signal].map((signal) => addAbortListener(signal, () => stop.abort()))
    if (lease.signal.aborted) stop.abort()
    try {
      return await this.#client.callWaiting(argv, waitMs, stop.signal)
    } finally {
      for (const forget of forgets) forget()
    }
  }
}

/** The program itself. */
function forEver(): () => boolean {
  return () => true
}

function acquireCommand(
  { ttl, shared, limit }: LockWant,
  owner: string,
  names: readonly string[],
  waitMs: number,
): readonly Argument[] {
  const bytes = names.map(bytesOfText)
  const head =
    bytes.length === 1 ? ['LOCK.ACQUIRE', ...bytes] : ['LOCK.ACQUIREALL', String(bytes.length), ...bytes]
  return [
    ...head,
    bytesOfText(owner),
    ...['PX', String(ttl)],
    ...(shared ? ['SHARED'] : []),
    ...(limit > 0 ? ['LIMIT', String(limit)] : []),
    // In the command 0 is for ever, and no WAIT is none.
    ...(waitMs > 0 ? ['WAIT', String(waitMs)] : []),
  ]
}

/** `[token, lease]`, or `[[token …], lease]`. */
function tokensOf(reply: Reply): readonly number[] {
  const [tokens] = reply as readonly Reply[]
  return (Array.isArray(tokens) ? tokens : [tokens]).map(Number)
}
