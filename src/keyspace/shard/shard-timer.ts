/**
 * When a shard does what is due: one timer, for the earliest of expiries, leases and waits, in slices.
 *
 * Tests: test/keyspace/engine/key-expiry.test.ts, test/keyspace/keyspace.race.test.ts
 */
import type { Clock, TimerHandle } from '../../base/index.ts'
import type { ShardEngine } from '../engine/index.ts'

/** Expiry is looked for at most so often. */
const TICK_MS_MIN = 5
/** Batches between two looks for work that is not urgent. */
const LOOK_BATCHES = 64
/** A timer is set again only for what is sooner by more than this. */
const TICK_SLACK_MS = 1
/** Between two slices callers have their turn. */
const BETWEEN_MS = 1

/** The timer of one shard. */
export class ShardTimer {
  readonly #engine: ShardEngine
  readonly #clock: Clock
  readonly #sliceMs: number
  readonly #afterSlice: () => void
  #timer: TimerHandle | undefined
  #atMs = Number.POSITIVE_INFINITY
  #sinceLook = 0
  #isClosed = false

  constructor(engine: ShardEngine, clock: Clock, sliceMs: number, afterSlice: () => void) {
    this.#engine = engine
    this.#clock = clock
    this.#sliceMs = sliceMs
    this.#afterSlice = afterSlice
  }

  /** Sets the timer for what is due next. To be called after each batch. */
  arm(): void {
    const engine = this.#engine
    let dueMs = engine.nextDeadlineMs
    const { nextExpiryMs } = engine
    if (nextExpiryMs !== Number.POSITIVE_INFINITY) {
      const inMs = Math.max(TICK_MS_MIN, nextExpiryMs - engine.clock.wallMs())
      dueMs = Math.min(dueMs, this.#clock.nowMs() + inMs)
    }
    // What is not urgent is looked for now and then.
    if (++this.#sinceLook >= LOOK_BATCHES) {
      this.#sinceLook = 0
      if (engine.hasBackgroundWork) dueMs = Math.min(dueMs, this.#clock.nowMs() + TICK_MS_MIN)
    }
    if (dueMs < this.#atMs - TICK_SLACK_MS) this.#set(dueMs)
  }

  close(): void {
    this.#isClosed = true
    this.#timer?.cancel()
  }

  #set(dueMs: number): void {
    if (this.#isClosed) return
    this.#timer?.cancel()
    this.#atMs = dueMs
    const delayMs = Math.max(0, dueMs - this.#clock.nowMs())
    this.#timer = this.#clock.after(delayMs, () => this.#tick(), { unref: true })
  }

  #tick(): void {
    this.#atMs = Number.POSITIVE_INFINITY
    const isMore = this.#engine.tick(this.#sliceMs)
    this.#afterSlice()
    if (isMore) this.#set(this.#clock.nowMs() + BETWEEN_MS)
  }
}
