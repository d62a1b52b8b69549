/**
 * The load of `shardloom bench`, one actor per thread: each call works for so many milliseconds and says how
 * much it did.
 * Tests: test/cli/bench.test.ts
 */
import { performance } from 'node:perf_hooks'
import { type ActorContext, type ActorDefinition, defineActor } from '../../actor/index.ts'
import { assert, seededRandom } from '../../base/index.ts'

/** What one thread is to do. */
export interface LoadTask {
  readonly ms: number
  readonly keys: number
  readonly seed: number
}

/** What one thread did. */
export interface LoadResult {
  readonly perSecond: number
  /** How much of the time its event loop did not wait. */
  readonly busy: number
}

/** Messages of the actor. */
export interface LoadMessages {
  bare(state: LoadState, task: LoadTask): LoadResult
  reads(state: LoadState, task: LoadTask, ctx: ActorContext): LoadResult
  writes(state: LoadState, task: LoadTask, ctx: ActorContext): Promise<LoadResult>
  mixed(state: LoadState, task: LoadTask, ctx: ActorContext): Promise<LoadResult>
  /** How busy the event loop was since this was asked last. */
  busy(state: LoadState): number
}

interface LoadState {
  utilization: ReturnType<typeof performance.eventLoopUtilization>
}

/** Work between two looks at the clock. */
const STEP = 512
const AT_ONCE = 128
const VALUE = 'x'.repeat(64)
const FOUND = 'a read finds what was written'

/** The name of a key. */
export function loadKey(i: number): string {
  return `load:${String(i).padStart(11, '0')}`
}

const receive: LoadMessages = {
  bare(_state, { ms, seed }) {
    let x = seed | 1
    return inSteps(ms, () => {
      // About as long as a read, and nothing but registers.
      for (let i = 0; i < STEP * 64; i++) {
        x ^= x << 13
        x ^= x >>> 17
        x ^= x << 5
      }
      return x !== 0
    })
  },
  reads(_state, { ms, keys, seed }, { keyspace }) {
    const next = keyPicker(keys, seed)
    return inSteps(ms, () => {
      let isFine = true
      for (let i = 0; i < STEP; i++) isFine = keyspace.getSync(next())?.length === VALUE.length && isFine
      return isFine
    })
  },
  writes: (_state, { ms, keys, seed }, { keyspace }) => {
    const next = keyPicker(keys, seed)
    return inLanes(ms, () => keyspace.set(next(), VALUE))
  },
  mixed: (_state, { ms, keys, seed }, { keyspace }) => {
    const next = keyPicker(keys, seed)
    let count = 0
    return inLanes(ms, () => {
      if (count++ % 2 === 0) return keyspace.set(next(), VALUE)
      return keyspace.getSync(next())?.length === VALUE.length
    })
  },
  busy(state) {
    const { utilization } = performance.eventLoopUtilization(state.utilization)
    state.utilization = performance.eventLoopUtilization()
    return utilization
  },
}

export const loadActor: ActorDefinition<LoadState, undefined, LoadMessages> = defineActor<
  LoadState,
  undefined,
  LoadMessages
>({
  name: 'bench-load',
  init: () => ({ utilization: performance.eventLoopUtilization() }),
  receive: receive as never,
})

function keyPicker(keys: number, seed: number): () => string {
  const names = Array.from({ length: keys }, (_, i) => loadKey(i))
  const random = seededRandom(seed)
  return () => names[random.below(keys)] as string
}

function inSteps(ms: number, step: () => boolean): LoadResult {
  const startMs = performance.now()
  let steps = 0
  for (;;) {
    assert(step(), FOUND)
    steps++
    const spentMs = performance.now() - startMs
    if (spentMs >= ms) return { perSecond: (steps * STEP * 1000) / spentMs, busy: 1 }
  }
}

async function inLanes(ms: number, run: () => Promise<unknown> | boolean): Promise<LoadResult> {
  const before = performance.eventLoopUtilization()
  const startMs = performance.now()
  const endMs = startMs + ms
  let count = 0
  const lane = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const done = run()
      if (typeof done !== 'boolean') await done
      else assert(done, FOUND)
      count++
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  const { utilization } = performance.eventLoopUtilization(before)
  return { perSecond: (count * 1000) / (performance.now() - startMs), busy: utilization }
}
