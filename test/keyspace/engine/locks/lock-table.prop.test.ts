/**
 * Locks under random schedules: against a model when all is done on time, and against what each holder may
 * believe when nothing is. Wrong rules are noticed by the same schedules.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ErrorReply } from '../../../../src/keyspace/engine/index.ts'
import type { LockRequest } from '../../../../src/keyspace/engine/locks/lock.ts'
import { LOCK_RULES, type LockRules } from '../../../../src/keyspace/engine/locks/lock-rules.ts'
import type { LockTableOptions } from '../../../../src/keyspace/engine/locks/lock-table.ts'
import { TokenCounter } from '../../../../src/keyspace/engine/locks/token-counter.ts'
import { type Asked, kindOf, LockBench } from '../../../support/lock-host.ts'
import { LockModel } from '../../../support/lock-model.ts'

type Step =
  | { readonly kind: 'ask'; readonly request: LockRequest }
  | { readonly kind: 'renew' | 'release' | 'cancel'; readonly pick: number; readonly ms: number }
  | { readonly kind: 'pass'; readonly ms: number; readonly isSeen: boolean }

/** Schedules to try. */
const RUNS = process.env['SHL_SOAK'] === undefined ? 250 : 5000

const LOCKS = ['a', 'b', 'c']
const NAMES = [...LOCKS, 's']
const ttlMs = fc.integer({ min: 1, max: 8 })
const waitMs = fc.constantFrom(0, 1, 3, 6, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY)
const owner = fc.constantFrom('ann', 'bob', 'cid', 'dan', 'eve')

const lockRequest: fc.Arbitrary<LockRequest> = fc.record({
  names: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...LOCKS).map((name) => [name]) },
    { weight: 1, arbitrary: fc.array(fc.constantFrom(...LOCKS), { minLength: 2, maxLength: 3 }) },
  ),
  owner,
  mode: fc.constantFrom('exclusive' as const, 'exclusive' as const, 'shared' as const),
  limit: fc.constant(0),
  ttlMs,
  waitMs,
})
const semaphoreRequest: fc.Arbitrary<LockRequest> = fc.record({
  names: fc.constant(['s']),
  owner,
  mode: fc.constant('semaphore' as const),
  limit: fc.constantFrom(2, 2, 2, 3),
  ttlMs,
  waitMs,
})
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('ask' as const),
      request: fc.oneof({ weight: 4, arbitrary: lockRequest }, { weight: 1, arbitrary: semaphoreRequest }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('renew' as const, 'release' as const, 'release' as const, 'cancel' as const),
      pick: fc.nat(1000),
      ms: ttlMs,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pass' as const),
      ms: fc.integer({ min: 1, max: 5 }),
      isSeen: fc.boolean(),
    }),
  },
)
const steps = fc.array(step, { maxLength: 60, size: 'max' })

test('the table does what the model does', () => {
  const marks = new Map<string, number>()
  fc.assert(
    fc.property(steps, (schedule) => againstModel(schedule, {}, marks)),
    { numRuns: RUNS },
  )
  for (const mark of [
    'granted',
    'busy',
    'waits',
    'refused',
    'late granted',
    'late timeout',
    'late cancelled',
  ]) {
    expect(marks.get(mark), mark).toBeGreaterThan(20)
  }
})

test('a token is worth something exactly as long as its lease, whoever is late', () => {
  fc.assert(
    fc.property(steps, (schedule) => againstHolders(schedule, {})),
    { numRuns: RUNS },
  )
})

class StuckCounter extends TokenCounter {
  override next(): number {
    return super.next() % 4
  }
}

