/** A smaller history must be wrong for the same reason: what explains an answer stays. */
import { expect, test } from 'vitest'
import { cutHistory, shrinkHistory } from '../../../src/testkit/history/linear-shrink.ts'
import { type CounterCall, counterModel, type Operation } from '../../../src/testkit/index.ts'

const add = (at: number, output?: number): Operation<CounterCall, number | undefined> => {
  return { process: 1, call: { type: 'add', by: 1 }, output, callAt: at, returnAt: at + 1 }
}
const get = (at: number, output: number): Operation<CounterCall, number | undefined> => {
  return { process: 2, call: { type: 'get' }, output, callAt: at, returnAt: at + 1 }
}
const shrunk = (...history: Operation<CounterCall, number | undefined>[]) => {
  const stuck = history.at(-1)!
  return shrinkHistory(counterModel(), history, stuck, { left: 1_000_000 }).map((op) => history.indexOf(op))
}

test('reads that are right go, and so do effects that change nothing about the failure', () => {
  expect(shrunk(add(0), get(2, 1), add(4), get(6, 2), add(8), get(10, 1))).toEqual([0, 2, 5])
})

test('effects that together would explain the answer stay', () => {
  // Without the last subtraction five would be right; without it and additions, anything from 0 to 5.
  const minus = { process: 3, call: { type: 'add', by: -1 }, callAt: 20, returnAt: 21 } as const
  const left = shrunk(add(0), add(2), minus, get(30, 2))
  expect(left).toContain(2)
  expect(left).toContain(3)
})

test('a history is cut where the first answer has no place, whatever the later ones were', () => {
  const [first, wrong, later] = [add(0, 1), get(2, 9), add(4, 2)]
  const cut = cutHistory(counterModel(), [first, wrong, later], wrong, { left: 1000 })
  expect(cut).toEqual({ operations: [first, wrong], stuck: wrong })
})
