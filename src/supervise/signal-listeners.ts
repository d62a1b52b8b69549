/**
 * One listener per signal, however many wait for it.
 *
 * Node warns of a leak at the 11th listener of a signal, and a program may well hand one signal to a thousand
 * tasks. The listener goes with the last of those that wait.
 *
 * Invariants: (1) a signal has one listener of ours while somebody waits for it, and none otherwise; (2) each
 * is told once, in the order of arrival. Tests: test/supervise/signal-listeners.test.ts
 */

/** Who waits for which signal. */
export class SignalListeners {
  readonly #bySignal = new Map<AbortSignal, Waiters>()

  /** Calls `onAbort` when the signal is aborted, unless it is removed before. */
  add(signal: AbortSignal, onAbort: () => void): void {
    let waiters = this.#bySignal.get(signal)
    if (waiters === undefined) {
      waiters = { callbacks: new Set(), listener: () => this.#tell(signal) }
      this.#bySignal.set(signal, waiters)
      signal.addEventListener('abort', waiters.listener, { once: true })
    }
    waiters.callbacks.add(onAbort)
  }

  remove(signal: AbortSignal, onAbort: () => void): void {
    const waiters = this.#bySignal.get(signal)
    if (waiters?.callbacks.delete(onAbort) !== true || waiters.callbacks.size > 0) return
    this.#bySignal.delete(signal)
    signal.removeEventListener('abort', waiters.listener)
  }

  #tell(signal: AbortSignal): void {
    const waiters = this.#bySignal.get(signal)
    this.#bySignal.delete(signal)
    for (const onAbort of waiters?.callbacks ?? []) onAbort()
  }
}

interface Waiters {
  readonly callbacks: Set<() => void>
  listener(): void
}
