/** What is refused leaves no trace: all or nothing, for every command. */
import { describe, expect, test } from 'vitest'
import { type Commit, ErrorReply } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type TestEngine } from '../../support/engine.ts'

function words({ effects }: Commit): string[] {
  return effects.map(({ argv }) => argv.join(' '))
}

describe('what is refused leaves no trace', () => {
  /** No record has room for such a key. */
  const LONG = 'k'.repeat(100_000)
  const REFUSED: readonly string[][] = [
    ['HINCRBY', 'new', 'f', 'x'],
    ['HINCRBYFLOAT', 'new', 'f', 'x'],
    ['ZADD', 'new', 'x', 'm'],
    ['ZADD', 'new', '1', 'm', 'x', 'n'],
    ['ZINCRBY', 'new', 'nan', 'm'],
    ['SETRANGE', 'new', '-1', 'x'],
    ['SETRANGE', 'new', '536870912', 'x'],
    ['INCRBYFLOAT', 'new', 'x'],
    ['SET', 'new', 'x', 'PX', '0'],
    ['LPUSH', 'string', 'x'],
    ['SADD', 'string', 'x'],
    ['HSET', 'new', 'f'],
    ['HSET', 'new', 'f', '1', 'g'],
    ['RENAME', 'none', 'new'],
    ['LMOVE', 'list', 'string', 'LEFT', 'LEFT'],
    ['SMOVE', 'set', 'string', 'a'],
    ['SUNIONSTORE', 'new', 'set', 'string'],
    ['ZUNIONSTORE', 'new', '2', 'zset', 'string'],
    ['LSET', 'list', '99', 'x'],
    ['RESTORE', 'new', '0', 'garbage'],
    ['HEXPIRE', 'hash', 'x', 'FIELDS', '1', 'f'],
    ['MSET', 'new', '1', LONG, '2'],
    ['MSETNX', 'new', '1', LONG, '2'],
    ['RENAME', 'string', LONG],
    ['RENAMENX', 'hash', LONG],
    ['COPY', 'list', LONG],
    ['SMOVE', 'set', LONG, 'a'],
    ['LMOVE', 'list', LONG, 'LEFT', 'LEFT'],
    ['SUNIONSTORE', LONG, 'set'],
    ['SORT', 'list', 'ALPHA', 'STORE', LONG],
  ]

  function filled(): TestEngine {
    const made = makeEngine()
    made.run('SET', 'string', 'x')
    made.run('RPUSH', 'list', 'a', 'b')
    made.run('SADD', 'set', 'a')
    made.run('HSET', 'hash', 'f', 'x')
    made.run('ZADD', 'zset', 1, 'm')
    return made
  }

  function state({ engine, ask }: TestEngine) {
    const db = engine.database(0)
    const reads = [
      ['GET', 'string'],
      ['LRANGE', 'list', '0', '-1'],
      ['SMEMBERS', 'set'],
      ['HGETALL', 'hash'],
      ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
      ['KEYS', '*'],
    ]
    const revisions = ['string', 'list', 'set', 'hash', 'zset'].map((key) => db.revisionOf(key))
    return [
      db.size,
      db.heapBytes,
      db.volatileCount,
      db.table.usedBytes,
      revisions,
      ...reads.map((r) => ask(...r)),
    ]
  }

  test.each(REFUSED.map((argv) => [argv.join(' ').slice(0, 40), argv] as const))('%s', (_, argv) => {
    const made = filled()
    const before = state(made)
    made.commits.length = 0
    expect(made.run(...argv)).toBeInstanceOf(ErrorReply)
    expect(made.commits).toEqual([])
    expect(state(made)).toEqual(before)
  })

  test('an error that no command has made goes to the caller, and the next command runs', () => {
    const { engine, run, commits, ask } = makeEngine()
    engine.onTouched = () => {
      throw new RangeError('broken')
    }
    expect(() => run('SET', 'a', '1')).toThrow('broken')
    engine.onTouched = undefined
    commits.length = 0
    expect(ask('SET', 'b', '1')).toBe('OK')
    expect(commits.map(words)).toEqual([['SET b 1']])
  })
})