test.each<[string, LockTableOptions]>([
  ['a lease that holds at its last instant', rules({ isOver: (dueMs, nowMs) => nowMs > dueMs })],
  ['a lease that ends an instant early', rules({ isOver: (dueMs, nowMs) => nowMs >= dueMs - 1 })],
  [
    'readers beside a writer',
    rules({ isCompatible: (held, mode) => right(held, mode) || mode === 'shared' }),
  ],
  [
    'a writer beside readers',
    rules({ isCompatible: (held, mode) => right(held, mode) || held.mode === 'shared' }),
  ],
  [
    'one too many in a semaphore',
    rules({ isCompatible: (held, mode) => right({ ...held, holderCount: held.holderCount - 1 }, mode) }),
  ],
  ['whoever comes passes who waits', rules({ mayPass: () => true })],
  ['readers pass one who waits', rules({ mayPass: (waiters) => waiters <= 1 })],
  ['tokens that begin anew', { tokens: new StuckCounter() }],
])('a planted fault is noticed: %s', (_name, options) => {
  const isNoticed = [againstModel, againstHolders].some((against) => {
    const property = fc.property(steps, (schedule) => against(schedule, options))
    return fc.check(property, { numRuns: 300, seed: 1, endOnFailure: true }).failed
  })
  expect(isNoticed).toBe(true)
})

function rules(wrong: Partial<LockRules>): LockTableOptions {
  return { rules: { ...LOCK_RULES, ...wrong } }
}

const right = LOCK_RULES.isCompatible

/** Each step on both; time never passes unseen. */
function againstModel(
  schedule: readonly Step[],
  options: LockTableOptions,
  marks = new Map<string, number>(),
): void {
  const bench = new LockBench(options)
  const model = new LockModel()
  const asked: Asked[] = []
  const told = new Set<number>()
  const newest = new Map<string, number>()
  const note = (mark: string): void => void marks.set(mark, (marks.get(mark) ?? 0) + 1)
  for (const one of schedule) {
    if (one.kind === 'ask') {
      const said = model.acquire(asked.length, one.request)
      const outcome = orRefused(() => bench.ask(one.request.names, one.request.owner, one.request))
      expect(outcome === undefined ? 'refused' : kindOf(outcome)).toBe(said)
      note(said)
      if (outcome?.ticket !== undefined) asked.push(outcome)
      else asked.push({ outcome: undefined, ticket: undefined })
    } else if (one.kind === 'cancel') {
      const id = one.pick % (asked.length || 1)
      const ticket = asked[id]?.ticket
      model.cancel(id)
      if (ticket !== undefined) bench.do((table) => table.cancel(ticket))
    } else if (one.kind === 'pass') {
      bench.pass(one.ms)
      bench.tick()
      model.pass(one.ms)
    } else {
      const leases = NAMES.flatMap((name) =>
        (bench.table.info(name)?.holders ?? []).map((holder) => ({ name, ...holder })),
      )
      const lease = leases[one.pick % (leases.length || 1)]
      if (lease === undefined) continue
      const { name, owner, token } = lease
      if (one.kind === 'release') expect(bench.release(name, owner, token)).toBe(model.release(name, owner))
      else expect(bench.table.renew(name, owner, token, one.ms)).toBe(model.renew(name, owner, one.ms))
    }
    bench.table.check()
    checkTokens(bench, newest)
    for (const name of NAMES) expect(shown(bench, name)).toEqual(model.show(name))
    const ended = asked.flatMap((request, id) => {
      if (request.ticket === undefined || kindOf(request) === 'waits' || told.has(id)) return []
      told.add(id)
      note(`late ${kindOf(request)}`)
      return [`${id} ${kindOf(request)}`]
    })
    expect(ended.sort()).toEqual(model.ended.sort())
    model.ended = []
  }
}

function shown({ table, host }: LockBench, name: string): unknown {
  const { holders = [], waiters = [] } = table.info(name) ?? {}
  return {
    holders: holders.map(({ owner, mode, entries, remainingMs }) => {
      return { owner, mode, entries, endMs: host.nowMs + remainingMs }
    }),
    waiters: waiters.map((waiter) => waiter.owner),
  }
}

/** Tokens of a name that were not seen before are above all that were. */
function checkTokens({ table }: LockBench, newest: Map<string, number>): void {
  for (const name of NAMES) {
    const before = newest.get(name) ?? 0
    const tokens = (table.info(name)?.holders ?? []).map(({ token }) => token)
    expect(new Set(tokens).size).toBe(tokens.length)
    const fresh = tokens.slice(tokens.findIndex((token) => token > before))
    if (tokens.length > 0 && tokens.at(-1)! <= before) fresh.length = 0
    expect(fresh).toEqual([...fresh].sort((a, b) => a - b))
    newest.set(name, Math.max(before, ...tokens))
  }
}

