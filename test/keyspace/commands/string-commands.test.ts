/** SET, GET and their variants: replies, effects and events. */
import { describe, expect, test } from 'vitest'
import { LARGE_VALUE_BYTES } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, START_MS } from '../../support/engine.ts'

const SYNTAX = '(error) ERR syntax error'
const WRONG_TYPE = '(error) WRONGTYPE Operation against a key holding the wrong kind of value'

/** An engine in which `l` is a list. */
function makeWithList(): ReturnType<typeof makeEngine> {
  const made = makeEngine()
  made.engine.atomically(() => {
    made.engine.database(0).listOrNew('l').pushRight('x')
    made.engine.database(0).changed('l', 'rpush')
  })
  return made
}

describe('SET', () => {
  test('puts a string in the place of anything, and takes its expiry away', () => {
    const { ask, events } = makeWithList()
    expect(ask('SET', 'l', 'v')).toBe('OK')
    expect(events()).toEqual(['set l'])
    expect(ask('GET', 'l')).toBe('v')
    ask('EXPIRE', 'l', 100)
    ask('SET', 'l', 'w')
    expect(ask('TTL', 'l')).toBe(-1)
  })

  test('logs a relative time as an absolute one', () => {
    const { ask, effects, events } = makeEngine()
    for (const time of [
      ['EX', '10'],
      ['px', '10000'],
      ['EXAT', String((START_MS + 10_000) / 1000)],
      ['PXAT', String(START_MS + 10_000)],
    ]) {
      expect(ask('SET', 'k', 'v', ...time)).toBe('OK')
      expect(effects()).toEqual([['SET', 'k', 'v', 'PXAT', String(START_MS + 10_000)]])
      expect(events()).toEqual(['set k', 'expire k'])
      expect(ask('PTTL', 'k')).toBe(10_000)
    }
  })

  test('keeps the expiry when asked to', () => {
    const { ask, effects } = makeEngine()
    ask('SET', 'k', 'v', 'EX', 10)
    expect(ask('SET', 'k', 'w', 'KEEPTTL')).toBe('OK')
    expect(effects()).toEqual([['SET', 'k', 'w', 'KEEPTTL']])
    expect(ask('TTL', 'k')).toBe(10)
  })

  test('sets only what is there, or only what is not', () => {
    const { ask, effects, commits } = makeEngine()
    expect(ask('SET', 'k', '1', 'XX')).toBeNull()
    expect(commits).toEqual([])
    expect(ask('SET', 'k', '1', 'NX')).toBe('OK')
    expect(effects()).toEqual([['SET', 'k', '1']])
    expect(ask('SET', 'k', '2', 'nx')).toBeNull()
    expect(ask('SET', 'k', '2', 'XX', 'EX', 10)).toBe('OK')
    expect(ask('GET', 'k')).toBe('2')
  })

  test('answers the string before with GET, whether it sets or not', () => {
    const { ask } = makeWithList()
    expect(ask('SET', 'k', '1', 'GET')).toBeNull()
    expect(ask('SET', 'k', '2', 'GET')).toBe('1')
    expect(ask('SET', 'k', '3', 'NX', 'GET')).toBe('2')
    expect(ask('SET', 'k', '3', 'XX', 'GET')).toBe('2')
    expect(ask('GET', 'k')).toBe('3')
    expect(ask('SET', 'l', '1', 'GET')).toBe(WRONG_TYPE)
    expect(ask('TYPE', 'l')).toBe('list')
  })

  test('sets if the revision is the same, 0 being that of no key', () => {
    const { ask, effects } = makeEngine()
    expect(ask('SET', 'k', '1', 'IFREV', 7)).toBeNull()
    expect(ask('SET', 'k', '1', 'IFREV', 0)).toBe('OK')
    expect(ask('SET', 'k', '1', 'IFREV', 0)).toBeNull()
    const revision = ask('REVISION', 'k') as number
    ask('SET', 'other', 'x')
    expect(ask('SET', 'k', '2', 'ifrev', revision, 'PX', 5)).toBe('OK')
    expect(effects()).toEqual([['SET', 'k', '2', 'PXAT', String(START_MS + 5)]])
    expect(ask('SET', 'k', '3', 'IFREV', revision)).toBeNull()
    expect(ask('REVISION', 'k')).toBeGreaterThan(revision)
    for (const wrong of ['-1', 'x', '1.5']) {
      expect(ask('SET', 'k', '1', 'IFREV', wrong)).toBe('(error) ERR value is not an integer or out of range')
    }
  })

  test.each([
    [['NX', 'XX']],
    [['XX', 'NX']],
    [['NX', 'IFREV', '1']],
    [['IFREV', '1', 'XX']],
    [['EX', '1', 'PX', '1']],
    [['EX', '1', 'KEEPTTL']],
    [['KEEPTTL', 'PXAT', '1']],
    [['EX']],
    [['IFREV']],
    [['PERSIST']],
    [['']],
  ])('refuses the options %j', (options) => {
    const { ask } = makeEngine()
    expect(ask('SET', 'k', 'v', ...options)).toBe(SYNTAX)
    expect(ask('EXISTS', 'k')).toBe(0)
  })

  test('takes an option twice', () => {
    const { ask } = makeEngine()
    expect(ask('SET', 'k', 'v', 'NX', 'NX', 'EX', '1', 'EX', '20')).toBe('OK')
    expect(ask('TTL', 'k')).toBe(20)
  })

  test('refuses times that are not above zero or too large', () => {
    const { ask } = makeEngine()
    const invalid = "(error) ERR invalid expire time in 'set' command"
    for (const [unit, time] of [
      ['EX', '0'],
      ['PX', '-1'],
      ['EX', '9223372036854776'],
      ['EX', '9223372036854775807'],
      ['PX', '9223372036854775807'],
      ['EXAT', '9223372036854776'],
    ] as const) {
      expect([unit, time, ask('SET', 'k', 'v', unit, time)]).toEqual([unit, time, invalid])
    }
    expect(ask('SET', 'k', 'v', 'EX', 'x')).toBe('(error) ERR value is not an integer or out of range')
    expect(ask('SET', 'k', 'v', 'PXAT', '9223372036854775807')).toBe('OK')
    expect(ask('PEXPIRETIME', 'k')).toBe(Number.MAX_SAFE_INTEGER)
  })

  test('of a time that has passed sets a key that nobody sees', () => {
    const { ask } = makeEngine()
    expect(ask('SET', 'k', 'v', 'PXAT', 1)).toBe('OK')
    expect(ask('GET', 'k')).toBeNull()
  })

  test('refuses a key that no page holds, and lives on', () => {
    const { ask } = makeEngine()
    expect(ask('SET', 'k'.repeat(70_000), 'v')).toBe('(error) ERR key exceeds maximum allowed size')
    expect(ask('GET', 'k'.repeat(70_000))).toBeNull()
    expect(ask('PING')).toBe('PONG')
  })
})

