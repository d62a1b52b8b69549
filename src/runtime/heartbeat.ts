/**
 * A thread's pulse: a timer that says "I am alive", with what the thread holds in memory and has computed.
 *
 *     control words:   alive (ms, wraps) | heap | external | array buffers (KiB) | processor time (ms)
 *
 * A thread that is stuck, in an actor or anywhere else, stops to beat, and any other thread sees how long ago
 * that was. The figures are those of the thread's own heap; memory that threads share belongs to none.
 *
 * Writer: the thread itself. Readers: any. Invariants: (1) the figures are stored before the beat; (2) the
 * period only gets shorter.
 * Cost: some 20 µs per beat, once a second unless somebody wants to know sooner.
 * Tests: test/runtime/heartbeat.race.test.ts
 */
import type { Clock, TimerHandle } from '../base/index.ts'
import {
  CONTROL_ALIVE,
  CONTROL_BUFFERS_KIB,
  CONTROL_CPU_MS,
  CONTROL_EXTERNAL_KIB,
  CONTROL_HEAP_KIB,
  type ThreadMemory,
} from '../transport/index.ts'

/** How often a thread beats when nobody asks for more. */
export const BEAT_MS = 1000
const KIB = 1024

/** What a thread holds, in bytes. */
export interface ThreadMemoryUse {
  readonly heapBytes: number
  readonly externalBytes: number
  readonly arrayBufferBytes: number
}

/** What is known of a thread from its last beat. */
export interface ThreadPulse {
  /** How long ago that was, in milliseconds. */
  readonly ageMs: number
  readonly memory: ThreadMemoryUse
  /** Processor time since its start; undefined where this Node does not tell. */
  readonly cpuMs: number | undefined
}

/** Beats for one thread. */
export class Heartbeat {
  readonly #memory: ThreadMemory
  readonly #clock: Clock
  #periodMs = Number.POSITIVE_INFINITY
  #timer: TimerHandle | undefined

  constructor(memory: ThreadMemory, clock: Clock) {
    this.#memory = memory
    this.#clock = clock
  }

  /** Beats at least this often from now on. */
  beatEvery(periodMs: number): void {
    if (periodMs >= this.#periodMs) return
    this.#periodMs = periodMs
    this.#timer?.cancel()
    this.#beat()
  }

  stop(): void {
    this.#timer?.cancel()
    this.#periodMs = 0
  }

  #beat(): void {
    const { control } = this.#memory
    const use = memoryUse()
    Atomics.store(control, CONTROL_HEAP_KIB, use.heapBytes / KIB)
    Atomics.store(control, CONTROL_EXTERNAL_KIB, use.externalBytes / KIB)
    Atomics.store(control, CONTROL_BUFFERS_KIB, use.arrayBufferBytes / KIB)
    Atomics.store(control, CONTROL_CPU_MS, threadCpuMs() ?? -1)
    Atomics.store(control, CONTROL_ALIVE, aliveWord(this.#clock.nowMs()))
    this.#timer = this.#clock.after(this.#periodMs, () => this.#beat(), { unref: true })
  }
}

/** The last beat of a thread; undefined before the first. */
export function readPulse({ control }: ThreadMemory, nowMs: number): ThreadPulse | undefined {
  const alive = Atomics.load(control, CONTROL_ALIVE)
  if (alive === 0) return undefined
  const cpuMs = Atomics.load(control, CONTROL_CPU_MS)
  return {
    ageMs: Math.max(0, (aliveWord(nowMs) - alive) | 0),
    memory: {
      heapBytes: Atomics.load(control, CONTROL_HEAP_KIB) * KIB,
      externalBytes: Atomics.load(control, CONTROL_EXTERNAL_KIB) * KIB,
      arrayBufferBytes: Atomics.load(control, CONTROL_BUFFERS_KIB) * KIB,
    },
    cpuMs: cpuMs < 0 ? undefined : cpuMs,
  }
}

/** What this thread holds now. */
export function memoryUse(): ThreadMemoryUse {
  const { heapUsed, external, arrayBuffers } = process.memoryUsage()
  return { heapBytes: heapUsed, externalBytes: external, arrayBufferBytes: arrayBuffers }
}

/** The processor time of this thread, where Node tells (22.19, 24). */
export function threadCpuMs(): number | undefined {
  const { threadCpuUsage } = process as { threadCpuUsage?: () => { user: number; system: number } }
  if (threadCpuUsage === undefined) return undefined
  const { user, system } = threadCpuUsage.call(process)
  return Math.round((user + system) / 1000)
}

/** Milliseconds modulo 2^32, and never 0, which stands for "not yet". */
function aliveWord(nowMs: number): number {
  return nowMs | 0 || 1
}
