/**
 * A terminal that is made of streams: what is typed goes in, and what is drawn becomes a screen.
 *
 * It knows the few control sequences that readline and we use, and the screen is as long as it must be, so
 * that nothing scrolls away. A sequence that it does not know is an error of the test that meets it.
 */
import { PassThrough, Writable } from 'node:stream'
import type { CliStreams } from '../../../src/cli/prompt/context.ts'

const LATE_MS = 10_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal is told.
const PIECE = /\x1b\[([?\d;]*)([A-Za-z])|[\s\S]/g

/** One terminal. */
export class FakeTerminal {
  readonly input = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined })
  readonly output: Writable & { isTTY: boolean; columns: number; rows: number }
  /** Whether the other screen is shown. */
  isOther = false
  #lines: string[][] = [[]]
  #row = 0
  #column = 0
  #waiting: (() => void)[] = []

  constructor(columns = 80, rows = 24) {
    const write = (chunk: Buffer, _: string, done: () => void): void => {
      for (const match of chunk.toString('utf8').matchAll(PIECE)) this.#take(match)
      for (const check of this.#waiting.splice(0)) check()
      done()
    }
    this.output = Object.assign(new Writable({ write }), { isTTY: true, columns, rows })
  }

  /** What somebody sees. */
  get screen(): string {
    return this.#lines
      .map((line) =>
        Array.from(line, (char) => char ?? ' ')
          .join('')
          .trimEnd(),
      )
      .join('\n')
  }

  get streams(): CliStreams {
    return {
      input: this.input,
      output: this.output,
      err: (text) => void this.output.write(text),
      isErrTerminal: true,
      isClosed: () => false,
      env: { NO_COLOR: '1', SHARDLOOM_HISTORY: '' },
    }
  }

  type(keys: string): void {
    this.input.write(keys)
  }

  resize(columns: number, rows: number): void {
    Object.assign(this.output, { columns, rows })
    this.output.emit('resize')
  }

  /** When the screen has this on it. */
  async shows(wanted: string | RegExp): Promise<void> {
    const isThere = (): boolean =>
      typeof wanted === 'string' ? this.screen.includes(wanted) : wanted.test(this.screen)
    while (!isThere()) {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(() => reject(new Error(`no ${wanted} on:\n${this.screen}`)), LATE_MS)
        this.#waiting.push(() => {
          clearTimeout(late)
          resolve()
        })
      })
    }
  }

  #take([piece, given = '', name]: RegExpMatchArray): void {
    if (name === undefined) {
      this.#put(piece as string)
      return
    }
    const [first, second] = given.split(';').map(Number)
    const count = first || 1
    switch (name) {
      case 'A':
        this.#row = Math.max(0, this.#row - count)
        return
      case 'B':
        this.#down(count)
        return
      case 'C':
        this.#column += count
        return
      case 'D':
        this.#column = Math.max(0, this.#column - count)
        return
      case 'G':
        this.#column = count - 1
        return
      case 'H':
        this.#row = 0
        this.#column = (second || 1) - 1
        this.#down(count - 1)
        return
      case 'J':
        if (first === 2) this.#lines = this.#lines.map(() => [])
        else this.#lines.length = this.#row + 1
        if (first !== 2) this.#line.length = Math.min(this.#line.length, this.#column)
        return
      case 'K':
        this.#line.length = Math.min(this.#line.length, this.#column)
        return
      case 'm':
        return
      case 'h':
      case 'l':
        if (given === '?1049') this.isOther = name === 'h'
        return
      default:
        throw new Error(`a sequence that this terminal does not know: ${JSON.stringify(piece)}`)
    }
  }

  get #line(): string[] {
    return this.#lines[this.#row] as string[]
  }

  #put(char: string): void {
    if (char === '\r') this.#column = 0
    else if (char === '\n') {
      this.#column = 0
      this.#down(1)
    } else {
      if (this.#column >= this.output.columns) {
        this.#column = 0
        this.#down(1)
      }
      this.#line[this.#column++] = char
    }
  }

  #down(rows: number): void {
    this.#row += rows
    while (this.#lines.length <= this.#row) this.#lines.push([])
  }
}
