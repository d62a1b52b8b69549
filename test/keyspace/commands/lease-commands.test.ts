/** One computes, the others wait. */
import { expect, test } from 'vitest'
import { makeEngine, type Plain, plain, type Waiting } from '../../support/engine.ts'

const got = ({ reply }: Waiting): Plain | undefined => (reply === undefined ? undefined : plain(reply))

test('the first computes; the others get what it puts', () => {
  const { ask, wait, effects, clock, engine } = makeEngine()
  expect(ask('LEASE.GET', 'k', 'ann', 'PX', 1000)).toEqual(['compute', 1])
  const others = ['bob', 'cid', 'ann'].map((owner) => wait('LEASE.GET', 'k', owner, 'PX', 1000, 'WAIT', 0))
  expect(others.map(got)).toEqual([undefined, undefined, undefined])
  expect(ask('LEASE.GET', 'k', 'dan', 'PX', 1000)).toBeNull()
  const expireAt = clock.wallMs() + 5000
  expect(ask('LEASE.PUT', 'k', 'ann', 1, 'value', 'PX', 5000)).toBe('OK')
  expect(effects()).toEqual([['SET', 'k', 'value', 'PXAT', String(expireAt)]])
  for (const other of others) expect(got(other)).toEqual(['value', 'value'])
  expect(ask('LEASE.GET', 'k', 'dan', 'PX', 1000)).toEqual(['value', 'value'])
  expect(ask('PTTL', 'k')).toBe(5000)
  expect([engine.flights.size, engine.blocked.count]).toEqual([0, 0])
})

test('who fails, or takes too long, is followed by the next', () => {
  const { ask, wait, engine, clock } = makeEngine()
  ask('LEASE.GET', 'k', 'ann', 'PX', 1000)
  const [bob, cid] = ['bob', 'cid'].map((owner) => wait('LEASE.GET', 'k', owner, 'PX', 1000, 'WAIT', 0))
  expect(ask('LEASE.FAIL', 'k', 'ann', 1)).toBe(1)
  expect(ask('LEASE.FAIL', 'k', 'ann', 1)).toBe(0)
  expect([bob, cid].map((one) => got(one!))).toEqual([['compute', 2], undefined])
  clock.advance(1000)
  engine.tick(1)
  expect(got(cid!)).toEqual(['compute', 3])
  expect(ask('LEASE.PUT', 'k', 'bob', 2, 'late')).toBe('(error) FENCED token 2 does not compute k any more')
  expect(ask('EXISTS', 'k')).toBe(0)
  expect(ask('LEASE.PUT', 'k', 'cid', 3, 'right')).toBe('OK')
  expect(ask('GET', 'k')).toBe('right')
})

test('a plain SET answers those who wait', () => {
  const { ask, wait, engine } = makeEngine()
  ask('LEASE.GET', 'k', 'ann', 'PX', 1000)
  const bob = wait('LEASE.GET', 'k', 'bob', 'PX', 1000, 'WAIT', 0)
  ask('SET', 'k', 'other')
  engine.serveBlocked()
  expect(got(bob)).toEqual(['value', 'other'])
  expect(engine.flights.waiterCount).toBe(0)
})

test('a wait has an end, and who computes is not logged', () => {
  const { ask, wait, engine, clock, commits } = makeEngine()
  ask('LEASE.GET', 'k', 'ann', 'PX', 1000)
  const bob = wait('LEASE.GET', 'k', 'bob', 'PX', 1000, 'WAIT', 200)
  clock.advance(200)
  engine.tick(1)
  expect(got(bob)).toBeNull()
  expect(commits).toEqual([])
})

test('large values stay bytes; other types, locks and databases are no hindrance', () => {
  const test = makeEngine()
  const { ask, run, engine } = test
  ask('LOCK.ACQUIRE', '0:k', 'x', 'PX', 1000)
  const [, token] = ask('LEASE.GET', 'k', 'ann', 'PX', 1000) as [string, number]
  test.caller = { ...test.caller, db: 1 }
  expect(ask('LEASE.GET', 'k', 'bob', 'PX', 1000)).toMatchObject(['compute', token + 1])
  test.caller = { ...test.caller, db: 0 }
  const bytes = new Uint8Array(100_000).fill(7)
  run('LEASE.PUT', 'k', 'ann', token, bytes)
  expect(ask('STRLEN', 'k')).toBe(100_000)
  ask('RPUSH', 'list', '1')
  expect(ask('LEASE.GET', 'list', 'ann', 'PX', 1000)).toMatch('WRONGTYPE')
  expect(ask('LEASE.PUT', 'k2', 'ann', 1, 'v', 'EX', 5)).toBe('(error) ERR syntax error')
  engine.flights.check()
})
