/**
 * Waits that their callers may end, and whose outcome they want to know all the same.
 *
 * An ask that is aborted forgets its answer. That will do for a pop, but not for a lock: a grant that crosses
 * the abort would be held by nobody until its lease is over. So the caller goes on listening, and ends the
 * wait by a message of its own; what is granted nevertheless it gives back.
 *
 * Invariant: a wait is answered once, whether it was ended or not.
 * Tests: test/keyspace/locks.race.test.ts, test/keyspace/locks.prop.test.ts
 */
import { addAbortListener } from '../../base/index.ts'

/** Runs one command that may wait; `signal` ends the wait, with the answer of a timeout. */
interface WaitRunner {
  runBlocking(request: Uint8Array, signal: AbortSignal): Promise<Uint8Array>
}

/** The waits of one shard, by the names that their callers gave them. */
export class Waits {
  readonly #runner: WaitRunner
  readonly #open = new Map<string, AbortController>()

  constructor(runner: WaitRunner) {
    this.#runner = runner
  }

  /** `signal` is that of the message: it aborts when its caller is gone. */
  async run(id: string, request: Uint8Array, signal: AbortSignal): Promise<Uint8Array> {
    const stop = new AbortController()
    this.#open.set(id, stop)
    const forget = addAbortListener(signal, () => stop.abort())
    // Its caller may be gone before this has begun.
    if (signal.aborted) stop.abort()
    try {
      return await this.#runner.runBlocking(request, stop.signal)
    } finally {
      forget()
      this.#open.delete(id)
    }
  }

  /** Ends a wait; nothing happens when it has ended. */
  end(id: string): void {
    this.#open.get(id)?.abort()
  }
}