/** What somebody was promised: known from what it was told, and from nothing else. */
interface Lease {
  readonly name: string
  readonly owner: string
  readonly mode: string
  readonly limit: number
  readonly token: number
  endMs: number
  entries: number
}

/**
 * Time passes seen or unseen, and holders pause past their leases. At every instant, the tokens that pass are
 * exactly those whose lease, as its owner reckons, is not over; and they may pass beside each other.
 */
function againstHolders(schedule: readonly Step[], options: LockTableOptions): void {
  const bench = new LockBench(options)
  const promises: Lease[] = []
  const asked: { readonly request: LockRequest; readonly asked: Asked; isNoted: boolean }[] = []
  const newest = new Map<string, number>()
  const note = (): void => {
    for (const one of asked) {
      if (one.isNoted || kindOf(one.asked) === 'waits') continue
      one.isNoted = true
      const { outcome } = one.asked
      if (outcome?.kind !== 'granted') continue
      one.request.names.forEach((name, i) => {
        if (one.request.names.indexOf(name) === i) noteGrant(one.request, name, outcome.tokens[i]!)
      })
    }
  }
  const noteGrant = ({ owner, mode, limit, ttlMs }: LockRequest, name: string, token: number): void => {
    const endMs = bench.host.nowMs + ttlMs
    const known = promises.find((one) => one.name === name && one.token === token)
    if (known === undefined) {
      expect(token).toBeGreaterThan(newest.get(name) ?? 0)
      newest.set(name, token)
      promises.push({ name, owner, mode, limit, token, endMs, entries: 1 })
      return
    }
    expect(known.owner).toBe(owner)
    known.entries++
    known.endMs = Math.max(known.endMs, endMs)
  }
  for (const one of schedule) {
    const promise =
      'pick' in one ? promises[promises.length - 1 - (one.pick % (promises.length || 1))] : undefined
    const isHeld = promise !== undefined && promise.entries > 0 && promise.endMs > bench.host.nowMs
    if (one.kind === 'ask') {
      const request = one.request
      const got = orRefused(() => bench.ask(request.names, request.owner, request))
      if (got !== undefined) asked.push({ request, asked: got, isNoted: false })
    } else if (one.kind === 'pass') {
      bench.pass(one.ms)
      if (one.isSeen) bench.tick()
    } else if (one.kind === 'cancel') {
      const ticket = asked[one.pick % (asked.length || 1)]?.asked.ticket
      if (ticket !== undefined) bench.do((table) => table.cancel(ticket))
    } else if (promise !== undefined && one.kind === 'renew') {
      const { name, owner, token } = promise
      expect(bench.do((table) => table.renew(name, owner, token, one.ms))).toBe(isHeld)
      if (isHeld) promise.endMs = Math.max(promise.endMs, bench.host.nowMs + one.ms)
    } else if (promise !== undefined) {
      expect(bench.release(promise.name, promise.owner, promise.token)).toBe(isHeld)
      if (isHeld) promise.entries--
    }
    note()
    bench.table.check()
    checkPromises(bench, promises)
    note()
  }
  // Nobody waits for ever, whoever never releases.
  for (let i = 0; i < asked.length + 1; i++) {
    bench.pass(8)
    bench.tick()
  }
  expect(bench.table.size).toBe(0)
  for (const { asked: one } of asked) expect(kindOf(one)).not.toBe('waits')
}

function checkPromises(bench: LockBench, promises: readonly Lease[]): void {
  const { nowMs } = bench.host
  // Before anybody asks: who asks may let others enter.
  const running = promises.filter(({ entries, endMs }) => entries > 0 && endMs > nowMs)
  for (const name of NAMES) {
    const held = running.filter((one) => one.name === name)
    if (held.length < 2) continue
    expect(held.every(({ mode }) => mode !== 'exclusive')).toBe(true)
    expect(held.every(({ limit }) => limit === 0 || held.length <= limit)).toBe(true)
    expect(new Set(held.map(({ mode }) => mode)).size).toBe(1)
  }
  for (const one of promises) {
    const passes = bench.do((table) => table.validate(one.name, one.token))
    expect(passes).toBe(running.includes(one))
  }
}

function orRefused<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof ErrorReply)) throw error
    return undefined
  }
}
