/** Random commands of hashes. */
import type { Family, Words } from './words.ts'

export const hashFamily: Family = {
  hset: (w) => [...['HSET', w.key()], ...(w.chance(0.04) ? w.bulk((i) => [`m${i}`, String(i)]) : pairs(w))],
  hmset: (w) => ['HMSET', w.key(), ...pairs(w)],
  hsetnx: (w) => ['HSETNX', w.key(), w.member(), w.value()],
  hget: (w) => ['HGET', w.key(), w.member()],
  hmget: (w) => ['HMGET', w.key(), ...w.many(() => w.member())],
  hgetall: (w) => ['HGETALL', w.key()],
  hdel: (w) => ['HDEL', w.key(), ...w.many(() => w.member())],
  hlen: (w) => ['HLEN', w.key()],
  hstrlen: (w) => ['HSTRLEN', w.key(), w.member()],
  hexists: (w) => ['HEXISTS', w.key(), w.member()],
  hkeys: (w) => ['HKEYS', w.key()],
  hvals: (w) => ['HVALS', w.key()],
  hincrby: (w) => ['HINCRBY', w.key(), w.member(), w.integer()],
  hincrbyfloat: (w) => ['HINCRBYFLOAT', w.key(), w.member(), w.float()],
  hrandfield: (w) => [
    ...['HRANDFIELD', w.key()],
    ...w.maybe(0.7, () => [w.count(), ...w.maybe(0.4, () => [w.chance(0.9) ? 'WITHVALUES' : 'FOO'])]),
  ],
  hscan: (w) => ['HSCAN', w.key(), ...w.scanOptions()],
}

function pairs(w: Words): string[] {
  return w.many(() => [w.member(), w.value()]).flat()
}
