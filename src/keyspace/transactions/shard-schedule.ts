/**
 * One shard's part in transactions over several shards: who comes before whom, and who may run now.
 *
 * Pure and synchronous: the shard tells it what its messages say, and asks what to do.
 *
 *     coordinator   draw id      all said yes      all have run        refused anywhere
 *                     │ schedule   │ arm             │ finish            │ cancel, everywhere;
 *     each shard      ▼            ▼                 ▼                   ▼ again with a new id
 *                   pending → acknowledged → armed → running → gone
 *                        may say yes        may run, when all
 *                        to its coordinator that conflict before it are gone
 *
 * Nobody is asked to wait in its own thread, and no shard asks another one. Transactions whose keys differ do
 * not see each other: each key has a queue of its own, so that a slow one holds up only whom it concerns. (In
 * the VLL paper, and in Dragonfly, the intents are bare counters and one queue per shard decides: cheaper by
 * a list node per key, but whoever did not find its keys free waits for the head of the queue, whatever that
 * is about.)
 *
 * **Order.** Scheduling takes the order gates of all keys, on all shards; arming gives them back. So
 * scheduling is strict two-phase locking, for microseconds, of the *right to say what comes next*, and not of
 * the data. Two that conflict are armed in the order in which they passed the gate, on every shard where they
 * meet, and they run in that order too. A transaction therefore takes effect at the moment at which it is
 * armed, which lies between its call and its answer: strictly serialisable, together with all the commands
 * that run inline, without an id, on one shard, between any two messages. That is why a shard does not say
 * yes while a conflicting transaction ahead is not armed (`pending`). With an early yes the order of ids is
 * still the same everywhere, but not the order of time: say X1 touches a and c, X2 c and d. X2 stands behind
 * X1 at c, runs at d at once, and somebody reads it there; then he reads a, inline, before X1 has even
 * arrived there, and finds it unchanged. By c, X1 came before X2; by his clock, after. The model test finds
 * this when the rule is taken away.
 *
 * **No deadlock.** A transaction waits only for armed ones and for those with lower ids: one that comes upon
 * a conflicting one with a higher id, which is not armed yet, is *refused*, and tries again with an id above
 * all others. Messages that cross are the only reason for that. Once scheduled on all its shards, it is
 * overtaken by nobody. Two can refuse each other in turn only as long as, each time, one message is slower
 * than a whole attempt of the other: chance ends that soon, and no rule has to.
 *
 * **Commands of one shard** run inline when `isBlocked` says no. Else they stand in the same queues as a
 * local transaction, which has an id of its own (negative: no coordinator knows it), arms itself, and is
 * never refused. Both sides wait in the order of arrival: neither starves the other.
 *
 * Invariants
 *   1. Two that conflict run in the order of their arrival here, and one ends before the other begins.
 *   2. They arrive in the same order on every shard on which both were acknowledged.
 *   3. Who is armed and has nobody conflicting ahead is returned by `next`, once.
 *   4. Who is not armed and has nobody conflicting ahead that is not armed was told to be acknowledged, once.
 *   5. Who waits for an armed one waits for nobody's message but the coordinator's of that one.
 *
 * Cost: constant per key, however many wait for it. Node 20, x64: 0.45 µs for a transaction of two keys from
 * `schedule` to `finish`; `isBlocked` 1.5 ns while nothing is scheduled, 20 ns while other keys are.
 * Tests: test/keyspace/transactions/shard-schedule.test.ts, shard-schedule.{prop,model}.test.ts
 * Source: Ren, Thomson, Abadi, "VLL: a lock manager redesign for main memory database systems" (2013);
 * Dragonfly, "Life of a transaction"; Rosenkrantz et al., "System level concurrency control" (1978) for
 * refusing.
 */
import { assert } from '../../base/index.ts'
import { type Hold, type IntentCount, type Intents, IntentTable, WHOLE_SHARD } from './intent-table.ts'

/** Names a transaction: above 0 and drawn from one counter for all shards, or below 0 for a local one. */
export type TransactionId = number

