/**
 * What the parts of the command line that talk to a server work with.
 *
 * Streams and environment come in by argument, so that a test is a terminal, or a pipe.
 * Tests: test/cli/prompt/cli-command.test.ts
 */
import type { Clock } from '../../base/index.ts'
import type { CliOptions } from './options.ts'
import type { Session } from './session.ts'

/** The streams and the environment that a command has. */
export interface CliStreams {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly output: NodeJS.WritableStream & { readonly isTTY?: boolean; readonly columns?: number }
  readonly err: (text: string) => void
  /** Somebody sees what `err` says, so that a line of it may be written over. */
  readonly isErrTerminal: boolean
  /** Nobody reads `output` any more. */
  readonly isClosed: () => boolean
  readonly env: Readonly<Record<string, string | undefined>>
}

/** What a mode works with. */
export interface CliContext {
  readonly options: CliOptions
  readonly streams: CliStreams
  readonly clock: Clock
  readonly session: Session
  /** Writes bytes as Latin-1. */
  readonly write: (bytes: string) => void
}

/** What redis-cli says, and several parts of ours. */
export const LOST_TEXT = 'Error: Server closed the connection\n'
export const INVALID_TEXT = 'Invalid argument(s)\n'
export const STREAM_TEXT = 'Reading messages... (press Ctrl-C to quit)\n'

/** Waits. */
export function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve))
}
