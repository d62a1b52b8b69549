/**
 * Requests of one client that are on their way to other threads: how many there are, and may be.
 *
 * A client that asks for more than it reads is slowed down before replies fill the memory. Nobody knows how
 * large a reply will be: few go at first, one more for each small reply, and few again once one was large.
 *
 * While some are on their way and slots move, one for a key that is here now may be meant to come behind one
 * that has been sent away: `hasMoved` says so.
 *
 * Tests: test/server/connection/remote-window.model.test.ts, test/server/connection/pipeline.prop.test.ts,
 * test/server/robust/large-values.race.test.ts
 */

/** At first; at most; at most once a reply was large. */
const FIRST = 4
const MOST = 1024
const MOST_LARGE = 16
/** Replies from here on are so large that fewer of them should come at a time. */
const LARGE_BYTES = 16 * 1024

/** The requests of one client. */
export class RemoteWindow {
  count = 0
  /** The slot map by which the first of them went, and by which the next one may go. */
  #epoch = 0
  #seen = 0
  readonly #bytesMax: number
  #max = FIRST
  #top = MOST
  #onNone: (() => void)[] = []

  /** `bytesMax`: so much of replies may come at a time. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** Whether no further request should go. */
  get isFull(): boolean {
    return this.count >= this.#max
  }

  /** A request may go, by what is read in the slot map next. `settledEpoch`: as it is before that. */
  look(settledEpoch: number): void {
    this.#seen = settledEpoch
  }

  /** Whether slots have moved since the first of those on their way went. `epoch`: read after the owner. */
  hasMoved(epoch: number): boolean {
    return this.count > 0 && epoch !== this.#epoch
  }

  /** A request goes. */
  begin(): void {
    if (this.count++ === 0) this.#epoch = this.#seen
  }

  /** A request is answered, or will not be. */
  end(): void {
    if (--this.count === 0 && this.#onNone.length > 0) for (const tell of this.#onNone.splice(0)) tell()
  }

  /** A reply was so large. */
  learn(bytes: number): void {
    if (bytes > LARGE_BYTES) {
      this.#top = MOST_LARGE
      this.#max = Math.min(MOST_LARGE, Math.max(1, Math.floor(this.#bytesMax / bytes)))
    } else if (this.#max < this.#top) this.#max++
  }

  /** Resolves when all are answered; undefined: there are none. */
  whenNone(): Promise<void> | undefined {
    if (this.count === 0) return undefined
    return new Promise((resolve) => void this.#onNone.push(resolve))
  }
}
