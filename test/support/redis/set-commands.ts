/** Random commands of sets. */
import type { Family } from './words.ts'

export const setFamily: Family = {
  sadd: (w) => [
    ...['SADD', w.key()],
    ...(w.chance(0.04) ? w.bulk((i) => [w.chance(0.5) ? `m${i}` : String(i)]) : w.many(() => w.member(), 5)),
  ],
  srem: (w) => ['SREM', w.key(), ...w.many(() => w.member())],
  scard: (w) => ['SCARD', w.key()],
  sismember: (w) => ['SISMEMBER', w.key(), w.member()],
  smismember: (w) => ['SMISMEMBER', w.key(), ...w.many(() => w.member())],
  smembers: (w) => ['SMEMBERS', w.key()],
  smove: (w) => ['SMOVE', w.key(), w.key(), w.member()],
  spop: (w) => ['SPOP', w.key(), ...w.maybe(0.6, () => [w.count()])],
  srandmember: (w) => ['SRANDMEMBER', w.key(), ...w.maybe(0.7, () => [w.count()])],
  sscan: (w) => ['SSCAN', w.key(), ...w.scanOptions()],
  sinter: (w) => ['SINTER', ...w.many(() => w.key())],
  sintercard: (w) => ['SINTERCARD', ...w.countedKeys(), ...w.maybe(0.4, () => ['LIMIT', w.integer()])],
  sinterstore: (w) => ['SINTERSTORE', w.key(), ...w.many(() => w.key())],
  sunion: (w) => ['SUNION', ...w.many(() => w.key())],
  sunionstore: (w) => ['SUNIONSTORE', w.key(), ...w.many(() => w.key())],
  sdiff: (w) => ['SDIFF', ...w.many(() => w.key())],
  sdiffstore: (w) => ['SDIFFSTORE', w.key(), ...w.many(() => w.key())],
}