/**
 * What becomes of a transaction. `granted`: acknowledged, and nobody is ahead: it runs as soon as it is
 * armed. `queued`: acknowledged; it runs after those ahead. `pending`: not acknowledged yet;
 * `nextAcknowledged` returns it when it is, and the coordinator is answered then. `refused`: it is not
 * scheduled here.
 */
export type ScheduleOutcome = 'granted' | 'queued' | 'pending' | 'refused'

/** How far a transaction is on this shard. */
export type TransactionState = 'pending' | 'acknowledged' | 'armed' | 'running'

/** One transaction on this shard. */
interface Scheduled {
  readonly id: TransactionId
  readonly holds: readonly Hold<Scheduled>[]
  state: TransactionState
  /** Gates at which it still waits. */
  orderWaits: number
  runWaits: number
}

/** The transactions of one shard. */
export class ShardSchedule {
  readonly #scheduled = new Map<TransactionId, Scheduled>()
  readonly #intents = new IntentTable<Scheduled>()
  /** May run, in the order in which that became so; with some that are gone by now. */
  readonly #runnable = new Fifo<Scheduled>()
  /** Passed all order gates: to be acknowledged, or armed if local. */
  readonly #passed = new Fifo<Scheduled>()
  readonly #acknowledged = new Fifo<Scheduled>()
  #lastLocalId = 0

  /** Transactions that are scheduled and not gone. */
  get size(): number {
    return this.#scheduled.size
  }

