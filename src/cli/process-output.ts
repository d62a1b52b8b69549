/**
 * The streams of this process, as the commands use them.
 *
 * Nobody has to read to the end: a pipe that is closed is no error. A disk that is full, or anything else
 * that takes no output, is one: it is said once, and the exit code is 2, whatever the command has come to.
 *
 * Tests: test/cli/process-output.test.ts
 */
import { createInterface } from 'node:readline'
import type { StorageOutput } from './storage/figures.ts'

export const EXIT_CODE_FAILED = 2

/** Where a command of this process writes. To be made once. */
export class ProcessOutput implements StorageOutput {
  readonly isTerminal: boolean = process.stderr.isTTY === true
  readonly ask: StorageOutput['ask'] = askOnTerminal
  #isClosed = false
  #hasFailed = false

  constructor() {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && !this.#hasFailed) {
        this.#hasFailed = true
        this.err(`shardloom: standard output: ${error.message}\n`)
        // The stream may say so when the command is over.
        process.exitCode = EXIT_CODE_FAILED
      }
      this.#isClosed = true
    })
    // There is nobody left to tell.
    process.stderr.on('error', () => undefined)
  }

  readonly out = (text: string): void => {
    if (!this.#isClosed) process.stdout.write(text)
  }

  readonly err = (text: string): void => {
    process.stderr.write(text)
  }

  readonly isClosed = (): boolean => this.#isClosed

  /** The exit code of a command that has come to this one. */
  exitCodeOf(code: number): number {
    return this.#hasFailed ? EXIT_CODE_FAILED : code
  }
}

/** An answer, also from a pipe; undefined when there is none. */
function askOnTerminal(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise((resolve) => {
    lines.once('close', () => resolve(undefined))
    lines.question(question, (answer) => {
      resolve(answer)
      lines.close()
    })
  })
}
