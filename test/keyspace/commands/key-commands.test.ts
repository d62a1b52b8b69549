/** Keys of any type: DEL, EXISTS, TOUCH, TYPE, REVISION. */
import { describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { makeEngine } from '../../support/engine.ts'

describe('DEL and UNLINK', () => {
  test.each(['DEL', 'UNLINK'])('%s removes what is there, and counts it', (name) => {
    const { ask, events, commits } = makeEngine()
    ask('MSET', 'a', '1', 'b', '2')
    expect(ask(name, 'a', 'missing', 'b', 'a')).toBe(2)
    expect(events()).toEqual(['del a', 'del b'])
    expect(ask(name, 'a')).toBe(0)
    expect(commits.length).toBe(2)
  })
})

describe('EXISTS and TOUCH', () => {
  test('count a key as often as it is named', () => {
    const { ask } = makeEngine()
    ask('MSET', 'a', '1', 'b', '2')
    expect(ask('EXISTS', 'a', 'a', 'b', 'c')).toBe(3)
    expect(ask('TOUCH', 'a', 'a', 'b', 'c')).toBe(3)
  })

  test('differ in whether the key is used', () => {
    const { ask, clock } = makeEngine()
    ask('SET', 'a', '1')
    clock.advance(60_000)
    ask('EXISTS', 'a')
    ask('TYPE', 'a')
    ask('TTL', 'a')
    ask('REVISION', 'a')
    ask('SCAN', 0, 'TYPE', 'string')
    expect(ask('OBJECT', 'IDLETIME', 'a')).toBe(60)
    ask('TOUCH', 'a')
    expect(ask('OBJECT', 'IDLETIME', 'a')).toBe(0)
  })
})

describe('TYPE', () => {
  test('names what a key holds', () => {
    const { ask, engine } = makeEngine()
    engine.atomically(() => {
      const db = engine.database(0)
      db.listOrNew('list').pushRight('x')
      db.setOrNew('set').add('x', 0)
      db.sortedSetOrNew('zset').set('x', 1)
      db.hashOrNew('hash').set('f', 'v', 0)
    })
    ask('SET', 'string', 'x')
    for (const type of ['list', 'set', 'zset', 'hash', 'string']) expect(ask('TYPE', type)).toBe(type)
    expect(ask('TYPE', 'missing')).toBe('none')
  })
})

describe('REVISION', () => {
  test('is that of the last change, and grows over all keys', () => {
    const { ask } = makeEngine()
    expect(ask('REVISION', 'a')).toBeNull()
    ask('MSET', 'a', '1', 'b', '1')
    expect(ask('REVISION', 'a')).toBe(ask('REVISION', 'b'))
    const before = ask('REVISION', 'b') as number
    ask('APPEND', 'a', '2')
    expect(ask('REVISION', 'a')).toBeGreaterThan(before)
    expect(ask('REVISION', 'b')).toBe(before)
    ask('EXPIRE', 'b', 10)
    expect(ask('REVISION', 'b')).toBeGreaterThan(ask('REVISION', 'a') as number)
    ask('GET', 'a')
    expect(ask('REVISION', 'b')).toBeGreaterThan(ask('REVISION', 'a') as number)
  })
})

test('SORT names its keys, that of STORE as written', () => {
  const keys = (...argv: string[]) => commandTable.keysOf(commandTable.get('sort')!, argv)
  expect(keys('sort', 'k')).toEqual([{ index: 1, isWritten: false }])
  expect(keys('sort', 'k', 'BY', 'store', 'LIMIT', 'store', 'x')).toEqual([{ index: 1, isWritten: false }])
  expect(keys('sort', 'k', 'store', 'a', 'STORE', 'b', 'GET', 'store')).toEqual([
    { index: 1, isWritten: false },
    { index: 5, isWritten: true },
  ])
})
