/**
 * What a key does to the state of the view: a function, so that it is tested without a terminal.
 *
 * Tests: test/cli/top/keys.test.ts
 */
import type { TopState } from './frame.ts'
import { PANELS } from './panels.ts'

/** The state that keys change: what is shown, and how often it is read. */
export interface KeyedState extends TopState {
  readonly intervalMs: number
  readonly isDone: boolean
}

const INTERVALS_MS = [250, 500, 1_000, 2_000, 5_000, 10_000]

/** The state after a key, by the name that Node gives it; `page` is how many rows a page has. */
export function afterKey(state: KeyedState, key: string, page: number): KeyedState {
  switch (key) {
    case 'q':
    case 'ctrl-c':
      return { ...state, isDone: true }
    case 'p':
    case 'space':
      return { ...state, isPaused: !state.isPaused }
    case 's':
      return { ...state, orders: nextOrder(state), offset: 0 }
    case 'left':
    case 'shift-tab':
      return chosen(state, state.panel - 1)
    case 'right':
    case 'tab':
      return chosen(state, state.panel + 1)
    case 'up':
      return scrolled(state, -1)
    case 'down':
      return scrolled(state, 1)
    case 'pageup':
      return scrolled(state, -page)
    case 'pagedown':
      return scrolled(state, page)
    case 'home':
      return { ...state, offset: 0 }
    case 'return':
    case 'enter':
      return { ...state, isZoomed: !state.isZoomed, offset: 0 }
    case '+':
      return { ...state, intervalMs: nextInterval(state.intervalMs, 1) }
    case '-':
      return { ...state, intervalMs: nextInterval(state.intervalMs, -1) }
    default: {
      const index = Number(key) - 1
      return PANELS[index] === undefined ? state : chosen(state, index)
    }
  }
}

function chosen(state: KeyedState, panel: number): KeyedState {
  return { ...state, panel: (panel + PANELS.length) % PANELS.length, offset: 0 }
}

function scrolled(state: KeyedState, rows: number): KeyedState {
  const count = state.view === undefined ? 0 : (PANELS[state.panel]?.count(state.view) ?? 0)
  return { ...state, offset: Math.max(0, Math.min(state.offset + rows, count - 1)) }
}

function nextOrder({ orders, panel }: KeyedState): readonly string[] {
  const known = PANELS[panel]?.orders ?? []
  const next = known[(known.indexOf(orders[panel] ?? '') + 1) % Math.max(1, known.length)] ?? ''
  return orders.with(panel, next)
}

function nextInterval(intervalMs: number, by: 1 | -1): number {
  const longer = INTERVALS_MS.filter((other) => (by > 0 ? other > intervalMs : other < intervalMs))
  return (by > 0 ? longer[0] : longer.at(-1)) ?? intervalMs
}
