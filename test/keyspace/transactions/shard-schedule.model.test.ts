/** Every order in which messages can arrive: strictly serialisable, and everybody gets to the end. */
import { describe, expect, test } from 'vitest'
import {
  type Intents,
  type ScheduleOutcome,
  ShardSchedule,
} from '../../../src/keyspace/transactions/index.ts'
import { Exhaustive } from '../../support/exhaustive.ts'
import { type Plot, TransactionWorld } from '../../support/transaction-world.ts'

const IS_SOAK = process.env['SHL_SOAK'] !== undefined
/** Two can refuse each other again and again, if their messages cross each time: enough is enough. */
const ATTEMPTS_MAX = 2

interface ExploredPlot extends Plot {
  /** Default 2. */
  readonly attemptsMax?: number
}

interface Explored {
  readonly states: number
  /** Ways to an end that differ in a state. */
  readonly ends: number
  /** The most on one way. */
  readonly refusals: number
}

/** Walks all states; throws with the steps that led to a wrong one. */
function explore(plot: ExploredPlot): Explored {
  const attemptsMax = plot.attemptsMax ?? ATTEMPTS_MAX
  const choices = new Exhaustive()
  const seen = new Set<string>()
  let ends = 0
  let refusals = 0
  while (!choices.done()) {
    const world = new TransactionWorld(plot)
    const trace: string[] = []
    try {
      while (world.operations.every(({ attempts }) => attempts <= attemptsMax)) {
        const isNew = choices.isBeyondReplay
        if (isNew) {
          world.check()
          const key = world.key()
          if (seen.has(key)) break
          seen.add(key)
        }
        const steps = world.steps()
        if (steps.length === 0) {
          world.checkEnd()
          ends++
          break
        }
        const step = choices.pick(steps)
        trace.push(world.describe(step))
        world.take(step)
      }
      refusals = Math.max(refusals, world.refusals)
    } catch (error) {
      throw new Error(`${(error as Error).message}\nafter\n  ${trace.join('\n  ')}`, { cause: error })
    }
  }
  return { states: seen.size, ends, refusals }
}

const BOTH = { parts: { 0: 'A', 1: 'B' } }

const PLOTS: Readonly<Record<string, ExploredPlot>> = {
  'two that write the same keys': { shards: 2, transactions: [BOTH, BOTH] },
  'three that write the same keys': { shards: 2, transactions: [BOTH, BOTH, BOTH] },
  'three over three shards, one of which two only read': {
    shards: 3,
    transactions: [
      { parts: { 0: 'A', 1: 'b' } },
      { parts: { 1: 'b', 2: 'C' } },
      { parts: { 2: 'C', 0: 'A' } },
    ],
  },
  'several hops': {
    shards: 2,
    transactions: [
      { ...BOTH, hops: 2 },
      { ...BOTH, hops: 2 },
    ],
  },
  'several keys of a shard': {
    shards: 2,
    transactions: [{ parts: { 0: 'A b', 1: 'C' } }, { parts: { 0: 'a B', 1: 'C' } }],
    clients: [[{ 0: 'A B' }, { 1: 'c' }]],
  },
  'commands that come between': {
    shards: 2,
    transactions: [BOTH, { ...BOTH, hops: 2 }],
    clients: [[{ 0: 'a' }, { 1: 'B' }]],
  },
  'the whole of every shard': {
    shards: 2,
    transactions: [{ parts: { 0: '*', 1: '*' } }, BOTH],
    clients: [[{ 0: 'c' }, { 1: '*' }]],
  },
  'a reader who sees what comes later first': {
    shards: 3,
    transactions: [{ parts: { 0: 'A', 1: 'C' } }, { parts: { 1: 'C', 2: 'D' } }],
    clients: [[{ 2: 'd' }, { 0: 'a' }]],
  },
  'a command that hands on what it waits for': {
    shards: 2,
    transactions: [{ parts: { 0: 'A', 1: 'D' } }, { parts: { 0: 'C', 1: 'D' } }],
    clients: [[{ 0: 'A C' }]],
  },
}

