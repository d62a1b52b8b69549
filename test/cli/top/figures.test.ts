/** Figures in few characters. */
import { expect, test } from 'vitest'
import {
  countText,
  gauge,
  percentText,
  sizeText,
  spanText,
  sparkline,
  tookText,
} from '../../../src/cli/top/figures.ts'

test('figures', () => {
  expect([0, 999, 12_345, 9_999_999, 12_345_678, 2e9, undefined].map(countText)).toEqual([
    ...['0', '999', '12,345', '9,999,999', '12.3 M', '2.00 G', '-'],
  ])
  expect([0, 999, 1000, 1e6, 1e9, 5e12, undefined].map(sizeText)).toEqual([
    ...['0 B', '999 B', '1.0 K', '977 K', '954 M', '4.5 T', '-'],
  ])
  expect([0, 999, 1000, 99_949, 99_951, 1e6, 61e6, undefined].map(tookText)).toEqual([
    ...['0 µs', '999 µs', '1.0 ms', '99.9 ms', '100 ms', '1.0 s', '61.0 s', '-'],
  ])
  expect([0, 59.9, 125, 7_500, 100_000, undefined].map(spanText)).toEqual([
    ...['0 s', '59 s', '2 m 05 s', '2 h 05 m', '1 d 3 h', '-'],
  ])
  expect([0, 0.982, 1, 1.43, undefined].map(percentText)).toEqual(['0.0 %', '98.2 %', '100 %', '143 %', '-'])
})

test('bars', () => {
  expect(sparkline([0, 1, 2, 4], 6)).toBe('  ▁▃▅█')
  expect(sparkline([0, 0], 2)).toBe('▁▁')
  expect(sparkline([5, 0, 5], 2)).toBe('▁█')
  expect([gauge(0.5, 4), gauge(2, 4), gauge(-1, 2)]).toEqual(['██░░', '████', '░░'])
})
