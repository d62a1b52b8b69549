/**
 * The checker against the definition, against atomic objects, and against planted bugs of each kind.
 */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import {
  type CounterCall,
  checkLinearizable,
  counterModel,
  type ListCall,
  listModel,
  lockModel,
  type Model,
  type ModelValue,
  type Operation,
  type QueueCall,
  queueModel,
  type RegisterCall,
  registerModel,
  type SetCall,
  setModel,
} from '../../../src/testkit/index.ts'
import { isLinearizable } from './brute-force.ts'
import { isBefore, lockHistory, runClients, withOutput } from './simulated-clients.ts'

const SEEDS = process.env['SHL_SOAK'] ? 5000 : 150
const RUNS = process.env['SHL_SOAK'] ? 20_000 : 500

const value = fc.constantFrom('a', 'b')
const outputs = {
  register: fc.oneof(value, fc.constantFrom(undefined, true, false)),
  counter: fc.constantFrom(undefined, 0, 1, 2, 3),
  list: fc.oneof(fc.constantFrom(undefined, 1, 2), fc.array(value, { maxLength: 2 })),
  set: fc.oneof(fc.boolean(), fc.uniqueArray(value)),
  queue: fc.option(value, { nil: undefined }),
  lock: fc.constantFrom(undefined, true, false, 1n, 2n),
}
const calls = {
  register: fc.oneof(
    fc.constant({ type: 'get' }),
    fc.record({ type: fc.constant('set'), value }),
    fc.record({ type: fc.constant('cas'), from: fc.option(value, { nil: undefined }), to: value }),
    fc.constant({ type: 'del' }),
  ),
  counter: fc.oneof(fc.constant({ type: 'get' }), fc.constant({ type: 'add', by: 1 })),
  list: fc.oneof(fc.constant({ type: 'read' }), fc.record({ type: fc.constant('append'), value })),
  set: fc.oneof(
    fc.constant({ type: 'read' }),
    fc.record({ type: fc.constantFrom('add', 'remove', 'has'), value }),
  ),
  queue: fc.oneof(fc.constant({ type: 'dequeue' }), fc.record({ type: fc.constant('enqueue'), value })),
  lock: fc.oneof(
    fc.record({ type: fc.constant('acquire'), owner: value }),
    fc.record({ type: fc.constantFrom('release', 'expire'), owner: value, token: fc.constantFrom(1n, 2n) }),
    fc.record({ type: fc.constant('write'), token: fc.constantFrom(1n, 2n) }),
  ),
}

/** Up to six operations; whether they have an order is left to chance. */
function smallHistory(call: fc.Arbitrary<unknown>, output: fc.Arbitrary<unknown>) {
  const operation = fc.record({
    process: fc.nat(3),
    call,
    output,
    callAt: fc.nat(12),
    lasts: fc.nat(6),
    isPending: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  })
  return fc.array(operation, { maxLength: 6 }).map((operations) =>
    operations.map(({ lasts, isPending, ...rest }): Operation<never, never> => {
      const { output: answer, ...unanswered } = rest
      return (
        isPending
          ? { ...unanswered, pending: true }
          : { ...rest, output: answer, returnAt: rest.callAt + lasts }
      ) as Operation<never, never>
    }),
  )
}

const models = {
  register: registerModel(),
  counter: counterModel(),
  list: listModel(),
  set: setModel(),
  queue: queueModel(),
  lock: lockModel(),
} as Record<keyof typeof calls, Model<unknown, never, never>>

describe.each(Object.keys(calls) as (keyof typeof calls)[])('%s', (name) => {
  test('small histories are judged as by trying all orders', () => {
    const seen = { right: 0, wrong: 0 }
    fc.assert(
      fc.property(smallHistory(calls[name], outputs[name]), (history) => {
        const expected = isLinearizable(history, models[name])
        const outcome = checkLinearizable(history, models[name])
        expect(outcome.ok).toBe(expected)
        seen[expected ? 'right' : 'wrong']++
        if (outcome.ok !== false) return
        // What is left has no order either, and has one without the answer that fits nowhere.
        expect(isLinearizable(outcome.operations, models[name])).toBe(false)
        const { output: _output, returnAt: _returnAt, ...stuck } = outcome.stuck
        const rest = outcome.operations.map((op) => (op === outcome.stuck ? { ...stuck, pending: true } : op))
        expect(isLinearizable(rest, models[name])).toBe(true)
      }),
      { numRuns: RUNS },
    )
    expect(Math.min(seen.right, seen.wrong)).toBeGreaterThan(RUNS / 50)
  })
})

