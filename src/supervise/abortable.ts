/** A wait that a signal ends. Tests: test/supervise/subsystem/subsystem-child.race.test.ts */

/** What the promise gives; rejects with the signal's reason when that comes first. */
export async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted()
  let onAbort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
    // Who was given up for the signal may fail later: nobody waits for that.
    promise.catch(() => undefined)
  }
}
