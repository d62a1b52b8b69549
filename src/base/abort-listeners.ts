/**
 * One listener per signal, however many wait for it.
 *
 * Node 20 warns of a leak at the 11th listener of a signal, and a program may well hand one signal to a
 * thousand asks or tasks. The listener goes with the last of those that wait.
 *
 * Invariants: (1) a signal has one listener of ours while somebody waits for it, and none otherwise; (2) each
 * is told once, in the order of arrival, unless it is removed before its turn.
 * Tests: test/base/abort-listeners.test.ts
 */

interface Listeners {
  readonly callbacks: Set<() => void>
  onAbort(): void
}

const bySignal = new WeakMap<AbortSignal, Listeners>()

/** Calls `callback` when the signal is aborted. Returns what takes it back. */
export function addAbortListener(signal: AbortSignal, callback: () => void): () => void {
  let listeners = bySignal.get(signal)
  if (listeners === undefined) {
    listeners = { callbacks: new Set(), onAbort: () => tell(signal) }
    bySignal.set(signal, listeners)
    signal.addEventListener('abort', listeners.onAbort, { once: true })
  }
  listeners.callbacks.add(callback)
  return () => remove(signal, callback)
}

function remove(signal: AbortSignal, callback: () => void): void {
  const listeners = bySignal.get(signal)
  if (listeners?.callbacks.delete(callback) !== true || listeners.callbacks.size > 0) return
  bySignal.delete(signal)
  signal.removeEventListener('abort', listeners.onAbort)
}

function tell(signal: AbortSignal): void {
  // It stays until all are told: what one of them does may remove another.
  for (const callback of bySignal.get(signal)?.callbacks ?? []) callback()
  bySignal.delete(signal)
}
