/** Setting, getting and removing fields: answers, events and refusals as in Redis. */
import { beforeEach, expect, test } from 'vitest'
import { MapReply, type Reply } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})

/** A command as one line; words have no spaces. */
const ask = (line: string): Plain => t.ask(...line.split(' '))

test('HSET answers how many fields are new, and reports once', () => {
  expect(ask('HSET h a 1 b 2')).toBe(2)
  expect(t.events()).toEqual(['hset h'])
  expect(t.effects()).toEqual([['HSET', 'h', 'a', '1', 'b', '2']])
  expect(ask('HSET h b 3 c 4')).toBe(1)
  expect(ask('HGETALL h')).toEqual(['a', '1', 'b', '3', 'c', '4'])
})

test('HMSET answers OK; HSETNX sets only what is not there', () => {
  expect(ask('HMSET h a 1')).toBe('OK')
  expect(ask('HSETNX h a 2')).toBe(0)
  expect(t.events()).toEqual([])
  expect(t.effects()).toEqual([])
  expect(ask('HSETNX h b 2')).toBe(1)
  expect(t.events()).toEqual(['hset h'])
})

test('fields and values are listed in the order in which they came', () => {
  ask('HSET h z 1 a 2 m 3')
  expect(ask('HKEYS h')).toEqual(['z', 'a', 'm'])
  expect(ask('HVALS h')).toEqual(['1', '2', '3'])
  expect(t.run('HGETALL', 'h')).toEqual(new MapReply(['z', '1', 'a', '2', 'm', '3']))
  expect(t.run('HGETALL', 'missing')).toEqual(new MapReply([]))
})

test('what is asked of one field', () => {
  ask('HSET h a hello')
  expect(['HGET h a', 'HSTRLEN h a', 'HEXISTS h a', 'HLEN h', 'HMGET h a b a'].map(ask)).toEqual([
    'hello',
    5,
    1,
    1,
    ['hello', null, 'hello'],
  ])
  expect(['HGET h b', 'HSTRLEN h b', 'HEXISTS h b'].map(ask)).toEqual([null, 0, 0])
  expect(['HGET no b', 'HSTRLEN no b', 'HEXISTS no b', 'HLEN no', 'HMGET no b', 'HKEYS no'].map(ask)).toEqual(
    [null, 0, 0, 0, [null], []],
  )
})

test('HDEL counts each field once, and the key goes with the last', () => {
  ask('HSET h a 1 b 2')
  expect(ask('HDEL h a a c')).toBe(1)
  expect(t.events()).toEqual(['hdel h'])
  expect(ask('HDEL h c')).toBe(0)
  expect(t.events()).toEqual([])
  expect(ask('HDEL h b')).toBe(1)
  expect(t.events()).toEqual(['hdel h', 'del h'])
  expect(t.effects()).toEqual([['HDEL', 'h', 'b']])
  expect(ask('EXISTS h')).toBe(0)
})

test('bytes of any kind are fields and values', () => {
  const bytes = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')
  t.run('HSET', 'h', bytes, bytes)
  expect(t.ask('HGET', 'h', bytes)).toBe(bytes)
  const large: Reply = t.run('HSET', 'h', 'large', new Uint8Array(100_000).fill(7))
  expect(large).toBe(1)
  expect(ask('HSTRLEN h large')).toBe(100_000)
})

test.each([
  ['HSET h a', "(error) ERR wrong number of arguments for 'hset' command"],
  ['HSET h a 1 b', "(error) ERR wrong number of arguments for 'hset' command"],
  ['HMSET h a 1 b', "(error) ERR wrong number of arguments for 'hmset' command"],
  ['HGETALL h x', "(error) ERR wrong number of arguments for 'hgetall' command"],
])('%s is refused', (line, message) => {
  expect(ask(line)).toBe(message)
  expect(ask('EXISTS h')).toBe(0)
})

test.each([
  'HSET s a 1',
  'HSETNX s a 1',
  'HGET s a',
  'HMGET s a',
  'HGETALL s',
  'HDEL s a',
  'HLEN s',
  'HSTRLEN s a',
  'HEXISTS s a',
  'HKEYS s',
  'HVALS s',
  'HINCRBY s a 1',
  'HINCRBYFLOAT s a 1',
  'HRANDFIELD s',
  'HSCAN s 0',
  'HEXPIRE s 1 FIELDS 1 a',
  'HTTL s FIELDS 1 a',
  'HPERSIST s FIELDS 1 a',
  'HGETEX s FIELDS 1 a',
  'HSETEX s FIELDS 1 a 1',
  'HGETDEL s FIELDS 1 a',
])('%s is refused for a string', (line) => {
  ask('SET s v')
  expect(ask(line)).toBe('(error) WRONGTYPE Operation against a key holding the wrong kind of value')
  expect(ask('GET s')).toBe('v')
})
