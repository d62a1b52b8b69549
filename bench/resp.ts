/**
 * Question: how many commands of the Redis protocol a second, by `redis-benchmark`, and how much processor
 * time of the server does one take?
 *
 * Peer: a Redis that saves nothing. Ours runs in a process of its own, with one shard on one thread, and with
 * two on two; 64-byte values, 100,000 keys. All are measured by the same client, one after the other.
 *
 * What would make the figure a lie: a client that is the bottleneck. `redis-benchmark` is one thread, and on
 * two cores it is: the rate says what the two of them do together, the processor time what the server takes.
 * Each round looks at how many commands the server says it has processed.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { type Figure, MissingPeer, type Question, ratio } from './harness.ts'
import { type Measure, type MeasuredSubject, measureAll } from './measures.ts'
import { startRedis } from './peers/redis.ts'

const PROGRAM = fileURLToPath(new URL('./resp-program.js', import.meta.url))
const run = promisify(execFile)
const COMMANDS = ['set', 'get', 'incr', 'lpush', 'zadd'] as const
const KEYS = 100_000
const VALUE_BYTES = 64
/** Processor time is counted in hundredths of a second by Linux. */
const TICKS_PER_SECOND = 100

/** How `redis-benchmark` is started. */
interface Load {
  readonly connections: number
  readonly pipeline: number
  readonly count: number
}

/** A server that is measured. */
interface Server {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

const LOADS: readonly Load[] = [
  { connections: 50, pipeline: 1, count: 100_000 },
  { connections: 50, pipeline: 16, count: 500_000 },
  { connections: 50, pipeline: 100, count: 500_000 },
  { connections: 1000, pipeline: 1, count: 100_000 },
  { connections: 1000, pipeline: 16, count: 500_000 },
  { connections: 1000, pipeline: 100, count: 500_000 },
]
const SMALL: readonly Load[] = [{ connections: 5, pipeline: 16, count: 2000 }]

export const question: Question = {
  name: 'resp',
  question: 'commands of the Redis protocol, by redis-benchmark (per second, µs of processor time)',
  targets: COMMANDS.flatMap((command) =>
    LOADS.map((load) => ({
      text: `${metricOf(command, load)}: at least Redis`,
      isMet: (figures: readonly Figure[]) =>
        ratio(figures, 'shardloom', 'redis', false, metricOf(command, load)) >= 1,
    })),
  ),
  run(params) {
    const loads = params.small ? SMALL : LOADS
    const subjects = [
      subjectOf('shardloom', () => startOurs(1), loads),
      subjectOf('shardloom, 2 shards', () => startOurs(2), loads),
      subjectOf('redis', startPeer, loads),
    ]
    return measureAll('resp', subjects, params)
  },
}

function metricOf(command: string, { connections, pipeline }: Load): string {
  return `${command.toUpperCase()}, ${connections} connections, P=${pipeline}`
}

function subjectOf(name: string, start: () => Promise<Server>, loads: readonly Load[]): MeasuredSubject {
  return {
    name,
    async start() {
      const server = await start()
      const client = new Redis({ port: server.port })
      const round = async () => {
        await client.flushall()
        const measures: Measure[] = []
        for (const load of loads) {
          for (const command of COMMANDS) measures.push(...(await measure(server, client, command, load)))
        }
        return { measures, check: `${loads.length * COMMANDS.length} loads` }
      }
      const stop = async (): Promise<void> => {
        client.disconnect()
        await server.stop()
      }
      return { round, stop }
    },
  }
}

async function measure(server: Server, client: Redis, command: string, load: Load): Promise<Measure[]> {
  const { connections, pipeline, count } = load
  const [before, busyBefore] = [await processed(client), await processorSeconds(server.pid)]
  const words = [
    ...['-h', '127.0.0.1', '-p', String(server.port), '-t', command, '--csv'],
    ...['-n', String(count), '-r', String(KEYS), '-d', String(VALUE_BYTES)],
    ...['-c', String(connections), '-P', String(pipeline)],
  ]
  const { stdout } = await run('redis-benchmark', words).catch((error: { code?: unknown }) => {
    if (error.code !== 'ENOENT') throw error
    throw new MissingPeer('redis-benchmark is not there', 'apt-get install redis-tools (redis-server)')
  })
  const done = (await processed(client)) - before
  const busy = (await processorSeconds(server.pid)) - busyBefore
  if (done < count) throw new Error(`${done} commands were processed instead of ${count}`)
  const rate = Number(/^"[A-Z]+","([\d.]+)"/m.exec(stdout.split('\n').slice(1).join('\n'))?.[1])
  if (!(rate > 0)) throw new Error(`redis-benchmark says ${stdout}`)
  const metric = metricOf(command, load)
  const measures: Measure[] = [{ metric, unit: '1/s', value: rate }]
  if (busy > 0) measures.push({ metric: `${metric}: processor`, unit: 'µs', value: (busy / done) * 1e6 })
  return measures
}

async function processed(client: Redis): Promise<number> {
  return Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))?.[1])
}

/** Of all threads of a process; 0 where there is no /proc. */
async function processorSeconds(pid: number): Promise<number> {
  try {
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
  } catch {
    // Another system: the rate is measured all the same.
    return 0
  }
}

async function startOurs(shards: number): Promise<Server> {
  const child: ChildProcess = spawn(process.execPath, [PROGRAM, String(shards)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string]
  return {
    port: Number(line),
    pid: child.pid!,
    async stop() {
      const ended = once(child, 'exit')
      child.stdin!.end()
      await ended
    },
  }
}

async function startPeer(): Promise<Server> {
  const redis = await startRedis()
  return { port: redis.port, pid: await redis.info('server', 'process_id'), stop: () => redis.stop() }
}
