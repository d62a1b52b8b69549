/** The window of restarts: what still counts, and when it is too much. */
import { describe, expect, test } from 'vitest'
import {
  addRestart,
  restartIntensity,
  restartsInWindow,
} from '../../../src/supervise/policy/restart-intensity.ts'

const LIMIT = { intensity: 2, periodMs: 100 }

describe('restart intensity', () => {
  test('allows exactly so many restarts within the window', () => {
    let history: readonly number[] = []
    for (const [atMs, isExceeded] of [
      [0, false],
      [50, false],
      [100, true],
      [101, true],
    ] as const) {
      const counted = addRestart(history, atMs, LIMIT)
      expect(counted.isExceeded, `at ${atMs}`).toBe(isExceeded)
      history = counted.history
    }
  })

  test('forgets what is older than the window', () => {
    const { history } = addRestart([0, 50], 151, LIMIT)
    expect(history).toEqual([151])
    expect(restartsInWindow([0, 50, 60], 150, LIMIT)).toEqual([50, 60])
    expect(restartsInWindow([0], 1000, LIMIT)).toEqual([])
  })

  test('of 0 allows none', () => {
    expect(addRestart([], 5, { intensity: 0, periodMs: 100 }).isExceeded).toBe(true)
  })

  test('has defaults, and refuses what cannot be', () => {
    expect(restartIntensity()).toEqual({ intensity: 3, periodMs: 5000 })
    expect(restartIntensity({ intensity: 7 })).toEqual({ intensity: 7, periodMs: 5000 })
    expect(() => restartIntensity({ intensity: 1.5 })).toThrow(/restarts\.intensity=1\.5/)
    expect(() => restartIntensity({ periodMs: 0 })).toThrow(/restarts\.periodMs=0/)
  })
})
