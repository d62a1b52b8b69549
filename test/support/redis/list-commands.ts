/** Random commands of lists. */
import type { Family, Words } from './words.ts'

export const listFamily: Family = {
  lpush: (w) => ['LPUSH', w.key(), ...w.many(() => w.value(), 4)],
  rpush: (w) => [
    ...['RPUSH', w.key()],
    ...(w.chance(0.04) ? w.bulk((i) => [`m${i % 50}`]) : w.many(() => w.value(), 4)),
  ],
  lpushx: (w) => ['LPUSHX', w.key(), ...w.many(() => w.value())],
  rpushx: (w) => ['RPUSHX', w.key(), ...w.many(() => w.value())],
  lpop: (w) => ['LPOP', w.key(), ...w.maybe(0.5, () => [w.count()])],
  rpop: (w) => ['RPOP', w.key(), ...w.maybe(0.5, () => [w.count()])],
  llen: (w) => ['LLEN', w.key()],
  lindex: (w) => ['LINDEX', w.key(), w.integer()],
  lset: (w) => ['LSET', w.key(), w.integer(), w.value()],
  lrange: (w) => ['LRANGE', w.key(), w.integer(), w.integer()],
  ltrim: (w) => ['LTRIM', w.key(), w.pick(['0', '1', '-10', w.integer()]), w.pick(['-1', '-2', w.integer()])],
  linsert: (w) => ['LINSERT', w.key(), w.pick(['BEFORE', 'AFTER', 'before', 'FOO']), w.value(), w.value()],
  lrem: (w) => ['LREM', w.key(), w.integer(), w.value()],
  lpos: (w) => [
    ...['LPOS', w.key(), w.value()],
    ...w.maybe(0.4, () => ['RANK', w.count()]),
    ...w.maybe(0.4, () => ['COUNT', w.integer()]),
    ...w.maybe(0.3, () => ['MAXLEN', w.integer()]),
  ],
  lmove: (w) => ['LMOVE', w.key(), w.key(), side(w), side(w)],
  rpoplpush: (w) => ['RPOPLPUSH', w.key(), w.key()],
  lmpop: (w) => ['LMPOP', ...w.countedKeys(), side(w), ...w.maybe(0.5, () => ['COUNT', w.count()])],
  blpop: (w) => ['BLPOP', ...w.many(() => w.key()), timeout(w)],
  brpop: (w) => ['BRPOP', ...w.many(() => w.key()), timeout(w)],
  blmpop: (w) => [
    ...['BLMPOP', timeout(w), ...w.countedKeys(), side(w)],
    ...w.maybe(0.5, () => ['COUNT', w.count()]),
  ],
  blmove: (w) => ['BLMOVE', w.key(), w.key(), side(w), side(w), timeout(w)],
  brpoplpush: (w) => ['BRPOPLPUSH', w.key(), w.key(), timeout(w)],
}

/** How long a command would wait, that does not within a transaction. */
export function timeout(w: Words): string {
  return w.chance(0.1) ? w.pick(['-1', 'abc', '', 'nan', '1x']) : w.pick(['0', '0.1', '3'])
}

function side(w: Words): string {
  return w.chance(0.05) ? 'FOO' : w.pick(['LEFT', 'RIGHT', 'left', 'right'])
}
