/** Fields that expire: Redis 7.4's answers per field, and what is logged of them. */
import { beforeEach, expect, test } from 'vitest'
import { MEMBER_EXPIRE_AT_MAX } from '../../../src/keyspace/commands/member-expiry-commands.ts'
import { makeEngine, type Plain, START_MS, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
  t.run('HSET', 'h', 'a', '1', 'b', '2', 'c', '3')
})
const ask = (line: string): Plain => t.ask(...line.split(' '))

test('HEXPIRE answers per field, and logs the time at which it comes', () => {
  expect(ask('HEXPIRE h 10 FIELDS 3 a b missing')).toEqual([1, 1, -2])
  expect(t.events()).toEqual(['hexpire h'])
  expect(t.effects()).toEqual([['HPEXPIREAT', 'h', String(START_MS + 10_000), 'FIELDS', '2', 'a', 'b']])
  expect(ask('HEXPIRE missing 10 FIELDS 2 a b')).toEqual([-2, -2])
  expect(t.effects()).toEqual([])
})

test('the four spellings mean the same', () => {
  ask('HEXPIRE h 10 FIELDS 1 a')
  ask('HPEXPIRE h 10000 FIELDS 1 b')
  expect(ask('HPEXPIRETIME h FIELDS 3 a b c')).toEqual([START_MS + 10_000, START_MS + 10_000, -1])
  ask(`HEXPIREAT h ${START_MS / 1000 + 10} FIELDS 1 a`)
  ask(`HPEXPIREAT h ${START_MS + 10_000} FIELDS 1 b`)
  expect(ask('HPEXPIRETIME h FIELDS 2 a b')).toEqual([START_MS + 10_000, START_MS + 10_000])
})

test('what is left is rounded up', () => {
  ask('HPEXPIRE h 1500 FIELDS 1 a')
  t.clock.advance(1)
  expect(ask('HPTTL h FIELDS 2 a b')).toEqual([1499, -1])
  expect(ask('HTTL h FIELDS 3 a b x')).toEqual([2, -1, -2])
  expect(ask('HEXPIRETIME h FIELDS 1 a')).toEqual([START_MS / 1000 + 2])
  expect(ask('HTTL missing FIELDS 2 a b')).toEqual([-2, -2])
})

test.each([
  // Without an expiry, and with one in 10 s: what 5, 10 and 20 s make of them.
  ['NX', [1, 1, 1], [0, 0, 0]],
  ['XX', [0, 0, 0], [1, 1, 1]],
  ['GT', [0, 0, 0], [0, 0, 1]],
  ['LT', [1, 1, 1], [1, 0, 0]],
])('%s', (condition, withoutExpiry, withExpiry) => {
  for (const [i, seconds] of [5, 10, 20].entries()) {
    ask('HPERSIST h FIELDS 1 a')
    ask('HEXPIRE h 10 FIELDS 1 b')
    expect(ask(`HEXPIRE h ${seconds} ${condition} FIELDS 2 a b`)).toEqual([withoutExpiry[i], withExpiry[i]])
  }
})

test('a time that has passed removes the fields, and the key with the last', () => {
  expect(ask('HEXPIRE h 0 FIELDS 2 a a')).toEqual([2, -2])
  expect(t.events()).toEqual(['hdel h'])
  expect(t.effects()).toEqual([['HDEL', 'h', 'a']])
  expect(ask(`HPEXPIREAT h ${START_MS} FIELDS 2 b c`)).toEqual([2, 2])
  expect(t.events()).toEqual(['hdel h', 'del h'])
  expect(ask('EXISTS h')).toBe(0)
})

test('a field is gone from its millisecond on, and that is logged', () => {
  ask('HPEXPIRE h 100 FIELDS 1 a')
  t.clock.advance(99)
  expect(ask('HGET h a')).toBe('1')
  t.clock.advance(1)
  expect(ask('HGETALL h')).toEqual(['b', '2', 'c', '3'])
  expect(t.events()).toEqual(['hexpired h'])
  expect(t.effects()).toEqual([['HDEL', 'h', 'a']])
  expect(ask('HLEN h')).toBe(2)
})

