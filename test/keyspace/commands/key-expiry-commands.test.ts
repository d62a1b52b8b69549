/** Times to live of keys. */
import { describe, expect, test } from 'vitest'
import { makeEngine, START_MS } from '../../support/engine.ts'

const START_S = START_MS / 1000

/** An engine with a key `k`. */
function makeWithKey(): ReturnType<typeof makeEngine> {
  const made = makeEngine()
  made.ask('SET', 'k', 'v')
  return made
}

describe('EXPIRE and its variants', () => {
  test.each([
    ['EXPIRE', '100'],
    ['PEXPIRE', '100000'],
    ['EXPIREAT', String(START_S + 100)],
    ['PEXPIREAT', String(START_MS + 100_000)],
  ])('%s sets the same time, logged as an absolute one', (name, time) => {
    const { ask, effects, events, clock } = makeWithKey()
    expect(ask(name, 'k', time)).toBe(1)
    expect(effects()).toEqual([['PEXPIREAT', 'k', String(START_MS + 100_000)]])
    expect(events()).toEqual(['expire k'])
    expect(ask('TTL', 'k')).toBe(100)
    expect(ask('PTTL', 'k')).toBe(100_000)
    expect(ask('EXPIRETIME', 'k')).toBe(START_S + 100)
    expect(ask('PEXPIRETIME', 'k')).toBe(START_MS + 100_000)
    clock.advance(99_999)
    expect(ask('GET', 'k')).toBe('v')
    clock.advance(1)
    expect(ask('GET', 'k')).toBeNull()
    expect(effects()).toEqual([['DEL', 'k']])
    expect(events()).toEqual(['expired k'])
  })

  test.each(['0', '-1', '-9223372036854775'])('of %s seconds removes the key', (time) => {
    const { ask, effects, events } = makeWithKey()
    expect(ask('EXPIRE', 'k', time)).toBe(1)
    expect(effects()).toEqual([['DEL', 'k']])
    expect(events()).toEqual(['del k'])
    expect(ask('EXISTS', 'k')).toBe(0)
  })

  test('do nothing without a key', () => {
    const { ask, commits } = makeEngine()
    expect(ask('EXPIRE', 'k', 10)).toBe(0)
    expect(commits).toEqual([])
  })

  test('hold to their conditions', () => {
    const { ask } = makeWithKey()
    // No expiry is later than any.
    expect(ask('EXPIRE', 'k', 10, 'XX')).toBe(0)
    expect(ask('EXPIRE', 'k', 10, 'GT')).toBe(0)
    expect(ask('EXPIRE', 'k', 10, 'nx')).toBe(1)
    expect(ask('EXPIRE', 'k', 20, 'NX')).toBe(0)
    expect(ask('EXPIRE', 'k', 10, 'GT')).toBe(0)
    expect(ask('EXPIRE', 'k', 10, 'LT')).toBe(0)
    expect(ask('EXPIRE', 'k', 11, 'GT')).toBe(1)
    expect(ask('EXPIRE', 'k', 10, 'LT', 'XX')).toBe(1)
    expect(ask('TTL', 'k')).toBe(10)
    ask('PERSIST', 'k')
    expect(ask('EXPIRE', 'k', 10, 'XX', 'LT')).toBe(0)
    expect(ask('EXPIRE', 'k', 10, 'LT')).toBe(1)
    expect(ask('EXPIRE', 'k', 0, 'GT')).toBe(0)
    expect(ask('EXPIRE', 'k', 0, 'LT')).toBe(1)
    expect(ask('EXISTS', 'k')).toBe(0)
  })

  test('refuse conditions that exclude each other', () => {
    const { ask } = makeWithKey()
    const nx = '(error) ERR NX and XX, GT or LT options at the same time are not compatible'
    for (const other of ['XX', 'GT', 'LT']) expect(ask('EXPIRE', 'k', 10, 'NX', other)).toBe(nx)
    expect(ask('EXPIRE', 'k', 10, 'GT', 'LT')).toBe(
      '(error) ERR GT and LT options at the same time are not compatible',
    )
    expect(ask('EXPIRE', 'k', 10, 'Foo')).toBe('(error) ERR Unsupported option Foo')
    expect(ask('EXPIRE', 'k', 'x', 'Foo')).toBe('(error) ERR Unsupported option Foo')
  })

  test.each([
    ['EXPIRE', '9223372036854775807'],
    ['EXPIRE', '-9223372036854775808'],
    ['EXPIRE', '9223372036854775'],
    ['PEXPIRE', '9223372036854775807'],
    ['EXPIREAT', '9223372036854776'],
  ])('%s refuses %s, which overflows', (name, time) => {
    const { ask } = makeWithKey()
    expect(ask(name, 'k', time)).toBe(`(error) ERR invalid expire time in '${name.toLowerCase()}' command`)
    expect(ask('TTL', 'k')).toBe(-1)
  })

  test('take a time beyond all calendars', () => {
    const { ask } = makeWithKey()
    expect(ask('PEXPIREAT', 'k', '9223372036854775807')).toBe(1)
    expect(ask('PEXPIRETIME', 'k')).toBe(Number.MAX_SAFE_INTEGER)
    expect(ask('GET', 'k')).toBe('v')
  })
})

describe('TTL and its variants', () => {
  test.each(['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME'])('%s tells no key from no expiry', (name) => {
    const { ask } = makeWithKey()
    expect(ask(name, 'missing')).toBe(-2)
    expect(ask(name, 'k')).toBe(-1)
  })

  test('TTL rounds to the nearest second', () => {
    const { ask } = makeWithKey()
    ask('PEXPIRE', 'k', 1500)
    expect(ask('TTL', 'k')).toBe(2)
    ask('PEXPIRE', 'k', 1499)
    expect(ask('TTL', 'k')).toBe(1)
    ask('PEXPIRE', 'k', 499)
    expect(ask('TTL', 'k')).toBe(0)
  })
})

describe('PERSIST', () => {
  test('takes an expiry away, once', () => {
    const { ask, events, clock } = makeWithKey()
    ask('EXPIRE', 'k', 10)
    expect(ask('PERSIST', 'k')).toBe(1)
    expect(events()).toEqual(['persist k'])
    expect(ask('PERSIST', 'k')).toBe(0)
    expect(ask('PERSIST', 'missing')).toBe(0)
    clock.advance(20_000)
    expect(ask('GET', 'k')).toBe('v')
  })
})

test('a key that was renamed, copied or moved expires when it would have', () => {
  const { ask, clock, engine } = makeWithKey()
  ask('EXPIRE', 'k', 10)
  ask('COPY', 'k', 'copy')
  ask('COPY', 'k', 'k', 'DB', 1)
  ask('RENAME', 'k', 'renamed')
  ask('SWAPDB', 0, 1)
  clock.advance(9_999)
  expect(engine.tick(1)).toBe(false)
  expect(ask('DBSIZE')).toBe(1)
  clock.advance(1)
  // By the shard itself, in databases that were swapped: nobody looks at the keys.
  while (engine.tick(1)) {}
  expect(ask('DBSIZE')).toBe(0)
  expect(engine.database(1).size).toBe(0)
  expect(engine.stats.expiredKeys).toBe(3)
})
