/**
 * Each model, answer by answer: one line is a sequence of calls, the last of which has the answer in
 * question.
 */
import { expect, test } from 'vitest'
import {
  counterModel,
  listModel,
  lockModel,
  type Model,
  queueModel,
  registerModel,
  setModel,
  UNKNOWN,
} from '../../../src/testkit/index.ts'

/** Whether all answers are right, one after another. */
function accepts<State, Call, Output>(
  model: Model<State, Call, Output>,
  ...steps: readonly (readonly [call: Call, output: Output | typeof UNKNOWN])[]
): boolean {
  let state: State | undefined = model.init()
  for (const [call, output] of steps) {
    const before = model.key(state)
    const next: State | undefined = model.step(state, call, output)
    expect(model.key(state)).toBe(before)
    if (next === undefined) return false
    if (model.isRead?.(call, output)) expect(model.key(next)).toBe(before)
    state = next
  }
  return true
}

test('register', () => {
  const model = registerModel()
  const set = [{ type: 'set', value: 'a' }, undefined] as const
  const cas = (from: string | undefined, to: string) => ({ type: 'cas', from, to }) as const
  const get = { type: 'get' } as const
  expect(accepts(model, [get, undefined], set, [get, 'a'])).toBe(true)
  expect(accepts(model, set, [get, undefined])).toBe(false)
  expect(accepts(model, set, [cas('a', 'b'), true], [get, 'b'])).toBe(true)
  expect(accepts(model, set, [cas('b', 'c'), false], [get, 'a'])).toBe(true)
  expect(accepts(model, set, [cas('b', 'c'), true])).toBe(false)
  expect(accepts(model, [cas(undefined, 'b'), UNKNOWN], [get, 'b'])).toBe(true)
  expect(accepts(model, set, [{ type: 'del' }, true], [{ type: 'del' }, false])).toBe(true)
  expect(accepts(registerModel(7), [get, 7])).toBe(true)
})

test('counter', () => {
  const add = { type: 'add', by: 2 } as const
  expect(accepts(counterModel(), [add, 2], [add, UNKNOWN], [add, undefined], [{ type: 'get' }, 6])).toBe(true)
  expect(accepts(counterModel(), [add, 3])).toBe(false)
  expect(accepts(counterModel(5), [{ type: 'get' }, undefined])).toBe(false)
})

test('list', () => {
  const append = (value: string) => ({ type: 'append', value }) as const
  expect(
    accepts(listModel(), [append('a'), 1], [append('b'), undefined], [{ type: 'read' }, ['a', 'b']]),
  ).toBe(true)
  expect(accepts(listModel(), [append('a'), 2])).toBe(false)
  expect(accepts(listModel(), [append('a'), 1], [{ type: 'read' }, []])).toBe(false)
})

test('set', () => {
  const on = (type: 'add' | 'remove' | 'has', value: string) => ({ type, value })
  expect(accepts(setModel(), [on('add', 'a'), true], [on('add', 'a'), false], [on('has', 'a'), true])).toBe(
    true,
  )
  expect(
    accepts(setModel(), [on('add', 'a'), true], [on('add', 'b'), undefined], [{ type: 'read' }, ['b', 'a']]),
  ).toBe(true)
  expect(accepts(setModel(), [on('add', 'a'), true], [{ type: 'read' }, ['a', 'a']])).toBe(false)
  expect(accepts(setModel(), [on('remove', 'a'), true])).toBe(false)
})

test('queue', () => {
  const enqueue = (value: string) => ({ type: 'enqueue', value }) as const
  const dequeue = { type: 'dequeue' } as const
  const two = [
    [enqueue('a'), undefined],
    [enqueue('b'), undefined],
  ] as const
  expect(accepts(queueModel(), ...two, [dequeue, 'a'], [dequeue, UNKNOWN], [dequeue, undefined])).toBe(true)
  expect(accepts(queueModel(), ...two, [dequeue, 'b'])).toBe(false)
})

test('lock', () => {
  const model = lockModel()
  const acquire = (owner: string) => ({ type: 'acquire', owner }) as const
  const release = (owner: string, token: bigint) => ({ type: 'release', owner, token }) as const
  const expire = (owner: string, token?: bigint) => ({ type: 'expire', owner, token }) as const
  const write = (token: bigint) => ({ type: 'write', token }) as const
  expect(accepts(model, [acquire('a'), 1n], [release('a', 1n), true], [acquire('b'), 2n])).toBe(true)
  expect(accepts(model, [acquire('a'), 1n], [acquire('b'), undefined], [release('b', 1n), false])).toBe(true)
  // Two holders, a token that does not grow, a refusal for nothing.
  expect(accepts(model, [acquire('a'), 1n], [acquire('b'), 2n])).toBe(false)
  expect(accepts(model, [acquire('a'), 2n], [release('a', 2n), true], [acquire('b'), 2n])).toBe(false)
  expect(accepts(model, [acquire('a'), undefined])).toBe(false)
  // After the lease the next holder's writes count, the old one's do not.
  const expired = [
    [acquire('a'), 1n],
    [expire('a', 1n), undefined],
    [acquire('b'), 2n],
  ] as const
  expect(accepts(model, ...expired, [write(2n), true], [write(1n), false], [release('a', 1n), false])).toBe(
    true,
  )
  expect(accepts(model, ...expired, [write(1n), true])).toBe(false)
  expect(accepts(model, ...expired, [write(2n), false])).toBe(false)
  // A lost client may hold it, with a token that nobody knows.
  const lost = [
    [acquire('a'), UNKNOWN],
    [acquire('b'), undefined],
    [expire('a'), UNKNOWN],
  ] as const
  expect(accepts(model, ...lost, [acquire('b'), 2n])).toBe(true)
  expect(accepts(model, ...lost, [acquire('b'), 1n])).toBe(false)
})
