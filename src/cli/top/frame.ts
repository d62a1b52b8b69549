/**
 * One picture of the view: a state and a size give lines, and nothing else goes in or out.
 *
 * So it is tested as text, and what is on the terminal is only ever these lines. Where there is room, all
 * panels are shown, two in a row; where there is not, or somebody asks, the chosen one alone under a bar of
 * all. No line is wider than the width that is given.
 *
 * Tests: test/cli/top/frame.test.ts
 */
import { type Paint, plainPaint } from '../connection/paint.ts'
import { countText, gauge, percentText, sizeText, spanText, sparkline } from './figures.ts'
import { PANELS, type Panel } from './panels.ts'
import { type Piece, toWidth } from './table.ts'
import type { ServerView, TopView } from './view.ts'

/** What is shown, and how. */
export interface TopState {
  /** Where the server is, as somebody would type it. */
  readonly address: string
  readonly view: TopView | undefined
  /** What is wrong, in place of the figures' age. */
  readonly notice: string | undefined
  /** Commands per second, the newest last. */
  readonly rates: readonly number[]
  /** Index of the chosen panel. */
  readonly panel: number
  /** What each panel is ordered by. */
  readonly orders: readonly string[]
  /** The first row of the chosen panel that is shown. */
  readonly offset: number
  readonly isZoomed: boolean
  readonly isPaused: boolean
}

export interface Size {
  readonly columns: number
  readonly rows: number
}

const GRID_COLUMNS_MIN = 100
/** A panel of a grid: its title, heads, and two rows. */
const GRID_PANEL_ROWS_MIN = 4
/** What a panel has beside its rows: title, heads, and an empty line. */
const PANEL_FRAME_ROWS = 3
const GAP = 3
const HEAD_ROWS = 5
const SPARKLINE_WIDTH = 24
const GAUGE_WIDTH = 12
const DRAWING_WIDTH_MIN = 8
const KEYS = 'q quit   p pause   s sort   arrows choose and scroll   enter one panel or all   + - interval'

/** The lines of a picture, exactly as many as the size has rows. */
export function frame(state: TopState, size: Size, paint: Paint = plainPaint): string[] {
  const bodyRows = Math.max(0, size.rows - HEAD_ROWS - 1)
  const body = state.view === undefined ? [] : bodyOf(state, state.view, { ...size, rows: bodyRows })
  const lines = [...headLines(state, size.columns), ...body]
  while (lines.length < size.rows - 1) lines.push([])
  const all = [...lines.slice(0, Math.max(0, size.rows - 1)), [{ text: KEYS, colour: 'grey' } as const]]
  return all.slice(-size.rows).map((line) => painted(line, size.columns, paint))
}

/** Whether all panels are shown at once. */
export function isGrid(state: Pick<TopState, 'isZoomed'>, size: Size): boolean {
  const rows = Math.floor((size.rows - HEAD_ROWS - 1) / Math.ceil(PANELS.length / 2))
  return !state.isZoomed && size.columns >= GRID_COLUMNS_MIN && rows >= GRID_PANEL_ROWS_MIN
}

function headLines(state: TopState, columns: number): Piece[][] {
  const { view, address, notice, isPaused } = state
  const server = view?.server
  const name = server === undefined ? '' : `   ${server.name} ${server.version}`
  const up = server === undefined ? '' : `   up ${spanText(server.uptimeSeconds)}`
  const left: Piece[] = [{ text: 'shardloom top', colour: 'bold' }, { text: `   ${address}${name}${up}` }]
  const right: Piece =
    notice === undefined
      ? { text: isPaused ? 'paused' : '', colour: 'yellow' }
      : { text: notice, colour: 'red' }
  const used = left.reduce((sum, { text }) => sum + text.length, 0)
  const room = Math.max(0, columns - used - GAP)
  const first: Piece[] = [
    ...left,
    { text: ' '.repeat(GAP) },
    { ...right, text: toWidth(right.text, room, true) },
  ]
  const rest = server === undefined ? [[], [], []] : serverLines(server, state.rates, columns)
  return [first, ...rest, []]
}

function serverLines(server: ServerView, rates: readonly number[], columns: number): Piece[][] {
  const { usedMemory, maxMemory, processor, hitRatio, blocked } = server
  const full = maxMemory > 0 ? usedMemory / maxMemory : undefined
  const memory = maxMemory > 0 ? `${sizeText(usedMemory)} of ${sizeText(maxMemory)}` : sizeText(usedMemory)
  const cell = (name: string, value: string, width: number): Piece[] => [
    { text: `${name} `, colour: 'dim' },
    { text: toWidth(value, Math.max(value.length, width)) },
    { text: '  ' },
  ]
  const waiting = blocked > 0 ? ` (${countText(blocked)} blocked)` : ''
  const second = (value: number | undefined): string => `${countText(value)}/s`
  const commands = [
    cell('commands', second(server.commandsPerSecond), 12),
    cell('clients', `${countText(server.connections)}${waiting}`, 6),
    cell('keys', countText(server.keys), 10),
    cell('hits', percentText(hitRatio), 7),
    cell('errors', second(server.errorsPerSecond), 5),
  ]
  const resources = [
    cell('memory  ', memory, 12),
    cell('resident', sizeText(server.residentMemory), 8),
    cell('processor', percentText(processor), 7),
  ]
  const traffic = [
    cell('in      ', `${sizeText(server.inPerSecond)}/s`, 12),
    cell('out', `${sizeText(server.outPerSecond)}/s`, 10),
    cell('expired', second(server.expiredPerSecond), 8),
    cell('evicted', second(server.evictedPerSecond), 8),
  ]
  const bars = (width: number): Piece => ({ text: sparkline(rates, width), colour: 'cyan' })
  const fill = (width: number): Piece => ({
    text: full === undefined ? '' : gauge(full, width),
    colour: full !== undefined && full > 0.9 ? 'red' : 'green',
  })
  return [
    fitted(commands, columns, SPARKLINE_WIDTH, bars),
    fitted(resources, columns, full === undefined ? 0 : GAUGE_WIDTH, fill),
    fitted(traffic, columns, 0),
  ]
}

