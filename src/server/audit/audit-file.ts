/**
 * The file of the audit log: lines are appended in the order in which they come, one write at a time.
 *
 * A file that cannot be written to when the server starts keeps it from starting: whoever asks for an audit
 * must not find out later that there was none. What cannot be written after that, because the disk is full or
 * too slow, is dropped and counted, and INFO, the file and the server's log say so as soon as they can:
 * clients are not made to wait for their being watched.
 *
 * Invariants: (1) at most `WAITING_BYTES_MAX` wait; (2) the file is readable by its owner only, when it is
 * made here; (3) after `reopen` nothing more is written to the file that was there.
 * Tests: test/server/audit/audit-file.test.ts
 */
import { closeSync, openSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { ShardloomError, toError } from '../../base/index.ts'

const WAITING_BYTES_MAX = 16 * 1024 * 1024
const OWNER_ONLY = 0o600

/** What a file needs. */
export interface AuditFileParts {
  readonly path: string
  /** Now, for what the file says of itself. */
  wallMs(): number
  log(level: 'warn' | 'error', event: string, details: object): void
}

/**
 * Looks whether a file can be appended to; makes it. Empty: none is wanted. @throws SHL_CONFIGURATION_FILE
 */
export function checkAuditFile(path: string): void {
  if (path === '') return
  try {
    closeSync(openSync(path, 'a', OWNER_ONLY))
  } catch (error) {
    const cause = toError(error)
    const details = { file: path, reason: cause.message, hint: 'choose another with audit-log-file' }
    throw new ShardloomError('SHL_CONFIGURATION_FILE', details, { cause })
  }
}

/** A file that lines are appended to. */
export class AuditFile {
  readonly #parts: AuditFileParts
  #handle: FileHandle | undefined
  #waiting: string[] = []
  #waitingBytes = 0
  /** Lines that are not in the file, and that it does not say so of yet. */
  #dropped = 0
  #lost = 0
  #isReopening = false
  #writing: Promise<void> | undefined
  #isFailing = false

  constructor(parts: AuditFileParts) {
    this.#parts = parts
  }

  /**
   * Lines that were never written: those that wait for the file to be told of them, and those it knows of.
   */
  get lost(): number {
    return this.#lost
  }

  /** Appends lines; `dropped`: so many are missing before them. */
  append(lines: readonly string[], dropped = 0): void {
    this.#dropped += dropped
    this.#lost += dropped
    for (const line of lines) {
      if (this.#waitingBytes + line.length > WAITING_BYTES_MAX) {
        this.#dropped++
        this.#lost++
        continue
      }
      this.#waiting.push(line)
      this.#waitingBytes += line.length
    }
    this.#writing ??= this.#writeAll()
  }

  /** Goes on in a new file of the same name: the one that was there has been moved away. */
  reopen(): Promise<void> {
    this.#isReopening = true
    this.#writing ??= this.#writeAll()
    return this.#writing
  }

  /** Writes what is there. */
  async close(): Promise<void> {
    await this.#writing
    await this.#handle?.close()
    this.#handle = undefined
  }

  async #writeAll(): Promise<void> {
    // Others may add to it meanwhile.
    await Promise.resolve()
    while (this.#isReopening || this.#waiting.length > 0 || (this.#dropped > 0 && !this.#isFailing)) {
      const lines = this.#waiting
      const dropped = this.#dropped
      this.#waiting = []
      this.#waitingBytes = 0
      this.#dropped = 0
      try {
        await this.#write(dropped > 0 ? [this.#droppedLine(dropped), ...lines] : lines)
        this.#isFailing = false
        if (dropped > 0) this.#parts.log('warn', 'lines of the audit log were dropped', { dropped })
      } catch (error) {
        this.#dropped += dropped + lines.length
        this.#lost += lines.length
        this.#noteFailure(toError(error))
      }
    }
    this.#writing = undefined
  }

  async #write(lines: readonly string[]): Promise<void> {
    if (this.#isReopening) {
      this.#isReopening = false
      const before = this.#handle
      this.#handle = undefined
      await before?.close()
    }
    this.#handle ??= await open(this.#parts.path, 'a', OWNER_ONLY)
    if (lines.length > 0) await this.#handle.appendFile(`${lines.join('\n')}\n`)
  }

  #droppedLine(dropped: number): string {
    return JSON.stringify({ time: new Date(this.#parts.wallMs()).toISOString(), dropped })
  }

  /** Once for each time that it begins. */
  #noteFailure(error: Error): void {
    if (this.#isFailing) return
    this.#isFailing = true
    this.#parts.log('error', 'the audit log cannot be written', {
      path: this.#parts.path,
      reason: error.message,
    })
  }
}
