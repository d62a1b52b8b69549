/**
 * The histories of random clients on real threads, main thread included: what holds in the simulation holds
 * here, where nobody has chosen the order of anything.
 */
import type { ActorRef } from 'shardloom'
import { expect, test } from 'vitest'
import { now } from '../../support/actors/random-client.mjs'
import { judge, judgeErrors } from '../../support/consistency/judge.ts'
import {
  type ClientNotes,
  type ClientPlan,
  chanceOf,
  type Kind,
  prepare,
  runClient,
} from '../../support/consistency/workload.mjs'
import { sleep, testRuntime } from '../../support/runtime.ts'

const SOAK = Number(process.env['SHL_SOAK'] ?? 0) > 0
const CLIENT = new URL('../../support/actors/random-client.mjs', import.meta.url)
const THREADS = 3
const ROUNDS = SOAK ? 60 : 2
const KINDS: readonly Kind[] = [
  ...(['register', 'counter', 'set', 'memory', 'memory', 'token', 'listing'] as const),
  ...(['transaction', 'transaction', 'transaction', 'own', 'own', 'own'] as const),
]

type Runtime = Awaited<ReturnType<typeof testRuntime>>
type ThreadPlan = Omit<ClientPlan, 'keyspace' | 'now' | 'process' | 'seed'>

function spawnClients(runtime: Runtime, count: number): Promise<ActorRef[]> {
  const spawned = Array.from({ length: count }, () => runtime.spawn(CLIENT, { export: 'randomClient' }))
  return Promise.all(spawned) as Promise<ActorRef[]>
}

/** Clients on all threads; their notes, and how it ended for those who were lost. */
async function runClients(
  runtime: Runtime,
  refs: readonly ActorRef[],
  seed: number,
  given: Omit<ThreadPlan, 'processes'>,
): Promise<{ readonly notes: ClientNotes[]; readonly failures: unknown[] }> {
  const plan = { ...given, processes: refs.length + 1 }
  const settled = await Promise.allSettled([
    runClient({ ...plan, keyspace: runtime.keyspace, process: 0, seed, now }),
    ...refs.map((ref, i) => {
      const message = { ...plan, process: i + 1, seed: seed + i + 1 }
      return ref.ask('run', message, { timeoutMs: 60_000 }) as Promise<ClientNotes>
    }),
  ])
  return {
    notes: settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])),
    failures: settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : [])),
  }
}

test.each(Array.from({ length: ROUNDS }, (_, i) => i + 1))(
  'histories are as promised while slots move: %i',
  {
    timeout: 120_000,
  },
  async (seed) => {
    const runtime = await testRuntime({ threads: THREADS, keyspace: { shards: 4 } })
    await prepare(runtime.keyspace)
    const kinds: readonly Kind[] = [...KINDS, 'move']
    const refs = await spawnClients(runtime, THREADS + 1)
    const { notes, failures } = await runClients(runtime, refs, seed * 1000, { steps: 100, kinds })
    expect(failures).toEqual([])
    expect(notes.flatMap(({ errors }) => errors)).toEqual([])
    expect(judge(notes)).toEqual([])
  },
)

test('a thread is killed under load: clear errors, nothing torn, and all goes on', {
  timeout: 120_000,
}, async () => {
  const runtime = await testRuntime({ threads: THREADS, keyspace: { shards: THREADS, timeoutMs: 5000 } })
  const { keyspace } = runtime
  await prepare(keyspace)
  const chance = chanceOf(7)
  const torn: string[] = []
  let isDone = false
  let written = 0
  const value = (n: number): string => `${n}:`.padEnd(200, `${n % 10}`)
  const write = async (): Promise<void> => {
    for (let n = 0; !isDone; n++) {
      written = n
      const key = `torn:${n % 50}`
      // A shard that is down says so at once.
      await keyspace.set(key, value(n)).catch(() => sleep(1))
    }
  }
  const read = async (): Promise<void> => {
    while (!isDone) {
      for (let i = 0; i < 100; i++) {
        const key = `torn:${chance(50)}`
        try {
          const found = keyspace.getSync(key)
          if (found !== undefined && found !== value(Number(found.split(':')[0]))) torn.push(found)
        } catch (error) {
          if ((error as { code?: string }).code !== 'SHL_SHARD_DOWN') torn.push(String(error))
        }
      }
      await sleep(1)
    }
  }
  const refs = await spawnClients(runtime, THREADS)
  const beside = [write(), read()]
  const kinds: readonly Kind[] = ['register', 'counter', 'set', 'memory', 'transaction', 'transaction', 'own']
  const running = runClients(runtime, refs, 99, { steps: SOAK ? 2000 : 200, kinds })
  while (written < 100) await sleep(1)
  expect(await runtime.killThread(1)).toBe(true)
  const { notes, failures } = await running
  isDone = true
  await Promise.all(beside)
  expect(torn).toEqual([])
  expect(failures.length).toBeLessThanOrEqual(2)
  expect(judgeErrors(notes, ['SHL_SHARD_DOWN', 'SHL_ASK_TIMEOUT', 'SHL_THREAD_LOST'])).toEqual([])
  // All shards are there again, and nobody holds a key of them.
  await keyspace.batch(['L0', 'L1', 'L2', 'L3', 't0', 't1'].map((key) => ['SET', `after:${key}`, 'x']))
  expect(await keyspace.mget(['after:L0', 'after:t1'])).toEqual(['x', 'x'])
  expect(keyspace.getSync('after:L3')).toBe('x')
})
