/**
 * Intents: who wants to touch which key of a shard, shared or exclusively, while anybody does.
 *
 * An intent blocks no memory; it says that a transaction was scheduled and has not finished. A key without
 * intents has no entry, so that a shard on which no transaction is open answers `isBlocked` with one look at
 * a size. Two gates stand at each key: the *order* gate, which a transaction keeps from its scheduling until
 * its coordinator has scheduled it everywhere, and the *run* gate, which it keeps until it has finished. Why
 * two: see `shard-schedule.ts`.
 *
 * The whole shard is an entry of its own, which every transaction enters: shared when it names keys, and
 * exclusively when it means all of them.
 *
 * Invariants
 *   1. Whoever is at the order gate of a key is at its run gate too.
 *   2. An entry exists exactly while somebody is at its run gate.
 *   3. A floor is at least the highest id of those at the order gate whom it concerns, or 0 if there are
 *      none.
 *
 * Cost: one look-up in a map and two tickets per key; constant.
 * Tests: test/keyspace/transactions/shard-schedule.test.ts, shard-schedule.{prop,model}.test.ts
 */
import { assert } from '../../base/index.ts'
import { FairGate, type GateTicket } from './fair-gate.ts'

/** A key that a transaction will touch. The name is unique on the shard: with its database. */
export interface KeyIntent {
  readonly key: string
  readonly exclusive: boolean
}

/** The intent of a transaction that touches all keys: FLUSHALL, SWAPDB, a snapshot. */
export const WHOLE_SHARD = 'whole_shard'

/** What a transaction will touch on one shard. */
export type Intents = readonly KeyIntent[] | typeof WHOLE_SHARD

/** What is known of one key. */
interface KeyEntry<Owner> {
  readonly key: string
  readonly order: FairGate<Owner>
  readonly run: FairGate<Owner>
  /** The highest id at the order gate, since it was last empty of such: what each kind must stay above. */
  exclusiveFloor: number
  sharedFloor: number
}

/** One transaction's intent at one key. */
export interface Hold<Owner> {
  readonly entry: KeyEntry<Owner>
  readonly isExclusive: boolean
  /** Undefined once it was given back. */
  order: GateTicket<Owner> | undefined
  readonly run: GateTicket<Owner>
}

/** Counts of the intents at one key. */
export interface IntentCount {
  readonly shared: number
  readonly exclusive: number
}

/** All intents of one shard. */
export class IntentTable<Owner> {
  readonly #keys = new Map<string, KeyEntry<Owner>>()
  readonly #whole = makeEntry<Owner>('')

  /** Keys with intents. */
  get size(): number {
    return this.#keys.size
  }

  /** Whether somebody's intent conflicts with touching this key now. */
  isBlocked(key: string, isExclusive: boolean): boolean {
    if (this.#whole.run.exclusiveCount > 0) return true
    if (this.#keys.size === 0) return false
    return this.#keys.get(key)?.run.isContended(isExclusive) ?? false
  }

  /** Whether there is any intent at all. */
  isShardBlocked(): boolean {
    return !this.#whole.run.isEmpty
  }

  /** An id below this one came too late: a conflicting one that is above it may be about to run. */
  floor(intents: Intents): number {
    const whole = this.#whole
    if (intents === WHOLE_SHARD) return Math.max(whole.exclusiveFloor, whole.sharedFloor)
    let floor = whole.exclusiveFloor
    for (const { key, exclusive } of intents) {
      const entry = this.#keys.get(key)
      if (entry === undefined) continue
      floor = Math.max(floor, entry.exclusiveFloor, exclusive ? entry.sharedFloor : 0)
    }
    return floor
  }

  /** Enters both gates of everything that is meant, each key once. `id` raises the floors. */
  acquire(owner: Owner, id: number, intents: Intents): Hold<Owner>[] {
    if (intents === WHOLE_SHARD) return [enter(this.#whole, owner, id, true)]
    const holds = [enter(this.#whole, owner, id, false)]
    for (const { key, exclusive } of eachKeyOnce(intents)) {
      let entry = this.#keys.get(key)
      if (entry === undefined) {
        entry = makeEntry(key)
        this.#keys.set(key, entry)
      }
      holds.push(enter(entry, owner, id, exclusive))
    }
    return holds
  }

  /** Gives the order gate back; who comes in by that is told to `admitted`. */
  releaseOrder(hold: Hold<Owner>, admitted: (owner: Owner) => void): void {
    const { entry, order } = hold
    assert(order !== undefined, 'an order gate is given back once')
    hold.order = undefined
    entry.order.leave(order, admitted)
    if (entry.order.exclusiveCount === 0) entry.exclusiveFloor = 0
    if (entry.order.sharedCount === 0) entry.sharedFloor = 0
  }

  /** Gives the run gate back, and forgets the key with the last one. */
  releaseRun({ entry, run }: Hold<Owner>, admitted: (owner: Owner) => void): void {
    entry.run.leave(run, admitted)
    if (entry.run.isEmpty && entry !== this.#whole) this.#keys.delete(entry.key)
  }

  /** The intents at a key. */
  count(key: string): IntentCount {
    const run = this.#keys.get(key)?.run
    return { shared: run?.sharedCount ?? 0, exclusive: run?.exclusiveCount ?? 0 }
  }

  /** Throws unless the invariants hold. For tests. */
  check(): void {
    for (const entry of [this.#whole, ...this.#keys.values()]) {
      entry.order.check()
      entry.run.check()
      assert(entry.order.sharedCount <= entry.run.sharedCount, 'shared: order implies run')
      assert(entry.order.exclusiveCount <= entry.run.exclusiveCount, 'exclusive: order implies run')
      assert(entry === this.#whole || !entry.run.isEmpty, 'an entry has an intent')
      assert(this.#keys.get(entry.key) === entry || entry === this.#whole, 'an entry is under its key')
    }
  }
}

function makeEntry<Owner>(key: string): KeyEntry<Owner> {
  return { key, order: new FairGate(), run: new FairGate(), exclusiveFloor: 0, sharedFloor: 0 }
}

function enter<Owner>(entry: KeyEntry<Owner>, owner: Owner, id: number, isExclusive: boolean): Hold<Owner> {
  if (isExclusive) entry.exclusiveFloor = Math.max(entry.exclusiveFloor, id)
  else entry.sharedFloor = Math.max(entry.sharedFloor, id)
  const order = entry.order.enter(owner, isExclusive)
  const run = entry.run.enter(owner, isExclusive)
  return { entry, isExclusive, order, run }
}

/** A command may name a key twice; it must not wait for itself. Exclusive wins. */
function eachKeyOnce(intents: readonly KeyIntent[]): Iterable<KeyIntent> {
  if (intents.length < 2) return intents
  const byKey = new Map<string, KeyIntent>()
  for (const intent of intents) {
    if (intent.exclusive || !byKey.has(intent.key)) byKey.set(intent.key, intent)
  }
  return byKey.values()
}
