/**
 * What was typed before, in a file of the user's own; never what holds a secret.
 *
 * The file is written line by line, so that two prompts at once lose nothing of each other, and is cut when
 * it has grown to twice what is kept. Nobody else may read it: keys and values are data too. A line that it
 * cannot write is not worth a word: the prompt works without a history.
 *
 * Tests: test/cli/prompt/history.test.ts
 */
import { appendFileSync, chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { countedWords, splitLine } from './split-line.ts'

const LINES_MAX = 1_000
const MODE = 0o600
const SECRET_SETTINGS = /pass|auth|secret/i

/** Lines that were typed, the newest first, as readline has them. */
export class History {
  readonly #path: string | undefined
  #lines: string[] = []

  /** undefined: it is kept for this prompt only. */
  constructor(path: string | undefined) {
    this.#path = path
    if (path === undefined) return
    try {
      const lines = readFileSync(path, 'utf8').split('\n')
      this.#lines = lines.filter((line) => line !== '' && !holdsSecret(line)).reverse()
      chmodSync(path, MODE)
      if (this.#lines.length >= 2 * LINES_MAX) this.#cut(path)
      this.#lines.length = Math.min(this.#lines.length, LINES_MAX)
    } catch {
      // There is none yet, or it is not ours: then this prompt has one of its own.
    }
  }

  get lines(): readonly string[] {
    return this.#lines
  }

  /** Remembers a line, unless it holds a secret or is the last one again. */
  add(line: string): void {
    if (line.trim() === '' || line === this.#lines[0] || holdsSecret(line)) return
    this.#lines.unshift(line)
    this.#lines.length = Math.min(this.#lines.length, LINES_MAX)
    if (this.#path === undefined) return
    try {
      appendFileSync(this.#path, `${line}\n`, { mode: MODE })
    } catch {
      // As above.
    }
  }

  #cut(path: string): void {
    const kept = this.#lines.slice(0, LINES_MAX).reverse()
    writeFileSync(`${path}.new`, `${kept.join('\n')}\n`, { mode: MODE })
    renameSync(`${path}.new`, path)
  }
}

/** Whether a line holds what nobody should find in a file. */
export function holdsSecret(line: string): boolean {
  const { words } = splitLine(line)
  const [name = '', sub = '', ...rest] = countedWords(words).argv.map((word) => word.toUpperCase())
  switch (name) {
    case 'AUTH':
      return true
    case 'HELLO':
      return rest.includes('AUTH')
    case 'ACL':
      return sub === 'SETUSER' || sub === 'DELUSER'
    case 'CONFIG':
      return sub === 'SET' && rest.some((word) => SECRET_SETTINGS.test(word))
    case 'MIGRATE':
      return rest.includes('AUTH') || rest.includes('AUTH2')
    default:
      return false
  }
}
