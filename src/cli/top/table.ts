/**
 * Rows as a table of a given size: columns with a width of their own, and one that takes what is left.
 *
 * Tests: test/cli/top/table.test.ts
 */
import type { Colour } from '../connection/paint.ts'

/** What of a row stands in a column. */
export interface Column<R> {
  readonly head: string
  /** Characters; undefined: what the others leave, at least `widthMin`. */
  readonly width?: number
  readonly widthMin?: number
  /** Figures stand at the right. */
  readonly isFigure?: boolean
  readonly text: (row: R) => string
  /** What rows are ordered by, the largest first, when this column is chosen; undefined: it cannot be. */
  readonly order?: (row: R) => number | string
  /** Whether a row has something in it; a column that no row has anything in is left out. */
  readonly has?: (row: R) => boolean
  /** Marks what somebody should look at. */
  readonly colour?: (row: R) => Colour | undefined
}

/** A piece of a line. */
export interface Piece {
  readonly text: string
  readonly colour?: Colour | undefined
}

const WIDTH_MIN = 14
const GAP = 2

/** The rows in the order of a column: figures from the largest, words from the first. */
export function ordered<R>(rows: readonly R[], columns: readonly Column<R>[], head: string): readonly R[] {
  const order = columns.find((column) => column.head === head)?.order
  if (order === undefined) return rows
  return rows.toSorted((one, other) => {
    const a = order(one)
    const b = order(other)
    if (typeof a === 'number' && typeof b === 'number') return b - a
    return String(a) < String(b) ? -1 : String(a) > String(b) ? 1 : 0
  })
}

/** Lines of a table: the heads, then the rows. Columns that do not fit are left out from the right. */
export function tableLines<R>(
  rows: readonly R[],
  columns: readonly Column<R>[],
  width: number,
  sortedBy: string,
): Piece[][] {
  const { shown, flexibleWidth } = fitting(columns, width)
  const widthOf = (column: Column<R>): number => column.width ?? flexibleWidth
  const line = (piece: (column: Column<R>) => Piece): Piece[] =>
    shown.flatMap((column, index) => {
      const { text, colour } = piece(column)
      const cut = toWidth(text, widthOf(column), column.isFigure === true)
      return [{ text: index === 0 ? '' : ' '.repeat(GAP) }, { text: cut, colour }]
    })
  return [
    line((column) => ({
      text: column.head === sortedBy ? `${column.head}▾` : column.head,
      colour: column.head === sortedBy ? 'bold' : 'dim',
    })),
    ...rows.map((row) => line((column) => ({ text: column.text(row), colour: column.colour?.(row) }))),
  ]
}

/** Text of exactly a width; what is longer ends in `…`. */
export function toWidth(text: string, width: number, isRight = false): string {
  if (text.length > width) return width <= 0 ? '' : `${text.slice(0, width - 1)}…`
  return isRight ? text.padStart(width) : text.padEnd(width)
}

function fitting<R>(
  columns: readonly Column<R>[],
  width: number,
): { readonly shown: readonly Column<R>[]; readonly flexibleWidth: number } {
  const least = ({ width: fixed, widthMin = WIDTH_MIN }: Column<R>): number => fixed ?? widthMin
  const need = (list: readonly Column<R>[]): number =>
    list.reduce((sum, column) => sum + least(column), 0) + GAP * (list.length - 1)
  let shown = columns
  while (shown.length > 1 && need(shown) > width) {
    const last = shown.findLastIndex((column) => column.width !== undefined)
    shown = shown.filter((_, index) => index !== last)
  }
  const flexible = shown.find((column) => column.width === undefined)
  const own = flexible === undefined ? 0 : least(flexible)
  return { shown, flexibleWidth: Math.max(own, width - need(shown) + own) }
}