describe('a large value', () => {
  const large = new Uint8Array(LARGE_VALUE_BYTES + 10).map((_, i) => i % 251)

  test('passes through as bytes, in and out', () => {
    const { run, commits } = makeEngine()
    for (const argv of [
      ['SET', 'k', large],
      ['SET', 'k', large, 'PX', '1000'],
      ['SETEX', 'k', '10', large],
      ['GETSET', 'k', large],
      ['MSET', 'a', '1', 'k', large],
    ]) {
      run(...argv)
      expect(commits.at(-1)!.effects.some(({ argv: logged }) => logged.includes(large))).toBe(true)
      expect(run('GET', 'k')).toEqual(large)
      expect(run('MGET', 'k')).toEqual([large])
    }
  })

  test('is appended to, written into and cut as any other', () => {
    const { ask, run } = makeEngine()
    run('SET', 'k', 'ab')
    expect(run('APPEND', 'k', large)).toBe(large.length + 2)
    expect(run('SETRANGE', 'k', '1', large)).toBe(large.length + 2)
    expect(ask('GETRANGE', 'k', 0, 3)).toBe('a\x00\x01\x02')
    expect(ask('STRLEN', 'k')).toBe(large.length + 2)
  })

  test('as a key is a key', () => {
    const { run, ask } = makeEngine()
    run('SET', Buffer.from('key'), Buffer.from('value'))
    expect(ask('GET', 'key')).toBe('value')
    expect(ask('SET', Buffer.from('key'), 'v', Buffer.from('nx'))).toBeNull()
  })
})

