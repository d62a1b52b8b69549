/**
 * CLIENT PAUSE on one thread: which commands wait, and the clients whose requests do.
 *
 * A client whose request has to wait keeps it, and takes no other. When the pause is over it looks at the
 * request as if it had come by then: with the rights and the state of then. The server keeps a list of such
 * clients and one timer, so that ten thousand of them cost nothing while they wait.
 *
 * Many are let on in slices, with turns of the thread in between.
 *
 * A pause holds when whoever asked for it is told so: what has gone to other shards by then has come back.
 *
 * Invariants: 1. Who waits goes on when the pause ends, or is gone. 2. They go on in the order in which they
 * came. 3. A second pause makes a first one longer or stricter, never shorter or milder.
 * Tests: test/server/connection/client-pause.test.ts, test/server/connection/client-pause.race.test.ts
 * Source: Redis 7.0, src/networking.c
 */
import type { Clock, TimerHandle } from '../../base/index.ts'

/** A pause, as plain data: by the monotonic clock, which is that of all threads. */
export interface PauseState {
  readonly untilMs: number
  /** Whether only what may write waits. */
  readonly isWriteOnly: boolean
}

/** A client whose request waits. */
export interface Postponed {
  /** The pause is over, or another one holds that may not be for it. */
  goOnAfterPause(): void
}

/** So long clients are let on at a time. */
const SLICE_MS = 5

/** The pause of a thread. */
export class ClientPause {
  readonly #clock: Clock
  readonly #onChange: () => void
  #state: PauseState | undefined
  #timer: TimerHandle | undefined
  /** In the order in which they came; those of a pause that is over, and the others. */
  readonly #waking = new Set<Postponed>()
  readonly #waiting = new Set<Postponed>()
  /** Changes on their way. */
  readonly #underWay = new Set<Promise<unknown>>()

  /** `onChange` is called when a pause begins or ends, before who waits goes on. */
  constructor(clock: Clock, onChange: () => void) {
    this.#clock = clock
    this.#onChange = onChange
  }

  /** What a thread that comes later begins with; undefined: nothing is paused. */
  get state(): PauseState | undefined {
    return this.#state
  }

  /** Whether a command has to wait. */
  holds(mayWrite: boolean): boolean {
    return this.#state !== undefined && (mayWrite || !this.#state.isWriteOnly)
  }

  begin(durationMs: number, isWriteOnly: boolean): void {
    const nowMs = this.#clock.nowMs()
    const before = this.#state
    this.set({
      untilMs: Math.max(before?.untilMs ?? 0, nowMs + durationMs),
      isWriteOnly: isWriteOnly && before?.isWriteOnly !== false,
    })
  }

  /** Takes a pause in the place of the present one; undefined: none. */
  set(state: PauseState | undefined): void {
    this.#timer?.cancel()
    const leftMs = state === undefined ? 0 : state.untilMs - this.#clock.nowMs()
    this.#state = leftMs > 0 ? state : undefined
    if (leftMs > 0) this.#timer = this.#clock.after(leftMs, () => this.set(undefined), { unref: true })
    this.#onChange()
    if (leftMs > 0) return
    for (const client of this.#waiting) this.#waking.add(client)
    this.#waiting.clear()
    this.#wake()
  }

  /** Something that may change keys is on its way to other shards. */
  track<T>(work: Promise<T>): Promise<T> {
    const done = (): void => void this.#underWay.delete(work)
    this.#underWay.add(work)
    work.then(done, done)
    return work
  }

  /** Resolves when all that is on its way now has come back. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  /** A client waits for the end. */
  postpone(client: Postponed): void {
    this.#waiting.add(client)
  }

  /** It waits no more. */
  forget(client: Postponed): void {
    this.#waiting.delete(client)
    this.#waking.delete(client)
  }

  /** The thread serves no more. */
  close(): void {
    this.#timer?.cancel()
    this.#waiting.clear()
    this.#waking.clear()
  }

  #wake(): void {
    const endMs = this.#clock.nowMs() + SLICE_MS
    for (const client of this.#waking) {
      this.#waking.delete(client)
      client.goOnAfterPause()
      if (this.#clock.nowMs() < endMs) continue
      this.#clock.after(0, () => this.#wake(), { unref: true })
      return
    }
  }
}
