/**
 * Which actor a child is at the moment, and who waits for the next one.
 * Tests: test/supervise/supervised-runtime.race.test.ts
 */
import type { ActorRef } from '../actor/index.ts'

interface Waiter<Receive> {
  take(ref: ActorRef<Receive>): void
  reject(error: Error): void
}

/** The ref of whichever actor runs. */
export class CurrentRef<Receive> {
  #current: ActorRef<Receive> | undefined
  #waiting: Waiter<Receive>[] = []
  #closed: Error | undefined

  /** The actor that runs now. */
  get current(): ActorRef<Receive> | undefined {
    return this.#current
  }

  /** There is an actor: whoever waited gets it. */
  set(ref: ActorRef<Receive>): void {
    this.#current = ref
    for (const { take } of this.#waiting.splice(0)) take(ref)
  }

  /** It is none any more, unless there is another one already. */
  clear(ref: unknown = this.#current): void {
    if (this.#current === ref) this.#current = undefined
  }

  /** There will be no other: nobody shall wait. */
  close(error: Error): void {
    this.#closed = error
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  /** Resolves with the next actor that runs, or at once with the present one. */
  up(signal: AbortSignal): Promise<ActorRef<Receive>> {
    if (this.#current !== undefined) return Promise.resolve(this.#current)
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    return new Promise((resolve, reject) => {
      const waiter = {
        take: (ref: ActorRef<Receive>): void => {
          signal.removeEventListener('abort', onAbort)
          resolve(ref)
        },
        reject,
      }
      const onAbort = (): void => {
        this.#waiting = this.#waiting.filter((one) => one !== waiter)
        reject(signal.reason)
      }
      if (signal.aborted) return reject(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(waiter)
    })
  }
}