const LARGE_PLOTS: Readonly<Record<string, ExploredPlot>> = {
  'two that read and one that writes': {
    shards: 2,
    transactions: [{ parts: { 0: 'a', 1: 'b' } }, { parts: { 0: 'a', 1: 'b' } }, BOTH],
  },
  'a ring of three over three shards': {
    shards: 3,
    transactions: [
      { parts: { 0: 'A', 1: 'B' } },
      { parts: { 1: 'B', 2: 'C' } },
      { parts: { 2: 'C', 0: 'A' } },
    ],
  },
  'a ring of three, and one that reads across it': {
    attemptsMax: 1,
    shards: 3,
    transactions: [
      { parts: { 0: 'A', 1: 'B' } },
      { parts: { 1: 'B', 2: 'C' } },
      { parts: { 2: 'C', 0: 'A' } },
    ],
    clients: [[{ 0: 'a' }, { 2: 'c' }]],
  },
}

describe('in every order of messages', () => {
  test.each(Object.entries(IS_SOAK ? { ...PLOTS, ...LARGE_PLOTS } : PLOTS))('%s', (_name, plot) => {
    const { ends, states } = explore(plot)
    expect(ends).toBeGreaterThan(1)
    expect(states).toBeGreaterThan(50)
  })
})

/** Ids as they arrive: nobody is below anybody. */
class NeverRefuses extends ShardSchedule {
  readonly #inner = new Map<number, number>()
  readonly #outer = new Map<number, number>()

  override schedule(id: number, intents: Intents): ScheduleOutcome {
    const inner = this.#inner.size + 1
    this.#inner.set(id, inner)
    this.#outer.set(inner, id)
    return super.schedule(inner, intents)
  }

  override arm(id: number): void {
    super.arm(this.#inner.get(id)!)
  }

  override nextAcknowledged(): number | undefined {
    return this.#named(super.nextAcknowledged())
  }

  override next(): number | undefined {
    return this.#named(super.next())
  }

  override finish(id: number): void {
    super.finish(this.#inner.get(id) ?? id)
  }

  override list(): ReturnType<ShardSchedule['list']> {
    return super.list().map((one) => ({ ...one, id: this.#named(one.id)! }))
  }

  #named(id: number | undefined): number | undefined {
    return id === undefined ? undefined : (this.#outer.get(id) ?? id)
  }
}

/** Says yes while those ahead are not armed. */
class AcknowledgesAtOnce extends ShardSchedule {
  readonly #isArmed = new Set<number>()

  override schedule(id: number, intents: Intents): ScheduleOutcome {
    const outcome = super.schedule(id, intents)
    return outcome === 'pending' ? 'queued' : outcome
  }

  override arm(id: number): void {
    if (this.stateOf(id) === 'pending') this.#isArmed.add(id)
    else super.arm(id)
  }

  override nextAcknowledged(): number | undefined {
    for (let id = super.nextAcknowledged(); id !== undefined; id = super.nextAcknowledged()) {
      if (this.#isArmed.has(id)) super.arm(id)
    }
    return undefined
  }
}

class LetsEverythingIn extends ShardSchedule {
  override isBlocked(keys: Parameters<ShardSchedule['isBlocked']>[0]): boolean {
    return keys === 'whole_shard' && super.isBlocked(keys, true)
  }
}

describe('a planted bug is found', () => {
  test('nobody is refused', () => {
    const plot = { ...PLOTS['two that write the same keys']!, makeSchedule: () => new NeverRefuses() }
    expect(() => explore(plot)).toThrow('X1 and X2 never end')
  })

  test('a shard says yes too early', () => {
    const plot = {
      ...PLOTS['a reader who sees what comes later first']!,
      makeSchedule: () => new AcknowledgesAtOnce(),
    }
    expect(() => explore(plot)).toThrow('not strictly serialisable')
  })

  test('intents are given back before the last hop', () => {
    const plot = { ...PLOTS['several hops']!, finishesEarly: true }
    expect(() => explore(plot)).toThrow('not serialisable')
  })

  test('commands run inline although they are blocked', () => {
    const plot = { ...PLOTS['commands that come between']!, makeSchedule: () => new LetsEverythingIn() }
    expect(() => explore(plot)).toThrow('serialisable')
  })
})
