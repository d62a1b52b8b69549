/** Expiry without anybody looking: keys, members, and expiries that are set again and again. */
import { expect, test } from 'vitest'
import { makeEngine } from '../../support/engine.ts'

/** Lets the shard do what is due. */
function tick({ engine }: ReturnType<typeof makeEngine>): void {
  for (let i = 0; i < 10_000 && engine.tick(1000); i++);
}

test('keys expire by themselves, at their time and not before', () => {
  const made = makeEngine()
  const { ask, clock, engine } = made
  for (let i = 0; i < 1000; i++) ask('SET', `key:${i}`, 'x', 'PX', 1000 + i)
  clock.advance(999)
  tick(made)
  expect(engine.stats.expiredKeys).toBe(0)
  clock.advance(501)
  tick(made)
  expect(engine.stats.expiredKeys).toBe(501)
  expect(ask('DBSIZE')).toBe(499)
  clock.advance(10_000)
  tick(made)
  expect(ask('DBSIZE')).toBe(0)
  expect(engine.nextExpiryMs).toBe(Number.POSITIVE_INFINITY)
})

test('an expiry that is put off, taken back, or set anew counts as it was set last', () => {
  const made = makeEngine()
  const { ask, clock } = made
  for (const key of ['later', 'never', 'sooner', 'gone']) ask('SET', key, 'x', 'PX', 1000)
  ask('PEXPIRE', 'later', 5000)
  ask('PERSIST', 'never')
  ask('PEXPIRE', 'sooner', 100)
  ask('DEL', 'gone')
  clock.advance(200)
  tick(made)
  expect(ask('EXISTS', 'later', 'never', 'sooner')).toBe(2)
  clock.advance(1000)
  tick(made)
  expect(ask('EXISTS', 'later', 'never')).toBe(2)
  clock.advance(4000)
  tick(made)
  expect(ask('EXISTS', 'later', 'never')).toBe(1)
})

test('members expire by themselves, and the key with the last one', () => {
  const made = makeEngine()
  const { ask, clock, engine, commits } = made
  ask('HSET', 'hash', 'a', '1', 'b', '2')
  ask('HPEXPIRE', 'hash', 1000, 'FIELDS', 1, 'a')
  ask('SADD', 'set', 'x')
  ask('SPEXPIRE', 'set', 1500, 'MEMBERS', 1, 'x')
  ask('ZADD', 'zset', 1, 'm', 2, 'n')
  ask('ZPEXPIRE', 'zset', 500, 'MEMBERS', 1, 'm')
  commits.length = 0
  clock.advance(600)
  tick(made)
  expect(engine.stats.expiredMembers).toBe(1)
  clock.advance(1000)
  tick(made)
  expect(engine.stats.expiredMembers).toBe(3)
  expect(commits.flatMap(({ effects }) => effects.map(({ argv }) => argv.join(' ')))).toEqual([
    'ZREM zset m',
    'HDEL hash a',
    'SREM set x',
  ])
  expect(ask('EXISTS', 'hash', 'set', 'zset')).toBe(2)
})

test('a key whose expiry is set a hundred thousand times leaves no trace in the index', () => {
  const made = makeEngine()
  const { ask, clock, engine } = made
  for (let i = 0; i < 100_000; i++) {
    ask('PEXPIRE', 'session', 60_000 - (i % 2) * 30_000)
    if (i === 0) ask('SET', 'session', 'x', 'PX', 60_000)
    clock.advance(1)
    if (i % 100 === 0) tick(made)
  }
  tick(made)
  expect(engine.expirySize).toBeLessThan(5000)
  expect(ask('EXISTS', 'session')).toBe(1)
})
