/** Random commands of sorted sets. */

import { timeout } from './list-commands.ts'
import type { Family, Words } from './words.ts'

/** A key whose members have one score: else ranges by text have no meaning. */
export const LEX: string = 'lex'

export const sortedSetFamily: Family = {
  zadd: (w) => [
    ...['ZADD', w.key()],
    ...w.maybe(0.3, () => w.many(() => w.pick(['NX', 'XX', 'GT', 'LT', 'CH', 'INCR', 'ch', 'gt']), 2)),
    ...(w.chance(0.04)
      ? w.bulk((i) => [w.chance(0.5) ? '1' : String(i), `m${i}`])
      : w.many(() => [w.score(), w.member()], 4).flat()),
  ],
  'zadd lex': (w) => ['ZADD', LEX, ...w.many(() => ['0', w.member()], 5).flat()],
  'other lex': (w) => (w.chance(0.2) ? ['SET', LEX, 'v'] : ['DEL', LEX]),
  zincrby: (w) => ['ZINCRBY', w.key(), w.score(), w.member()],
  zrem: (w) => ['ZREM', w.key(), ...w.many(() => w.member())],
  zcard: (w) => ['ZCARD', w.key()],
  zscore: (w) => ['ZSCORE', w.key(), w.member()],
  zmscore: (w) => ['ZMSCORE', w.key(), ...w.many(() => w.member())],
  zrank: (w) => ['ZRANK', w.key(), w.member()],
  zrevrank: (w) => ['ZREVRANK', w.key(), w.member()],
  zrandmember: (w) => [
    ...['ZRANDMEMBER', w.key()],
    ...w.maybe(0.7, () => [w.count(), ...w.maybe(0.4, () => [w.chance(0.9) ? 'WITHSCORES' : 'FOO'])]),
  ],
  zscan: (w) => ['ZSCAN', w.key(), ...w.scanOptions()],
  zrange: (w) => ['ZRANGE', ...range(w), ...w.maybe(0.3, () => ['WITHSCORES'])],
  zrangestore: (w) => ['ZRANGESTORE', w.key(), ...range(w), ...w.maybe(0.02, () => ['WITHSCORES'])],
  zrevrange: (w) => ['ZREVRANGE', w.key(), w.integer(), w.integer(), ...w.maybe(0.4, () => ['WITHSCORES'])],
  zrangebyscore: (w) => ['ZRANGEBYSCORE', w.key(), w.scoreBound(), w.scoreBound(), ...rangeOptions(w)],
  zrevrangebyscore: (w) => ['ZREVRANGEBYSCORE', w.key(), w.scoreBound(), w.scoreBound(), ...rangeOptions(w)],
  zrangebylex: (w) => ['ZRANGEBYLEX', LEX, w.lexBound(), w.lexBound(), ...w.maybe(0.3, () => limit(w))],
  zrevrangebylex: (w) => ['ZREVRANGEBYLEX', LEX, w.lexBound(), w.lexBound(), ...w.maybe(0.3, () => limit(w))],
  zcount: (w) => ['ZCOUNT', w.key(), w.scoreBound(), w.scoreBound()],
  zlexcount: (w) => ['ZLEXCOUNT', LEX, w.lexBound(), w.lexBound()],
  zremrangebyrank: (w) => ['ZREMRANGEBYRANK', w.key(), w.integer(), w.integer()],
  zremrangebyscore: (w) => ['ZREMRANGEBYSCORE', w.key(), w.scoreBound(), w.scoreBound()],
  zremrangebylex: (w) => ['ZREMRANGEBYLEX', LEX, w.lexBound(), w.lexBound()],
  zpopmin: (w) => ['ZPOPMIN', w.key(), ...w.maybe(0.5, () => [w.count()])],
  zpopmax: (w) => ['ZPOPMAX', w.key(), ...w.maybe(0.5, () => [w.count()])],
  zmpop: (w) => ['ZMPOP', ...w.countedKeys(), end(w), ...w.maybe(0.5, () => ['COUNT', w.count()])],
  bzpopmin: (w) => ['BZPOPMIN', ...w.many(() => w.key()), timeout(w)],
  bzpopmax: (w) => ['BZPOPMAX', ...w.many(() => w.key()), timeout(w)],
  bzmpop: (w) => [
    'BZMPOP',
    timeout(w),
    ...w.countedKeys(),
    end(w),
    ...w.maybe(0.5, () => ['COUNT', w.count()]),
  ],
  zunion: (w) => ['ZUNION', ...algebra(w), ...w.maybe(0.4, () => ['WITHSCORES'])],
  zinter: (w) => ['ZINTER', ...algebra(w), ...w.maybe(0.4, () => ['WITHSCORES'])],
  zdiff: (w) => ['ZDIFF', ...w.countedKeys(), ...w.maybe(0.4, () => ['WITHSCORES'])],
  zunionstore: (w) => ['ZUNIONSTORE', w.key(), ...algebra(w)],
  zinterstore: (w) => ['ZINTERSTORE', w.key(), ...algebra(w)],
  zdiffstore: (w) => ['ZDIFFSTORE', w.key(), ...w.countedKeys()],
  zintercard: (w) => ['ZINTERCARD', ...w.countedKeys(), ...w.maybe(0.4, () => ['LIMIT', w.integer()])],
}

function range(w: Words): string[] {
  const rev = w.maybe(0.3, () => ['REV'])
  const limited = w.maybe(0.25, () => limit(w))
  const kind = w.below(3)
  if (kind === 0) return [w.key(), w.integer(), w.integer(), ...rev, ...w.maybe(0.03, () => limit(w))]
  if (kind === 1) return [w.key(), w.scoreBound(), w.scoreBound(), 'BYSCORE', ...rev, ...limited]
  return [LEX, w.lexBound(), w.lexBound(), ...rev, 'BYLEX', ...limited]
}

function rangeOptions(w: Words): string[] {
  return [...w.maybe(0.3, () => ['WITHSCORES']), ...w.maybe(0.3, () => limit(w))]
}

function limit(w: Words): string[] {
  return ['LIMIT', w.integer(), w.integer()]
}

function end(w: Words): string {
  return w.chance(0.05) ? 'FOO' : w.pick(['MIN', 'MAX', 'min'])
}

function algebra(w: Words): string[] {
  const keys = w.countedKeys()
  return [
    ...keys,
    ...w.maybe(0.3, () => ['WEIGHTS', ...keys.slice(w.chance(0.05) ? 2 : 1).map(() => w.score())]),
    ...w.maybe(0.3, () => ['AGGREGATE', w.pick(['SUM', 'MIN', 'MAX', 'sum', 'FOO'])]),
  ]
}
