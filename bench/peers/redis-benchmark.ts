/**
 * `redis-benchmark`, which comes with Redis: a client in C that makes one string of bytes once, sends it
 * again and again, and throws the answers away. It shows what the server can do, not what a program gets.
 */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { MissingPeer } from '../harness.ts'
import type { RedisServer } from './redis.ts'

const run = promisify(execFile)

/** What it is to do: `connections` times `pipeline` commands on their way at once. */
export interface RedisBenchmarkLoad {
  readonly count: number
  readonly keys: number
  readonly valueBytes: number
  readonly connections: number
  readonly pipeline: number
}

/** Sets per second. @throws MissingPeer when there is no redis-benchmark */
export async function redisBenchmark(redis: RedisServer, load: RedisBenchmarkLoad): Promise<number> {
  const before = await redis.info('stats', 'total_commands_processed')
  const words = [
    ...['-h', '127.0.0.1', '-p', String(redis.port), '-t', 'set', '--csv'],
    ...['-n', String(load.count), '-r', String(load.keys), '-d', String(load.valueBytes)],
    ...['-c', String(load.connections), '-P', String(load.pipeline)],
  ]
  const { stdout } = await run('redis-benchmark', words).catch((error: { code?: unknown }) => {
    if (error.code !== 'ENOENT') throw error
    throw new MissingPeer('redis-benchmark is not there', 'apt-get install redis-tools (redis-server)')
  })
  const done = (await redis.info('stats', 'total_commands_processed')) - before
  if (done < load.count) throw new Error(`redis-benchmark sent ${done} commands instead of ${load.count}`)
  // "test","rps","avg_latency_ms", … and then "SET","163132.14", …
  const rate = Number(/^"SET","([\d.]+)"/m.exec(stdout)?.[1])
  if (!(rate > 0)) throw new Error(`redis-benchmark says ${stdout}`)
  return rate
}
