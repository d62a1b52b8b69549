/**
 * Requests of one client that are on their way to other threads: how many there are, and may be.
 *
 * A client that asks for more than it reads is slowed down before replies fill the memory. Nobody knows how
 * large a reply will be: few go at first, one more for each small reply, and few again once one was large.
 *
 * Tests: test/server/connection/pipeline.prop.test.ts, test/server/robust/large-values.race.test.ts
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
  /** The state of the slot map when the first of them went. */
  epoch = 0
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

  /** A request goes. */
  begin(epoch: number): void {
    if (this.count++ === 0) this.epoch = epoch
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
