/** RENAME, COPY, MOVE, DUMP and RESTORE. */
import { describe, expect, test } from 'vitest'
import { makeEngine, START_MS, type TestEngine } from '../../support/engine.ts'

const NO_SUCH_KEY = '(error) ERR no such key'
const SAME = '(error) ERR source and destination objects are the same'
const SYNTAX = '(error) ERR syntax error'

/** An engine with a string `a` that expires, and a hash `h` with an expiring field. */
function makeWithKeys(): TestEngine {
  const made = makeEngine()
  made.ask('SET', 'a', '1', 'EX', 100)
  made.engine.atomically(() => {
    const db = made.engine.database(0)
    db.hashOrNew('h').set('f', 'v', db.nowMs)
    db.hash('h')!.set('g', 'w', db.nowMs)
    db.hash('h')!.setExpireAt('g', START_MS + 5000, db.nowMs)
    db.changed('h', 'hset')
  })
  made.commits.length = 0
  return made
}

function fieldsOf({ engine }: TestEngine, key: string, index = 0): unknown {
  let fields: unknown
  engine.atomically(() => {
    fields = engine.database(index).hash(key)?.slice(0, 10)
  })
  return fields
}

const FIELDS = [
  { field: 'f', value: 'v', expireAtMs: 0 },
  { field: 'g', value: 'w', expireAtMs: START_MS + 5000 },
]

describe('RENAME', () => {
  test('gives value and expiry to the other key, in the place of what it held', () => {
    const made = makeWithKeys()
    const { ask, events, effects } = made
    ask('SET', 'b', 'old')
    expect(ask('RENAME', 'a', 'b')).toBe('OK')
    expect(events()).toEqual(['rename_from a', 'rename_to b'])
    expect(effects()).toEqual([['RENAME', 'a', 'b']])
    expect(ask('MGET', 'a', 'b')).toEqual([null, '1'])
    expect(ask('TTL', 'b')).toBe(100)
    expect(ask('RENAME', 'h', 'b')).toBe('OK')
    expect(fieldsOf(made, 'b')).toEqual(FIELDS)
    expect(ask('TTL', 'b')).toBe(-1)
    expect(ask('DBSIZE')).toBe(1)
    made.engine.database(0).table.checkTable()
  })

  test('of a collection onto a collection leaves one of them', () => {
    const made = makeWithKeys()
    made.ask('COPY', 'h', 'i')
    const before = made.engine.database(0).heapBytes
    expect(made.ask('RENAME', 'h', 'i')).toBe('OK')
    expect(made.engine.database(0).heapBytes).toBe(before / 2)
  })

  test('to itself does nothing, if there is such a key', () => {
    const { ask, commits } = makeWithKeys()
    expect(ask('RENAME', 'a', 'a')).toBe('OK')
    expect(ask('RENAMENX', 'a', 'a')).toBe(0)
    expect(ask('RENAME', 'x', 'x')).toBe(NO_SUCH_KEY)
    expect(ask('RENAMENX', 'x', 'y')).toBe(NO_SUCH_KEY)
    expect(commits).toEqual([])
  })

  test('with NX leaves a key that exists alone', () => {
    const { ask } = makeWithKeys()
    expect(ask('RENAMENX', 'a', 'h')).toBe(0)
    expect(ask('RENAMENX', 'a', 'b')).toBe(1)
    expect(ask('GET', 'b')).toBe('1')
  })

  test('keeps a string that was appended to as such', () => {
    const { ask } = makeEngine()
    ask('APPEND', 'a', '1')
    ask('APPEND', 'a', '2')
    ask('RENAME', 'a', 'b')
    expect(ask('OBJECT', 'ENCODING', 'b')).toBe('raw')
    ask('COPY', 'b', 'c')
    expect(ask('OBJECT', 'ENCODING', 'c')).toBe('raw')
  })
})

