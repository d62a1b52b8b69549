/**
 * Shards, coordinators and clients in one place, with a message between them at each step: to try any order.
 *
 * A coordinator draws an id, schedules on all its shards, cancels and begins again when one refuses, arms,
 * runs its hops, and is answered. A client sends commands to one shard each, the next one after the answer of
 * the one before. Answers of shards arrive at once: what a late answer would delay is the next message, and
 * that may be late. Whoever uses this picks the steps; the world notes what ran where, and when each
 * operation began and ended, and says whether that is strictly serialisable.
 *
 * Tests: test/keyspace/transactions/shard-schedule.model.test.ts,
 * test/keyspace/transactions/shard-schedule.prop.test.ts
 */
import {
  type Intents,
  type KeyIntent,
  ShardSchedule,
  WHOLE_SHARD,
} from '../../src/keyspace/transactions/index.ts'

/** Keys by shard: `{ 0: 'a B' }` reads a and writes b on shard 0; `*` is the whole shard. */
export type Parts = Readonly<Record<number, string>>

/** Who does what. */
export interface Plot {
  readonly shards: number
  readonly transactions?: readonly { readonly parts: Parts; readonly hops?: 1 | 2 }[]
  /** Commands of one shard, in the order of each client. */
  readonly clients?: readonly (readonly Parts[])[]
  /** How shards schedule; default: as they do. */
  makeSchedule?(): ShardSchedule
  /** A planted bug: intents are given back before the last hop. */
  readonly finishesEarly?: boolean
}

type Message = 'schedule' | 'arm' | 'last_hop' | 'cancel'

interface Operation {
  readonly name: string
  readonly parts: ReadonlyMap<number, Intents>
  readonly hops: number
  startedAt: number
  endedAt: number
  /** Of a transaction: its id, and what it knows of its shards. */
  id: number
  attempts: number
  isDrawn: boolean
  isArmed: boolean
  readonly answers: Map<number, 'yes' | 'no' | 'refused'>
  readonly hopsRun: Map<number, number>
}

interface Access {
  readonly operation: Operation
  readonly intents: Intents
}

interface Shard {
  readonly schedule: ShardSchedule
  readonly accesses: Access[]
  readonly operations: Map<number, Operation>
}

interface Channel {
  readonly operation: Operation
  readonly shard: number
  readonly messages: { readonly kind: Message; readonly id: number }[]
}

/** A step that may be taken now: a transaction begins, a message arrives, a client's command comes. */
export type Step = Operation | Channel

/** The state of all. */
export class TransactionWorld {
  readonly operations: Operation[] = []
  readonly shards: Shard[]
  refusals = 0
  readonly #plot: Plot
  readonly #transactions: Operation[]
  readonly #clients: Operation[][]
  /** Messages of a coordinator to a shard arrive in the order in which they were sent. */
  readonly #channels: readonly Channel[]
  #lastId = 0
  #now = 0

