/** What keys do. */
import { expect, test } from 'vitest'
import { afterKey, type KeyedState } from '../../../src/cli/top/keys.ts'
import { ORDERS, PANELS } from '../../../src/cli/top/panels.ts'
import { viewOf } from '../../../src/cli/top/view.ts'
import { sampleAt } from './crafted-samples.ts'

const STATE: KeyedState = {
  address: 'here',
  view: viewOf(sampleAt(2), sampleAt(1)),
  notice: undefined,
  rates: [],
  panel: 0,
  orders: ORDERS,
  offset: 0,
  isZoomed: false,
  isPaused: false,
  intervalMs: 1_000,
  isDone: false,
}
const after = (...keys: string[]): KeyedState => keys.reduce((state, key) => afterKey(state, key, 10), STATE)

test('panels are chosen in a circle, or by number', () => {
  expect(after('right').panel).toBe(1)
  expect(after('tab', 'shift-tab').panel).toBe(0)
  expect(after('left').panel).toBe(PANELS.length - 1)
  expect(after('left', 'right').panel).toBe(0)
  expect(after('5').panel).toBe(4)
  expect(after('9')).toBe(STATE)
})

test('rows are scrolled within what there is', () => {
  expect(after('down').offset).toBe(1)
  expect(after('down', 'down', 'down').offset).toBe(1)
  expect(after('pagedown', 'pageup').offset).toBe(0)
  expect(after('up').offset).toBe(0)
  expect(after('down', 'home').offset).toBe(0)
  expect(after('down', 'right').offset).toBe(0)
})

test('the order goes round the columns of the chosen panel', () => {
  const orders = PANELS[0]?.orders ?? []
  expect(after('s').orders[0]).toBe(orders[1])
  expect(after(...orders.map(() => 's')).orders[0]).toBe(orders[0])
  expect(after('s').orders[1]).toBe(ORDERS[1])
})

test('the others', () => {
  expect(after('p').isPaused).toBe(true)
  expect(after('space', 'p').isPaused).toBe(false)
  expect(after('return').isZoomed).toBe(true)
  expect(after('+').intervalMs).toBe(2_000)
  expect(after('-', '-', '-', '-').intervalMs).toBe(250)
  expect(after('q').isDone).toBe(true)
  expect(after('ctrl-c').isDone).toBe(true)
  expect(after('f5')).toBe(STATE)
})