test('the key goes with the last field that expires', () => {
  ask('HPEXPIRE h 100 FIELDS 3 a b c')
  t.clock.advance(100)
  expect(ask('HGET h a')).toBe(null)
  expect(t.events()).toEqual(['hexpired h', 'del h'])
  expect(t.effects().map((argv) => [argv[0], argv.slice(2).sort()])).toEqual([['HDEL', ['a', 'b', 'c']]])
  expect(ask('HSET h a 1')).toBe(1)
})

test('HSET takes the expiry away, HPERSIST as well', () => {
  ask('HEXPIRE h 10 FIELDS 2 a b')
  ask('HSET h a new')
  expect(ask('HPERSIST h FIELDS 4 a b c x')).toEqual([-1, 1, -1, -2])
  expect(t.events()).toEqual(['hpersist h'])
  expect(t.effects()).toEqual([['HPERSIST', 'h', 'FIELDS', '1', 'b']])
  expect(ask('HTTL h FIELDS 2 a b')).toEqual([-1, -1])
  expect(ask('HPERSIST missing FIELDS 1 a')).toEqual([-2])
})

const LATE_S = Math.floor(MEMBER_EXPIRE_AT_MAX / 1000) + 1
test.each([
  ['HEXPIRE h x FIELDS 1 a', 'value is not an integer or out of range'],
  ['HEXPIRE h -1 FIELDS 1 a', 'invalid expire time, must be >= 0'],
  [`HEXPIRE h ${LATE_S} FIELDS 1 a`, "invalid expire time in 'hexpire' command"],
  [`HPEXPIREAT h ${MEMBER_EXPIRE_AT_MAX + 1} FIELDS 1 a`, "invalid expire time in 'hpexpireat' command"],
  [`HPEXPIRE h ${MEMBER_EXPIRE_AT_MAX} FIELDS 1 a`, "invalid expire time in 'hpexpire' command"],
  ['HEXPIRE h 1 FOO FIELDS 1 a', 'Mandatory argument FIELDS is missing or not at the right position'],
  ['HEXPIRE h 1 FIELDS 0 a', 'Parameter `numFields` should be greater than 0'],
  ['HEXPIRE h 1 FIELDS x a', 'Parameter `numFields` should be greater than 0'],
  ['HEXPIRE h 1 FIELDS 2 a', 'The `numfields` parameter must match the number of arguments'],
  ['HEXPIRE h 1 NX FIELDS 1 a b', 'The `numfields` parameter must match the number of arguments'],
  ['HTTL h FOO 1 a', 'Mandatory argument FIELDS is missing or not at the right position'],
  ['HTTL h FIELDS 0 a', 'Number of fields must be a positive integer'],
  ['HPERSIST h FIELDS 2 a', 'The `numfields` parameter must match the number of arguments'],
  ['HGETEX h FOO FIELDS 1 a', 'Mandatory argument FIELDS is missing or not at the right position'],
  ['HGETEX h EX -1 FIELDS 1 a', 'invalid expire time, must be >= 0'],
  ['HGETEX h FIELDS 2 a', 'The `numfields` parameter must match the number of arguments'],
  ['HGETDEL h FIELDS 0 a', 'Number of fields must be a positive integer'],
  ['HSETEX h FIELDS 0 a 1', 'invalid number of fields'],
  ['HSETEX h FIELDS 1 a 1 b', "wrong number of arguments for 'hsetex' command"],
  ['HSETEX h EX 1 PX 1 FIELDS 1 a 1', 'Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified'],
  [
    'HSETEX h KEEPTTL EX 1 FIELDS 1 a 1',
    'Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified',
  ],
  ['HSETEX h FNX FXX FIELDS 1 a 1', 'Only one of FXX or FNX arguments can be specified'],
  ['HSETEX h FOO FIELDS 1 a 1', 'unknown argument: FOO'],
  ['HSETEX h PX 0 FNX EX', 'Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified'],
  ['HSETEX h FNX x y EX', 'unknown argument: x'],
])('%s is refused, and changes nothing', (line, message) => {
  expect(ask(line)).toBe(`(error) ERR ${message}`)
  expect(t.events()).toEqual([])
  expect(ask('HTTL h FIELDS 3 a b c')).toEqual([-1, -1, -1])
})

