/** SCAN, KEYS and what concerns whole databases. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanShard } from '../../../src/keyspace/commands/key-scan-commands.ts'
import { globMatcher } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type TestEngine } from '../../support/engine.ts'

const SYNTAX = '(error) ERR syntax error'

function fill({ ask }: TestEngine, count: number): string[] {
  const keys = Array.from({ length: count }, (_, n) => `key:${n}`)
  for (const key of keys) ask('SET', key, 'v')
  return keys
}

/** All keys that a walk gives, in the order given. */
function walk({ ask }: TestEngine, ...options: (string | number)[]): string[] {
  const keys: string[] = []
  let cursor = '0'
  do {
    const [next, some] = ask('SCAN', cursor, ...options) as readonly [string, readonly string[]]
    keys.push(...some)
    cursor = next
  } while (cursor !== '0')
  return keys
}

describe('SCAN', () => {
  test('gives each key once while nothing changes', () => {
    const made = makeEngine()
    const keys = fill(made, 2000)
    for (const count of [1, 10, 100, 100_000]) {
      expect(walk(made, 'COUNT', count).sort()).toEqual(keys.toSorted())
    }
  })

  test('of no more keys than asked for takes one step', () => {
    const made = makeEngine()
    fill(made, 10)
    expect(made.ask('SCAN', 0)).toEqual(['0', expect.arrayContaining(['key:0', 'key:9'])])
    expect(makeEngine().ask('SCAN', 0)).toEqual(['0', []])
  })

  test('gives what is there from the first step to the last, whatever comes and goes', () => {
    const change = fc.record({ isSet: fc.boolean(), key: fc.nat(300) })
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 40 }), { maxLength: 20 }), (rounds) => {
        const made = makeEngine()
        for (let n = 0; n < 100; n++) made.ask('SET', `stays:${n}`, 'v')
        const seen: string[] = []
        let cursor = '0'
        for (let round = 0; round === 0 || cursor !== '0'; round++) {
          const [next, keys] = made.ask('SCAN', cursor, 'COUNT', 7) as readonly [string, readonly string[]]
          seen.push(...keys)
          cursor = next
          for (const { isSet, key } of rounds[round] ?? []) {
            made.ask(isSet ? 'SET' : 'DEL', `goes:${key}`, ...(isSet ? ['v'] : []))
          }
        }
        expect(seen.filter((key) => key.startsWith('stays')).length).toBe(100)
      }),
      { numRuns: 30 },
    )
  })

  test('leaves out what does not match, is of another type or has expired', () => {
    const made = makeEngine()
    fill(made, 50)
    const { ask, clock, engine } = made
    engine.atomically(() => {
      engine.database(0).listOrNew('list').pushRight('x')
      engine.database(0).changed('list', 'rpush')
    })
    expect(walk(made, 'MATCH', 'key:1?').length).toBe(10)
    expect(walk(made, 'TYPE', 'LIST')).toEqual(['list'])
    expect(walk(made, 'TYPE', 'string', 'MATCH', '*3').length).toBe(5)
    expect(walk(made, 'TYPE', 'nothing')).toEqual([])
    ask('EXPIRE', 'key:3', 1)
    clock.advance(1000)
    expect(walk(made, 'MATCH', '*3').length).toBe(4)
    expect(ask('KEYS', '*3')).toHaveLength(4)
  })

  test('refuses cursors and options that are none', () => {
    const { ask } = makeEngine()
    for (const cursor of ['x', '1.5', ' 0', '0 ', '99999999999999999999']) {
      expect(ask('SCAN', cursor)).toBe('(error) ERR invalid cursor')
    }
    expect(ask('SCAN', '18446744073709551615')).toEqual(['0', []])
    expect(ask('SCAN', 0, 'COUNT', 0)).toBe(SYNTAX)
    expect(ask('SCAN', 0, 'COUNT', 'x')).toBe('(error) ERR value is not an integer or out of range')
    for (const options of [['COUNT'], ['MATCH'], ['TYPE'], ['X', 'y']])
      expect(ask('SCAN', 0, ...options)).toBe(SYNTAX)
  })

  test('of a shard gives hashes that grow with the cursor', () => {
    const made = makeEngine()
    fill(made, 500)
    const db = made.engine.database(0)
    let cursor = 0
    let last = -1
    do {
      const step = scanShard(db, cursor, 20, { matches: globMatcher('*') })
      for (const { hash } of step.keys) expect(hash).toBeGreaterThanOrEqual(cursor)
      last = Math.max(last, ...step.keys.map(({ hash }) => hash))
      if (step.cursor !== 0) expect(step.cursor).toBeGreaterThan(last)
      cursor = step.cursor
    } while (cursor !== 0)
  })
})

