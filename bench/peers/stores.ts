/** Commands as a program gives them, to Shardloom and to Redis: one interface for the benchmarks of both. */
import { createRuntime } from 'shardloom'
import { startRedis } from './redis.ts'

/** Whoever runs commands. */
export interface CommandStore {
  readonly name: string
  get(key: string): Promise<string | null | undefined>
  set(key: string, value: string): Promise<unknown>
  incr(key: string): Promise<number>
  push(key: string, value: string): Promise<number>
  rank(key: string, score: number, member: string): Promise<number | undefined>
  /** Members from a score on, `count` at most. */
  from(key: string, score: number, count: number): Promise<string[]>
  put(key: string, fields: Readonly<Record<string, string>>): Promise<number>
  fields(key: string): Promise<Readonly<Record<string, string>>>
  mget(...keys: string[]): Promise<(string | null | undefined)[]>
  mset(values: Readonly<Record<string, string>>): Promise<unknown>
  /** The size of the union. */
  unionInto(target: string, ...keys: string[]): Promise<number>
  members(key: string, ...members: string[]): Promise<number>
  /** Adds 1 to each of some counters, as one, by code of the caller. */
  incrementAll(keys: readonly string[]): Promise<unknown>
  clear(): Promise<unknown>
  stop(): Promise<void>
}

/** Opens the keyspace of a runtime of its own. */
export async function openShardloom(shards = 1): Promise<CommandStore> {
  const runtime = await createRuntime({ threads: shards, keyspace: { shards } })
  const { keyspace } = runtime
  return {
    name: 'shardloom',
    get: (key) => keyspace.get(key),
    set: (key, value) => keyspace.set(key, value),
    incr: (key) => keyspace.incrBy(key, 1),
    push: (key, value) => keyspace.list(key).unshift(value),
    rank: (key, score, member) => keyspace.command('ZADD', key, score, member) as Promise<number>,
    from: (key, score, count) =>
      keyspace.command('ZRANGEBYSCORE', key, score, '+inf', 'LIMIT', 0, count) as Promise<string[]>,
    put: (key, fields) => keyspace.hash(key).set(fields),
    fields: (key) => keyspace.hash(key).getAll(),
    mget: (...keys) => keyspace.mget(keys),
    mset: (values) => keyspace.mset(values),
    unionInto: (target, ...keys) => keyspace.command('SUNIONSTORE', target, ...keys) as Promise<number>,
    members: (key, ...members) => keyspace.members(key).add(...members),
    incrementAll: (keys) =>
      keyspace.transaction(keys, (tx) => {
        for (const key of keys) tx.set(key, String(Number(tx.get(key) ?? 0) + 1))
      }),
    clear: () => keyspace.clear(),
    stop: async () => void (await runtime.close()),
  }
}

const INCREMENT_ALL = `for i, key in ipairs(KEYS) do
  redis.call('SET', key, tostring((tonumber(redis.call('GET', key)) or 0) + 1))
end`

/** Opens a Redis of its own, through ioredis. @throws MissingPeer */
export async function openRedis(isPipelined: boolean): Promise<CommandStore> {
  const redis = await startRedis()
  const client = await redis.client({ isPipelined })
  return {
    name: 'ioredis',
    get: (key) => client.get(key),
    set: (key, value) => client.set(key, value),
    incr: (key) => client.incr(key),
    push: (key, value) => client.lpush(key, value),
    rank: (key, score, member) => client.zadd(key, score, member),
    from: (key, score, count) => client.zrangebyscore(key, score, '+inf', 'LIMIT', 0, count),
    put: (key, fields) => client.hset(key, fields),
    fields: (key) => client.hgetall(key),
    mget: (...keys) => client.mget(keys),
    mset: (values) => client.mset(values),
    unionInto: (target, ...keys) => client.sunionstore(target, keys),
    members: (key, ...members) => client.sadd(key, members),
    incrementAll: (keys) => client.eval(INCREMENT_ALL, keys.length, ...keys),
    clear: () => client.flushdb(),
    stop: () => redis.stop(),
  }
}
