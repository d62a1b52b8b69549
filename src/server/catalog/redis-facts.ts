/**
 * What Redis 7.0 says of its commands and our rows do not: tips, uses of keys, flags, categories.
 *
 * Most of `COMMAND INFO` follows from a row: a write that is fast is `@write @fast`. What does not follow
 * stands here, from what is said to the names of those it is said of, since few things are said of many.
 * Names of commands that are not built yet are left out.
 *
 * Tests: test/server/catalog/redis-facts.test.ts
 * Source: COMMAND INFO of Redis 7.0.15; the command files of 7.4 and 8.0 for what is newer.
 */
import type { KeySpec } from '../../keyspace/engine/index.ts'
import { type KeySpecification, rangeSpec, unknownSpec } from './key-specification.ts'

/** What is said → the names, with blanks between. */
type Said = Readonly<Record<string, string>>

/** The uses of keys; a bar between the first key and the others. Else: read, or updated. */
const KEY_USES: Said = {
  RO: [
    'exists touch type hexists hlen hstrlen llen scard sismember strlen zcard watch revision',
    'object|encoding object|freq object|idletime object|refcount memory|usage',
  ].join(' '),
  'RW insert': 'append hsetnx linsert lpush lpushx rpush rpushx sadd saddex',
  'OW insert': 'setnx msetnx',
  'RW delete': 'hdel lrem ltrim srem zrem zremrangebylex zremrangebyrank zremrangebyscore',
  'RM delete': 'del unlink',
  'RW access delete': [
    'getdel hgetdel lpop rpop spop zpopmax zpopmin lmpop zmpop blpop brpop blmpop bzmpop bzpopmax bzpopmin',
    'migrate',
  ].join(' '),
  'OW update': 'mset psetex setex restore',
  'RW access update': [
    'decr decrby getset getex hgetex hincrby hincrbyfloat incr incrby incrbyfloat move zincrby limit',
    'lease.get',
  ].join(' '),
  'RW access update variable_flags': 'set',
  'RW access delete|RW insert': 'lmove blmove rpoplpush brpoplpush smove',
  'RW access delete|OW update': 'rename',
  'RW access delete|OW insert': 'renamenx',
  'RO access|OW update': 'copy',
  'OW update|RO access': 'sdiffstore sunionstore zrangestore zunionstore zinterstore zdiffstore',
  'RW update|RO access': 'sinterstore',
  not_key: 'spublish ssubscribe sunsubscribe',
}

/** Why a use is what it is. */
const KEY_NOTES: Said = {
  'With GET it hands out what the key held.': 'set',
  'It may change the expiry.': 'getex hgetex',
}

const FIRST_KEY = rangeSpec('RO access', 1)
const OF_PATTERNS = unknownSpec('RO access', 'Keys of BY and GET: their names depend on what the key holds.')
const OF_STORE = unknownSpec('OW update', 'The key of STORE, which may stand anywhere among the options.')
const OF_INNER = unknownSpec('RW access update incomplete', 'The keys of the command that is run.')

/** Uses of keys that no table of places says. */
const KEY_SPECIFICATIONS: Readonly<Record<string, readonly KeySpecification[]>> = {
  sort: [FIRST_KEY, OF_PATTERNS, OF_STORE],
  sort_ro: [FIRST_KEY, OF_PATTERNS],
  fenced: [FIRST_KEY, OF_INNER],
}

/** Places of keys, where a row has a function for them. */
const KEY_PLACES: Readonly<Record<string, KeySpec>> = { copy: { first: 1, last: 2 }, move: { first: 1 } }

/** Keys and channels that route a request, and are not keys of the keyspace. */
const CHANNEL_PLACES: Readonly<Record<string, KeySpec>> = {
  spublish: { first: 1 },
  ssubscribe: { first: 1, last: -1 },
  sunsubscribe: { first: 1, last: -1 },
}

const ORDER = 'nondeterministic_output_order'
const OUTPUT = 'nondeterministic_output'
const ALL_SHARDS = 'request_policy:all_shards'
const ALL_NODES = 'request_policy:all_nodes'
const MULTI_SHARD = 'request_policy:multi_shard'
const SUM = 'response_policy:agg_sum'
const SUCCEEDED = 'response_policy:all_succeeded'
const SPECIAL = 'response_policy:special'

