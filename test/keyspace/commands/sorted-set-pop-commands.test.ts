/** Pops from either end, from the first of several keys, and pops that wait. */
import { beforeEach, expect, test } from 'vitest'
import { DoubleReply, NULL_ARRAY, type Reply } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, plain, type TestEngine, type Waiting } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
const run = (line: string): Reply => t.run(...line.split(' '))
const wait = (line: string): Waiting => t.wait(...line.split(' '))
const replyOf = ({ reply }: Waiting): Plain | undefined => (reply === undefined ? undefined : plain(reply))

/** Runs a command, and then serves who waits, as a shard does. */
function then(line: string): void {
  ask(line)
  t.engine.serveBlocked()
}

test('ZPOPMIN and ZPOPMAX take from the ends', () => {
  ask('ZADD z 1 a 2 b 3 c 4 d')
  expect(ask('ZPOPMIN z')).toEqual(['a', 1])
  expect(t.events()).toEqual(['zpopmin z'])
  expect(t.effects()).toEqual([['ZPOPMIN', 'z']])
  expect(ask('ZPOPMAX z 2')).toEqual([
    ['d', 4],
    ['c', 3],
  ])
  expect(t.effects()).toEqual([['ZPOPMAX', 'z', '2']])
  expect(ask('ZPOPMAX z 9')).toEqual([['b', 2]])
  expect(t.events()).toEqual(['zpopmax z', 'del z'])
  expect(ask('ZPOPMAX z 9')).toEqual([])
  expect(ask('ZPOPMIN z')).toEqual([])
})

test('members of equal scores go in the order of their bytes', () => {
  ask('ZADD z 0 b 0 c 0 a')
  expect(ask('ZPOPMIN z 2')).toEqual([
    ['a', 0],
    ['b', 0],
  ])
  ask('ZADD z 0 b')
  expect(ask('ZPOPMAX z')).toEqual(['c', 0])
})

test('RESP2 has no pairs', () => {
  t.caller = { ...t.caller, resp: 2 }
  ask('ZADD z 1 a 2 b 3 c')
  expect(run('ZPOPMIN z 2')).toEqual(['a', new DoubleReply(1), 'b', new DoubleReply(2)])
  expect(run('ZMPOP 1 z MIN')).toEqual(['z', [['c', new DoubleReply(3)]]])
})

test('a count of 0 takes nothing', () => {
  ask('ZADD z 1 a')
  expect(ask('ZPOPMIN z 0')).toEqual([])
  expect(t.events()).toEqual([])
  ask('SET s x')
  expect(ask('ZPOPMIN s 0')).toMatch(/WRONGTYPE/)
})

test('ZMPOP takes from the first key that has members, and logs the pop that it came to', () => {
  ask('ZADD y 1 a 2 b 3 c')
  ask('ZADD z 9 x')
  expect(ask('ZMPOP 3 missing y z MIN')).toEqual(['y', [['a', 1]]])
  expect(t.effects()).toEqual([['ZPOPMIN', 'y']])
  expect(ask('ZMPOP 3 missing y z max count 9')).toEqual([
    'y',
    [
      ['c', 3],
      ['b', 2],
    ],
  ])
  expect(t.effects()).toEqual([['ZPOPMAX', 'y', '2']])
  expect(t.events()).toEqual(['zpopmax y', 'del y'])
  expect(ask('ZMPOP 3 missing y z MAX')).toEqual(['z', [['x', 9]]])
  expect(run('ZMPOP 3 missing y z MAX')).toBe(NULL_ARRAY)
  ask('SET s x')
  expect(ask('ZMPOP 2 missing s MAX')).toMatch(/WRONGTYPE/)
})

