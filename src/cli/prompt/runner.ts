/**
 * Runs commands without a prompt and prints what the server says.
 *
 * Tests: test/cli/prompt/cli-command.test.ts
 */

import type { RespValue } from '../../server/resp/index.ts'
import { errorTextOf } from '../connection/reading.ts'
import { type CliStreams, INVALID_TEXT, LOST_TEXT, STREAM_TEXT } from './context.ts'
import { type OutputFormat, printedReply } from './output-format.ts'
import type { Session } from './session.ts'
import { countedWords, splitLine } from './split-line.ts'

/** What a runner needs. */
export interface RunnerOptions {
  readonly session: Session
  readonly format: OutputFormat
  /** Writes bytes as Latin-1. */
  readonly write: (bytes: string) => void
  readonly streams: Pick<CliStreams, 'output' | 'err' | 'isClosed'>
  /** An error goes to `err`, and the exit code is 1. */
  readonly isErrorFatal: boolean
}

/** Commands one after the other, over one session. */
export class Runner {
  readonly #options: RunnerOptions
  #isDone = false

  constructor(options: RunnerOptions) {
    this.#options = options
  }

  /** A line has said that it was the last. */
  get isDone(): boolean {
    return this.#isDone
  }

  show(value: RespValue, argv: readonly string[]): void {
    this.#options.write(printedReply(value, argv, this.#options.format))
  }

  /** Runs a command; the exit code. */
  async run(argv: readonly string[]): Promise<number> {
    const { session, streams } = this.#options
    if (session.isStream(argv)) return await this.#runStream(argv)
    const wasConnected = session.isConnected
    const reply = await session.call(argv)
    if (reply === undefined) {
      if (wasConnected) streams.err(LOST_TEXT)
      return 1
    }
    return this.#finish(reply, argv)
  }

  /** Shows what comes until the connection ends, or nobody reads any more; the exit code. */
  async #runStream(argv: readonly string[]): Promise<number> {
    const { session, format, streams, write } = this.#options
    if (format.form === 'standard') write(STREAM_TEXT)
    // A stream has no next command before which one could look.
    const end = (): void => session.close()
    streams.output.once('error', end)
    const refusal = await session.stream(argv, (value) => this.show(value, argv))
    streams.output.off('error', end)
    if (streams.isClosed()) return 0
    if (refusal !== undefined) return this.#finish(refusal, argv)
    streams.err(LOST_TEXT)
    return 1
  }

  /** Shows a reply; the exit code. */
  #finish(reply: RespValue, argv: readonly string[]): number {
    const { streams, isErrorFatal } = this.#options
    const refusal = errorTextOf(reply)
    if (refusal !== undefined && isErrorFatal) {
      streams.err(`${refusal}\n`)
      return 1
    }
    this.show(reply, argv)
    return 0
  }

  /** Runs a line, with a count before it or without; the exit code. */
  async runLine(line: string): Promise<number> {
    const { words, openQuote, isInvalid } = splitLine(line)
    if (openQuote !== undefined || isInvalid) {
      this.#options.write(INVALID_TEXT)
      return this.#options.isErrorFatal ? 1 : 0
    }
    const { runs = 1, argv } = countedWords(words)
    const [name = ''] = argv
    if (name === '') return 0
    if (/^(?:quit|exit)$/i.test(name)) {
      this.#isDone = true
      return 0
    }
    for (let left = runs; left > 0 && !this.#options.streams.isClosed(); left--) {
      const code = await this.run(argv)
      if (code !== 0) return code
    }
    return 0
  }
}
