/** The slow log of a thread, and of several as one. */
import { expect, test } from 'vitest'
import { cutArguments, newestOf, SlowLog } from '../../../src/server/report/slow-log.ts'

const ENTRY = { durationUs: 12, address: '127.0.0.1:1', client: 'me' }

test('keeps the newest, and numbers all of them', () => {
  let last = 6
  const log = new SlowLog(() => ++last)
  for (let i = 0; i < 5; i++) log.add({ ...ENTRY, wallMs: 1000 + i, argv: ['GET', `k${i}`] }, 3)
  expect(log.length).toBe(3)
  expect(log.newest(2)).toEqual([
    { ...ENTRY, id: 11, wallMs: 1004, argv: ['GET', 'k4'] },
    { ...ENTRY, id: 10, wallMs: 1003, argv: ['GET', 'k3'] },
  ])
  log.reset()
  expect(log.newest(10)).toEqual([])
  log.add({ ...ENTRY, wallMs: 2000, argv: ['PING'] }, 3)
  expect(log.newest(1)[0]!.id).toBe(12)
  log.add({ ...ENTRY, wallMs: 2001, argv: ['PING'] }, 0)
  expect(log.length).toBe(0)
})

test('of several threads is one, the last that was told first', () => {
  let last = 0
  const logs = [0, 1].map(() => new SlowLog(() => ++last))
  for (const [i, wallMs] of [3, 1, 2, 5, 4, 5].entries()) {
    logs[i % 2]!.add({ ...ENTRY, wallMs, argv: ['X'] }, 10)
  }
  const merged = newestOf(
    logs.map((log) => log.newest(10)),
    4,
  )
  expect(merged.map(({ wallMs, id }) => [wallMs, id])).toEqual([
    [5, 6],
    [4, 5],
    [5, 4],
    [2, 3],
  ])
})

test('has arguments as Redis cuts them', () => {
  const long = 'x'.repeat(130)
  expect(cutArguments(['SET', 'k', long])).toEqual(['SET', 'k', `${'x'.repeat(128)}... (2 more bytes)`])
  expect(cutArguments([new Uint8Array(200).fill(65)])).toEqual([`${'A'.repeat(128)}... (72 more bytes)`])
  expect(cutArguments([new Uint8Array([255, 0])])).toEqual(['\xff\0'])
  const words = Array.from({ length: 37 }, (_, i) => `w${i}`)
  const cut = cutArguments(words)
  expect(cut).toHaveLength(32)
  expect(cut.at(-1)).toBe('... (6 more arguments)')
  expect(cutArguments(words.slice(0, 32))).toEqual(words.slice(0, 32))
})
