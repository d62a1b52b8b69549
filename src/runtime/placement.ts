/**
 * Where an actor that comes from a module starts: the main thread, the least busy shared one, or its own.
 * Tests: test/actor/lifecycle.race.test.ts, test/runtime/thread-loss.race.test.ts
 */
import type { ActorRef } from '../actor/index.ts'
import { type Clock, choiceOption, invalidOption, ShardloomError } from '../base/index.ts'
import type { guardianActor, SpawnRequest } from './guardian.ts'
import type { ThreadKind } from './runtime-event.ts'
import { actorCount } from './runtime-views.ts'
import type { ThreadHandle, ThreadPool, ThreadStartOptions } from './thread-pool.ts'

const PLACEMENTS = ['shared', 'dedicated', 'main'] as const
const POLL_MS = 5

/** What placing needs of the runtime. */
export interface PlacementParts {
  readonly clock: Clock
  readonly pool: ThreadPool
  /** How many shared threads there ought to be. */
  readonly threads: number
  readonly threadStartMs: number
  readonly stopMs: number
  isOpen(): boolean
  spawnOnMain(request: SpawnRequest, signal: AbortSignal | undefined): Promise<ActorRef>
  startThread(kind: ThreadKind, options: ThreadStartOptions): Promise<ThreadHandle>
  guardianOf(thread: number): ActorRef<ReturnType<typeof guardianActor>['receive']>
}

/** Places actors. */
export class Placement {
  readonly #parts: PlacementParts
  #turn = 0

  constructor(parts: PlacementParts) {
    this.#parts = parts
  }

  /** Starts the actor where its request says. */
  async place(request: SpawnRequest, signal?: AbortSignal): Promise<ActorRef> {
    const given = signal === undefined ? {} : { signal }
    const { pool, threads, spawnOnMain, startThread, guardianOf, stopMs } = this.#parts
    const placement = choiceOption('placement', request.placement, 'shared', PLACEMENTS)
    const { resourceLimits } = request
    if (resourceLimits !== undefined && placement !== 'dedicated') {
      invalidOption('resourceLimits', resourceLimits, "nothing, unless placement is 'dedicated'")
    }
    const shared = pool.running('shared')
    if (placement === 'main' || (placement === 'shared' && shared.length === 0 && threads === 0)) {
      return spawnOnMain(request, signal)
    }
    if (placement === 'shared') {
      const thread = this.#leastBusy(shared) ?? (await this.#replacement())
      thread.placing++
      try {
        return await guardianOf(thread.id).ask('spawn', request, given)
      } finally {
        thread.placing--
      }
    }
    const thread = await startThread('dedicated', { resourceLimits })
    try {
      return await guardianOf(thread.id).ask('spawn', request, given)
    } catch (error) {
      void pool.exit(thread, stopMs)
      throw error
    }
  }

  /** All shared threads are gone for the moment: waits for the one that is being started. */
  async #replacement(): Promise<ThreadHandle> {
    const { clock, pool, threadStartMs, isOpen } = this.#parts
    const endMs = clock.nowMs() + threadStartMs
    while (clock.nowMs() < endMs && isOpen()) {
      const thread = this.#leastBusy(pool.running('shared'))
      if (thread !== undefined) return thread
      await new Promise<void>((resolve) => void clock.after(POLL_MS, resolve))
    }
    throw new ShardloomError('SHL_THREAD_LOST', { thread: '*', reason: 'no shared thread is left' })
  }

  #leastBusy(threads: readonly ThreadHandle[]): ThreadHandle | undefined {
    let best: ThreadHandle | undefined
    let bestCount = Number.POSITIVE_INFINITY
    this.#turn++
    for (let i = 0; i < threads.length; i++) {
      const thread = threads[(this.#turn + i) % threads.length]!
      const count = actorCount(thread.memory) + thread.placing
      if (count >= bestCount) continue
      best = thread
      bestCount = count
    }
    return best
  }
}
