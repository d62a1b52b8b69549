/**
 * Whether a command has left for the server: the one thing that decides whether it may be sent again.
 *
 * The library takes an `AbortSignal` with a command, listens to it while the command waits to be written, and
 * takes its listener back when it writes it. This is such a signal, which sees that happen. It is exact: a
 * command that was not written when its connection ended was not sent, whatever else is in doubt. The
 * alternative, to count each command that was handed over as sent, would call the outcome of thousands of
 * them unknown that wait behind a full socket.
 *
 * When the connection has ended, listeners are taken back as well: `isOver` is asked then.
 *
 * Tests: test/client/sent-mark.test.ts
 */

/** Follows one command. */
export class SentMark implements AbortSignal {
  readonly reason: unknown = undefined
  readonly onabort = null
  #isAborted = false
  #isSent = false
  #listener: (() => void) | undefined
  readonly #isOver: () => boolean

  /** `isOver`: whether its connection writes nothing any more. */
  constructor(isOver: () => boolean) {
    this.#isOver = isOver
  }

  get aborted(): boolean {
    return this.#isAborted
  }

  /** Whether it was given to the socket. Once it was, it may have taken effect. */
  get isSent(): boolean {
    return this.#isSent
  }

  /** Takes the command back. False when it has left. */
  recall(): boolean {
    if (this.#isSent) return false
    this.#isAborted = true
    const listener = this.#listener
    this.#listener = undefined
    listener?.()
    return true
  }

  addEventListener(_type: string, listener: unknown): void {
    this.#listener = listener as () => void
  }

  removeEventListener(): void {
    if (this.#listener === undefined) return
    this.#listener = undefined
    if (!this.#isAborted && !this.#isOver()) this.#isSent = true
  }

  dispatchEvent(): boolean {
    return false
  }

  throwIfAborted(): void {}
}
