/**
 * The hint on the terminal: dim behind the cursor, what the command does below it, and gone with the next
 * key.
 *
 * It is drawn after readline has drawn the line, and taken away before readline draws again, so that readline
 * never learns of it: everything from the cursor to the end of the screen is ours for that long. It is cut to
 * what is left of the row, since a hint that wraps would move the line.
 *
 * Tests: test/cli/prompt/interactive.test.ts
 */
import type { Paint } from '../connection/paint.ts'
import type { Hint } from './hints.ts'

/** Where a hint stands. */
export interface HintPlace {
  /** Column of the cursor, from 0. */
  readonly column: number
  readonly columns: number
}

const ERASE = '\x1b[J'

/** What takes a hint away. */
export const HINT_ERASED: string = ERASE

/** What draws a hint and puts the cursor back. */
export function drawnHint({ text, summary }: Hint, { column, columns }: HintPlace, paint: Paint): string {
  const behind = cut(text, columns - column - 1)
  const below = cut(summary, columns - 1)
  if (behind === '' && below === '') return ''
  const home = `\r${column === 0 ? '' : `\x1b[${column}C`}`
  const lower = below === '' ? '' : `\r\n${paint('grey', below)}\x1b[1A`
  return `${ERASE}${paint('grey', behind)}${lower}${home}`
}

function cut(text: string, width: number): string {
  if (text.length <= width) return text
  return width < 2 ? '' : `${text.slice(0, width - 1)}…`
}
