/** Random commands of strings and numbers. */
import type { Family } from './words.ts'

export const stringFamily: Family = {
  set: (w) => [
    ...['SET', w.key(), w.value()],
    ...w.maybe(0.3, () => [w.pick(['NX', 'XX', 'GET', 'KEEPTTL', 'nx', 'xx', 'FOO'])]),
    ...w.maybe(0.25, () =>
      w.pick([
        () => ['EX', w.ttlSeconds()],
        () => ['PX', w.ttlMs()],
        () => ['EXAT', w.atSeconds()],
        () => ['pxat', w.atMs()],
        () => ['KEEPTTL'],
        () => ['EX'],
      ])(),
    ),
    ...w.maybe(0.2, () => [w.pick(['NX', 'XX', 'GET', 'KEEPTTL'])]),
  ],
  setnx: (w) => ['SETNX', w.key(), w.value()],
  setex: (w) => ['SETEX', w.key(), w.ttlSeconds(), w.value()],
  psetex: (w) => ['PSETEX', w.key(), w.ttlMs(), w.value()],
  mset: (w) => ['MSET', ...w.many(() => [w.key(), w.value()]).flat()],
  msetnx: (w) => ['MSETNX', ...w.many(() => [w.key(), w.value()]).flat()],
  get: (w) => ['GET', w.key()],
  getset: (w) => ['GETSET', w.key(), w.value()],
  getdel: (w) => ['GETDEL', w.key()],
  getex: (w) => [
    ...['GETEX', w.key()],
    ...w.maybe(0.6, () =>
      w.pick([
        () => ['EX', w.ttlSeconds()],
        () => ['PX', w.ttlMs()],
        () => ['EXAT', w.maybePast(w.atSeconds())],
        () => ['PXAT', w.atMs()],
        () => ['PERSIST'],
        () => ['PERSIST', 'EX', w.ttlSeconds()],
        () => ['KEEPTTL'],
      ])(),
    ),
  ],
  mget: (w) => ['MGET', ...w.many(() => w.key())],
  incr: (w) => ['INCR', w.key()],
  decr: (w) => ['DECR', w.key()],
  incrby: (w) => ['INCRBY', w.key(), w.integer()],
  decrby: (w) => ['DECRBY', w.key(), w.integer()],
  incrbyfloat: (w) => ['INCRBYFLOAT', w.key(), w.float()],
  append: (w) => ['APPEND', w.key(), w.value()],
  strlen: (w) => ['STRLEN', w.key()],
  setrange: (w) => [
    ...['SETRANGE', w.key(), w.pick(['0', '1', '3', '10', '-1', 'abc', '9223372036854775807', '536870912'])],
    w.value(),
  ],
  getrange: (w) => ['GETRANGE', w.key(), w.integer(), w.integer()],
  substr: (w) => ['SUBSTR', w.key(), w.integer(), w.integer()],
  lcs: (w) => [
    ...['LCS', w.key(), w.key()],
    ...w.maybe(0.4, () => [w.pick(['LEN', 'IDX', 'len', 'FOO'])]),
    ...w.maybe(0.3, () => ['MINMATCHLEN', w.integer()]),
    ...w.maybe(0.3, () => ['WITHMATCHLEN']),
    ...w.maybe(0.2, () => ['IDX']),
  ],
}
