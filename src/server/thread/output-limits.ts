/**
 * What a client may leave unread: a hard bound, and a soft one for some time.
 *
 * Who asks is slowed down before it comes to that, since nothing more is read from it; who is sent what it
 * did not ask for, messages, is not asked, and has bounds by default.
 *
 * Tests: test/server/thread/output-limits.test.ts
 * Source: Redis' client-output-buffer-limit
 */
import type { Clock } from '../../base/index.ts'
import type { Session } from '../commands/server-command.ts'
import type { ParameterStore } from '../parameters/index.ts'

/** The bounds of one thread's clients. */
export class OutputLimits {
  readonly #parameters: ParameterStore
  readonly #clock: Clock
  /** Since when a client has been above its soft bound. */
  readonly #since = new Map<number, number>()

  constructor(parameters: ParameterStore, clock: Clock) {
    this.#parameters = parameters
    this.#clock = clock
  }

  /** Whether a client with so many bytes unread is to be closed. */
  isOver(session: Session, bytes: number): boolean {
    if (bytes === 0) {
      if (this.#since.size > 0) this.#since.delete(session.id)
      return false
    }
    const limits = this.#parameters.get('clientOutputBufferLimit')
    const isListening = session.channelCount + session.patternCount + session.shardedCount > 0
    const [hardBytes, softBytes, softSeconds] =
      isListening || session.isMonitor ? limits.pubsub : limits.normal
    if (hardBytes > 0 && bytes > hardBytes) return true
    if (softBytes === 0 || bytes <= softBytes) {
      if (this.#since.size > 0) this.#since.delete(session.id)
      return false
    }
    const nowMs = this.#clock.nowMs()
    const since = this.#since.get(session.id)
    if (since === undefined) this.#since.set(session.id, nowMs)
    return since !== undefined && nowMs - since > softSeconds * 1000
  }

  forget({ id }: Session): void {
    this.#since.delete(id)
  }
}
