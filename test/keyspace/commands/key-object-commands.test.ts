/** OBJECT. */
import { describe, expect, test } from 'vitest'
import { makeEngine } from '../../support/engine.ts'

describe('OBJECT ENCODING', () => {
  test.each([
    ['12', 'int'],
    ['-9223372036854775808', 'int'],
    ['9223372036854775808', 'embstr'],
    ['012', 'embstr'],
    ['', 'embstr'],
    ['x'.repeat(44), 'embstr'],
    ['x'.repeat(45), 'raw'],
  ])('of the string %j is %s', (value, encoding) => {
    const { ask } = makeEngine()
    ask('SET', 'k', value)
    expect(ask('OBJECT', 'ENCODING', 'k')).toBe(encoding)
  })

  test('of a string that was written into is raw until it is set again', () => {
    const { ask } = makeEngine()
    for (const write of [
      ['APPEND', 'k', '2'],
      ['SETRANGE', 'k', '1', '2'],
    ]) {
      ask('SET', 'k', '1')
      ask(...write)
      expect(ask('GET', 'k')).toBe('12')
      expect(ask('OBJECT', 'ENCODING', 'k')).toBe('raw')
      ask('INCR', 'k')
      expect(ask('OBJECT', 'ENCODING', 'k')).toBe('int')
    }
    ask('APPEND', 'new', '12')
    expect(ask('OBJECT', 'ENCODING', 'new')).toBe('int')
  })

  test('of collections is what Redis would say', () => {
    const { ask, engine } = makeEngine()
    engine.atomically(() => {
      const db = engine.database(0)
      db.listOrNew('list').pushRight('x')
      db.setOrNew('set').add('1', 0)
      db.sortedSetOrNew('zset').set('x', 1)
      for (let n = 0; n < 513; n++) db.hashOrNew('hash').set(`${n}`, 'v', 0)
    })
    expect(['list', 'set', 'zset', 'hash'].map((key) => ask('OBJECT', 'ENCODING', key))).toEqual([
      'listpack',
      'intset',
      'listpack',
      'hashtable',
    ])
  })
})

test('OBJECT REFCOUNT is that of a value that Redis would share, or 1', () => {
  const { ask, engine } = makeEngine()
  const count = (value: string): unknown => {
    ask('SET', 'k', value)
    return ask('OBJECT', 'REFCOUNT', 'k')
  }
  expect(['0', '7', '9999'].map(count)).toEqual([2147483647, 2147483647, 2147483647])
  expect(['10000', '-1', '007', 'text', ''].map(count)).toEqual([1, 1, 1, 1, 1])
  ask('RPUSH', 'list', '1')
  expect(ask('OBJECT', 'REFCOUNT', 'list')).toBe(1)
  Object.assign(engine.memory, { maxBytes: 1e9, policy: 'allkeys-lru' })
  expect(count('7')).toBe(1)
  engine.memory.policy = 'volatile-random'
  expect(count('7')).toBe(2147483647)
})

test('OBJECT answers null for a key that is missing', () => {
  const { ask } = makeEngine()
  for (const name of ['ENCODING', 'REFCOUNT', 'IDLETIME', 'FREQ']) expect(ask('OBJECT', name, 'k')).toBeNull()
})

test('OBJECT IDLETIME and FREQ go with the policy', () => {
  const { ask, engine, clock } = makeEngine()
  ask('SET', 'k', '1')
  clock.advance(7000)
  expect(ask('OBJECT', 'IDLETIME', 'k')).toBe(7)
  expect(ask('OBJECT', 'IDLETIME', 'k')).toBe(7)
  expect(ask('OBJECT', 'FREQ', 'k')).toMatch(/^\(error\) ERR An LFU maxmemory policy is not selected, access/)
  engine.memory.policy = 'volatile-lfu'
  expect(ask('OBJECT', 'FREQ', 'k')).toEqual(expect.any(Number))
  expect(ask('OBJECT', 'IDLETIME', 'k')).toMatch(/^\(error\) ERR An LFU maxmemory policy is selected, idle/)
})

test('OBJECT HELP explains, and what it does not know is refused', () => {
  const { ask } = makeEngine()
  expect(ask('OBJECT', 'HELP')).toHaveLength(15)
  expect(ask('OBJECT', 'FOO', 'k')).toBe("(error) ERR unknown subcommand 'FOO'. Try OBJECT HELP.")
  expect(ask('OBJECT', 'ENCODING')).toBe(
    "(error) ERR wrong number of arguments for 'object|encoding' command",
  )
  expect(ask('OBJECT')).toBe("(error) ERR wrong number of arguments for 'object' command")
})
