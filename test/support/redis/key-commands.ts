/** Random commands of keys, their expiry, and the database. */
import type { Family, Words } from './words.ts'

const FLAGS = ['NX', 'XX', 'GT', 'LT', 'nx', 'FOO']

export const keyFamily: Family = {
  del: (w) => ['DEL', ...w.many(() => w.key(), 2)],
  unlink: (w) => ['UNLINK', ...w.many(() => w.key(), 2)],
  exists: (w) => ['EXISTS', ...w.many(() => w.key())],
  touch: (w) => ['TOUCH', ...w.many(() => w.key())],
  type: (w) => ['TYPE', w.key()],
  expire: (w) => ['EXPIRE', w.key(), w.ttlSeconds(), ...flags(w)],
  pexpire: (w) => ['PEXPIRE', w.key(), w.ttlMs(), ...flags(w)],
  expireat: (w) => ['EXPIREAT', w.key(), w.maybePast(w.atSeconds()), ...flags(w)],
  pexpireat: (w) => ['PEXPIREAT', w.key(), w.maybePast(w.atMs()), ...flags(w)],
  ttl: (w) => ['TTL', w.key()],
  pttl: (w) => ['PTTL', w.key()],
  expiretime: (w) => ['EXPIRETIME', w.key()],
  pexpiretime: (w) => ['PEXPIRETIME', w.key()],
  persist: (w) => ['PERSIST', w.key()],
  rename: (w) => ['RENAME', w.key(), w.key()],
  renamenx: (w) => ['RENAMENX', w.key(), w.key()],
  copy: (w) => [
    ...['COPY', w.key(), w.key()],
    ...w.maybe(0.2, () => ['DB', w.pick(['0', '1', '-1', '99', 'abc'])]),
    ...w.maybe(0.4, () => ['REPLACE']),
  ],
  move: (w) => ['MOVE', w.key(), w.pick(['0', '1', '1', '-1', '99', 'abc'])],
  dump: (w) => ['DUMP', w.key()],
  restore: (w) => [
    ...['RESTORE', w.key(), w.pick(['0', '0', '1000000', '-1', 'abc'])],
    w.chance(0.8) ? '\x00\x01v\x06\x00\x07\xe5\xa62\xecm\xb6]' : w.value(),
    ...w.maybe(0.6, () => ['REPLACE']),
    ...w.maybe(0.1, () => ['IDLETIME', w.pick(['1000', '-1', 'abc'])]),
    ...w.maybe(0.1, () => ['FREQ', w.pick(['100', '-1', '256', 'abc'])]),
  ],
  scan: (w) => [
    'SCAN',
    ...w.scanOptions(),
    ...w.maybe(0.3, () => ['TYPE', w.pick(['string', 'zset', 'LIST', 'foo'])]),
  ],
  keys: (w) => ['KEYS', w.pattern()],
  randomkey: () => ['RANDOMKEY'],
  sort: (w) => ['SORT', w.key(), ...sortOptions(w), ...w.maybe(0.3, () => ['STORE', w.key()])],
  sort_ro: (w) => ['SORT_RO', w.key(), ...sortOptions(w), ...w.maybe(0.03, () => ['STORE', w.key()])],
  'object|encoding': (w) => ['OBJECT', 'ENCODING', w.key()],
  'object|refcount': (w) => ['OBJECT', 'REFCOUNT', w.key()],
  'object|idletime': (w) => ['OBJECT', 'IDLETIME', w.key()],
  'object|freq': (w) => ['OBJECT', 'FREQ', w.key()],
  'memory|usage': (w) => [
    'MEMORY',
    'USAGE',
    w.key(),
    ...w.maybe(0.3, () => [w.pick(['SAMPLES', 'x']), w.integer()]),
  ],
  'object|help': (w) => ['OBJECT', w.pick(['HELP', 'FOO', 'help'])],
}

/** Commands of channels, to which nobody listens. */
export const publishFamily: Family = {
  publish: (w) => ['PUBLISH', w.value(), w.value()],
  spublish: (w) => ['SPUBLISH', w.value(), w.value()],
  'pubsub|channels': (w) => ['PUBSUB', 'CHANNELS', ...w.maybe(0.5, () => [w.pattern()])],
  'pubsub|shardchannels': (w) => ['PUBSUB', 'SHARDCHANNELS', ...w.maybe(0.5, () => [w.pattern()])],
  'pubsub|numsub': (w) => ['PUBSUB', 'NUMSUB', ...w.maybe(0.7, () => w.many(() => w.value()))],
  'pubsub|shardnumsub': (w) => ['PUBSUB', 'SHARDNUMSUB', ...w.maybe(0.7, () => w.many(() => w.value()))],
  'pubsub|numpat': () => ['PUBSUB', 'NUMPAT'],
}

/** Commands of the server as a whole, which belong to no type. */
export const serverFamily: Family = {
  ping: (w) => ['PING', ...w.maybe(0.5, () => [w.value()])],
  echo: (w) => ['ECHO', w.value()],
  dbsize: () => ['DBSIZE'],
  flushdb: (w) =>
    w.chance(0.2) ? ['FLUSHDB', ...w.maybe(0.5, () => [w.pick(['SYNC', 'ASYNC', 'FOO'])])] : ['PING'],
  flushall: (w) =>
    w.chance(0.2) ? ['FLUSHALL', ...w.maybe(0.5, () => [w.pick(['SYNC', 'ASYNC', 'FOO'])])] : ['PING'],
  swapdb: (w) => ['SWAPDB', w.pick(['0', '0', '1', 'abc', '-1', '99']), w.pick(['1', '1', '0', 'abc'])],
}

function flags(w: Words): string[] {
  return w.maybe(0.4, () => w.many(() => w.pick(FLAGS), 2))
}

/** What has an order in Redis: neither a part of a set, nor words by weights that may be missing. */
function sortOptions(w: Words): string[] {
  const by = w.pick([undefined, undefined, undefined, 'nosort', w.pick(['*', 'a*', 'key*', '*->a'])])
  return [
    ...(by === undefined ? [] : ['BY', by]),
    ...(by === 'nosort' ? [] : w.maybe(0.25, () => ['LIMIT', w.integer(), w.integer()])),
    ...w.maybe(0.25, () => w.many(() => ['GET', w.pick(['#', '*', 'a*', '*->a', 'x'])], 2).flat()),
    ...(by === undefined ? w.maybe(0.6, () => ['ALPHA']) : []),
    ...w.maybe(0.4, () => [w.pick(['ASC', 'DESC'])]),
  ]
}
