/**
 * The lines of the server's log that tell of logins that failed: so many a second on each thread, and how
 * many more there were. A client that tries passwords by the thousand fills no disk.
 *
 * Each refusal counts in INFO and stands in ACL LOG all the same.
 *
 * Tests: test/server/acl/failed-logins.test.ts
 */
import type { Clock, TimerHandle } from '../../base/index.ts'
import type { ByteString } from '../../keyspace/engine/index.ts'
import { headOf, LOGGED_NAME_BYTES } from './acl-log.ts'

const LINES_MAX = 10
const SPAN_MS = 1000

/** Writes a line. */
type Write = (event: string, details: object) => void

/** The lines of one thread. */
export class FailedLogins {
  readonly #clock: Clock
  readonly #write: Write
  #startMs = Number.NEGATIVE_INFINITY
  #count = 0
  #timer: TimerHandle | undefined

  constructor(clock: Clock, write: Write) {
    this.#clock = clock
    this.#write = write
  }

  note(user: ByteString, address: string): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#startMs >= SPAN_MS) {
      // A thread that is busy runs its timers late.
      this.#tellRest()
      this.#startMs = nowMs
    }
    if (++this.#count <= LINES_MAX) {
      this.#write('authentication failed', { user: headOf(user, LOGGED_NAME_BYTES), address })
    } else if (this.#count === LINES_MAX + 1) {
      const leftMs = this.#startMs + SPAN_MS - nowMs
      this.#timer = this.#clock.after(leftMs, () => this.#tellRest(), { unref: true })
    }
  }

  /** Ends a second. */
  #tellRest(): void {
    const more = this.#count - LINES_MAX
    this.#timer?.cancel()
    this.#timer = undefined
    this.#startMs = Number.NEGATIVE_INFINITY
    this.#count = 0
    if (more > 0) this.#write('more authentications failed', { more })
  }
}
