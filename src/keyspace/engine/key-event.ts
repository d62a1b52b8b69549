/**
 * Keyspace events: what happened to a key, by Redis' names, and the class by which subscribers select them.
 *
 * Source: https://redis.io/docs/latest/develop/use/keyspace-notifications/
 * Tests: test/keyspace/engine/key-event.test.ts
 */

/**
 * Letters of `notify-keyspace-events`: generic, string, list, set, hash, sorted set, expired, evicted, lock.
 */
export type KeyEventClass = 'g' | '$' | 'l' | 's' | 'h' | 'z' | 'x' | 'e' | 'k'

const NAMES: Readonly<Record<KeyEventClass, string>> = {
  g: 'del rename_from rename_to copy_to restore expire persist move_from move_to',
  $: 'set setrange append incrby incrbyfloat',
  l: 'lpush rpush lpop rpop linsert lset lrem ltrim sortstore',
  s: 'sadd srem spop sinterstore sunionstore sdiffstore sexpire spersist sexpired',
  h: 'hset hincrby hincrbyfloat hdel hexpire hpersist hexpired',
  z:
    'zadd zincr zrem zremrangebyscore zremrangebyrank zremrangebylex zdiffstore zinterstore zunionstore ' +
    'zrangestore geosearchstore zpopmin zpopmax zexpire zpersist zexpired',
  x: 'expired',
  e: 'evicted',
  k: 'lock unlock lockexpired',
}

const CLASS_OF: ReadonlyMap<string, KeyEventClass> = new Map(
  Object.entries(NAMES).flatMap(([letter, names]) =>
    names.split(' ').map((name) => [name, letter as KeyEventClass] as const),
  ),
)

/** The class of an event; generic when it is none of Redis'. */
export function keyEventClass(event: string): KeyEventClass {
  return CLASS_OF.get(event) ?? 'g'
}
