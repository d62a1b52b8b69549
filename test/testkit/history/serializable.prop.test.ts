/** What is serialisable is accepted; each kind of planted bug is found, and named. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { type Anomaly, checkSerializable, type Transaction } from '../../../src/testkit/index.ts'
import { isSerializable } from './brute-force.ts'
import { asRegisters, runTransactions, type TransactionBug } from './simulated-transactions.ts'

const SEEDS = process.env['SHL_SOAK'] ? 5000 : 150

test('an atomic store is strictly serialisable, with lists and with registers', () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    const { history } = runTransactions(seed, { count: 60 })
    for (const transactions of [history, asRegisters(history)]) {
      const outcome = checkSerializable(transactions)
      expect(outcome.ok, `seed ${seed}: ${outcome.text}`).toBe(true)
    }
  }
})

describe('small histories are judged as by trying all orders', () => {
  /** A history of an atomic store in which one or two reads are wrong, perhaps. */
  const perhapsWrong = (seed: number): Transaction[] => {
    const random = seededRandom(seed)
    const { history } = runTransactions(seed, { count: 5, clients: 3, keys: 2 })
    return history.map(({ steps, ...rest }) => ({
      ...rest,
      steps: steps.map((step) => {
        if (step.type !== 'read' || random.below(4) > 0) return step
        return { ...step, value: step.value.slice(0, random.below(step.value.length + 1)) }
      }),
    }))
  }

  test.each([true, false])('lists, realTime: %s', (realTime) => {
    const seen = { right: 0, wrong: 0 }
    for (let seed = 0; seed < 5 * SEEDS; seed++) {
      const history = perhapsWrong(seed)
      const expected = isSerializable(history, realTime)
      const outcome = checkSerializable(history, { realTime })
      expect(outcome.ok, `seed ${seed}: ${outcome.text}`).toBe(expected)
      seen[expected ? 'right' : 'wrong']++
    }
    expect(Math.min(seen.right, seen.wrong)).toBeGreaterThan(SEEDS / 2)
  })

  test.each([true, false])('registers, realTime: %s: nothing right is accused', (realTime) => {
    const seen = { right: 0, wrong: 0, missed: 0 }
    for (let seed = 0; seed < 5 * SEEDS; seed++) {
      const history = asRegisters(perhapsWrong(seed))
      const expected = isSerializable(history, realTime)
      const outcome = checkSerializable(history, { realTime })
      if (expected) expect(outcome.ok, `seed ${seed}: ${outcome.text}`).toBe(true)
      else if (outcome.ok) seen.missed++
      seen[expected ? 'right' : 'wrong']++
    }
    // What is wrong is mostly found.
    expect(seen.missed).toBeLessThan(seen.wrong / 4)
  })
})

const NAMED: Readonly<Record<TransactionBug, readonly Anomaly['type'][]>> = {
  'stale read': ['G-single-realtime'],
  'lost update': ['G-single'],
  'half done': ['G-single'],
  'write skew': ['G2'],
  reordered: ['G0-realtime'],
  'aborted read': ['G1a'],
  'lost append': ['lost append'],
}

describe.each(Object.keys(NAMED) as TransactionBug[])('%s', (bug) => {
  test('is found in the history of every seed', () => {
    for (let seed = 0; seed < SEEDS; seed++) {
      const { history, planted } = runTransactions(seed, { count: 40, bug })
      expect(planted).toBe(true)
      const outcome = checkSerializable(history)
      expect(outcome.ok, `seed ${seed}`).toBe(false)
      if (outcome.ok) continue
      const types = outcome.anomalies.map(({ type }) => type)
      expect(
        NAMED[bug].some((type) => types.includes(type)),
        `seed ${seed}: ${outcome.text}`,
      ).toBe(true)
    }
  })
})

test('without the clock, what only the clock forbids is accepted', () => {
  for (const bug of ['stale read', 'reordered'] as const) {
    for (let seed = 0; seed < SEEDS; seed++) {
      const { history } = runTransactions(seed, { count: 10, clients: 1, keys: 2, bug })
      const outcome = checkSerializable(history, { realTime: false })
      const isOnlyClock = outcome.ok || outcome.anomalies.every(({ type }) => !type.endsWith('-realtime'))
      expect(isOnlyClock).toBe(true)
    }
  }
})

test('twenty thousand transactions are judged at once', () => {
  const { history } = runTransactions(1, { count: 20_000, clients: 8, keys: 1000 })
  expect(checkSerializable(history).ok).toBe(true)
  expect(checkSerializable(asRegisters(history)).ok).toBe(true)
})
