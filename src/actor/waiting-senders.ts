/**
 * Senders that wait for space: one queue per thread, in order for each target.
 *
 * Offers wait here, and asks whose ring is full or whose target has the policy `wait`. They are tried again
 * at every turn of the pump while they are young, then every millisecond; each has its own deadline among the
 * pending asks. One that finds no room holds back the others for the same target, and nobody else.
 *
 * Invariant: what one caller sent first to a target goes first. Tests: test/actor/mailbox.race.test.ts
 */
import type { Clock } from '../base/index.ts'
import type { ActorAddress } from './address.ts'
import type { Owner, TellOptions } from './messenger.ts'
import type { PendingAsk } from './pending-asks.ts'
import { addressText } from './send-outcome.ts'

/** Between two tries when nothing else makes one. */
const RETRY_MS = 1
/** How long a sender is tried at every turn of the pump before it is left to the timer. */
const EAGER_MS = 2

/** A sender that waits. */
export interface WaitingSender {
  readonly to: ActorAddress
  readonly owner: Owner | undefined
  readonly type: string
  readonly payload: unknown
  readonly options: TellOptions | undefined
  readonly pending: PendingAsk
  /** The pending entry's generation: another one means that it was settled meanwhile. */
  readonly generation: number
  readonly isAsk: boolean
  readonly sinceMs: number
}

/** The queue of one thread. */
export class WaitingSenders {
  readonly #clock: Clock
  readonly #requestRun: () => void
  #queue: WaitingSender[] = []
  #isRetrySet = false

  constructor(clock: Clock, requestRun: () => void) {
    this.#clock = clock
    this.#requestRun = requestRun
  }

  get count(): number {
    return this.#queue.length
  }

  push(sender: Omit<WaitingSender, 'sinceMs' | 'generation'>): void {
    const { generation } = sender.pending
    this.#queue.push({ ...sender, generation, sinceMs: this.#clock.nowMs() })
    this.#setRetry()
    this.#requestRun()
  }

  /** Whether somebody waits for space in this actor's mailbox. */
  hasFor(to: ActorAddress): boolean {
    return this.#queue.some(
      (one) => one.to.thread === to.thread && one.to.slot === to.slot && one.to.generation === to.generation,
    )
  }

  /** Whether the entry belongs to an offer that waits. */
  isOffer(pending: PendingAsk): boolean {
    return this.#queue.some((one) => one.pending === pending && !one.isAsk)
  }

  /** Whether a sender waits that began to only just now. */
  hasEager(): boolean {
    const [first] = this.#queue
    return first !== undefined && this.#clock.nowMs() - first.sinceMs < EAGER_MS
  }

  /** Tries all of them again; `retry` is false when there is still no room. True when one got through. */
  retryAll(isOpen: (sender: WaitingSender) => boolean, retry: (sender: WaitingSender) => boolean): boolean {
    if (this.#queue.length === 0) return false
    const full = new Set<string>()
    const kept: WaitingSender[] = []
    const tried = this.#queue
    this.#queue = []
    let hasProgressed = false
    for (const sender of tried) {
      if (!isOpen(sender)) continue
      const key = addressText(sender.to)
      if (!full.has(key) && retry(sender)) {
        hasProgressed = true
      } else {
        full.add(key)
        kept.push(sender)
      }
    }
    // Whoever began to wait meanwhile stands behind those who did before.
    this.#queue = [...kept, ...this.#queue]
    if (this.#queue.length > 0) this.#setRetry()
    return hasProgressed
  }

  clear(): void {
    this.#queue = []
  }

  #setRetry(): void {
    if (this.#isRetrySet) return
    this.#isRetrySet = true
    this.#clock.after(RETRY_MS, () => {
      this.#isRetrySet = false
      this.#requestRun()
    })
  }
}