/** Tips for clients and proxies. */
const TIPS: Said = {
  [ORDER]: [
    'command command|docs command|info command|list hgetall hkeys hvals smembers sdiff sinter sunion',
    'function|list module|list',
  ].join(' '),
  [OUTPUT]: [
    'client|info client|list dump hrandfield hscan sscan zscan spop srandmember zrandmember ttl pttl time',
    'lastsave object|encoding object|freq object|idletime object|refcount migrate cluster|info',
    'cluster|links cluster|nodes cluster|shards cluster|slots cluster|count-failure-reports',
    'cluster|getkeysinslot cluster|replicas',
    'httl hpttl sttl spttl zttl zpttl lock.info sem.info lock.list limit',
  ].join(' '),
  [`${ALL_SHARDS} ${SUM}`]: 'dbsize',
  [`${MULTI_SHARD} ${SUM}`]: 'del unlink exists touch',
  [MULTI_SHARD]: 'mget',
  [`${MULTI_SHARD} ${SUCCEEDED}`]: 'mset',
  [`${MULTI_SHARD} response_policy:agg_min`]: 'msetnx',
  [`${ALL_SHARDS} ${SUCCEEDED}`]: 'flushall flushdb ping function|flush memory|purge',
  [`${ALL_NODES} ${SUCCEEDED}`]: 'config|set latency|reset slowlog|reset script|flush script|load',
  [`${ALL_SHARDS} ${ORDER}`]: 'keys',
  [`${ALL_SHARDS} ${OUTPUT}`]: 'randomkey',
  [`${ALL_SHARDS} response_policy:agg_min`]: 'wait',
  [`${OUTPUT} request_policy:special`]: 'scan',
  [`${OUTPUT} ${ALL_SHARDS} ${SPECIAL}`]: 'info memory|doctor memory|malloc-stats memory|stats',
  [`${OUTPUT} ${ALL_NODES} ${SPECIAL}`]:
    'latency|doctor latency|graph latency|histogram latency|history latency|latest',
  [`${ALL_NODES} ${OUTPUT}`]: 'slowlog|get',
  [`${ALL_NODES} ${SUM} ${OUTPUT}`]: 'slowlog|len',
}

/** Flags that rows of the keyspace have no word for. */
const FLAGS: Said = {
  'loading stale': 'echo object|help',
  'pubsub loading stale':
    'publish spublish pubsub|channels pubsub|numpat pubsub|numsub pubsub|shardchannels pubsub|shardnumsub',
  noscript: [
    'blmove blpop brpop brpoplpush bzpopmax bzpopmin',
    'lock.acquire lock.acquireall sem.acquire lease.get fenced',
  ].join(' '),
}

/** Categories that neither flags nor group give. */
const CATEGORIES: Said = {
  keyspace: 'dbsize flushall flushdb swapdb',
  dangerous: 'flushall flushdb swapdb keys restore sort sort_ro info lastsave role migrate',
  'set sortedset list': 'sort sort_ro',
  admin: 'lastsave role',
  connection: 'wait',
}

/** The group of Redis' documentation, where it is not the row's. */
const GROUPS: Said = { connection: 'ping echo' }

/** Commands of a group whose category they do not have. */
const NOT_OF_GROUP: ReadonlySet<string> = new Set(['sort', 'sort_ro', 'wait', 'waitaof'])

const keyUses = byName(KEY_USES)
const keyNotes = byName(KEY_NOTES)
const tips = byName(TIPS)
const flags = byName(FLAGS)
const categories = byName(CATEGORIES)
const groups = byName(GROUPS)

/** What is said of one command. */
export interface RedisFacts {
  /** Undefined: as the flags say. */
  readonly keyUses: readonly string[] | undefined
  readonly keyNotes: string | undefined
  readonly keySpecifications: readonly KeySpecification[] | undefined
  readonly keyPlaces: KeySpec | undefined
  readonly tips: readonly string[]
  readonly flags: readonly string[]
  readonly categories: readonly string[]
  readonly group: string | undefined
  readonly isOfGroup: boolean
}

/** The facts about a command, for one that Redis has not as well. */
export function factsOf(name: string): RedisFacts {
  return {
    keyUses: keyUses.get(name)?.[0]?.split('|'),
    keyNotes: keyNotes.get(name)?.[0],
    keySpecifications: KEY_SPECIFICATIONS[name],
    keyPlaces: KEY_PLACES[name] ?? CHANNEL_PLACES[name],
    tips: words(tips.get(name)),
    flags: words(flags.get(name)),
    categories: words(categories.get(name)),
    group: groups.get(name)?.[0],
    isOfGroup: !NOT_OF_GROUP.has(name),
  }
}

/** Every name that something is said of: a test holds them against the commands that there are. */
export function namesWithFacts(): readonly string[] {
  return [...new Set([keyUses, keyNotes, tips, flags, categories, groups].flatMap((map) => [...map.keys()]))]
}

function words(said: readonly string[] | undefined): readonly string[] {
  return said === undefined ? [] : said.flatMap((text) => text.split(' '))
}

function byName(said: Said): ReadonlyMap<string, readonly string[]> {
  const map = new Map<string, string[]>()
  for (const [text, names] of Object.entries(said)) {
    for (const name of names.split(' ')) map.set(name, [...(map.get(name) ?? []), text])
  }
  return map
}