test.each([
  ['ZPOPMIN z x', 'value is out of range, must be positive'],
  ['ZPOPMAX z -1', 'value is out of range, must be positive'],
  ['ZPOPMIN z 1 2', 'syntax error'],
  ['ZMPOP 0 z MIN', 'numkeys should be greater than 0'],
  ['ZMPOP x z MIN', 'numkeys should be greater than 0'],
  ['ZMPOP 2 z MIN', 'syntax error'],
  ['ZMPOP 9 z MIN', 'syntax error'],
  ['ZMPOP 1 z MID', 'syntax error'],
  ['ZMPOP 1 z MIN COUNT', 'syntax error'],
  ['ZMPOP 1 z MIN COUNT 0', 'count should be greater than 0'],
  ['ZMPOP 1 z MIN COUNT x', 'count should be greater than 0'],
  ['ZMPOP 1 z MIN COUNT 1 COUNT 1', 'syntax error'],
  ['BZPOPMIN z x', 'timeout is not a float or out of range'],
  ['BZPOPMAX z -1', 'timeout is negative'],
  ['BZMPOP x 1 z MIN', 'timeout is not a float or out of range'],
  ['BZMPOP x 0 z MIN', 'numkeys should be greater than 0'],
  ['BZMPOP 0 1 z', "wrong number of arguments for 'bzmpop' command"],
])('%s is refused', (line, message) => {
  expect(ask(line)).toBe(`(error) ERR ${message}`)
})

test('what is there is popped at once', () => {
  ask('ZADD z 1 a 2 b 3 c 4 d')
  expect(replyOf(wait('BZPOPMIN x z 0'))).toEqual(['z', 'a', 1])
  expect(t.effects()).toEqual([['ZPOPMIN', 'z']])
  expect(replyOf(wait('BZPOPMAX x z 0'))).toEqual(['z', 'd', 4])
  expect(replyOf(wait('BZMPOP 0 2 x z MAX COUNT 2'))).toEqual([
    'z',
    [
      ['c', 3],
      ['b', 2],
    ],
  ])
  expect(t.effects()).toEqual([['ZPOPMAX', 'z', '2']])
  expect(t.engine.blocked.count).toBe(0)
})

test.each([
  ['BZPOPMIN x z 0', ['z', 'a', 1], ['ZPOPMIN', 'z']],
  ['BZPOPMAX x z 0', ['z', 'b', 2], ['ZPOPMAX', 'z']],
  ['BZMPOP 0 2 x z MIN', ['z', [['a', 1]]], ['ZPOPMIN', 'z']],
  [
    'BZMPOP 0 2 x z MAX COUNT 5',
    [
      'z',
      [
        ['b', 2],
        ['a', 1],
      ],
    ],
    ['ZPOPMAX', 'z', '2'],
  ],
])('%s waits, and is served by ZADD', (line, reply, effect) => {
  const waiting = wait(line)
  expect(waiting.reply).toBe(undefined)
  expect(t.commits).toEqual([])
  then('ZADD z 1 a 2 b')
  expect(replyOf(waiting)).toEqual(reply)
  // The pop is a command of its own, behind the addition.
  expect(t.commits.map((commit) => commit.effects.map(({ argv }) => argv))).toEqual([
    [['ZADD', 'z', '1', 'a', '2', 'b']],
    [effect],
  ])
})

test('who waited longest is served first', () => {
  const [first, second, third] = [wait('BZPOPMIN z 0'), wait('BZPOPMAX y z 0'), wait('BZPOPMIN z 0')]
  then('ZADD z 1 a 2 b')
  expect([first, second, third].map((waiting) => replyOf(waiting!))).toEqual([
    ['z', 'a', 1],
    ['z', 'b', 2],
    undefined,
  ])
  then('ZUNIONSTORE z 1 z')
  expect(replyOf(third!)).toBe(undefined)
  ask('SADD s m')
  then('ZUNIONSTORE z 1 s')
  expect(replyOf(third!)).toEqual(['z', 'm', 1])
})

test('a key of another type keeps them waiting', () => {
  const waiting = wait('BZPOPMIN x z 0')
  then('SET x 1')
  then('SADD z m')
  expect(waiting.reply).toBe(undefined)
  then('DEL z')
  then('ZADD z 1 a')
  expect(replyOf(waiting)).toEqual(['z', 'a', 1])
  expect(ask('BZPOPMIN x 0')).toMatch(/WRONGTYPE/)
})

test('the time is over: no array', () => {
  const waiting = wait('BZPOPMAX z 0.5')
  t.clock.advance(499)
  t.engine.tick(1)
  expect(waiting.reply).toBe(undefined)
  t.clock.advance(1)
  t.engine.tick(1)
  expect(waiting.reply).toBe(NULL_ARRAY)
})

test('within a transaction nobody waits', () => {
  expect(run('BZPOPMIN z 0')).toBe(NULL_ARRAY)
  expect(run('BZMPOP 0 1 z MIN')).toBe(NULL_ARRAY)
  expect(t.engine.blocked.count).toBe(0)
})
