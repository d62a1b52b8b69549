/**
 * Question: a million keys (16 bytes, random values of 64) are in files; how long from the start of a process
 * until its first command is answered?
 *
 *     from          Shardloom                          Redis
 *     a log         sets, no snapshot                  append-only file, never rewritten
 *     a snapshot    the log that a snapshot leaves     RDB file
 *     both          that, and half of the keys behind  append-only file: RDB base, and commands behind it
 *
 * Each start is a new process, which is killed afterwards, as in a crash; the next one starts from the same
 * files. Time counts from `spawn`, for us with the start of Node and of the threads in it, for Redis until
 * PING is answered by PONG, and not by LOADING. With two shards two threads recover at once.
 *
 * What would make the figure a lie: a server that answers before it has its keys (all are counted, and some
 * are read back, by each process); files that have to come from a slow disk for one of them (all have just
 * been written, and come from the cache of the operating system, for all).
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import { createRuntime } from 'shardloom'
import { benchFolder, bytesIn, orRemoved } from './files.ts'
import { type Figure, inTurn, type Question, ratio } from './harness.ts'
import { type MeasuredSubject, measureAll } from './measures.ts'
import { type RedisFiles, type RedisServer, startRedis } from './peers/redis.ts'
import {
  countRight,
  fill,
  READ_STEP,
  RECOVERY_FILES,
  RECOVERY_KEY,
  RECOVERY_SHAPES,
  type RecoveryShape,
} from './recovery-load.ts'

const PROGRAM = fileURLToPath(new URL('./recovery-program.js', import.meta.url))
const ROUNDS_MAX = 5
const REWRITE_LOOK_MS = 20

/** Files that are started from, and how. */
interface Prepared {
  /** Milliseconds, and what the process had when it was asked. */
  start(): Promise<{ readonly ms: number; readonly size: number; readonly right: number }>
}

type Prepare = (folder: string, shape: RecoveryShape, keys: number) => Promise<Prepared>

const FROM: Readonly<Record<RecoveryShape, string>> = {
  log: 'from a log',
  snapshot: 'from a snapshot',
  both: 'from a snapshot and a log',
}

const VARIANTS: readonly (readonly [name: string, prepare: Prepare])[] = [
  ['shardloom, 2 shards', prepareShardloom(2)],
  ['shardloom, encrypted', prepareShardloom(1, true)],
]

export const question: Question = {
  name: 'recovery',
  question: 'start with 1 M keys in files, until the first answer (ms, bytes)',
  targets: RECOVERY_SHAPES.map((shape) => ({
    text: `${FROM[shape]}: at most the time of Redis`,
    isMet: (figures) => ratio(figures, 'shardloom', 'Redis', true, timeOf(shape)) >= 1,
  })),
  async run(params) {
    const keys = params.keys ?? (params.small ? 5000 : 1_000_000)
    const figures: Figure[] = []
    for (const [i, shape] of RECOVERY_SHAPES.entries()) {
      // A log alone is a part of the last shape: small, the two others stand for it.
      if (params.small && i === 0) continue
      const subjects = [
        subjectOf('shardloom', prepareShardloom(1), shape, keys),
        ...inTurn(VARIANTS, i, params).map(([name, prepare]) => subjectOf(name, prepare, shape, keys)),
        subjectOf('Redis', prepareRedis, shape, keys),
      ]
      const rounds = Math.min(params.rounds, ROUNDS_MAX)
      figures.push(...(await measureAll('recovery', subjects, { ...params, rounds, isCold: true })))
    }
    return figures
  },
}

function timeOf(shape: RecoveryShape): string {
  return `first answer, ${FROM[shape]}`
}

function subjectOf(name: string, prepare: Prepare, shape: RecoveryShape, keys: number): MeasuredSubject {
  return {
    name,
    async start() {
      const place = benchFolder('recovery')
      const { start } = await orRemoved(place, () => prepare(place.folder, shape, keys))
      const value = bytesIn(place.folder) / keys
      const bytes = { metric: `bytes on disk per key, ${FROM[shape]}`, unit: 'bytes', value }
      const round = async () => {
        const { ms, size, right } = await start()
        if (size !== keys || right !== Math.ceil(keys / READ_STEP)) {
          throw new Error(`${name} has ${size} keys of ${keys}, and ${right} are right`)
        }
        const time = { metric: timeOf(shape), unit: 'ms', value: ms }
        return { measures: [time, bytes], check: `${FROM[shape]}: ${size} keys, ${right} are right` }
      }
      return { round, stop: async () => place.remove() }
    },
  }
}

function prepareShardloom(shards: number, isEncrypted = false): Prepare {
  return async (dir, shape, keys) => {
    const files = { ...RECOVERY_FILES, ...(isEncrypted && RECOVERY_KEY) }
    const runtime = await createRuntime({ threads: shards, keyspace: { shards, dir, ...files } })
    await fill(runtime.keyspace, shape, keys)
    await runtime.close()
    return {
      start: () =>
        startShardloom([dir, String(shards), String(keys), shape, isEncrypted ? 'encrypted' : 'clear']),
    }
  }
}

async function startShardloom(words: readonly string[]) {
  const startMs = performance.now()
  const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: ['pipe', 'pipe', 'inherit'] })
  const kill = (): void => void child.kill('SIGKILL')
  process.once('exit', kill)
  const ended = once(child, 'exit')
  try {
    const lines = linesOf(child)
    const answered = await lines.next()
    const ms = performance.now() - startMs
    const { value: found } = await lines.next()
    if (answered.value !== 'answered' || found === undefined) throw new Error('the process ended early')
    return { ms, ...(JSON.parse(found) as { size: number; right: number }) }
  } finally {
    kill()
    await ended
    process.off('exit', kill)
  }
}

function linesOf(child: ChildProcess): AsyncIterator<string, undefined> {
  return createInterface({ input: child.stdout! })[Symbol.asyncIterator]() as AsyncIterator<string, undefined>
}

/** @throws MissingPeer */
async function prepareRedis(folder: string, shape: RecoveryShape, keys: number): Promise<Prepared> {
  const files: RedisFiles = shape === 'snapshot' ? { folder } : { folder, appendFsync: 'everysec' }
  const redis = await startRedis(files)
  try {
    const client = await redis.client({ isPipelined: true })
    const set = (key: string, value: string): Promise<unknown> => client.set(key, value)
    const snapshot = shape === 'snapshot' ? () => client.save() : () => rewrite(redis, client)
    await fill({ set, snapshot }, shape, keys)
    await redis.shutDown()
  } catch (error) {
    await redis.stop()
    throw error
  }
  return { start: () => startAgain(files, shape, keys) }
}

/** Makes an RDB file the base of the append-only file. */
async function rewrite(redis: RedisServer, client: Redis): Promise<void> {
  await client.bgrewriteaof()
  do await new Promise((resolve) => void setTimeout(resolve, REWRITE_LOOK_MS))
  while ((await redis.info('persistence', 'aof_rewrite_in_progress')) > 0)
  const outcome = await redis.infoText('persistence', 'aof_last_bgrewrite_status')
  if (outcome !== 'ok') throw new Error(`BGREWRITEAOF ends with ${outcome}`)
}

async function startAgain(files: RedisFiles, shape: RecoveryShape, keys: number) {
  const redis = await startRedis(files)
  try {
    const client = await redis.client()
    const size = await client.dbsize()
    return { ms: redis.startMs, size, right: await countRight(shape, keys, (key) => client.get(key)) }
  } finally {
    await redis.stop()
  }
}
