/**
 * Who is behind the feed and has to catch up, a few at a time.
 *
 * Catching up takes a stream of one's own from each shard, which has to look for each such stream whether a
 * commit concerns it. However many clients are behind, shards are to have little to do with it: so the others
 * wait in a line, and cost nothing there. Who has a stream and does not read gives its place to who does.
 *
 * Invariant: at most `CATCHING_UP_MAX` have begun and are not done.
 * Tests: test/server/push/catch-up-line.test.ts, test/server/push/revision-feed.prop.test.ts
 */
import type { Clock, TimerHandle } from '../../base/index.ts'

export const CATCHING_UP_MAX = 16
/** How often those are looked at who wait until their clients have read. */
const LOOK_MS = 10

/** Somebody who is behind. */
export interface Latecomer {
  /** Its client has read what it was sent, or most of it. */
  readonly hasRead: boolean
  /** It has begun, and waits until its client has read. */
  readonly isPaused: boolean
  /** It is its turn. */
  begin(): void
  /** Its client has read. */
  goOn(): void
  /** It is to end what it has begun: it is in the line again. */
  giveWay(): void
}

/** The line of a thread. */
export class CatchUpLine {
  readonly #clock: Clock
  readonly #waiting = new Set<Latecomer>()
  readonly #begun = new Set<Latecomer>()
  #timer: TimerHandle | undefined
  #isSet = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Those who have begun. */
  get begun(): number {
    return this.#begun.size
  }

  /** Puts somebody at the end of the line. */
  add(one: Latecomer): void {
    this.#waiting.add(one)
    this.#lookSoon()
  }

  /** It has caught up, or wants no more. */
  delete(one: Latecomer): void {
    this.#waiting.delete(one)
    if (this.#begun.delete(one) && this.#waiting.size > 0) this.#lookSoon()
  }

  /** Somebody who has begun is paused. */
  paused(): void {
    this.#lookLater()
  }

  #lookSoon(): void {
    if (this.#isSet) return
    this.#isSet = true
    queueMicrotask(() => {
      this.#isSet = false
      this.#look()
    })
  }

  #lookLater(): void {
    this.#timer ??= this.#clock.after(
      LOOK_MS,
      () => {
        this.#timer = undefined
        this.#look()
      },
      { unref: true },
    )
  }

  #look(): void {
    for (const one of [...this.#begun]) if (one.isPaused && one.hasRead) one.goOn()
    for (const one of [...this.#waiting]) {
      if (!one.hasRead) continue
      if (this.#begun.size >= CATCHING_UP_MAX && !this.#makeRoom()) break
      this.#waiting.delete(one)
      this.#begun.add(one)
      one.begin()
    }
    if (this.#waiting.size > 0 || [...this.#begun].some(({ isPaused }) => isPaused)) this.#lookLater()
  }

  #makeRoom(): boolean {
    const idle = [...this.#begun].find(({ isPaused, hasRead }) => isPaused && !hasRead)
    if (idle === undefined) return false
    this.#begun.delete(idle)
    idle.giveWay()
    this.#waiting.add(idle)
    return true
  }
}
