/**
 * The panels of the view: which rows each shows, in which columns, and what they may be ordered by.
 *
 * One table; the drawing and the keys know panels by nothing else. To add one, add a row to PANELS.
 * Tests: test/cli/top/frame.test.ts
 */
import { typedWord } from '../prompt/quote.ts'
import { countText, percentText, sizeText, spanText, tookText } from './figures.ts'
import type { HotKeyRow, LockRow, Part, SlowRow } from './sample.ts'
import { type Column, ordered, type Piece, tableLines } from './table.ts'
import type { ClientView, CommandView, ShardView, ThreadView, TopView } from './view.ts'

/** One panel, whatever its rows are. */
export interface Panel {
  readonly title: string
  /** Heads of the columns that it may be ordered by; the first is what it begins with. */
  readonly orders: readonly string[]
  /** How many rows there are; undefined: the server does not have them. */
  readonly count: (view: TopView) => number | undefined
  /** Its lines: the heads and at most `rowsMax` rows from `offset` on, or what is missing. */
  readonly lines: (view: TopView, size: PanelSize) => Piece[][]
}

/** What of a panel is drawn. */
export interface PanelSize {
  readonly width: number
  readonly rowsMax: number
  readonly offset: number
  readonly order: string
}

const BUSY = 0.9

function panel<R>(title: string, part: (view: TopView) => Part<R>, columns: readonly Column<R>[]): Panel {
  return {
    title,
    orders: columns.filter((column) => column.order !== undefined).map((column) => column.head),
    count: (view) => {
      const found = part(view)
      return 'missing' in found ? undefined : found.rows.length
    },
    lines: (view, { width, rowsMax, offset, order }) => {
      const found = part(view)
      if ('missing' in found) return [[{ text: found.missing.slice(0, width), colour: 'grey' }]]
      const shown = columns.filter(({ has }) => has === undefined || found.rows.some(has))
      const rows = ordered(found.rows, columns, order).slice(offset, offset + rowsMax)
      return tableLines(rows, shown, width, order)
    },
  }
}

const figure = <R>(
  head: string,
  width: number,
  value: (row: R) => number | undefined,
  text: (value: number | undefined) => string,
): Column<R> => ({
  head,
  width,
  isFigure: true,
  text: (row) => text(value(row)),
  order: (row) => value(row) ?? -1,
})

/** A column that is only there when a server tells it. */
const sparse = <R>(column: Column<R>): Column<R> => ({ ...column, has: (row) => column.text(row) !== '-' })

const idColumn = <R extends { readonly id: number }>(head: string, width: number): Column<R> => ({
  head,
  width,
  isFigure: true,
  text: ({ id }) => String(id),
  order: ({ id }) => -id,
})

const SHARDS = panel<ShardView>('shards', (view) => view.shards, [
  idColumn('shard', 6),
  figure('calls/s', 9, (row) => row.commandsPerSecond, countText),
  figure('keys', 9, (row) => row.keys, countText),
  figure('memory', 7, (row) => row.usedMemory, sizeText),
  sparse(figure('queue', 6, (row) => row.queue, countText)),
  figure('thread', 7, (row) => row.thread, whole),
  figure('blocked', 8, (row) => row.blocked, countText),
  figure('slots', 6, (row) => row.slots, whole),
])

const THREADS = panel<ThreadView>('threads', (view) => view.threads, [
  idColumn('thread', 7),
  figure('calls/s', 9, (row) => row.commandsPerSecond, countText),
  {
    ...figure<ThreadView>('busy', 7, (row) => row.utilization, percentText),
    colour: ({ utilization = 0 }) => (utilization >= BUSY ? 'red' : undefined),
  },
  figure('clients', 8, (row) => row.connections, countText),
  sparse(figure('queue', 6, (row) => row.queue, countText)),
  figure('heap', 7, (row) => row.heapBytes, sizeText),
])

const COMMANDS = panel<CommandView>('commands', (view) => view.commands, [
  figure('calls/s', 9, (row) => row.callsPerSecond, countText),
  { head: 'command', text: ({ name }) => name.replace('|', ' '), order: ({ name }) => name },
  figure('p50', 7, (row) => row.latency?.p50Us, tookText),
  figure('p99', 7, (row) => row.latency?.p99Us, tookText),
  figure('max', 7, (row) => row.latency?.maxUs, tookText),
  figure('calls', 10, (row) => row.calls, countText),
])

const HOT_KEYS = panel<HotKeyRow>('hot keys', (view) => view.hotKeys, [
  figure('calls/s', 9, (row) => row.callsPerSecond, countText),
  { head: 'key', text: ({ key }) => typedWord(key), order: ({ key }) => key },
  figure('db', 3, (row) => row.db, whole),
  figure('shard', 6, (row) => row.shard, whole),
])

const SLOW = panel<SlowRow>('slow commands', (view) => view.slow, [
  { head: 'at', width: 8, text: ({ atSeconds }) => timeOfDay(atSeconds), order: ({ id }) => id },
  figure('took', 8, (row) => row.durationUs, tookText),
  { head: 'command', widthMin: 28, text: ({ argv }) => argv.map(typedWord).join(' ') },
  { head: 'client', width: 15, text: ({ address, client }) => (client === '' ? address : typedWord(client)) },
])

const LOCKS = panel<LockRow>('locks', (view) => view.locks, [
  figure('waiting', 8, (row) => row.waiters, countText),
  { head: 'lock', text: ({ key }) => typedWord(key), order: ({ key }) => key },
  { head: 'mode', width: 9, text: ({ mode }) => mode },
  {
    head: 'held by',
    width: 16,
    text: ({ owner, holders }) => (holders > 1 ? `${holders} owners` : typedOr(owner, '-')),
  },
  figure('token', 8, (row) => row.token, whole),
  figure('lease', 8, (row) => row.remainingMs * 1e3, tookText),
  figure('longest', 8, (row) => (row.waiters === 0 ? undefined : row.waitingMs * 1e3), tookText),
])

const CLIENTS = panel<ClientView>('clients', (view) => view.clients, [
  figure('id', 7, (row) => row.id, whole),
  { head: 'address', text: ({ address }) => address, order: ({ address }) => address },
  { head: 'command', width: 16, text: ({ command }) => command, order: ({ command }) => command },
  figure('memory', 8, (row) => row.memory, sizeText),
  figure('idle', 9, (row) => row.idleSeconds, spanText),
  figure('age', 9, (row) => row.ageSeconds, spanText),
  { head: 'name', width: 14, text: ({ name }) => (name === '' ? '' : typedWord(name)) },
  { head: 'user', width: 10, text: ({ user }) => user, order: ({ user }) => user },
  { head: 'flags', width: 5, text: ({ flags }) => flags },
  figure('db', 3, (row) => row.db, whole),
])

/** The panels, in the order of the arrows. */
export const PANELS: readonly Panel[] = [SHARDS, THREADS, COMMANDS, HOT_KEYS, SLOW, LOCKS, CLIENTS]

/** What each panel is ordered by at first. */
export const ORDERS: readonly string[] = PANELS.map(({ orders }) => orders[0] ?? '')
export const CLIENTS_PANEL: number = PANELS.indexOf(CLIENTS)

function whole(value: number | undefined): string {
  return value === undefined ? '-' : String(value)
}

function typedOr(text: string, other: string): string {
  return text === '' ? other : typedWord(text)
}

/** By the clock here: the server's time of day is in UTC, as logs are. */
function timeOfDay(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(11, 19)
}