describe('COPY', () => {
  test('makes another key of the same value, which then has a life of its own', () => {
    const made = makeWithKeys()
    const { ask, events, effects } = made
    expect(ask('COPY', 'h', 'i')).toBe(1)
    expect(events()).toEqual(['copy_to i'])
    expect(effects()).toEqual([['COPY', 'h', 'i']])
    expect(fieldsOf(made, 'i')).toEqual(FIELDS)
    ask('DEL', 'h')
    expect(fieldsOf(made, 'i')).toEqual(FIELDS)
    expect(ask('COPY', 'a', 'b')).toBe(1)
    ask('INCR', 'b')
    expect(ask('MGET', 'a', 'b')).toEqual(['1', '2'])
    expect(ask('TTL', 'b')).toBe(100)
  })

  test('replaces only when asked to', () => {
    const { ask } = makeWithKeys()
    expect(ask('COPY', 'a', 'h')).toBe(0)
    expect(ask('COPY', 'a', 'h', 'replace')).toBe(1)
    expect(ask('GET', 'h')).toBe('1')
    expect(ask('COPY', 'missing', 'h', 'REPLACE')).toBe(0)
  })

  test('reaches other databases', () => {
    const made = makeWithKeys()
    const { ask } = made
    expect(ask('COPY', 'h', 'h')).toBe(SAME)
    expect(ask('COPY', 'h', 'h', 'DB', 0)).toBe(SAME)
    expect(ask('COPY', 'h', 'h', 'DB', 1)).toBe(1)
    expect(fieldsOf(made, 'h', 1)).toEqual(FIELDS)
    expect(made.commits.at(-1)).toMatchObject({
      effects: [{ db: 0, argv: ['COPY', 'h', 'h', 'DB', '1'] }],
      changes: [{ db: 1, key: 'h', event: 'copy_to' }],
    })
    expect(ask('COPY', 'a', 'b', 'DB', 16)).toBe('(error) ERR DB index is out of range')
    expect(ask('COPY', 'a', 'b', 'DB')).toBe(SYNTAX)
    expect(ask('COPY', 'a', 'b', 'X')).toBe(SYNTAX)
  })
})

describe('MOVE', () => {
  test('takes a key to another database, if it is not there', () => {
    const made = makeWithKeys()
    const { ask, events } = made
    expect(ask('MOVE', 'a', 1)).toBe(1)
    expect(events()).toEqual(['move_from a', 'move_to a'])
    expect(made.commits.at(-1)!.changes.map(({ db }) => db)).toEqual([0, 1])
    expect(ask('EXISTS', 'a')).toBe(0)
    ask('SET', 'a', '2')
    expect(ask('MOVE', 'a', 1)).toBe(0)
    made.caller = { ...made.caller, db: 1 }
    expect(ask('GET', 'a')).toBe('1')
    expect(ask('TTL', 'a')).toBe(100)
  })

  test('refuses databases that there are none of', () => {
    const { ask } = makeWithKeys()
    expect(ask('MOVE', 'a', 0)).toBe(SAME)
    expect(ask('MOVE', 'a', 16)).toBe('(error) ERR DB index is out of range')
    expect(ask('MOVE', 'a', -1)).toBe('(error) ERR DB index is out of range')
    expect(ask('MOVE', 'a', 'x')).toBe('(error) ERR value is not an integer or out of range')
    expect(ask('MOVE', 'missing', 1)).toBe(0)
  })
})

