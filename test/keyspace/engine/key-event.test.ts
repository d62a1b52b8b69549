/** The class of each event, as subscribers to keyspace events select them. */
import { expect, test } from 'vitest'
import { keyEventClass } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, START_MS } from '../../support/engine.ts'

test.each([
  ['g', 'del', 'rename_from', 'rename_to', 'copy_to', 'restore', 'expire', 'persist', 'move_from', 'move_to'],
  ['$', 'set', 'setrange', 'append', 'incrby', 'incrbyfloat'],
  ['l', 'lpush', 'rpop', 'linsert', 'lset', 'lrem', 'ltrim', 'sortstore'],
  ['s', 'sadd', 'srem', 'spop', 'sinterstore', 'sunionstore', 'sdiffstore', 'sexpired'],
  ['h', 'hset', 'hincrby', 'hincrbyfloat', 'hdel', 'hexpire', 'hpersist', 'hexpired'],
  ['z', 'zadd', 'zincr', 'zrem', 'zremrangebyrank', 'zrangestore', 'zpopmin', 'zunionstore', 'zexpired'],
  ['x', 'expired'],
  ['e', 'evicted'],
  ['k', 'lock', 'unlock', 'lockexpired'],
])('class %s', (letter, ...events) => {
  for (const event of events) expect([event, keyEventClass(event)]).toEqual([event, letter])
})

test('what no class names is generic', () => {
  for (const event of ['flushdb', 'swapdb', '', 'constructor', 'toString']) {
    expect(keyEventClass(event)).toBe('g')
  }
})

test('a command reports events of the class of its type', () => {
  const { run, commits, clock, engine } = makeEngine()
  const classes = (...argv: (string | number)[]): string => {
    commits.length = 0
    run(...argv)
    return commits.flatMap(({ changes }) => changes.map(({ event }) => keyEventClass(event))).join('')
  }
  expect(classes('SET', 'str', 1, 'PX', 5000)).toBe('$g')
  expect(classes('APPEND', 'str', 'x')).toBe('$')
  expect(classes('SETRANGE', 'str', 0, 'y')).toBe('$')
  expect(classes('INCRBYFLOAT', 'n', 1.5)).toBe('$')
  expect(classes('RPUSH', 'list', 'a', 'b')).toBe('l')
  expect(classes('RPOP', 'list')).toBe('l')
  expect(classes('LMOVE', 'list', 'other', 'LEFT', 'RIGHT')).toBe('llg')
  expect(classes('SADD', 'set', 'a', 'b')).toBe('s')
  expect(classes('SPEXPIRE', 'set', 5000, 'MEMBERS', 1, 'a')).toBe('s')
  expect(classes('SDIFFSTORE', 'set2', 'set')).toBe('s')
  expect(classes('HSET', 'hash', 'f', 1)).toBe('h')
  expect(classes('HINCRBY', 'hash', 'f', 1)).toBe('h')
  expect(classes('ZADD', 'zset', 1, 'a')).toBe('z')
  expect(classes('ZPOPMIN', 'zset')).toBe('zg')
  expect(classes('LOCK.ACQUIRE', 'lock', 'ann', 'PX', 1000)).toBe('k')
  expect(classes('RENAME', 'hash', 'hash2')).toBe('gg')
  expect(classes('PEXPIREAT', 'hash2', START_MS + 100)).toBe('g')
  clock.advance(200)
  commits.length = 0
  while (engine.tick(1000));
  expect(commits.flatMap(({ changes }) => changes.map(({ event }) => keyEventClass(event)))).toEqual(['x'])
})
