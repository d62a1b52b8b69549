/**
 * What threads that serve send to the main thread.
 * Tests: test/server/serve.race.test.ts
 */
import type { LogLevel } from '../commands/server-command.ts'

/** What the main thread does for those that serve. */
export interface HubMessages {
  log(
    state: unknown,
    record: { readonly level: LogLevel; readonly event: string; readonly details: object | undefined },
  ): void
  /** Lines of the audit log, and how many are missing before them. */
  audit(state: unknown, batch: { readonly lines: readonly string[]; readonly dropped: number }): void
  /**
   * A client has said SHUTDOWN, or asks for a file to be read or written: whether that can be. `audit.lost`:
   * how many lines the audit log lacks.
   */
  request(
    state: unknown,
    request: { readonly what: string; readonly content: unknown },
  ): Promise<boolean | number>
}
