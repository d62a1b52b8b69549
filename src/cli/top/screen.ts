/**
 * A terminal that is drawn on as a whole: its other screen, without a cursor, and everything put back at the
 * end, however it ends.
 *
 * A picture is written over the last one line by line, with only the lines that are new, so that nothing
 * flickers and a slow link carries little.
 *
 * Tests: test/cli/top/top-command.test.ts
 */
import { emitKeypressEvents, type Key } from 'node:readline'
import type { Size } from './frame.ts'

/** The terminal's two directions. */
export interface ScreenStreams {
  readonly input: NodeJS.ReadableStream & { setRawMode?(isRaw: boolean): unknown }
  readonly output: NodeJS.WritableStream & { readonly columns?: number; readonly rows?: number }
}

const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J'
const LEAVE = '\x1b[?25h\x1b[?1049l'
const SIZE_DEFAULT: Size = { columns: 80, rows: 24 }

/** One terminal, from `open` to `close`. */
export class Screen {
  readonly #streams: ScreenStreams
  readonly #onKey: (key: string) => void
  readonly #onResize: () => void
  #drawn: readonly string[] = []

  constructor(streams: ScreenStreams, onKey: (key: string) => void, onResize: () => void) {
    this.#streams = streams
    this.#onKey = onKey
    this.#onResize = () => {
      this.#drawn = []
      streams.output.write('\x1b[2J')
      onResize()
    }
  }

  get size(): Size {
    const { columns = SIZE_DEFAULT.columns, rows = SIZE_DEFAULT.rows } = this.#streams.output
    return { columns, rows }
  }

  open(): void {
    const { input, output } = this.#streams
    output.write(ENTER)
    emitKeypressEvents(input)
    input.setRawMode?.(true)
    input.on('keypress', this.#take)
    input.resume()
    output.on('resize', this.#onResize)
  }

  draw(lines: readonly string[]): void {
    let text = ''
    for (const [row, line] of lines.entries()) {
      if (line !== this.#drawn[row]) text += `\x1b[${row + 1};1H${line}\x1b[K`
    }
    this.#drawn = lines
    if (text !== '') this.#streams.output.write(text)
  }

  close(): void {
    const { input, output } = this.#streams
    input.off('keypress', this.#take)
    output.off('resize', this.#onResize)
    input.setRawMode?.(false)
    input.pause()
    output.write(LEAVE)
  }

  readonly #take = (text: string | undefined, key: Key): void => {
    if (key.ctrl === true && key.name === 'c') this.#onKey('ctrl-c')
    else if (key.shift === true && key.name === 'tab') this.#onKey('shift-tab')
    else this.#onKey(key.name ?? text ?? '')
  }
}
