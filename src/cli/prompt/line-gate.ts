/**
 * Keys on their way to the line editor: one line at a time, and only while a prompt is shown.
 *
 * What is typed or pasted while a command runs would otherwise be drawn in the middle of its reply. Here it
 * waits, and each line is drawn behind the prompt that it answers, as if it had been typed then. Ctrl-C does
 * not wait: it throws away what does, as a terminal's own does.
 *
 * Tests: test/cli/prompt/line-gate.test.ts
 */
import { PassThrough } from 'node:stream'

/** Keys of a terminal. */
export interface KeySource extends NodeJS.ReadableStream {
  setRawMode?(isRaw: boolean): unknown
}

const CTRL_C = 3
const LF = 10
const CR = 13
const ESCAPE = 27

/** Stands between a terminal and the line editor. */
export class LineGate {
  /** What has gone through. */
  readonly input: PassThrough = new PassThrough()
  readonly #source: KeySource
  readonly #onInterrupt: () => void
  #pending: Buffer = Buffer.alloc(0)
  #isOpen = false

  /** `onInterrupt` is told of a Ctrl-C while the gate is closed. */
  constructor(source: KeySource, onInterrupt: () => void) {
    this.#source = source
    this.#onInterrupt = onInterrupt
    source.on('data', this.#take)
    source.on('end', this.#end)
  }

  /** Lets keys through up to the end of a line. */
  open(): void {
    this.#isOpen = true
    this.#pass()
  }

  close(): void {
    this.#source.off('data', this.#take)
    this.#source.off('end', this.#end)
    this.#source.pause()
  }

  readonly #take = (keys: string | Buffer): void => {
    const bytes = typeof keys === 'string' ? Buffer.from(keys) : keys
    const interrupt = this.#isOpen ? -1 : bytes.lastIndexOf(CTRL_C)
    this.#pending = interrupt < 0 ? Buffer.concat([this.#pending, bytes]) : bytes.subarray(interrupt + 1)
    if (interrupt >= 0) this.#onInterrupt()
    this.#pass()
  }

  readonly #end = (): void => {
    this.input.end()
  }

  #pass(): void {
    if (!this.#isOpen || this.#pending.length === 0) return
    const end = endOfLine(this.#pending)
    if (end !== undefined) this.#isOpen = false
    const passed = this.#pending.subarray(0, end)
    this.#pending = this.#pending.subarray(passed.length)
    this.input.write(passed)
  }
}

/** Where the first line ends; undefined: it does not. */
function endOfLine(keys: Buffer): number | undefined {
  for (let at = 0; at < keys.length; at++) {
    // With an escape before it, it is another key, which ends no line.
    if ((keys[at] !== CR && keys[at] !== LF) || keys[at - 1] === ESCAPE) continue
    return keys[at] === CR && keys[at + 1] === LF ? at + 2 : at + 1
  }
  return undefined
}