describe('a database', () => {
  test('gives all keys that match', () => {
    const made = makeEngine()
    fill(made, 3000)
    expect(made.ask('KEYS', '*')).toHaveLength(3000)
    expect(made.ask('KEYS', 'key:7')).toEqual(['key:7'])
    expect(made.ask('KEYS', 'none*')).toEqual([])
  })

  test('gives a random key, each now and then, and none when it is empty', () => {
    const made = makeEngine()
    expect(made.ask('RANDOMKEY')).toBeNull()
    const keys = fill(made, 5)
    const drawn = new Set(Array.from({ length: 200 }, () => made.ask('RANDOMKEY')))
    expect([...drawn].sort()).toEqual(keys)
  })

  test('is emptied, alone or with all', () => {
    const made = makeEngine()
    const { ask, effects, events, engine } = made
    fill(made, 3)
    made.caller = { ...made.caller, db: 1 }
    fill(made, 2)
    expect(ask('DBSIZE')).toBe(2)
    expect(ask('FLUSHDB', 'async')).toBe('OK')
    expect(effects()).toEqual([['FLUSHDB', 'async']])
    expect(events()).toEqual(['flushdb '])
    expect([engine.database(0).size, engine.database(1).size]).toEqual([3, 0])
    expect(ask('FLUSHALL', 'SYNC')).toBe('OK')
    expect(effects()).toEqual([['FLUSHALL', 'SYNC']])
    expect(engine.database(0).size).toBe(0)
    const count = made.commits.length
    expect(ask('FLUSHALL')).toBe('OK')
    expect(made.commits.length).toBe(count)
    for (const name of ['FLUSHDB', 'FLUSHALL']) {
      expect(ask(name, 'X')).toBe(SYNTAX)
      expect(ask(name, 'SYNC', 'ASYNC')).toBe(SYNTAX)
    }
  })

  test('that was emptied takes keys again', () => {
    const made = makeEngine()
    fill(made, 1000)
    made.ask('EXPIRE', 'key:1', 1)
    made.ask('FLUSHDB')
    fill(made, 10)
    made.clock.advance(2000)
    while (made.engine.tick(1)) {}
    expect(made.ask('DBSIZE')).toBe(10)
    made.engine.database(0).table.checkTable()
  })

  test('is exchanged with another', () => {
    const made = makeEngine()
    const { ask, effects, events } = made
    fill(made, 3)
    expect(ask('SWAPDB', 0, 1)).toBe('OK')
    expect(effects()).toEqual([['SWAPDB', '0', '1']])
    expect(events()).toEqual(['swapdb ', 'swapdb '])
    expect(ask('DBSIZE')).toBe(0)
    ask('SET', 'k', 'v')
    made.caller = { ...made.caller, db: 1 }
    expect(ask('DBSIZE')).toBe(3)
    expect(ask('SWAPDB', 1, 0)).toBe('OK')
    expect(ask('GET', 'k')).toBe('v')
    expect(ask('SWAPDB', 1, 1)).toBe('OK')
    expect(ask('SWAPDB', 'x', 1)).toBe('(error) ERR invalid first DB index')
    expect(ask('SWAPDB', 1, 'x')).toBe('(error) ERR invalid second DB index')
    expect(ask('SWAPDB', 0, 16)).toBe('(error) ERR DB index is out of range')
  })
})
