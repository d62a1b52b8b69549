/**
 * What the Redis that the random commands are compared with does not have, or answers differently: commands
 * and options since 7.2, by examples from its documentation and sources.
 */
import { expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { makeEngine, type Plain, START_MS } from '../../support/engine.ts'

/** Commands that Redis 7.0 does not have, and a later version has: left out of random sequences. */
const NEWER = [
  ...['hexpire', 'hpexpire', 'hexpireat', 'hpexpireat', 'httl', 'hpttl', 'hexpiretime', 'hpexpiretime'],
  ...['hpersist', 'hgetex', 'hsetex', 'hgetdel'],
]

/** Runs lines of words; an argument of two words is written with a tilde. */
function run(...lines: string[]): Plain[] {
  const t = makeEngine()
  return lines.map((line) => t.ask(...line.split(' ').map((word) => word.replaceAll('~', ' '))))
}

test('the commands that are newer than 7.0 are these', () => {
  const newer = commandTable.rows.filter(({ since }) => Number.parseFloat(since) > 7)
  expect(newer.map(({ name }) => name).sort()).toEqual([...NEWER].sort())
})

test('ZRANK and ZREVRANK give the score as well', () => {
  expect(
    run(
      'ZADD z 1 a 2.5 b',
      'ZRANK z b WITHSCORE',
      'ZREVRANK z b withscore',
      'ZRANK z x WITHSCORE',
      'ZRANK z b WITHSCORES',
      'ZRANK z b WITHSCORE x',
    ),
  ).toEqual([
    ...[2, [1, 2.5], [0, 2.5], null, '(error) ERR syntax error'],
    "(error) ERR wrong number of arguments for 'zrank' command",
  ])
})

test('a timeout that is too long is out of range, and not negative', () => {
  const tooLong = '(error) ERR timeout is out of range'
  expect(run('BLPOP l 1e300', 'BLPOP l inf', 'BZPOPMIN z 9223372036854775807')).toEqual(
    Array.from({ length: 3 }, () => tooLong),
  )
})

test('the smallest integer is refused where it would be negated', () => {
  expect(run('LPOS l a RANK -9223372036854775808', 'SPOP s -9223372036854775808')).toEqual([
    '(error) ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807',
    '(error) ERR value is out of range, must be positive',
  ])
})

test('a key that is set to have expired is not there', () => {
  expect(run('SET k v EXAT 1', 'GET k', 'EXISTS k', 'TTL k')).toEqual(['OK', null, 0, -2])
})

test('doubles out of range are refused as scores and as weights', () => {
  const notFloat = '(error) ERR value is not a valid float'
  expect(run('ZADD z 1e400 a', 'ZADD z 1e-400 a')).toEqual([notFloat, notFloat])
  expect(run('RPUSH l 1e400', 'SORT l')[1]).toBe(
    "(error) ERR One or more scores can't be converted into double",
  )
})

test('fields of hashes expire', () => {
  const atMs = START_MS + 200_000
  expect(
    run(
      'HSET h a 1 b 2',
      'HEXPIRE h 100 FIELDS 2 a x',
      'HEXPIRE none 100 FIELDS 1 a',
      'HTTL h FIELDS 3 a b x',
      'HEXPIRE h 200 NX FIELDS 1 a',
      'HPEXPIRE h 200000 GT FIELDS 1 a',
      'HPTTL h FIELDS 1 a',
      'HEXPIRETIME h FIELDS 1 a',
      'HPEXPIRETIME h FIELDS 1 a',
      'HPERSIST h FIELDS 2 a b',
      'HEXPIRE h 100 FIELDS 2 a',
      'HPEXPIREAT h 1 FIELDS 1 a',
      'HEXPIREAT h 1 FIELDS 1 x',
      'HGETALL h',
    ),
  ).toEqual([
    ...[2, [1, -2], [-2], [100, -1, -2], [0], [1], [200_000], [atMs / 1000], [atMs], [1, -1]],
    '(error) ERR The `numfields` parameter must match the number of arguments',
    ...[[2], [-2], ['b', '2']],
  ])
})

test('fields of hashes are read and set with an expiry, or taken', () => {
  expect(
    run(
      'HSET h a 1 b 2',
      'HGETEX h EX 10 FIELDS 2 a x',
      'HTTL h FIELDS 2 a b',
      'HGETEX h PERSIST FIELDS 1 a',
      'HTTL h FIELDS 1 a',
      'HSETEX h FNX EX 10 FIELDS 1 c 3',
      'HSETEX h FNX FIELDS 1 c 4',
      'HSETEX h FXX KEEPTTL FIELDS 1 c 5',
      'HTTL h FIELDS 1 c',
      'HGETDEL h FIELDS 4 a b c x',
      'EXISTS h',
    ),
  ).toEqual([2, ['1', null], [10, -1], ['1'], [-1], 1, 0, 1, [10], ['1', '2', '5', null], 0])
})
