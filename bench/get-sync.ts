/**
 * Question: how fast are strings read without a message, from one thread, from several, and under writes?
 *
 * Peers: lmdb-js, whose reads go through a memory map and are also shared by threads; a plain `Map`, which is
 * not, so each thread has one of its own, and nobody can write into it. What would make the figure a lie:
 * keys that are all in the cache (there are 100,000, in random order), values that are not turned into text,
 * or threads that do not read at the same time (they wait for each other at a gate).
 */
import { availableParallelism } from 'node:os'
import { createRuntime, type Runtime } from 'shardloom'
import { compare, type Round, type Subject } from './compare.ts'
import { type Figure, figureOf, type Question, ratio } from './harness.ts'
import { inLanes, keyOf, textOf } from './loads.ts'
import { lmdbFolder, openLmdb } from './peers/lmdb.ts'
import {
  filledMap,
  type ReadResult,
  type ReadTask,
  readAll,
  type reader,
  type StoreKind,
} from './reader-actor.ts'

const READER = new URL('./reader-actor.js', import.meta.url)
const FILL_AT_ONCE = 1000

interface Sizes {
  readonly keys: number
  readonly reads: number
}

/** A store that is open, with all its keys. */
interface OpenStore {
  readonly kind: StoreKind
  readonly folder: string
  readonly runtime: Runtime
  get(key: string): string | undefined
  stop(): Promise<void>
}

const ONE = 'one thread'
const WRITTEN = 'one thread, while written'

export const question: Question = {
  name: 'get-sync',
  question: 'getSync of 64 bytes out of 100,000 keys, per thread (per second)',
  targets: [
    { text: 'at least 3 M/s', isMet: (figures) => (figureOf(figures, 'shardloom', ONE)?.median ?? 0) >= 3e6 },
    { text: 'at least 2 × lmdb', isMet: (figures) => ratio(figures, 'shardloom', 'lmdb', false, ONE) >= 2 },
    {
      text: 'at most half of the processor time of lmdb',
      isMet: (figures) => ratio(figures, 'shardloom', 'lmdb', true, `${ONE}, processor time`) >= 2,
    },
    {
      text: 'under a busy writer: at least 2 × lmdb',
      isMet: (figures) => ratio(figures, 'shardloom', 'lmdb', false, WRITTEN) >= 2,
    },
    {
      text: 'every thread at once: at least 0.9 of one alone, where lmdb keeps that up too',
      isMet: (figures) => keptUp(figures, 'shardloom') >= 0.9 * Math.min(1, keptUp(figures, 'lmdb')),
    },
  ],
  async run(params) {
    const sizes = params.small ? { keys: 1000, reads: 20_000 } : { keys: 100_000, reads: 1_000_000 }
    const about = { question: 'get-sync', unit: '1/s' }
    const kinds: StoreKind[] = ['shardloom', 'lmdb', 'Map']
    const shared: StoreKind[] = ['shardloom', 'lmdb']
    const cores = availableParallelism()
    return [
      ...(await compare({ ...about, metric: ONE }, kinds.map(alone(sizes)), params)),
      ...(await compare({ ...about, metric: WRITTEN }, shared.map(whileWritten(sizes)), params)),
      ...(cores < 2
        ? []
        : await compare({ ...about, metric: atOnceName(cores) }, kinds.map(atOnce(sizes, cores)), params)),
    ]
  },
}

function atOnceName(threads: number): string {
  return `each of ${threads} threads at once`
}

/** How much of its speed a thread keeps when all read. */
function keptUp(figures: readonly Figure[], subject: string): number {
  const all = figureOf(figures, subject, atOnceName(availableParallelism()))?.median
  return all === undefined ? 1 : all / (figureOf(figures, subject, ONE)?.median ?? Number.NaN)
}

function alone(sizes: Sizes): (kind: StoreKind) => Subject {
  return (kind) => ({
    name: kind,
    async start() {
      const store = await openStore(kind, sizes, 1)
      return { round: async () => roundOf([readAll(store.get, taskOf(store, sizes, 1))]), stop: store.stop }
    },
  })
}

/** A worker thread writes: the one that has the shard, or one that has opened the same database. */
function whileWritten(sizes: Sizes): (kind: StoreKind) => Subject {
  return (kind) => ({
    name: kind,
    async start() {
      const store = await openStore(kind, sizes, 1)
      const writer = await store.runtime.spawn<typeof reader>(READER)
      const round = async () => {
        await writer.ask('startWriting', { kind, folder: store.folder, keys: sizes.keys })
        const result = roundOf([readAll(store.get, taskOf(store, sizes, 1))], true)
        await writer.ask('stopWriting')
        return result
      }
      return { round, stop: store.stop }
    },
  })
}

/** The main thread and workers. */
function atOnce(sizes: Sizes, threads: number): (kind: StoreKind) => Subject {
  return (kind) => ({
    name: kind,
    async start() {
      const store = await openStore(kind, sizes, threads - 1)
      const readers = await Promise.all(
        Array.from({ length: threads - 1 }, () => store.runtime.spawn<typeof reader>(READER)),
      )
      const round = async () => {
        const task = taskOf(store, sizes, threads)
        const asked = readers.map((one) => one.ask('read', task, { timeoutMs: 120_000 }))
        // The messages leave before this thread is busy.
        await new Promise((resolve) => void setImmediate(resolve))
        const own = readAll(store.get, task)
        return roundOf([own, ...(await Promise.all(asked))])
      }
      return { round, stop: store.stop }
    },
  })
}

async function openStore(kind: StoreKind, { keys }: Sizes, threads: number): Promise<OpenStore> {
  const runtime = await createRuntime({ threads, keyspace: { shards: 1 } })
  const store = { kind, runtime, folder: '' }
  const stop = async (): Promise<void> => void (await runtime.close())
  if (kind === 'Map') {
    const map = filledMap(keys)
    return { ...store, get: (key) => map.get(key), stop }
  }
  if (kind === 'shardloom') {
    const { keyspace } = runtime
    await inLanes(FILL_AT_ONCE, keys, (i) => keyspace.set(keyOf(i), textOf(i)))
    return { ...store, get: (key) => keyspace.getSync(key), stop }
  }
  const { folder, remove } = lmdbFolder()
  try {
    const db = await openLmdb(folder)
    await inLanes(FILL_AT_ONCE, keys, (i) => db.put(keyOf(i), textOf(i)))
    return {
      ...store,
      folder,
      get: (key) => db.get(key),
      async stop() {
        await db.close()
        await stop()
        remove()
      },
    }
  } catch (error) {
    await stop()
    remove()
    throw error
  }
}

function taskOf({ kind, folder }: OpenStore, sizes: Sizes, threads: number): ReadTask {
  const gate = new Int32Array(new SharedArrayBuffer(4))
  return { kind, folder, ...sizes, seed: 7, gate, threads }
}

function roundOf(results: readonly ReadResult[], isWritten = false): Round {
  const value = results.reduce((sum, { perSecond }) => sum + perSecond, 0) / results.length
  const check = results.map(({ bytes }) => bytes).join(' ')
  // Of one thread alone: that of several, and of those that write, is in the same sum.
  const [first, ...others] = results
  return others.length > 0 || isWritten
    ? { value, check }
    : { value, check, processorNs: first?.processorNs ?? Number.NaN }
}