/**
 * Cells that fit as a whole, since a figure that is cut is another one; behind the first, where there is
 * room, a drawing of at most a width.
 */
function fitted(
  cells: readonly (readonly Piece[])[],
  columns: number,
  drawingMax: number,
  drawing?: (width: number) => Piece,
): Piece[] {
  const widthOf = (some: typeof cells): number => {
    const text = some.flatMap((cell) => cell.map((piece) => piece.text)).join('')
    return text.trimEnd().length
  }
  let shown = cells
  while (shown.length > 1 && widthOf(shown) > columns) shown = shown.slice(0, -1)
  const width = Math.min(drawingMax, columns - widthOf(shown) - GAP)
  if (drawing === undefined || width < DRAWING_WIDTH_MIN) return shown.flat()
  return shown.toSpliced(1, 0, [drawing(width), { text: ' '.repeat(GAP) }]).flat()
}

function bodyOf(state: TopState, view: TopView, size: Size): Piece[][] {
  const full = { columns: size.columns, rows: size.rows + HEAD_ROWS + 1 }
  return isGrid(state, full) ? gridLines(state, view, size) : zoomedLines(state, view, size)
}

/** All panels, two in a row; a last one without a neighbour takes the whole width. */
function gridLines(state: TopState, view: TopView, { columns, rows }: Size): Piece[][] {
  const lines: Piece[][] = []
  const half = Math.floor((columns - GAP) / 2)
  for (const [band, height] of bandHeights(view, rows).entries()) {
    const [left, right] = [2 * band, 2 * band + 1]
    if (PANELS[right] === undefined) {
      lines.push(...panelLines(state, view, left, { columns, rows: height }))
      continue
    }
    const one = panelLines(state, view, left, { columns: half, rows: height })
    const other = panelLines(state, view, right, { columns: columns - half - GAP, rows: height })
    for (let row = 0; row < height; row++) {
      lines.push([...padded(one[row] ?? [], half), { text: ' '.repeat(GAP) }, ...(other[row] ?? [])])
    }
  }
  return lines
}

/**
 * Rows of each band: what it needs, from the smallest need on, and never more than a fair part of what is
 * left; what nobody needs goes to the last.
 */
function bandHeights(view: TopView, rows: number): number[] {
  const needs: number[] = []
  for (const [index, panel] of PANELS.entries()) {
    const need = Math.max(GRID_PANEL_ROWS_MIN, (panel.count(view) ?? 0) + PANEL_FRAME_ROWS)
    needs[index >> 1] = Math.max(needs[index >> 1] ?? 0, need)
  }
  const heights = needs.map(() => 0)
  let left = rows
  const order = [...needs.keys()].sort((one, other) => (needs[one] as number) - (needs[other] as number))
  for (const [done, band] of order.entries()) {
    const height = Math.min(needs[band] as number, Math.floor(left / (order.length - done)))
    heights[band] = height
    left -= height
  }
  const last = heights.length - 1
  return heights.with(last, (heights[last] as number) + left)
}

/** A panel with its title, and an empty line below it. */
function panelLines(state: TopState, view: TopView, index: number, { columns, rows }: Size): Piece[][] {
  const panel = PANELS[index] as Panel
  const isChosen = index === state.panel
  const title: Piece[] = [
    { text: isChosen ? '▸ ' : '  ', colour: 'cyan' },
    { text: `${panel.title}${countOf(panel, view)}`, colour: isChosen ? 'cyan' : 'bold' },
  ]
  const lines = panel.lines(view, {
    width: columns - 2,
    rowsMax: Math.max(0, rows - PANEL_FRAME_ROWS),
    offset: isChosen ? state.offset : 0,
    order: state.orders[index] ?? '',
  })
  const indented = lines.map((line) => [{ text: '  ' }, ...line])
  const all = [title, ...indented].slice(0, Math.max(0, rows - 1))
  while (all.length < rows) all.push([])
  return all
}

/** The chosen panel alone, under the names of all. */
function zoomedLines(state: TopState, view: TopView, { columns, rows }: Size): Piece[][] {
  const bar = PANELS.flatMap((panel, index): Piece[] => {
    const isChosen = index === state.panel
    return [{ text: ` ${panel.title}${countOf(panel, view)} `, colour: isChosen ? 'inverse' : 'dim' }]
  })
  const panel = PANELS[state.panel] as Panel
  const lines = panel.lines(view, {
    width: columns,
    rowsMax: Math.max(0, rows - 3),
    offset: state.offset,
    order: state.orders[state.panel] ?? '',
  })
  return [bar, [], ...lines]
}

function countOf(panel: Panel, view: TopView): string {
  const count = panel.count(view)
  return count === undefined || count === 0 ? '' : ` ${count}`
}

function padded(line: readonly Piece[], width: number): Piece[] {
  const used = line.reduce((sum, { text }) => sum + text.length, 0)
  return [...line, { text: ' '.repeat(Math.max(0, width - used)) }]
}

/** The pieces up to a width, each in its colour, and no spaces behind them. */
function painted(line: readonly Piece[], width: number, paint: Paint): string {
  let left = width
  let text = ''
  for (const piece of line) {
    const shown = piece.text.slice(0, left)
    left -= shown.length
    text += piece.colour === undefined || shown.trim() === '' ? shown : paint(piece.colour, shown)
  }
  return text.trimEnd()
}
