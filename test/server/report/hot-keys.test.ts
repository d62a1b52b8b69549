/** The sketch of hot keys against exact counts. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../../src/base/index.ts'
import { HotKeys, hottestOf } from '../../../src/server/report/hot-keys.ts'

describe('hot keys', () => {
  test('are found among many others, and never said to be hotter than they were', () => {
    const random = seededRandom(3)
    const hot = new HotKeys(32)
    const exact = new Map<string, number>()
    const use = (key: string): void => {
      hot.add(0, key, 1)
      exact.set(key, (exact.get(key) ?? 0) + 1)
    }
    for (let i = 0; i < 20_000; i++) {
      // One in four is for one of four keys, the rest for any of 5000.
      use(random.below(4) === 0 ? `hot${random.below(4)}` : `key${random.below(5000)}`)
    }
    hot.fade(1)
    const top = hot.top(4)
    expect(top.map(({ key }) => key).sort()).toEqual(['hot0', 'hot1', 'hot2', 'hot3'])
    for (const { key, perSecond } of hot.top(32)) {
      expect(perSecond).toBeLessThanOrEqual(exact.get(key)! + 1e-6)
    }
    for (const { perSecond } of top) expect(perSecond).toBeGreaterThan(500)
  })

  test('have rates, from the first second on', () => {
    const hot = new HotKeys()
    expect(hot.top(1)).toEqual([])
    for (let second = 0; second < 40; second++) {
      for (let i = 0; i < 10; i++) hot.add(2, 'a:b', 10)
      hot.fade(1)
      const [only] = hot.top(1)
      expect(only).toMatchObject({ db: 2, key: 'a:b' })
      expect(only!.perSecond).toBeGreaterThan(94)
      expect(only!.perSecond).toBeLessThan(101)
    }
  })

  test('fade when they are used no more', () => {
    const hot = new HotKeys()
    hot.add(0, 'old', 1000)
    hot.fade(1)
    for (let second = 0; second < 60; second++) {
      hot.add(0, 'new', 5)
      hot.fade(1)
    }
    expect(hot.top(2)[0]!.key).toBe('new')
    expect(hot.top(2)[1]!.perSecond).toBeLessThan(1)
    hot.reset()
    expect(hot.top(2)).toEqual([])
  })

  test('of several threads are added up', () => {
    const one = { db: 0, key: 'a', perSecond: 10 }
    expect(
      hottestOf([[one, { ...one, key: 'b' }], [{ ...one, perSecond: 5 }], [{ ...one, db: 1 }]], 2),
    ).toEqual([
      { db: 0, key: 'a', perSecond: 15 },
      { db: 0, key: 'b', perSecond: 10 },
    ])
  })
})
