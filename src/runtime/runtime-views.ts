/**
 * What a runtime shows of itself, read from shared memory: it works also while threads are stuck.
 *
 * Writer: none here. Readers: the main thread, at any time.
 * Tests: test/runtime/thread-loss.race.test.ts
 */
import { type DeadLetter, formatAddress } from '../actor/index.ts'
import {
  ACTOR_DEPTH,
  ACTOR_GENERATION,
  ACTOR_WORDS,
  CONTROL_ACTORS,
  CONTROL_CURRENT_SLOT,
  CONTROL_SLOTS,
  type ThreadMemory,
} from '../transport/index.ts'
import type { CutReport } from './guardian.ts'
import { readPulse, type ThreadMemoryUse } from './heartbeat.ts'
import type { ThreadKind } from './runtime-event.ts'

/** What `close` reports. */
export interface CloseReport {
  /** What did not end by itself: messages discarded, actors killed, threads given up. */
  readonly cut: readonly CutReport[]
  /** Threads that could not be ended. */
  readonly lostThreads: readonly number[]
  readonly durationMs: number
}

/** Options of `close`. */
export interface CloseOptions {
  /** For everything together. Default: `timeouts.closeMs`. */
  readonly timeoutMs?: number
}

/** What `inspect` shows of one thread. */
export interface ThreadView {
  readonly id: number
  readonly kind: 'main' | ThreadKind
  readonly state: string
  readonly actors: number
  /** Messages waiting for its actors, those on their way included. */
  readonly depth: number
  /** The slot and generation of the actor whose handler runs, as in `thread/slot:generation`. */
  readonly handling: string | undefined
  /** The share of its time that its event loop was busy, since its start: 0 to 1. */
  readonly utilization: number
  /** Processor time since its start; undefined where this Node does not tell. */
  readonly cpuMs: number | undefined
  /** What its heap held at its last beat. */
  readonly memory: ThreadMemoryUse | undefined
  /** How long ago it last said that it is alive: much more than a second means that it is stuck. */
  readonly beatAgeMs: number | undefined
}

/** What `inspect` shows. */
export interface RuntimeView {
  readonly state: 'open' | 'closing' | 'closed'
  readonly threads: readonly ThreadView[]
  readonly pendingAsks: number
}

/** Dead letters: counts of all threads, and this thread's newest. */
export interface DeadLetterView {
  readonly total: number
  readonly byReason: Readonly<Record<string, number>>
  readonly recent: readonly DeadLetter[]
}

/** One thread's view. */
export function viewThread(
  memory: ThreadMemory,
  kind: ThreadView['kind'],
  state: string,
  nowMs: number,
  performance: { eventLoopUtilization(): { readonly utilization: number } } | undefined,
): ThreadView {
  const pulse = readPulse(memory, nowMs)
  return {
    id: memory.id,
    kind,
    state,
    actors: actorCount(memory),
    depth: waitingDepth(memory),
    handling: runningActor(memory),
    utilization: performance?.eventLoopUtilization().utilization ?? 0,
    cpuMs: pulse?.cpuMs,
    memory: pulse?.memory,
    beatAgeMs: pulse?.ageMs,
  }
}

/** The actor whose handler runs, as `thread/slot:generation`. */
export function runningActor({ control, actors, id }: ThreadMemory): string | undefined {
  const slot = Atomics.load(control, CONTROL_CURRENT_SLOT) - 1
  const generation = slot < 0 ? 0 : Atomics.load(actors, slot * ACTOR_WORDS + ACTOR_GENERATION)
  return generation === 0 ? undefined : formatAddress(id, slot, generation)
}

/** Actors of a thread, its guardian left out. */
export function actorCount(memory: ThreadMemory): number {
  return Math.max(0, Atomics.load(memory.control, CONTROL_ACTORS) - 1)
}

/** Messages that wait for the actors of a thread, those on their way included. */
export function waitingDepth(memory: ThreadMemory): number {
  const slots = Atomics.load(memory.control, CONTROL_SLOTS)
  let depth = 0
  for (let slot = 0; slot < slots; slot++) {
    depth += Math.max(0, Atomics.load(memory.actors, slot * ACTOR_WORDS + ACTOR_DEPTH))
  }
  return depth
}