  /**
   * Whether a command must not run inline now: somebody's intent conflicts. Ask before each command that runs
   * without a transaction; then run it at once, or call `scheduleLocal`.
   */
  isBlocked(keys: readonly string[] | typeof WHOLE_SHARD, exclusive: boolean): boolean {
    if (this.#scheduled.size === 0) return false
    if (keys === WHOLE_SHARD) return this.#intents.isShardBlocked()
    for (const key of keys) if (this.#intents.isBlocked(key, exclusive)) return true
    return false
  }

  /** Schedules a transaction that has other shards too, or several hops. Each id once, above 0. */
  schedule(id: TransactionId, intents: Intents): ScheduleOutcome {
    assert(id > 0 && !this.#scheduled.has(id), 'an id is drawn once, above 0')
    if (id < this.#intents.floor(intents)) return 'refused'
    const one = this.#add(id, id, intents)
    if (one.orderWaits > 0) return 'pending'
    one.state = 'acknowledged'
    return one.runWaits === 0 ? 'granted' : 'queued'
  }

  /** Schedules a command of this shard alone that may not run inline now. `next` returns it in its turn. */
  scheduleLocal(intents: Intents): TransactionId {
    const id = --this.#lastLocalId
    // It hands on what it waits for: whoever comes behind it must not be below that.
    const one = this.#add(id, this.#intents.floor(intents), intents)
    if (one.orderWaits === 0) this.#passed.push(one)
    this.#settle()
    return id
  }

  /** Its coordinator has scheduled it everywhere and wants it to run. */
  arm(id: TransactionId): void {
    const one = this.#get(id)
    assert(one.state === 'acknowledged', 'what is armed was acknowledged, and is armed once')
    this.#arm(one)
    this.#settle()
  }

  /** The next transaction that may say yes to its coordinator now. Ask until undefined after each call. */
  nextAcknowledged(): TransactionId | undefined {
    for (;;) {
      const one = this.#acknowledged.shift()
      if (one === undefined || this.#scheduled.get(one.id) === one) return one?.id
    }
  }

  /**
   * The next transaction to run here, from its first hop to `finish`. Ask until undefined after each call.
   */
  next(): TransactionId | undefined {
    for (;;) {
      const one = this.#runnable.shift()
      if (one === undefined) return undefined
      if (this.#scheduled.get(one.id) !== one) continue
      one.state = 'running'
      return one.id
    }
  }

  /** Its last hop here has run: who waits for it may go on. */
  finish(id: TransactionId): void {
    const one = this.#get(id)
    assert(one.state === 'running', 'only what runs can finish')
    this.#remove(one)
  }

  /** It will not run here: refused elsewhere, or its coordinator is gone. False when it is not known here. */
  cancel(id: TransactionId): boolean {
    const one = this.#scheduled.get(id)
    if (one === undefined) return false
    assert(one.state !== 'running', 'what runs is finished, not cancelled')
    this.#remove(one)
    return true
  }

  /** How far a transaction is; undefined when it is not known here. */
  stateOf(id: TransactionId): TransactionState | undefined {
    return this.#scheduled.get(id)?.state
  }

  /** All transactions in the order of their arrival, for reports. */
  list(): { readonly id: TransactionId; readonly state: TransactionState; readonly isWaiting: boolean }[] {
    return [...this.#scheduled.values()].map(({ id, state, runWaits }) => {
      return { id, state, isWaiting: runWaits > 0 }
    })
  }

  /** The intents at a key. */
  intentsOf(key: string): IntentCount {
    return this.#intents.count(key)
  }

  /** The lowest id that would not be refused. */
  floor(intents: Intents): TransactionId {
    return this.#intents.floor(intents)
  }

  /** Throws unless the invariants hold. For tests: walks everything. */
  check(): void {
    this.#intents.check()
    assert(this.#passed.length === 0, 'what has passed is settled at once')
    for (const { holds, orderWaits, runWaits, state } of this.#scheduled.values()) {
      const atOrder = holds.filter(({ order }) => order !== undefined && !order.isInside).length
      assert(atOrder === orderWaits, 'waits at order gates are counted')
      assert(holds.filter(({ run }) => !run.isInside).length === runWaits, 'waits at run gates are counted')
      assert((state === 'pending') === orderWaits > 0, 'who waits at an order gate is pending, nobody else')
      assert(state !== 'running' || runWaits === 0, 'what runs waits for nobody')
      const isSettled = state === 'armed' || state === 'running'
      for (const hold of holds)
        assert((hold.order === undefined) === isSettled, 'arming opens the order gates')
    }
  }

  #get(id: TransactionId): Scheduled {
    const one = this.#scheduled.get(id)
    assert(one !== undefined, 'the transaction is known on this shard')
    return one
  }

  #add(id: TransactionId, floorId: number, intents: Intents): Scheduled {
    const holds: Hold<Scheduled>[] = []
    const one: Scheduled = { id, holds, state: 'pending', orderWaits: 0, runWaits: 0 }
    for (const hold of this.#intents.acquire(one, floorId, intents)) {
      holds.push(hold)
      if (hold.order?.isInside === false) one.orderWaits++
      if (!hold.run.isInside) one.runWaits++
    }
    this.#scheduled.set(id, one)
    return one
  }

  #arm(one: Scheduled): void {
    one.state = 'armed'
    this.#openOrder(one)
    if (one.runWaits === 0) this.#runnable.push(one)
  }

  #openOrder(one: Scheduled): void {
    for (const hold of one.holds) this.#intents.releaseOrder(hold, this.#onOrderPassed)
  }

  #remove(one: Scheduled): void {
    this.#scheduled.delete(one.id)
    if (one.state === 'pending' || one.state === 'acknowledged') this.#openOrder(one)
    for (const hold of one.holds) this.#intents.releaseRun(hold, this.#onRunPassed)
    this.#settle()
  }

  readonly #onOrderPassed = (one: Scheduled): void => {
    if (--one.orderWaits === 0) this.#passed.push(one)
  }

  readonly #onRunPassed = (one: Scheduled): void => {
    if (--one.runWaits === 0 && one.state === 'armed') this.#runnable.push(one)
  }

  /** A loop, not a recursion: a thousand local ones may stand behind each other. */
  #settle(): void {
    for (let one = this.#passed.shift(); one !== undefined; one = this.#passed.shift()) {
      if (one.id < 0) this.#arm(one)
      else {
        one.state = 'acknowledged'
        this.#acknowledged.push(one)
      }
    }
  }
}

/** A queue whose front is taken without moving the rest. */
class Fifo<T> {
  #items: T[] = []
  #front = 0

  get length(): number {
    return this.#items.length - this.#front
  }

  push(item: T): void {
    this.#items.push(item)
  }

  shift(): T | undefined {
    if (this.#front === this.#items.length) return undefined
    const item = this.#items[this.#front++]
    if (this.#front === this.#items.length) {
      this.#items = []
      this.#front = 0
    } else if (this.#front >= 1024 && this.#front * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#front)
      this.#front = 0
    }
    return item
  }
}
