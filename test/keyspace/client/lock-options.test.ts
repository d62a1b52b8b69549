/** Options of locks: what is left out, what is wrong. */
import { expect, test } from 'vitest'
import { type LockOptions, lockWant, newTtl, placesOf } from '../../../src/keyspace/client/lock-options.ts'

const DAY_MS = 24 * 60 * 60 * 1000

function want(options: LockOptions, limit = 0, isTry = false) {
  return lockWant('keyspace.lock', 'door', limit, options, isTry)
}

test('what is left out has its default: ten seconds, exclusive, one hour', () => {
  expect(want({})).toEqual({
    names: ['door'],
    shared: false,
    limit: 0,
    ttl: 10_000,
    waitMs: 3_600_000,
    owner: undefined,
    heartbeat: true,
    signal: undefined,
  })
  expect(want({}, 0, true).waitMs).toBe(0)
})

test('a name that is given twice counts once', () => {
  expect(lockWant('keyspace.lock', ['b', 'a', 'b'], 0, {}, false).names).toEqual(['b', 'a'])
  expect(() => lockWant('keyspace.lock', [], 0, {}, false)).toThrow('0 names')
})

test.each([
  [{ ttl: 0 }, 'ttl=0'],
  [{ ttl: 1.5 }, 'ttl=1.5'],
  [{ ttl: DAY_MS + 1 }, 'allowed=integer 1..86400000'],
  [{ waitMs: -1 }, 'waitMs=-1'],
  [{ waitMs: Number.POSITIVE_INFINITY }, 'waitMs=Infinity'],
  [{ timeout: 5 }, 'timeout'],
])('%o is refused', (options, text) => {
  expect(() => want(options as LockOptions)).toThrow(text)
})

test('who only tries has no wait to speak of, and a semaphore is not shared', () => {
  expect(() => want({ waitMs: 5 }, 0, true)).toThrow('waitMs')
  expect(() => want({ shared: true }, 3)).toThrow('shared')
  expect(want({ ttl: 5 }, 3).limit).toBe(3)
})

test('a semaphore has at least one place', () => {
  expect(placesOf(7)).toBe(7)
  for (const wrong of [0, 1.5, 1_000_001, Number.NaN]) expect(() => placesOf(wrong)).toThrow('limit=')
  expect(() => newTtl(0)).toThrow('ttl=0')
})
