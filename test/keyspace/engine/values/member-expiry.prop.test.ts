/** Expiry of members against a `Map` of times. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemberExpiry } from '../../../../src/keyspace/engine/values/member-expiry.ts'

const names = Array.from({ length: 61 }, (_, n) => `m${n}`)
const member = fc.constantFrom(...names)
const time = fc.integer({ min: 1, max: 200 })
const step = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(fc.constant('set' as const), member, time) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('clear' as const), member, time) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('take' as const), member, time) },
)

test('it knows every time, and takes out what is due, the earliest first', () => {
  let takenCount = 0
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 300, size: 'max' }),
      fc.integer({ min: 1, max: 20 }),
      (steps, limit) => {
        const expiry = new MemberExpiry()
        const model = new Map<string, number>()
        for (const [kind, name, ms] of steps) {
          if (kind === 'set') {
            expiry.set(name, ms)
            model.set(name, ms)
          } else if (kind === 'clear') {
            expect(expiry.clear(name)).toBe(model.delete(name))
          } else {
            const taken = expiry.takeDue(ms, limit)
            const due = [...model.values()].filter((at) => at <= ms).sort((a, b) => a - b)
            expect(taken.map((one) => model.get(one))).toEqual(due.slice(0, limit))
            expect(new Set(taken).size).toBe(taken.length)
            for (const one of taken) model.delete(one)
            takenCount += taken.length
          }
          expect(expiry.isSound()).toBe(true)
          expect(expiry.size).toBe(model.size)
          expect(expiry.next).toBe(Math.min(...model.values()))
          const wrong = names.filter((one) => expiry.expireAt(one) !== (model.get(one) ?? 0))
          expect(wrong).toEqual([])
          expect(expiry.isDue(name, ms)).toBe((model.get(name) ?? Infinity) <= ms)
        }
      },
    ),
    { numRuns: 100 },
  )
  expect(takenCount).toBeGreaterThan(100)
})

test('a time that is renewed again and again leaves nothing behind', () => {
  const expiry = new MemberExpiry()
  for (let n = 0; n < 100; n++) expiry.set(`m${n}`, 1_000_000 + n)
  const bytes = expiry.bytes
  for (let turn = 0; turn < 10_000; turn++)
    expiry.set(`m${turn % 100}`, 2_000_000 + ((turn * 7919) % 100_000))
  expect(expiry.size).toBe(100)
  expect(expiry.bytes).toBe(bytes)
  expect(expiry.isSound()).toBe(true)
})

test('ten thousand members are sound after any of them was removed', () => {
  const expiry = new MemberExpiry()
  const times = new Map<string, number>()
  for (let n = 0; n < 10_000; n++) {
    times.set(`m${n}`, (n * 7919) % 10_007)
    expiry.set(`m${n}`, times.get(`m${n}`)!)
  }
  for (let n = 0; n < 10_000; n += 3) {
    expiry.clear(`m${n}`)
    times.delete(`m${n}`)
  }
  expect(expiry.isSound()).toBe(true)
  const taken = expiry.takeDue(Infinity, Infinity)
  expect(taken.length).toBe(times.size)
  expect(taken.map((name) => times.get(name))).toEqual([...times.values()].sort((a, b) => a - b))
  expect(expiry.next).toBe(Infinity)
})
