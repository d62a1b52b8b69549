/** Waiters: told in the order of their positions, never early, and one promise for a group. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { LogLevel } from '../../src/storage/log-level.ts'

/** Waits, and notes in which order it was told. */
function noted(level: LogLevel, told: number[], position: number, isTaken: boolean): void {
  void level.wait(position, isTaken).then(() => told.push(position))
}

test('who waits for what was taken is told when it is reached, in order, whoever came first', async () => {
  const level = new LogLevel(0)
  const told: number[] = []
  for (const position of [30, 10, 20, 10]) noted(level, told, position, true)
  level.reach(9)
  await Promise.resolve()
  expect(told).toEqual([])
  level.reach(20)
  await Promise.resolve()
  expect(told).toEqual([10, 10, 20])
  expect(level.position).toBe(20)
  level.reach(30)
  await Promise.resolve()
  expect(told).toEqual([10, 10, 20, 30])
})

test('who waits for what is taken together shares one promise, told when all of it is', async () => {
  const level = new LogLevel(0)
  const first = level.wait(10, false)
  expect(level.wait(40, false)).toBe(first)
  expect(level.wait(20, false)).toBe(first)
  level.closeGroup()
  const second = level.wait(50, false)
  expect(second).not.toBe(first)
  const told: string[] = []
  void first.then(() => told.push('first'))
  void second.then(() => told.push('second'))
  level.reach(39)
  await Promise.resolve()
  expect(told).toEqual([])
  level.reach(40)
  await Promise.resolve()
  expect(told).toEqual(['first'])
  level.reach(50)
  await Promise.resolve()
  expect(told).toEqual(['first', 'second'])
})

test('it knows whether somebody waits for what is there', () => {
  const level = new LogLevel(0)
  expect(level.isAwaitedBefore(100)).toBe(false)
  void level.wait(10, true)
  expect([level.isAwaitedBefore(9), level.isAwaitedBefore(10)]).toEqual([false, true])
  level.reach(10)
  expect(level.isAwaitedBefore(100)).toBe(false)
})

test('it does not go back', () => {
  const level = new LogLevel(5)
  level.reach(3)
  expect(level.position).toBe(5)
})

test('when it comes no further all are told so', async () => {
  const level = new LogLevel(0)
  const error = new Error('the disk is gone')
  const waiting = [level.wait(1, true), level.wait(9, false)]
  level.fail(error)
  for (const one of waiting) await expect(one).rejects.toBe(error)
  expect(level.isAwaitedBefore(100)).toBe(false)
})

test('any sequence of waits and steps tells each in its turn', async () => {
  const random = seededRandom(3)
  for (let run = 0; run < 50; run++) {
    const level = new LogLevel(0)
    let [appended, taken] = [0, 0]
    const open = new Set<{ position: number; toldAt: number }>()
    for (let step = 0; step < 100; step++) {
      appended += random.below(10)
      if (random.below(3) === 0) {
        taken = appended
        level.closeGroup()
      }
      const position = level.position + 1 + random.below(appended - level.position + 1)
      if (position <= appended) {
        const one = { position, toldAt: -1 }
        open.add(one)
        void level.wait(position, position <= taken).then(() => {
          one.toldAt = level.position
        })
      }
      if (random.below(3) === 0) level.reach(level.position + random.below(taken - level.position + 1))
      await Promise.resolve()
      for (const one of open) {
        if (one.toldAt === -1) continue
        expect(one.toldAt).toBeGreaterThanOrEqual(one.position)
        open.delete(one)
      }
    }
    level.closeGroup()
    level.reach(appended)
    await Promise.resolve()
    for (const { toldAt } of open) expect(toldAt).toBe(appended)
  }
})
