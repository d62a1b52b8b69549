/**
 * The lines of the server's log that tell of logins that failed: so many a second on each thread, and how
 * many more there were. A client that tries passwords by the thousand fills no disk.
 *
 * Each refusal counts in INFO and stands in ACL LOG all the same.
 *
 * Tests: test/server/acl/failed-logins.test.ts
 */
import { type Clock, LimitedLines } from '../../base/index.ts'
import type { ByteString } from '../../keyspace/engine/index.ts'
import { headOf, LOGGED_NAME_BYTES } from './acl-log.ts'

const LIMIT = {
  event: 'authentication failed',
  moreEvent: 'more authentications failed',
  linesMax: 10,
  spanMs: 1000,
}

/** The lines of one thread. */
export class FailedLogins {
  readonly #lines: LimitedLines

  constructor(clock: Clock, write: (event: string, details: object) => void) {
    this.#lines = new LimitedLines(clock, write, LIMIT)
  }

  note(user: ByteString, address: string): void {
    this.#lines.note({ user: headOf(user, LOGGED_NAME_BYTES), address })
  }
}
