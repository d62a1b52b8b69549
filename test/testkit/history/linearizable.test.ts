/** What a person reads when a history is not linearizable, and what else the checker answers. */
import { expect, test } from 'vitest'
import {
  checkLinearizable,
  listModel,
  type Operation,
  type RegisterCall,
  registerModel,
} from '../../../src/testkit/index.ts'

type RegisterOperation = Operation<RegisterCall, unknown>

const set = (process: number, value: string, callAt: number, returnAt: number): RegisterOperation => {
  return { process, key: 'x', call: { type: 'set', value }, callAt, returnAt }
}
const get = (process: number, output: unknown, callAt: number, returnAt: number): RegisterOperation => {
  return { process, key: 'x', call: { type: 'get' }, output, callAt, returnAt }
}

test('a stale read among many operations is told with the two writes that make it stale', () => {
  const history = Array.from({ length: 20 }, (_, i) => [
    set(i % 3, `v${i}`, 10 * i, 10 * i + 2),
    get(3, `v${i}`, 10 * i + 3, 10 * i + 5),
  ]).flat()
  const outcome = checkLinearizable([...history, get(4, 'v7', 300, 301)], registerModel())
  expect(outcome.text.split('\n')).toEqual([
    'key "x" is not linearizable: 3 of its 41 operations show it',
    '',
    'process 1  ├ set "v7" ┤',
    'process 2               ├ set "v8" ┤',
    'process 4                            ├ get → "v7" ┤✗',
    '',
    'cannot be placed: get → "v7" of process 4, called at 300, returned at 301',
    'longest prefix that can (40): …, set "v16", get → "v16", set "v17", get → "v17", ' +
      'set "v18", get → "v18", set "v19", get → "v19"',
  ])
})

test('a pending operation may take effect late, or never, but not before its call', () => {
  const lost: RegisterOperation = {
    process: 1,
    key: 'x',
    call: { type: 'set', value: 'a' },
    callAt: 5,
    pending: true,
  }
  const judge = (...reads: RegisterOperation[]) => checkLinearizable([lost, ...reads], registerModel()).ok
  expect(judge()).toBe(true)
  expect(judge(get(2, undefined, 6, 7), get(2, 'a', 900, 901))).toBe(true)
  expect(judge(get(2, 'a', 3, 4))).toBe(false)
  expect(judge(get(2, 'a', 6, 7), get(2, undefined, 8, 9))).toBe(false)
})

test('equal times mean concurrent', () => {
  expect(checkLinearizable([set(1, 'a', 1, 2), get(2, undefined, 2, 3)], registerModel()).ok).toBe(true)
})

test('keys are judged apart, and the failing one is named', () => {
  const other = (operation: RegisterOperation) => ({ ...operation, key: 'y' })
  const outcome = checkLinearizable([set(1, 'a', 1, 2), other(get(2, 'a', 3, 4))], registerModel())
  expect(outcome).toMatchObject({ ok: false, key: 'y' })
})

test('a history that is too much for the budget is not accepted, and not accused', () => {
  const appends = Array.from({ length: 20 }, (_, value): Operation<never, never> => {
    return { process: value, call: { type: 'append', value }, callAt: 0, returnAt: 100 } as never
  })
  const read = { process: 99, call: { type: 'read' }, output: ['?'], callAt: 101, returnAt: 102 } as never
  const outcome = checkLinearizable([...appends, read], listModel(), { stepsMax: 1000 })
  expect(outcome).toMatchObject({ ok: undefined, unknown: true })
})

test('histories that make no sense are refused', () => {
  const invalid = expect.objectContaining({ code: 'SHL_OPTION_INVALID' })
  const check =
    (...history: RegisterOperation[]) =>
    () =>
      checkLinearizable(history, registerModel())
  expect(check(set(1, 'a', 2, 1))).toThrow(invalid)
  expect(check({ process: 1, call: { type: 'get' }, callAt: 1 })).toThrow(invalid)
  expect(
    check({ process: 1, call: { type: 'get' }, callAt: 1, returnAt: 2 }, get(1, undefined, 3, 4)),
  ).toThrow(invalid)
})

test('a long history of many overlapping clients is judged in steps that grow with its length', () => {
  const history = Array.from({ length: 20_000 }, (_, i) =>
    i % 2 === 0 ? set(i % 8, `v${i}`, i, i + 8) : get(i % 8, `v${i - 1}`, i, i + 8),
  )
  expect(checkLinearizable(history, registerModel(), { stepsMax: 400_000 }).ok).toBe(true)
})
