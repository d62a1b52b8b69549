/** The idle strategies, call by call. */
import { describe, expect, test } from 'vitest'
import { createIdleStrategy, type IdleStrategy } from '../../src/memory/idle-strategy.ts'

const CORES = 4

describe('adaptive', () => {
  test('starts with the whole budget', () => {
    expect(budgetOf(createIdleStrategy('adaptive'))).toBe(50)
    expect(budgetOf(createIdleStrategy('adaptive', { spinMaxUs: 20 }))).toBe(20)
  })

  test('halves it with each miss, down to exactly nothing', () => {
    const idle = createIdleStrategy('adaptive')
    const budgets = [0, 1, 2, 3, 4, 5].map(() => {
      idle.onMiss(budgetOf(idle))
      return budgetOf(idle)
    })
    expect(budgets).toEqual([25, 12.5, 6.25, 3.125, 0, 0])
  })

  test('has the whole budget again after a hit', () => {
    const idle = createIdleStrategy('adaptive')
    idle.onMiss(50)
    idle.onMiss(25)
    idle.onHit(3)
    expect(budgetOf(idle)).toBe(50)
  })

  test('tries again after several short sleeps in a row', () => {
    const idle = exhausted()
    const slept = sleepsUntilTrial(idle, 200)
    expect(slept).toBe(4)
    expect(budgetOf(idle)).toBe(50)
  })

  test('a long sleep breaks the row', () => {
    const idle = exhausted()
    for (let i = 0; i < 3; i++) idle.onWake(100)
    idle.onWake(201)
    for (let i = 0; i < 3; i++) idle.onWake(100)
    expect(budgetOf(idle)).toBe(0)
    idle.onWake(100)
    expect(budgetOf(idle)).toBe(50)
  })

  test('tries less often with each trial that fails, and as often as at first after a hit', () => {
    const idle = exhausted()
    const rows = [0, 1, 2, 3].map(() => {
      const slept = sleepsUntilTrial(idle, 60)
      exhaust(idle)
      return slept
    })
    expect(rows).toEqual([4, 8, 16, 16])
    sleepsUntilTrial(idle, 60)
    idle.onHit(10)
    exhaust(idle)
    expect(sleepsUntilTrial(idle, 60)).toBe(4)
  })

  test('short sleeps do not undo what misses say', () => {
    const idle = createIdleStrategy('adaptive')
    for (let i = 0; i < 5; i++) {
      idle.onMiss(budgetOf(idle))
      for (let sleep = 0; sleep < 3; sleep++) idle.onWake(20)
    }
    expect(budgetOf(idle)).toBe(0)
  })

  test('does not spin while more threads are awake than there are cores', () => {
    const idle = createIdleStrategy('adaptive')
    expect([1, 4, 5, 64].map((awake) => idle.spinBudgetUs(awake, CORES))).toEqual([50, 50, 0, 0])
    expect(idle.spinBudgetUs(2, 1)).toBe(0)
  })

  test('with no budget at all it parks', () => {
    const idle = createIdleStrategy('adaptive', { spinMaxUs: 0 })
    idle.onHit(0)
    for (let i = 0; i < 20; i++) idle.onWake(0)
    expect(budgetOf(idle)).toBe(0)
  })
})

test('spin always spins, whoever else is awake', () => {
  const idle = createIdleStrategy('spin')
  for (let i = 0; i < 20; i++) idle.onMiss(1000)
  expect(idle.spinBudgetUs(64, 1)).toBe(1000)
  expect(createIdleStrategy('spin', { spinMaxUs: 5 }).spinBudgetUs(1, 1)).toBe(5)
})

test('park never spins', () => {
  const idle = createIdleStrategy('park', { spinMaxUs: 50 })
  idle.onHit(1)
  for (let i = 0; i < 20; i++) idle.onWake(1)
  expect(budgetOf(idle)).toBe(0)
})

test('each knows its name', () => {
  for (const name of ['adaptive', 'park', 'spin'] as const) expect(createIdleStrategy(name).name).toBe(name)
})

test('what is not allowed is named', () => {
  expect(() => createIdleStrategy('nap' as 'park')).toThrowError(
    /idle="nap" allowed=adaptive \| park \| spin/,
  )
  for (const spinMaxUs of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => createIdleStrategy('adaptive', { spinMaxUs })).toThrowError(
      /spinMaxUs=.* allowed=0..1000000/,
    )
  }
})

function budgetOf(idle: IdleStrategy): number {
  return idle.spinBudgetUs(1, CORES)
}

function exhaust(idle: IdleStrategy): void {
  while (budgetOf(idle) > 0) idle.onMiss(budgetOf(idle))
}

/** A strategy that has stopped spinning. */
function exhausted(): IdleStrategy {
  const idle = createIdleStrategy('adaptive')
  exhaust(idle)
  return idle
}

/** Sleeps of `parkedUs` until the strategy wants to spin again. */
function sleepsUntilTrial(idle: IdleStrategy, parkedUs: number): number {
  let sleeps = 0
  while (budgetOf(idle) === 0 && sleeps < 100) {
    idle.onWake(parkedUs)
    sleeps++
  }
  return sleeps
}
