/**
 * Reads and writes strings on a worker thread, of the keyspace, of lmdb, or of a `Map` of its own.
 *
 * Threads that are to read at the same time wait for each other at a word of shared memory, and each times
 * its own reads.
 */
import { defineActor } from 'shardloom'
import { keyOf, textOf, uniform } from './loads.ts'
import { openLmdb } from './peers/lmdb.ts'

/** What is read. */
export type StoreKind = 'shardloom' | 'lmdb' | 'Map'

/** Reads of one thread. */
export interface ReadTask {
  readonly kind: StoreKind
  /** Of lmdb. */
  readonly folder: string
  readonly keys: number
  readonly reads: number
  readonly seed: number
  /** A word that counts the threads that are ready, and how many there will be. */
  readonly gate: Int32Array<SharedArrayBuffer>
  readonly threads: number
}

/** What came of it. */
export interface ReadResult {
  readonly perSecond: number
  /** Processor time of the whole process for each read. */
  readonly processorNs: number
  /** Sum of the lengths. */
  readonly bytes: number
}

type Get = (key: string) => string | undefined

/** Reads in the order of the seed, when all threads are ready. */
export function readAll(get: Get, { keys, reads, seed, gate, threads }: ReadTask): ReadResult {
  const names = Array.from({ length: keys }, (_, i) => keyOf(i))
  const order = uniform(keys, reads, seed)
  let bytes = 0
  // Compiled before the gate opens.
  for (let i = 0; i < Math.min(reads, 20_000); i++) get(names[order[i]!]!)
  Atomics.add(gate, 0, 1)
  while (Atomics.load(gate, 0) < threads);
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  for (let i = 0; i < reads; i++) bytes += get(names[order[i]!]!)?.length ?? 0
  const perSecond = reads / ((performance.now() - startMs) / 1000)
  const { user, system } = process.cpuUsage(cpuBefore)
  return { perSecond, processorNs: ((user + system) * 1000) / reads, bytes }
}

/** A `Map` with the same strings. */
export function filledMap(keys: number): Map<string, string> {
  return new Map(Array.from({ length: keys }, (_, i) => [keyOf(i), textOf(i)]))
}

interface Writing {
  isOn: boolean
}

export const reader = defineActor({
  name: 'reader',
  reentrant: true,
  init: (): Writing => ({ isOn: false }),
  receive: {
    async read(_state, task: ReadTask, ctx): Promise<ReadResult> {
      if (task.kind === 'shardloom') return readAll((key) => ctx.keyspace.getSync(key), task)
      if (task.kind === 'Map') {
        const map = filledMap(task.keys)
        return readAll((key) => map.get(key), task)
      }
      const db = await openLmdb(task.folder)
      const result = readAll((key) => db.get(key), task)
      await db.close()
      return result
    },
    /** Writes as fast as it can until `stopWriting`. */
    async startWriting(state, task: { kind: StoreKind; folder: string; keys: number }, ctx) {
      state.isOn = true
      const db = task.kind === 'lmdb' ? await openLmdb(task.folder) : undefined
      let i = 0
      const lane = async (): Promise<void> => {
        while (state.isOn) {
          const n = i++ % task.keys
          if (db === undefined) await ctx.keyspace.set(keyOf(n), textOf(n))
          else await db.put(keyOf(n), textOf(n))
          // Others have their turn: the message that stops this one, too.
          if (i % 4096 === 0) await new Promise((resolve) => void setImmediate(resolve))
        }
      }
      void Promise.all(Array.from({ length: 256 }, lane)).then(() => db?.close())
    },
    stopWriting(state) {
      state.isOn = false
    },
  },
})