describe('the variants of SET', () => {
  test('SETEX and PSETEX set with a time', () => {
    const { ask, effects } = makeEngine()
    expect(ask('SETEX', 'k', 10, 'v')).toBe('OK')
    expect(effects()).toEqual([['SET', 'k', 'v', 'PXAT', String(START_MS + 10_000)]])
    expect(ask('PSETEX', 'k', 10, 'v')).toBe('OK')
    expect(effects()).toEqual([['SET', 'k', 'v', 'PXAT', String(START_MS + 10)]])
    expect(ask('SETEX', 'k', 0, 'v')).toBe("(error) ERR invalid expire time in 'setex' command")
    expect(ask('PSETEX', 'k', -5, 'v')).toBe("(error) ERR invalid expire time in 'psetex' command")
  })

  test('SETNX sets once', () => {
    const { ask, commits } = makeEngine()
    expect(ask('SETNX', 'k', '1')).toBe(1)
    expect(ask('SETNX', 'k', '2')).toBe(0)
    expect(commits.length).toBe(1)
    expect(ask('GET', 'k')).toBe('1')
  })

  test('MSET sets all, and the last of two for one key', () => {
    const { ask, events, commits } = makeEngine()
    expect(ask('MSET', 'a', '1', 'b', '2', 'a', '3')).toBe('OK')
    expect(events()).toEqual(['set a', 'set b', 'set a'])
    expect(commits.length).toBe(1)
    expect(ask('MGET', 'a', 'b', 'c')).toEqual(['3', '2', null])
    expect(ask('MSET', 'a', '1', 'b')).toBe("(error) ERR wrong number of arguments for 'mset' command")
  })

  test('MSETNX sets all or nothing', () => {
    const { ask, effects } = makeEngine()
    expect(ask('MSETNX', 'a', '1', 'b', '2')).toBe(1)
    expect(effects()).toEqual([['MSET', 'a', '1', 'b', '2']])
    expect(ask('MSETNX', 'c', '1', 'b', '3')).toBe(0)
    expect(ask('MGET', 'a', 'b', 'c')).toEqual(['1', '2', null])
    expect(ask('MSETNX', 'c')).toBe("(error) ERR wrong number of arguments for 'msetnx' command")
    expect(ask('MSETNX', 'c', '1', 'd')).toBe("(error) ERR wrong number of arguments for 'msetnx' command")
  })
})

describe('the variants of GET', () => {
  test('refuse what is no string, but for MGET', () => {
    const { ask } = makeWithList()
    for (const argv of [
      ['GET', 'l'],
      ['GETSET', 'l', 'v'],
      ['GETDEL', 'l'],
      ['GETEX', 'l'],
      ['STRLEN', 'l'],
    ]) {
      expect(ask(...argv)).toBe(WRONG_TYPE)
    }
    expect(ask('MGET', 'l')).toEqual([null])
  })

  test('GETSET takes the expiry away', () => {
    const { ask, effects } = makeEngine()
    expect(ask('GETSET', 'k', '1')).toBeNull()
    ask('EXPIRE', 'k', 10)
    expect(ask('GETSET', 'k', '2')).toBe('1')
    expect(effects()).toEqual([['SET', 'k', '2']])
    expect(ask('TTL', 'k')).toBe(-1)
  })

  test('GETDEL removes', () => {
    const { ask, effects, events, commits } = makeEngine()
    ask('SET', 'k', 'v')
    expect(ask('GETDEL', 'k')).toBe('v')
    expect(effects()).toEqual([['DEL', 'k']])
    expect(events()).toEqual(['del k'])
    expect(ask('GETDEL', 'k')).toBeNull()
    expect(commits.length).toBe(2)
  })

  test('GETEX changes the expiry, and logs to what', () => {
    const { ask, effects, events, commits } = makeEngine()
    ask('SET', 'k', 'v')
    expect(ask('GETEX', 'k')).toBe('v')
    expect(commits.length).toBe(1)
    expect(ask('GETEX', 'k', 'EX', 10)).toBe('v')
    expect(effects()).toEqual([['PEXPIREAT', 'k', String(START_MS + 10_000)]])
    expect(events()).toEqual(['expire k'])
    expect(ask('GETEX', 'k', 'persist')).toBe('v')
    expect(effects()).toEqual([['PERSIST', 'k']])
    expect(events()).toEqual(['persist k'])
    expect(ask('GETEX', 'k', 'PERSIST')).toBe('v')
    expect(commits.length).toBe(3)
    expect(ask('GETEX', 'k', 'PXAT', 1)).toBe('v')
    expect(effects()).toEqual([['DEL', 'k']])
    expect(ask('EXISTS', 'k')).toBe(0)
  })

  test('GETEX looks at the time only if there is a key', () => {
    const { ask } = makeEngine()
    expect(ask('GETEX', 'k', 'EX', 0)).toBeNull()
    ask('SET', 'k', 'v')
    expect(ask('GETEX', 'k', 'EX', 0)).toBe("(error) ERR invalid expire time in 'getex' command")
    for (const options of [
      ['EX'],
      ['NX'],
      ['PERSIST', 'EX', '1'],
      ['EX', '1', 'PERSIST'],
      ['EX', '1', 'PX', '1'],
    ]) {
      expect(ask('GETEX', 'k', ...options)).toBe(SYNTAX)
    }
  })
})
