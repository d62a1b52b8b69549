/**
 * Where calls wait while their subsystem starts, restarts or is being replaced; in the order of calling.
 *
 * Invariants: (1) calls pass in the order in which they came, also when the gate opens in between; (2) each
 * one passes, or is rejected by its deadline, its signal or the end of the subsystem.
 * Tests: test/supervise/subsystem/call-gate.test.ts
 */
import { type Clock, ShardloomError } from '../../base/index.ts'

interface WaitingCall<T> {
  pass(target: T): void
  reject(error: Error): void
}

/** Lets calls through to what is behind it, while there is something. */
export class CallGate<T> {
  readonly #name: string
  readonly #clock: Clock
  #target: T | undefined
  #closed: Error | undefined
  /** In the order in which they came. */
  readonly #waiting = new Set<WaitingCall<T>>()

  constructor(name: string, clock: Clock) {
    this.#name = name
    this.#clock = clock
  }

  /** What calls go to at the moment. */
  get target(): T | undefined {
    return this.#target
  }

  get waitingCount(): number {
    return this.#waiting.size
  }

  /** Calls go to `target` from now on, first those that wait. */
  open(target: T): void {
    this.#closed = undefined
    this.#target = target
    // What a call does here may close the gate again.
    for (const waiting of this.#waiting) {
      if (this.#target !== target) return
      waiting.pass(target)
    }
  }

  /** Calls wait from now on; with a target given, if it is still the one. */
  shut(target: T | undefined = this.#target): void {
    if (this.#target === target) this.#target = undefined
  }

  /** Nothing will open it any more. */
  close(error: Error): void {
    this.#target = undefined
    this.#closed = error
    for (const { reject } of this.#waiting) reject(error)
  }

  /** Makes a call, now or when the gate opens; `leftMs` is what it has left then. */
  call<R>(
    make: (target: T, leftMs: number) => Promise<R>,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    if (signal?.aborted === true) return Promise.reject(this.#aborted(signal))
    if (this.#target !== undefined) return make(this.#target, timeoutMs)
    if (this.#closed !== undefined) return Promise.reject(this.#closed)
    const sinceMs = this.#clock.nowMs()
    return new Promise<R>((resolve, reject) => {
      const leave = (): void => {
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
        this.#waiting.delete(waiting)
      }
      const fail = (error: unknown): void => {
        leave()
        reject(error)
      }
      const onAbort = (): void => fail(this.#aborted(signal))
      const timer = this.#clock.after(timeoutMs, () =>
        fail(new ShardloomError('SHL_CHILD_NOT_UP', { child: this.#name, timeoutMs })),
      )
      const waiting: WaitingCall<T> = {
        pass: (target) => {
          leave()
          make(target, Math.max(1, timeoutMs - (this.#clock.nowMs() - sinceMs))).then(resolve, reject)
        },
        reject: fail,
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.add(waiting)
    })
  }

  #aborted(signal: AbortSignal | undefined): ShardloomError {
    const details = { actor: this.#name, type: 'call' }
    return new ShardloomError('SHL_ASK_ABORTED', details, { cause: signal?.reason })
  }
}