function registerHistory(seed: number, lossRate = 0.03): Operation<RegisterCall, unknown>[] {
  const random = seededRandom(seed)
  const values = new Map<string, ModelValue>()
  let written = 0
  return runClients<RegisterCall, unknown>(random, {
    clients: 4,
    count: 60,
    lossRate,
    next: () => {
      const key = random.below(2) === 0 ? 'x' : 'y'
      const dice = random.below(10)
      if (dice < 5) return { key, call: { type: 'get' } }
      if (dice < 8) return { key, call: { type: 'set', value: ++written } }
      return { key, call: dice === 8 ? { type: 'del' } : { type: 'cas', from: written, to: ++written } }
    },
    apply(call, _process, key) {
      const before = values.get(key)
      if (call.type === 'get') return before
      if (call.type === 'del') return values.delete(key)
      if (call.type === 'set') return void values.set(key, call.value)
      if (before === call.from) values.set(key, call.to)
      return before === call.from
    },
  })
}

function counterHistory(seed: number): Operation<CounterCall, number | undefined>[] {
  const random = seededRandom(seed)
  let count = 0
  return runClients<CounterCall, number | undefined>(random, {
    clients: 4,
    count: 40,
    lossRate: 0.02,
    next: () => ({ call: random.below(3) === 0 ? { type: 'get' } : { type: 'add', by: 1 } }),
    apply: (call) => (call.type === 'add' ? ++count : count),
  })
}

describe('an atomic object is accepted', () => {
  const eachSeed = (run: (seed: number) => { ok: unknown; text: string }) => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const outcome = run(seed)
      expect(outcome.ok, `seed ${seed}: ${outcome.text}`).toBe(true)
    }
  }
  test('register', () => eachSeed((seed) => checkLinearizable(registerHistory(seed), registerModel())))
  test('counter', () => eachSeed((seed) => checkLinearizable(counterHistory(seed), counterModel())))
  test('lock', () =>
    eachSeed((seed) => checkLinearizable(lockHistory(seededRandom(seed), 0.03), lockModel())))
  test('list', () =>
    eachSeed((seed) => {
      const random = seededRandom(seed)
      const list: ModelValue[] = []
      let written = 0
      const history = runClients<ListCall, readonly ModelValue[] | number | undefined>(random, {
        clients: 3,
        count: 25,
        next: () => ({
          call: random.below(2) === 0 ? { type: 'read' } : { type: 'append', value: ++written },
        }),
        apply: (call) => (call.type === 'read' ? [...list] : list.push(call.value)),
      })
      return checkLinearizable(history, listModel())
    }))
  test('set', () =>
    eachSeed((seed) => {
      const random = seededRandom(seed)
      const set = new Set<ModelValue>()
      const history = runClients<SetCall, readonly ModelValue[] | boolean | undefined>(random, {
        clients: 4,
        count: 40,
        lossRate: 0.02,
        next: () => {
          const type = (['add', 'remove', 'has', 'read'] as const)[random.below(4)]!
          return { call: type === 'read' ? { type } : { type, value: random.below(3) } }
        },
        apply(call) {
          if (call.type === 'read') return [...set]
          const isIn = set.has(call.value)
          if (call.type === 'has') return isIn
          if (call.type === 'remove') return set.delete(call.value)
          set.add(call.value)
          return !isIn
        },
      })
      return checkLinearizable(history, setModel())
    }))
  test('queue', () =>
    eachSeed((seed) => {
      const random = seededRandom(seed)
      const queue: ModelValue[] = []
      let written = 0
      const history = runClients<QueueCall, ModelValue | undefined>(random, {
        clients: 3,
        count: 30,
        lossRate: 0.02,
        next: () => ({
          call: random.below(2) === 0 ? { type: 'dequeue' } : { type: 'enqueue', value: ++written },
        }),
        apply: (call) => (call.type === 'dequeue' ? queue.shift() : void queue.push(call.value)),
      })
      return checkLinearizable(history, queueModel())
    }))
})

