/** What a person reads of each anomaly. */
import { expect, test } from 'vitest'
import { checkSerializable, type Transaction, type TransactionStep } from '../../../src/testkit/index.ts'

const append = (key: string, value: number): TransactionStep => ({ type: 'append', key, value })
const read = (key: string, ...value: number[]): TransactionStep => ({ type: 'read', key, value })
const set = (key: string, value: number): TransactionStep => ({ type: 'set', key, value })
const get = (key: string, value?: number): TransactionStep => ({ type: 'get', key, value })

/** All at the same time, unless told otherwise. */
const at = (callAt: number, returnAt: number, ...steps: TransactionStep[]): Transaction => ({
  steps,
  callAt,
  returnAt,
})
const overlapping = (...all: TransactionStep[][]) => all.map((steps) => at(0, 100, ...steps))
const text = (history: readonly Transaction[]) => checkSerializable(history).text

test('write skew', () => {
  expect(
    text(overlapping([read('x'), append('y', 1)], [read('y'), append('x', 2)], [read('x', 2), read('y', 1)])),
  ).toBe(
    [
      'G2: T0 → T1 → T0',
      '  T0 read x before any write, and not what T1 wrote behind it',
      '  T1 read y before any write, and not what T0 wrote behind it',
      '  so T0 would be before itself',
    ].join('\n'),
  )
})

test('half of a transaction', () => {
  expect(text(overlapping([append('x', 1), append('y', 2)], [read('x', 1), read('y')]))).toMatch(
    /^G-single: (.|\n)*T0 wrote x:1, which T1 read/,
  )
})

test('a stale read needs the clock', () => {
  const history = [at(1, 2, set('x', 1)), at(3, 4, set('x', 2)), at(5, 6, get('x', 1))]
  expect(text(history)).toMatch(/^G-single-realtime: (.|\n)*T1 had returned when T2 was called/)
  expect(checkSerializable(history, { realTime: false }).ok).toBe(true)
})

test('what is wrong without a cycle', () => {
  expect(text([{ ...at(1, 2, append('x', 1)), status: 'aborted' }, at(3, 4, read('x', 1))])).toBe(
    'G1a: T1 read 1 from x, which T0 wrote and took back: it was aborted',
  )
  expect(text(overlapping([append('x', 1), append('x', 2)], [read('x', 1)]))).toMatch(
    /^G1b: T1 read x when T0 had written 1 and was not done with x/,
  )
  expect(text(overlapping([append('x', 1), read('x')]))).toBe(
    'internal: T0 read x as [], by its own steps it is … 1',
  )
  expect(text(overlapping([get('x', 1), get('x', 2)], [set('x', 1)], [set('x', 2)]))).toMatch(
    /^internal: T0 read x as 2/,
  )
  expect(text(overlapping([read('x', 7)]))).toBe('phantom: T0 read 7 from x, which nobody wrote')
  expect(text(overlapping([append('x', 1)], [read('x', 1, 1)]))).toBe(
    'duplicate append: T1 read 1 twice in x: [1, 1]',
  )
  expect(text(overlapping([append('x', 1)], [append('x', 2)], [read('x', 1, 2)], [read('x', 2)]))).toMatch(
    /^incompatible order: T3 read x as \[2\]…, but another read has 1 at index 0/,
  )
  expect(text([at(1, 2, append('x', 1)), at(3, 4, read('x'))])).toMatch(
    /^lost append: T0 appended 1 to x and returned, but T1, called later, does not see it/,
  )
})

test('a transaction of unknown outcome counts when its writes were seen', () => {
  const lost: Transaction = { steps: [append('x', 1), append('y', 2)], status: 'unknown', callAt: 1 }
  expect(checkSerializable([lost, at(3, 4, read('x'), read('y'))]).ok).toBe(true)
  expect(checkSerializable([lost, at(3, 4, read('x', 1), read('y', 2))]).ok).toBe(true)
  expect(checkSerializable([lost, at(3, 4, read('x', 1), read('y'))]).ok).toBe(false)
})

test('transactions have names', () => {
  const named = { ...at(1, 2, read('x', 7)), id: 'transfer 12' }
  expect(text([named])).toMatch(/^phantom: transfer 12 read 7/)
})

test('histories that make no sense are refused', () => {
  const invalid = expect.objectContaining({ code: 'SHL_OPTION_INVALID' })
  expect(() => text(overlapping([append('x', 1)], [append('x', 1)]))).toThrow(invalid)
  expect(() => text(overlapping([append('x', 1)], [set('x', 2)]))).toThrow(invalid)
  expect(() => text([{ steps: [], callAt: 1 }])).toThrow(invalid)
})
