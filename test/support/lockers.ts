/** Runtimes whose threads have an actor each that takes locks. */
import { type ActorRef, createRuntime, type Runtime } from 'shardloom'
import { expect, onTestFinished } from 'vitest'
import { testRuntime } from './runtime.ts'

const LOCKER = new URL('./actors/locker.mjs', import.meta.url)
/** Indexes in the words that actors of a test share: see `actors/locker.mjs`. */
export const INSIDE = 0
export const INSIDE_MAX = 1
export const COUNT = 2

/** A runtime with its actors. */
export interface LockersWorld {
  readonly runtime: Runtime
  readonly keyspace: Runtime['keyspace']
  /** One per thread; the shard of the same index is on its thread. */
  readonly refs: readonly ActorRef[]
  readonly words: Int32Array<SharedArrayBuffer>
}

/** A runtime for a test that kills its threads. */
export async function ownWorld(threads = 3): Promise<LockersWorld> {
  return lockers(await testRuntime({ threads, keyspace: { shards: threads } }))
}

let common: Runtime | undefined

/** The runtime of all other tests: they use names of their own. */
export async function world(): Promise<LockersWorld> {
  common ??= await createRuntime({ threads: 3, keyspace: { shards: 3 } })
  return lockers(common)
}

/** Closes it: for `afterAll` of a file that uses it. */
export async function closeWorld(): Promise<void> {
  const runtime = common
  common = undefined
  await runtime?.close({ timeoutMs: 2000 })
}

async function lockers(runtime: Runtime): Promise<LockersWorld> {
  const refs = await Promise.all([1, 2, 3].map(() => spawnLocker(runtime)))
  expect(refs.map((ref) => ref.thread).sort()).toEqual([1, 2, 3])
  refs.sort((a, b) => a.thread - b.thread)
  onTestFinished(async () => void (await Promise.all(refs.map((ref) => ref.stop()))))
  return { runtime, keyspace: runtime.keyspace, refs, words: new Int32Array(new SharedArrayBuffer(64)) }
}

export function spawnLocker(runtime: Runtime, options: object = {}): Promise<ActorRef> {
  return runtime.spawn(LOCKER, { export: 'locker', ...options }) as Promise<ActorRef>
}

/** A name whose shard is, or is not, this one. */
export function nameOn({ keyspace }: Runtime, isFit: (shard: number) => boolean): string {
  for (let i = 0; ; i++) if (isFit(keyspace.shardOf(`name-${i}`).shard)) return `name-${i}`
}