describe('DUMP and RESTORE', () => {
  test('take a value out and put it back', () => {
    const made = makeWithKeys()
    const { ask, run, effects, events } = made
    const payload = run('DUMP', 'h') as Uint8Array
    expect(ask('RESTORE', 'i', 0, payload)).toBe('OK')
    expect(events()).toEqual(['restore i'])
    expect(effects()[0]!.slice(0, 3)).toEqual(['RESTORE', 'i', '0'])
    expect(fieldsOf(made, 'i')).toEqual(FIELDS)
    expect(ask('TTL', 'i')).toBe(-1)
    expect(ask('DUMP', 'missing')).toBeNull()
  })

  test('take a payload as text of bytes as well', () => {
    const { ask, run } = makeWithKeys()
    const payload = Buffer.from(run('DUMP', 'a') as Uint8Array).toString('latin1')
    expect(ask('RESTORE', 'b', 0, payload)).toBe('OK')
    expect(ask('GET', 'b')).toBe('1')
  })

  test("take Redis' payload of a string", () => {
    const { ask } = makeEngine()
    const payload = Buffer.from('\x00\x01v\x06\x00\x07\xe5\xa62\xecm\xb6]', 'latin1')
    expect(ask('RESTORE', 'k', 0, payload)).toBe('OK')
    expect(ask('GET', 'k')).toBe('v')
    expect(ask('RESTORE', 'k', 0, payload, 'REPLACE')).toBe('OK')
    expect(ask('RESTORE', 'k', 0, payload, 'ABSTTL', 'REPLACE')).toBe('OK')
    expect(ask('TTL', 'k')).toBe(-1)
  })

  test('set an expiry, relative or not', () => {
    const { ask, run, effects } = makeWithKeys()
    const payload = run('DUMP', 'a') as Uint8Array
    ask('RESTORE', 'b', 500, payload)
    expect(effects()[0]!.slice(0, 3)).toEqual(['RESTORE', 'b', String(START_MS + 500)])
    expect(effects()[0]!.slice(4)).toEqual(['REPLACE', 'ABSTTL'])
    expect(ask('PTTL', 'b')).toBe(500)
    ask('RESTORE', 'b', START_MS + 700, payload, 'absttl', 'replace')
    expect(ask('PTTL', 'b')).toBe(700)
  })

  test('of a time that has passed only removes', () => {
    const { ask, run, effects, commits } = makeWithKeys()
    const payload = run('DUMP', 'a') as Uint8Array
    expect(ask('RESTORE', 'new', 1, payload, 'ABSTTL')).toBe('OK')
    expect(commits).toEqual([])
    expect(ask('RESTORE', 'a', 1, payload, 'ABSTTL', 'REPLACE')).toBe('OK')
    expect(effects()).toEqual([['DEL', 'a']])
    expect(ask('EXISTS', 'a')).toBe(0)
  })

  test('set how long the key was not used, or how often it is', () => {
    const { ask, run, engine } = makeWithKeys()
    const payload = run('DUMP', 'a') as Uint8Array
    ask('RESTORE', 'b', 0, payload, 'IDLETIME', 1000)
    expect(ask('OBJECT', 'IDLETIME', 'b')).toBe(1000)
    engine.memory.policy = 'allkeys-lfu'
    ask('RESTORE', 'c', 0, payload, 'FREQ', 42)
    expect(ask('OBJECT', 'FREQ', 'c')).toBe(42)
  })

  test('refuse in the order in which Redis does', () => {
    const { ask, run } = makeWithKeys()
    const payload = run('DUMP', 'a') as Uint8Array
    const refusals: [(string | number | Uint8Array)[], string][] = [
      [['a', -1, 'junk', 'X'], SYNTAX],
      [['a', -1, 'junk', 'IDLETIME'], SYNTAX],
      [['a', -1, 'junk', 'IDLETIME', 5, 'FREQ', 5], SYNTAX],
      [['a', -1, 'junk', 'IDLETIME', -1], '(error) ERR Invalid IDLETIME value, must be >= 0'],
      [['a', -1, 'junk', 'FREQ', 256], '(error) ERR Invalid FREQ value, must be >= 0 and <= 255'],
      [['a', -1, 'junk'], '(error) BUSYKEY Target key name already exists.'],
      [['b', 'x', 'junk'], '(error) ERR value is not an integer or out of range'],
      [['b', -1, 'junk'], '(error) ERR Invalid TTL value, must be >= 0'],
      [['b', 0, 'junk'], '(error) ERR DUMP payload version or checksum are wrong'],
      [['b', 0, payload.slice(1)], '(error) ERR DUMP payload version or checksum are wrong'],
    ]
    for (const [argv, refusal] of refusals) expect(ask('RESTORE', ...argv)).toBe(refusal)
    expect(ask('RESTORE', 'a', 0, 'junk', 'REPLACE')).toMatch(/checksum/)
    expect(ask('GET', 'a')).toBe('1')
  })
})
