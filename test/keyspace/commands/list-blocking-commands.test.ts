/** Pops that wait: at once, served later, timed out; and in which order callers are served. */
import { beforeEach, expect, test } from 'vitest'
import { NULL_ARRAY, WRONG_TYPE } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, plain, type TestEngine, type Waiting } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))
const wait = (line: string): Waiting => t.wait(...line.split(' '))
const replyOf = ({ reply }: Waiting): Plain | undefined => (reply === undefined ? undefined : plain(reply))

/** Runs a command, and then serves who waits, as a shard does. */
function then(line: string): void {
  ask(line)
  t.engine.serveBlocked()
}

test('what is there is popped at once, and logged as a plain pop', () => {
  ask('RPUSH b 1 2 3')
  expect(replyOf(wait('BLPOP a b 0'))).toEqual(['b', '1'])
  expect(t.effects()).toEqual([['LPOP', 'b']])
  expect(t.events()).toEqual(['lpop b'])
  expect(replyOf(wait('BRPOP a b 0'))).toEqual(['b', '3'])
  expect(t.effects()).toEqual([['RPOP', 'b']])
  ask('RPUSH b 4 5')
  expect(replyOf(wait('BLMPOP 0 2 a b RIGHT COUNT 2'))).toEqual(['b', ['5', '4']])
  expect(t.effects()).toEqual([['RPOP', 'b', '2']])
  expect(replyOf(wait('BRPOPLPUSH b c 0'))).toBe('2')
  expect(t.effects()).toEqual([['RPOPLPUSH', 'b', 'c']])
  expect(replyOf(wait('BLMOVE c d LEFT RIGHT 0'))).toBe('2')
  expect(t.effects()).toEqual([['LMOVE', 'c', 'd', 'LEFT', 'RIGHT']])
})

test.each([
  ['BLPOP x l 0', ['l', 'a'], ['LPOP', 'l']],
  ['BRPOP x l 0', ['l', 'b'], ['RPOP', 'l']],
  ['BLMPOP 0 2 x l LEFT', ['l', ['a']], ['LPOP', 'l']],
  ['BLMPOP 0 2 x l RIGHT COUNT 9', ['l', ['b', 'a']], ['RPOP', 'l', '2']],
  ['BLMOVE l d RIGHT LEFT 0', 'b', ['LMOVE', 'l', 'd', 'RIGHT', 'LEFT']],
  ['BRPOPLPUSH l d 0', 'b', ['RPOPLPUSH', 'l', 'd']],
])('%s waits, and is served by a push', (line, reply, effect) => {
  const waiting = wait(line)
  expect(waiting.reply).toBe(undefined)
  expect(t.commits).toEqual([])
  then('RPUSH l a b')
  expect(replyOf(waiting)).toEqual(reply)
  // The pop is a command of its own, behind the push.
  expect(t.commits.map((commit) => commit.effects.map(({ argv }) => argv))).toEqual([
    [['RPUSH', 'l', 'a', 'b']],
    [effect],
  ])
  expect(t.engine.blocked.count).toBe(0)
})

test('who waited longest is served first, one element each', () => {
  const [first, second, third] = [wait('BLPOP l 0'), wait('BLPOP other l 0'), wait('BLPOP l 0')]
  then('RPUSH l a b')
  expect([first, second, third].map((one) => replyOf(one as Waiting))).toEqual([
    ['l', 'a'],
    ['l', 'b'],
    undefined,
  ])
  then('RPUSH l c')
  expect(replyOf(third as Waiting)).toEqual(['l', 'c'])
})

test('one move serves the next', () => {
  const last = wait('BLPOP c 0')
  const middle = wait('BLMOVE b c LEFT LEFT 0')
  const first = wait('BRPOPLPUSH a b 0')
  then('RPUSH a x')
  expect([first, middle, last].map(replyOf)).toEqual(['x', 'x', ['c', 'x']])
  expect(ask('KEYS *')).toEqual([])
})

test('a key of another type is nothing to pop; a target of another type is a refusal', () => {
  const waiting = wait('BLPOP k l 0')
  then('SET k v')
  expect(waiting.reply).toBe(undefined)
  then('RPUSH l a')
  expect(replyOf(waiting)).toEqual(['l', 'a'])
  const moving = wait('BLMOVE l k LEFT LEFT 0')
  then('RPUSH l b')
  expect(moving.reply).toBe(WRONG_TYPE)
  expect(ask('LRANGE l 0 -1')).toEqual(['b'])
})

test('a list that is filled and emptied within one command serves nobody', () => {
  const waiting = wait('BLPOP l 0')
  t.engine.atomically(() => {
    ask('RPUSH l a')
    ask('DEL l')
  })
  t.engine.serveBlocked()
  expect(waiting.reply).toBe(undefined)
})

test.each([
  'BLPOP l 0.5',
  'BRPOP l m 0.5',
  'BLMPOP 0.5 1 l LEFT',
  'BLMOVE l d LEFT LEFT 0.5',
  'BRPOPLPUSH l d 0.5',
])('%s ends when its time is over', (line) => {
  const waiting = wait(line)
  t.clock.advance(499)
  t.engine.tick(1)
  expect(waiting.reply).toBe(undefined)
  t.clock.advance(1)
  t.engine.tick(1)
  expect(waiting.reply).toBe(NULL_ARRAY)
  then('RPUSH l a')
  expect(ask('LLEN l')).toBe(1)
})

test('a wait is rounded up to milliseconds, and 0 is for ever', () => {
  const short = wait('BLPOP l 0.0001')
  // Rounded up, this is 0.
  const [forever, negative] = [wait('BLPOP l 0'), wait('BLPOP l -0.0001')]
  t.clock.advance(1)
  t.engine.tick(1)
  expect(short.reply).toBe(NULL_ARRAY)
  t.clock.advance(1e9)
  t.engine.tick(1)
  expect([forever.reply, negative.reply]).toEqual([undefined, undefined])
})

test('within a transaction nothing waits', () => {
  expect(t.run('BLPOP', 'l', 0)).toBe(NULL_ARRAY)
  expect(t.run('BLMPOP', 0, 1, 'l', 'LEFT')).toBe(NULL_ARRAY)
  expect(t.run('BLMOVE', 'l', 'd', 'LEFT', 'LEFT', 0)).toBe(null)
  expect(t.run('BRPOPLPUSH', 'l', 'd', 0)).toBe(null)
  expect(t.engine.blocked.count).toBe(0)
})

test.each([
  ['BLPOP l x', 'timeout is not a float or out of range'],
  ['BLPOP l nan', 'timeout is not a float or out of range'],
  ['BLPOP l -1', 'timeout is negative'],
  ['BLPOP l inf', 'timeout is out of range'],
  ['BLPOP l 1e300', 'timeout is out of range'],
  ['BLMOVE l d LEFT UP x', 'syntax error'],
  ['BLMOVE l d LEFT LEFT x', 'timeout is not a float or out of range'],
  ['BLMPOP x 0 l LEFT', 'numkeys should be greater than 0'],
  ['BLMPOP x 1 l LEFT', 'timeout is not a float or out of range'],
  ['BLMPOP 0 1 l UP', 'syntax error'],
])('%s is refused', (line, message) => {
  expect(replyOf(wait(line))).toBe(`(error) ERR ${message}`)
  expect(t.engine.blocked.count).toBe(0)
})