test('HGETEX answers the values, and sets, clears or leaves their expiry', () => {
  expect(ask('HGETEX h FIELDS 2 a x')).toEqual(['1', null])
  expect(t.effects()).toEqual([])
  expect(ask('HGETEX h EX 10 FIELDS 2 a x')).toEqual(['1', null])
  expect(t.events()).toEqual(['hexpire h'])
  expect(t.effects()).toEqual([['HPEXPIREAT', 'h', String(START_MS + 10_000), 'FIELDS', '1', 'a']])
  expect(ask('HGETEX h PERSIST FIELDS 2 a b')).toEqual(['1', '2'])
  expect(t.effects()).toEqual([['HPERSIST', 'h', 'FIELDS', '1', 'a']])
  expect(ask(`HGETEX h PXAT ${START_MS} FIELDS 2 a a`)).toEqual(['1', null])
  expect(t.effects()).toEqual([['HDEL', 'h', 'a']])
  expect(ask('HGETEX missing EX 10 FIELDS 1 a')).toEqual([null])
})

test('HGETDEL answers the values and removes them', () => {
  expect(ask('HGETDEL h FIELDS 3 a a x')).toEqual(['1', null, null])
  expect(t.effects()).toEqual([['HDEL', 'h', 'a']])
  expect(t.events()).toEqual(['hdel h'])
  expect(ask('HGETDEL h FIELDS 2 b c')).toEqual(['2', '3'])
  expect(t.events()).toEqual(['hdel h', 'del h'])
  expect(ask('HGETDEL h FIELDS 1 b')).toEqual([null])
  expect(t.effects()).toEqual([])
})

test('HSETEX sets all or nothing, with an expiry', () => {
  expect(ask('HSETEX h FNX EX 10 FIELDS 2 new 1 a 2')).toBe(0)
  expect(ask('HSETEX h FXX EX 10 FIELDS 2 new 1 a 2')).toBe(0)
  expect(t.effects()).toEqual([])
  expect(ask('HSETEX h FXX EX 10 FIELDS 2 b 5 a 6')).toBe(1)
  expect(t.events()).toEqual(['hset h', 'hexpire h'])
  expect(t.effects()).toEqual([
    ['HSET', 'h', 'b', '5', 'a', '6'],
    ['HPEXPIREAT', 'h', String(START_MS + 10_000), 'FIELDS', '2', 'b', 'a'],
  ])
  expect(ask('HSETEX h KEEPTTL FIELDS 1 a 7')).toBe(1)
  expect(ask('HTTL h FIELDS 2 a b')).toEqual([10, 10])
  expect(ask('HSETEX h FIELDS 1 a 8')).toBe(1)
  expect(ask('HTTL h FIELDS 2 a b')).toEqual([-1, 10])
  expect(ask('HSETEX other FXX FIELDS 1 a 8')).toBe(0)
  expect(ask('EXISTS other')).toBe(0)
  expect(ask('HSETEX other FNX FIELDS 1 a 8')).toBe(1)
})

test('HSETEX with a time that has passed leaves nothing', () => {
  expect(ask('HSETEX h EX 0 FIELDS 2 a 9 new 9')).toBe(1)
  expect(t.events()).toEqual(['hset h', 'hdel h'])
  expect(t.effects()).toEqual([['HDEL', 'h', 'a', 'new']])
  expect(ask('HGETALL h')).toEqual(['b', '2', 'c', '3'])
  expect(ask('HSETEX other EX 0 FIELDS 1 a 1')).toBe(1)
  expect(t.events()).toEqual(['hset other', 'hdel other', 'del other'])
  expect(ask('EXISTS other')).toBe(0)
})