  constructor(plot: Plot) {
    this.#plot = plot
    this.shards = Array.from({ length: plot.shards }, () => ({
      schedule: plot.makeSchedule?.() ?? new ShardSchedule(),
      accesses: [],
      operations: new Map(),
    }))
    this.#transactions = (plot.transactions ?? []).map(({ parts, hops }, i) =>
      this.#operation(`X${i + 1}`, parts, hops),
    )
    this.#channels = this.#transactions.flatMap((operation) =>
      [...operation.parts.keys()].map((shard) => ({ operation, shard, messages: [] })),
    )
    this.#clients = (plot.clients ?? []).map((commands, c) =>
      commands.map((parts, i) => this.#operation(`C${c + 1}.${i + 1}`, parts)),
    )
  }

  /** What may happen next; nothing at the end. */
  steps(): Step[] {
    const steps: Step[] = []
    for (const [i, one] of this.#transactions.entries()) {
      // Those that are the same begin in their order: the other orders are the same once more.
      const before = this.#transactions[i - 1]
      const isTwin = before !== undefined && before.startedAt === 0 && this.#areTwins(i)
      if (!one.isDrawn && !isTwin) steps.push(one)
    }
    for (const channel of this.#channels) if (channel.messages.length > 0) steps.push(channel)
    for (const commands of this.#clients) {
      const next = commands.find(({ endedAt }) => endedAt === 0)
      if (next && next.startedAt === 0) steps.push(next)
    }
    return steps
  }

  take(step: Step): void {
    if ('messages' in step) this.#deliver(step)
    else if (this.#transactions.includes(step)) this.#draw(step)
    else this.#command(step)
  }

  /** A step in words. */
  describe(step: Step): string {
    if ('messages' in step) return `${step.operation.name} ${step.messages[0]!.kind} at ${step.shard}`
    return this.#transactions.includes(step) ? `${step.name} draws an id` : `${step.name} comes`
  }

  /** Throws unless what ran so far can be put in one order that fits all keys and the clock. */
  checkOrder(): void {
    const after = new Map<Operation, Set<Operation>>(this.operations.map((one) => [one, new Set()]))
    for (const { accesses } of this.shards) {
      accesses.forEach((access, i) => {
        for (const later of accesses.slice(i + 1)) {
          if (later.operation === access.operation || !conflict(access.intents, later.intents)) continue
          after.get(access.operation)!.add(later.operation)
        }
      })
    }
    checkAcyclic(after, 'not serialisable')
    for (const one of this.operations) {
      if (one.endedAt === 0) continue
      for (const later of this.operations) if (later.startedAt > one.endedAt) after.get(one)!.add(later)
    }
    checkAcyclic(after, 'not strictly serialisable')
  }

  /** Throws unless every schedule is as it should be. */
  check(): void {
    for (const { schedule } of this.shards) schedule.check()
  }

  /** Throws unless all have ended and left nothing behind. */
  checkEnd(): void {
    const open = this.operations.filter(({ endedAt }) => endedAt === 0).map(({ name }) => name)
    if (open.length > 0) throw new Error(`${open.join(' and ')} never end`)
    for (const { schedule } of this.shards) {
      if (schedule.size !== 0) throw new Error('a transaction was left behind')
      if (schedule.isBlocked(WHOLE_SHARD, true)) throw new Error('an intent was left behind')
    }
    this.checkOrder()
  }

  /** The same for two states from which the same can happen and go wrong. */
  key(): string {
    const open = this.#transactions.filter((one) => one.isDrawn && !one.isArmed)
    const floors = this.shards.map(({ schedule }, shard) =>
      open.map(({ parts }) => (parts.has(shard) ? schedule.floor(parts.get(shard)!) : 0)),
    )
    const ids = new Set<number>(floors.flat())
    for (const { id } of open) ids.add(id)
    // Only which is higher matters, and only while somebody can be refused.
    const ranks = new Map([...ids].sort((a, b) => a - b).map((id, rank) => [id, rank]))
    const parts: unknown[] = []
    for (const one of this.operations) {
      parts.push(one.name, one.isDrawn, one.isArmed, one.attempts, one.startedAt > 0, one.endedAt > 0)
      if (one.isDrawn && !one.isArmed) parts.push(ranks.get(one.id), ...[...one.answers].sort().flat())
      for (const { endedAt } of this.operations) parts.push(endedAt > 0 && endedAt < one.startedAt ? 1 : 0)
    }
    for (const { operation, shard, messages } of this.#channels) {
      if (messages.length === 0) continue
      parts.push(operation.name, shard)
      for (const { kind, id } of messages) parts.push(kind, id === operation.id)
    }
    this.shards.forEach(({ schedule, accesses, operations }, i) => {
      for (const { id, state } of schedule.list()) parts.push(operations.get(id)!.name, state)
      for (const floor of floors[i]!) parts.push(ranks.get(floor))
      for (const { operation } of accesses) parts.push(operation.name)
      parts.push('|')
    })
    return parts.join()
  }

  #operation(name: string, parts: Parts, hops = 1): Operation {
    const one: Operation = {
      name,
      parts: new Map(Object.entries(parts).map(([shard, keys]) => [Number(shard), intentsOf(keys)])),
      hops,
      startedAt: 0,
      endedAt: 0,
      id: 0,
      attempts: 0,
      isDrawn: false,
      isArmed: false,
      answers: new Map(),
      hopsRun: new Map(),
    }
    this.operations.push(one)
    return one
  }

  #areTwins(i: number): boolean {
    const [a, b] = [this.#plot.transactions![i - 1]!, this.#plot.transactions![i]!]
    return a === b
  }

  // Coordinators.

  #draw(one: Operation): void {
    this.#now++
    if (one.startedAt === 0) one.startedAt = this.#now
    one.id = ++this.#lastId
    one.attempts++
    one.isDrawn = true
    one.answers.clear()
    this.#sendAll(one, 'schedule')
  }

  #sendAll(one: Operation, kind: Message): void {
    for (const channel of this.#channels) {
      if (channel.operation === one) channel.messages.push({ kind, id: one.id })
    }
  }

  #answered(one: Operation, id: number, shard: number, answer: 'yes' | 'no' | 'refused'): void {
    if (id !== one.id) return
    one.answers.set(shard, answer)
    if ([...one.answers.values()].includes('refused')) {
      // As soon as one refuses: what the others say no longer matters.
      if (!one.isDrawn || answer !== 'refused') return
      this.refusals++
      this.#sendAll(one, 'cancel')
      one.isDrawn = false
      one.id = -1
      return
    }
    const isScheduled = [...one.parts.keys()].every((part) => one.answers.get(part) === 'yes')
    if (!isScheduled) return
    one.isArmed = true
    this.#sendAll(one, 'arm')
  }

  #hopRan(one: Operation): void {
    const runs = [...one.parts.keys()].map((shard) => one.hopsRun.get(shard) ?? 0)
    if (runs.every((hops) => hops === one.hops)) one.endedAt = ++this.#now
    else if (one.hops === 2 && runs.every((hops) => hops === 1)) this.#sendAll(one, 'last_hop')
  }

  // Shards.

  #deliver({ operation: one, shard: index, messages }: Channel): void {
    const { kind, id } = messages.shift()!
    this.#now++
    const shard = this.shards[index]!
    if (kind === 'schedule') {
      shard.operations.set(id, one)
      const outcome = shard.schedule.schedule(id, one.parts.get(index)!)
      this.#answered(one, id, index, outcome === 'pending' ? 'no' : outcome === 'refused' ? 'refused' : 'yes')
    } else if (kind === 'arm') shard.schedule.arm(id)
    else if (kind === 'cancel') shard.schedule.cancel(id)
    else {
      this.#run(one, index)
      if (!this.#plot.finishesEarly) shard.schedule.finish(id)
    }
    this.#pump(index)
  }

  #command(one: Operation): void {
    one.startedAt = ++this.#now
    const [[index, intents]] = [...one.parts] as [[number, Intents]]
    const { schedule, operations } = this.shards[index]!
    const isBlocked =
      intents === WHOLE_SHARD
        ? schedule.isBlocked(WHOLE_SHARD, true)
        : intents.some(({ key, exclusive }) => schedule.isBlocked([key], exclusive))
    if (isBlocked) operations.set(schedule.scheduleLocal(intents), one)
    else this.#run(one, index)
    this.#pump(index)
  }

  #pump(index: number): void {
    const { schedule, operations } = this.shards[index]!
    for (let id = schedule.nextAcknowledged(); id !== undefined; id = schedule.nextAcknowledged()) {
      this.#answered(operations.get(id)!, id, index, 'yes')
    }
    for (let id = schedule.next(); id !== undefined; id = schedule.next()) {
      const one = operations.get(id)!
      this.#run(one, index)
      if (one.hops === 1 || this.#plot.finishesEarly) schedule.finish(id)
    }
  }

  #run(one: Operation, index: number): void {
    this.shards[index]!.accesses.push({ operation: one, intents: one.parts.get(index)! })
    one.hopsRun.set(index, (one.hopsRun.get(index) ?? 0) + 1)
    this.#hopRan(one)
  }
}

function intentsOf(keys: string): Intents {
  if (keys === '*') return WHOLE_SHARD
  return keys
    .split(' ')
    .map((key): KeyIntent => ({ key: key.toLowerCase(), exclusive: key !== key.toLowerCase() }))
}

function conflict(a: Intents, b: Intents): boolean {
  if (a === WHOLE_SHARD || b === WHOLE_SHARD) return true
  return a.some((one) => b.some((other) => one.key === other.key && (one.exclusive || other.exclusive)))
}

function checkAcyclic(after: ReadonlyMap<Operation, ReadonlySet<Operation>>, what: string): void {
  const done = new Set<Operation>()
  const path: Operation[] = []
  const walk = (one: Operation): void => {
    if (done.has(one)) return
    const at = path.indexOf(one)
    if (at !== -1) throw new Error(`${what}: ${[...path.slice(at), one].map(({ name }) => name).join(' < ')}`)
    path.push(one)
    for (const next of after.get(one)!) walk(next)
    path.pop()
    done.add(one)
  }
  for (const one of after.keys()) walk(one)
}
