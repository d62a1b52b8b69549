/**
 * Shows how far a run is, on standard error: a bar on a terminal, a line per second elsewhere.
 *
 * It is fed by calls and has no timer, so that it shows the baseline too, which never lets one run.
 */
import { performance } from 'node:perf_hooks'

const BAR_WIDTH = 30
const REDRAW_MS = 50
const LINE_MS = 1000

/** What the drawing needs of `process.stderr`. */
export interface ProgressOutput {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** One run's progress, in files and bytes. */
export class Progress {
  readonly #title: string
  readonly #filesMax: number
  readonly #output: ProgressOutput
  readonly #startMs = performance.now()
  #drawnMs = performance.now()
  #files = 0
  #bytes = 0

  constructor(title: string, filesMax: number, output: ProgressOutput = process.stderr) {
    this.#title = title
    this.#filesMax = filesMax
    this.#output = output
  }

  /** Counts what was done, and draws when it is time. */
  add(files: number, bytes: number): void {
    this.#files += files
    this.#bytes += bytes
    const isTerminal = this.#output.isTTY === true
    if (performance.now() - this.#drawnMs < (isTerminal ? REDRAW_MS : LINE_MS)) return
    this.#drawnMs = performance.now()
    this.#output.write(isTerminal ? `\r${this.#bar()}\u001B[K` : `${this.#text()}\n`)
  }

  /** Writes a line of its own, above the bar. */
  note(text: string): void {
    this.#output.write(this.#output.isTTY === true ? `\r\u001B[K${text}\n` : `${text}\n`)
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#output.isTTY === true) this.#output.write('\r\u001B[K')
  }

  #bar(): string {
    const filled = Math.round((BAR_WIDTH * this.#files) / Math.max(1, this.#filesMax))
    return `[${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}] ${this.#text()}`
  }

  #text(): string {
    const rates = ratesOf(this.#files, this.#bytes, performance.now() - this.#startMs)
    return `${this.#title}: ${this.#files}/${this.#filesMax} files, ${rates}`
  }
}

/** `3,120 files/s, 20.4 MB/s`. */
export function ratesOf(files: number, bytes: number, elapsedMs: number): string {
  const seconds = Math.max(elapsedMs, 0.001) / 1000
  return `${Math.round(files / seconds)} files/s, ${(bytes / 1e6 / seconds).toFixed(1)} MB/s`
}
