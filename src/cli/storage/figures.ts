/**
 * Figures, times and bytes as people read them, and a bar that shows how far something has come.
 *
 * Tests: test/cli/storage/figures.test.ts
 */

/** Where a command writes, and whom it may ask. */
export interface StorageOutput {
  out(text: string): void
  err(text: string): void
  /** Whether a line of `err` may be written over again. */
  readonly isTerminal: boolean
  /** Nobody reads `out` any more. */
  isClosed(): boolean
  /** What somebody types as an answer; undefined: there is nobody. */
  ask(question: string): Promise<string | undefined>
}

const UNITS = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']
const BAR_CELLS = 30
export const TEXT_CHARS_MAX = 60

/** Bytes, with the unit that makes them short. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 'bytes'
  for (const next of UNITS) {
    if (value < 1024) break
    value /= 1024
    unit = next
  }
  return unit === 'bytes' ? countOf(bytes, 'byte') : `${value.toFixed(1)} ${unit}`
}

/** A number and its noun. */
export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** A time on the wall. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

/** Says that a directory has no such shard; the exit code. */
export function refuseShard(
  dir: string,
  shard: number,
  shards: number,
  output: Pick<StorageOutput, 'err'>,
): number {
  output.err(`shardloom: --shard ${shard}: ${dir} has shards 0..${shards - 1}\n`)
  return 2
}

/**
 * A byte string as text: quoted when it must be, what is not printable escaped, what is long shortened.
 * `word` may be the beginning of one that has `bytes`.
 */
export function wordText(
  word: string | Uint8Array,
  charsMax: number = TEXT_CHARS_MAX,
  bytes: number = word.length,
): string {
  const text =
    typeof word === 'string' ? word : Buffer.from(word.subarray(0, charsMax + 1)).toString('latin1')
  const shown = escaped(text.slice(0, charsMax))
  if (bytes > charsMax) return `"${shown}"… (${bytesText(bytes)})`
  return shown === '' || shown !== text || /[\s']/.test(text) ? `"${shown}"` : shown
}

function escaped(text: string): string {
  return text.replaceAll(/[^\x21\x23-\x5b\x5d-\x7e ]/g, (char) =>
    char === '"' || char === '\\' ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}

/** Shows a bar on a terminal, and nothing elsewhere. */
export class ProgressBar {
  readonly #output: StorageOutput
  readonly #what: string
  #shown = -1

  constructor(output: StorageOutput, what: string) {
    this.#output = output
    this.#what = what
  }

  readonly show = (done: number, total: number): void => {
    if (!this.#output.isTerminal || total <= 0) return
    const percent = Math.min(100, Math.floor((100 * done) / total))
    if (percent === this.#shown) return
    this.#shown = percent
    const cells = Math.round((percent * BAR_CELLS) / 100)
    const bar = '█'.repeat(cells).padEnd(BAR_CELLS, '░')
    this.#output.err(`\r\x1b[K${this.#what} ${bar} ${percent} %`)
  }

  /** Takes it away. */
  clear(): void {
    if (this.#shown >= 0) this.#output.err('\r\x1b[K')
    this.#shown = -1
  }
}
