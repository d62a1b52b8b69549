/** Rows as a table. */
import { expect, test } from 'vitest'
import { type Column, ordered, tableLines, toWidth } from '../../../src/cli/top/table.ts'

interface Row {
  readonly name: string
  readonly size: number
}
const ROWS: readonly Row[] = [
  { name: 'b', size: 1 },
  { name: 'a', size: 30 },
  { name: 'a longer name than there is room for', size: 2 },
]
const COLUMNS: readonly Column<Row>[] = [
  { head: 'name', text: ({ name }) => name, order: ({ name }) => name },
  { head: 'size', width: 6, isFigure: true, text: ({ size }) => String(size), order: ({ size }) => size },
  { head: 'kind', width: 8, text: () => 'plain' },
]

const text = (width: number, order = 'size'): string[] =>
  tableLines(ordered(ROWS, COLUMNS, order), COLUMNS, width, order).map((line) =>
    line.map((p) => p.text).join(''),
  )

test('figures stand at the right and are ordered from the largest, words from the first', () => {
  expect(text(40)).toEqual([
    'name                     size▾  kind    ',
    'a                           30  plain   ',
    'a longer name than th…       2  plain   ',
    'b                            1  plain   ',
  ])
  expect(text(40, 'name').map((line) => line.slice(0, 3))).toEqual(['nam', 'a  ', 'a l', 'b  '])
  expect(ordered(ROWS, COLUMNS, 'kind')).toBe(ROWS)
})

test('columns that do not fit are left out from the right', () => {
  expect(text(30)[0]).toBe('name                     size▾')
  expect(text(12)[0]).toBe('name          ')
})

test('text of exactly a width', () => {
  expect([toWidth('ab', 4), toWidth('ab', 4, true), toWidth('abcde', 4), toWidth('ab', 0)]).toEqual([
    ...['ab  ', '  ab', 'abc…', ''],
  ])
})