describe('a planted bug is found', () => {
  /** Plants into each seed's history where it can be seen; most seeds must offer such a place. */
  const eachPlanted = (plant: (seed: number) => { ok: unknown; text: string } | undefined) => {
    let planted = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      const outcome = plant(seed)
      if (outcome === undefined) continue
      planted++
      expect(outcome.ok, `seed ${seed}: ${outcome.text}`).toBe(false)
    }
    expect(planted).toBeGreaterThan(SEEDS / 2)
  }
  const pick = <T>(seed: number, found: readonly T[]): T | undefined =>
    found[seededRandom(seed).below(found.length)]

  test('a stale read', () =>
    eachPlanted((seed) => {
      const history = registerHistory(seed)
      const places = history.flatMap((get) => {
        if (get.call.type !== 'get' || get.pending) return []
        const sets = history.filter((op) => op.key === get.key && op.call.type === 'set' && isBefore(op, get))
        const old = sets.find((set) => sets.some((other) => isBefore(set, other)))
        return old?.call.type === 'set' ? [{ get, old: old.call.value }] : []
      })
      const place = pick(seed, places)
      return place && checkLinearizable(withOutput(history, place.get, place.old), registerModel())
    }))

  test('a lost update', () =>
    eachPlanted((seed) => {
      const history = counterHistory(seed)
      const adds = history.filter(({ call, pending }) => call.type === 'add' && !pending)
      const first = pick(seed, adds.slice(0, -1))!
      const second = adds.find((add) => add !== first && add.callAt > first.callAt)!
      return checkLinearizable(withOutput(history, second, first.output as number), counterModel())
    }))

  test('two writes of one client in the wrong order', () =>
    eachPlanted((seed) => {
      const random = seededRandom(seed)
      const waiting = new Map<number, number>()
      let [current, written, last] = [0, 0, 0]
      const history = runClients<RegisterCall, unknown>(random, {
        clients: 3,
        count: 20,
        next: (process) => ({ call: process === 0 ? { type: 'set', value: ++written } : { type: 'get' } }),
        apply(call, process) {
          if (call.type !== 'set') return current
          // Every second write is held back until the one after it.
          const held = waiting.get(process)
          if (held === undefined) waiting.set(process, call.value as number)
          else waiting.delete(process)
          last = call.value as number
          if (held !== undefined) current = held
          return undefined
        },
      })
      const endAt = Math.max(...history.map(({ returnAt }) => returnAt ?? 0))
      const read = {
        process: 9,
        call: { type: 'get' },
        output: current,
        callAt: endAt + 1,
        returnAt: endAt + 2,
      } as const
      return current === last || written < 2
        ? undefined
        : checkLinearizable([...history, read], registerModel())
    }))

  test('a token that goes backwards', () =>
    eachPlanted((seed) => {
      const history = lockHistory(seededRandom(seed))
      const granted = history.filter(
        ({ call, output }) => call.type === 'acquire' && typeof output === 'bigint',
      )
      const places = granted.flatMap((late) =>
        granted.filter((early) => isBefore(early, late)).map((early) => ({ early, late })),
      )
      const place = pick(seed, places)
      if (place === undefined) return undefined
      const token = (place.early.output as bigint) - BigInt(seed % 2)
      return checkLinearizable(withOutput(history, place.late, token), lockModel())
    }))

  test('two holders of a lock at once', () =>
    eachPlanted((seed) => {
      const history = lockHistory(seededRandom(seed))
      const granted = history.filter(
        ({ call, output }) => call.type === 'acquire' && typeof output === 'bigint',
      )
      const endsOf = (token: unknown) =>
        history.filter(
          ({ call }) => (call.type === 'release' || call.type === 'expire') && call.token === token,
        )
      const places = history.filter(
        (attempt) =>
          attempt.call.type === 'acquire' &&
          attempt.output === undefined &&
          granted.some(
            (holder) =>
              isBefore(holder, attempt) && endsOf(holder.output).every((end) => isBefore(attempt, end)),
          ),
      )
      const place = pick(seed, places)
      return place && checkLinearizable(withOutput(history, place, 1000n), lockModel())
    }))
})
