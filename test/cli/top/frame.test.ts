/** Pictures of the view, as transcripts, and what holds of every picture. */
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { colourPaint } from '../../../src/cli/connection/paint.ts'
import { frame, isGrid, type Size, type TopState } from '../../../src/cli/top/frame.ts'
import { infoOf } from '../../../src/cli/top/info.ts'
import { ORDERS, PANELS } from '../../../src/cli/top/panels.ts'
import { viewOf } from '../../../src/cli/top/view.ts'
import { expectGolden } from '../../support/golden.ts'
import { sampleAt } from './crafted-samples.ts'

const STATE: TopState = {
  address: '10.0.0.1:6379',
  view: viewOf(sampleAt(2), sampleAt(1)),
  notice: undefined,
  rates: [10_000, 20_000, 30_000, 40_000, 50_000],
  panel: 0,
  orders: ORDERS,
  offset: 0,
  isZoomed: false,
  isPaused: false,
}
const PLAIN = {
  ...sampleAt(1),
  info: infoOf('# Server\r\nredis_version:7.0.15\r\n# Keyspace\r\ndb0:keys=1'),
  hotKeys: { missing: 'this server has no SHARDLOOM.HOTKEYS' },
  locks: { missing: 'this server has no LOCK.LIST' },
}

test('pictures', () => {
  let text = ''
  const show = (about: string, state: TopState, size: Size): void => {
    const head = `# ${about} (${size.columns} by ${size.rows})`
    text += `${text === '' ? '' : '\n'}${head}\n${frame(state, size).join('\n')}\n`
  }
  show('Everything.', STATE, { columns: 120, rows: 34 })
  show('Too narrow for all: the chosen panel.', { ...STATE, panel: 5 }, { columns: 80, rows: 16 })
  show(
    'Clients, by memory.',
    { ...STATE, panel: 6, isZoomed: true, orders: ORDERS.with(6, 'memory') },
    { columns: 110, rows: 14 },
  )
  show(
    'A plain Redis, before there are rates.',
    { ...STATE, view: viewOf(PLAIN, undefined), rates: [], isPaused: true },
    { columns: 120, rows: 26 },
  )
  show(
    'No server.',
    { ...STATE, view: undefined, notice: 'Could not connect to 10.0.0.1:6379: connection refused' },
    { columns: 90, rows: 8 },
  )
  expectGolden(fileURLToPath(new URL('./transcripts/frames.txt', import.meta.url)), text)
})

test('a picture has as many lines as the size has rows, none of them wider', () => {
  const sizes = fc.record({
    columns: fc.integer({ min: 1, max: 200 }),
    rows: fc.integer({ min: 1, max: 60 }),
  })
  const states = fc.record({
    panel: fc.integer({ min: 0, max: PANELS.length - 1 }),
    offset: fc.integer({ min: 0, max: 5 }),
    isZoomed: fc.boolean(),
    isPaused: fc.boolean(),
    notice: fc.option(fc.constant('lost'), { nil: undefined }),
    view: fc.constantFrom(STATE.view, undefined, viewOf(PLAIN, undefined)),
  })
  fc.assert(
    fc.property(sizes, states, (size, some) => {
      const lines = frame({ ...STATE, ...some }, size)
      expect(lines).toHaveLength(size.rows)
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(size.columns)
    }),
    { numRuns: 200 },
  )
})

test('colours change no character', () => {
  const size = { columns: 130, rows: 40 }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours are what is taken off.
  const bare = frame(STATE, size, colourPaint).map((line) => line.replaceAll(/\x1b\[\d*m/g, '').trimEnd())
  expect(bare).toEqual(frame(STATE, size))
})

test('all panels are shown where there is room', () => {
  expect(isGrid({ isZoomed: false }, { columns: 100, rows: 22 })).toBe(true)
  expect(isGrid({ isZoomed: false }, { columns: 99, rows: 22 })).toBe(false)
  expect(isGrid({ isZoomed: false }, { columns: 100, rows: 21 })).toBe(false)
  expect(isGrid({ isZoomed: true }, { columns: 100, rows: 22 })).toBe(false)
})
