/** What holds for the adaptive strategy whatever happens, and how it does in simulated company. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createIdleStrategy, type IdleStrategy } from '../../src/memory/idle-strategy.ts'

const CORES = 4
const SPIN_MAX_US = 50

type Happening = readonly [kind: 'hit' | 'miss' | 'wake', us: number]
const happenings = fc.array(
  fc.tuple(
    fc.constantFrom('hit' as const, 'miss' as const, 'wake' as const),
    fc.integer({ min: 0, max: 1000 }),
  ),
  { maxLength: 100, size: 'max' },
)

/** Whoever spins must outlast the other one's wake-up and work, or neither ever finds the other awake. */
const turns = fc.record({ wakeUs: fc.integer({ min: 10, max: 40 }), workUs: fc.integer({ min: 1, max: 9 }) })

test('the budget is between nothing and the maximum, and nothing when cores are short', () => {
  fc.assert(
    fc.property(happenings, fc.integer({ min: 1, max: 1000 }), (list, spinMaxUs) => {
      const idle = createIdleStrategy('adaptive', { spinMaxUs })
      for (const happening of list) {
        happen(idle, happening)
        const budgetUs = idle.spinBudgetUs(1, CORES)
        expect(budgetUs).toBeGreaterThanOrEqual(0)
        expect(budgetUs).toBeLessThanOrEqual(spinMaxUs)
        expect(idle.spinBudgetUs(CORES + 1, CORES)).toBe(0)
      }
    }),
  )
})

test('from any past, misses alone end in no spinning, and one hit in the whole budget', () => {
  fc.assert(
    fc.property(happenings, (list) => {
      const idle = createIdleStrategy('adaptive')
      for (const happening of list) happen(idle, happening)
      for (let i = 0; i < 5; i++) idle.onMiss(idle.spinBudgetUs(1, CORES))
      expect(idle.spinBudgetUs(1, CORES)).toBe(0)
      idle.onHit(1)
      expect(idle.spinBudgetUs(1, CORES)).toBe(SPIN_MAX_US)
    }),
  )
})

test('from any past, sixteen short sleeps in a row are enough to try again', () => {
  fc.assert(
    fc.property(happenings, fc.integer({ min: 0, max: 4 * SPIN_MAX_US }), (list, parkedUs) => {
      const idle = createIdleStrategy('adaptive')
      for (const happening of list) happen(idle, happening)
      for (let i = 0; i < 16; i++) idle.onWake(parkedUs)
      expect(idle.spinBudgetUs(1, CORES)).toBeGreaterThan(0)
    }),
  )
})

describe('in simulated company', () => {
  test('work that comes regularly, but never within the budget, costs little', () => {
    fc.assert(
      fc.property(fc.integer({ min: 120, max: 2000 }), (periodUs) => {
        const idle = createIdleStrategy('adaptive')
        let burntUs = 0
        const periods = 2000
        for (let i = 0; i < periods; i++) {
          const budgetUs = idle.spinBudgetUs(1, CORES)
          if (budgetUs > 0) idle.onMiss(budgetUs)
          burntUs += budgetUs
          idle.onWake(periodUs - budgetUs)
        }
        expect(burntUs / (periods * periodUs)).toBeLessThan(0.05)
      }),
    )
  })

  test('work that comes within the budget is always spun for', () => {
    const idle = createIdleStrategy('adaptive')
    for (let i = 0; i < 1000; i++) {
      expect(idle.spinBudgetUs(1, CORES)).toBe(SPIN_MAX_US)
      idle.onHit(40)
    }
  })

  test('two threads that play ping-pong, both asleep at first, come to spin', () => {
    fc.assert(
      fc.property(happenings, happenings, turns, (pastA, pastB, { wakeUs, workUs }) => {
        const players = [pastA, pastB].map((past) => {
          const idle = createIdleStrategy('adaptive')
          for (const happening of past) happen(idle, happening)
          while (idle.spinBudgetUs(2, CORES) > 0) idle.onMiss(idle.spinBudgetUs(2, CORES))
          return new Player(idle, wakeUs)
        })
        let [waiting, working] = players as [Player, Player]
        let atUs = 0
        for (let turn = 0; turn < 200; turn++) {
          atUs = working.answer(atUs, workUs)
          ;[waiting, working] = [working, waiting]
          atUs = working.receive(atUs)
        }
        for (const { idle } of players) expect(idle.spinBudgetUs(2, CORES)).toBe(SPIN_MAX_US)
      }),
    )
  })
})

/** A thread that answers, then waits for the next question: spinning first, then asleep. */
class Player {
  readonly idle: IdleStrategy
  readonly #wakeUs: number
  #waitsSinceUs = 0

  constructor(idle: IdleStrategy, wakeUs: number) {
    this.idle = idle
    this.#wakeUs = wakeUs
  }

  /** Works and sends; returns when. From then on it waits. */
  answer(atUs: number, workUs: number): number {
    this.#waitsSinceUs = atUs + workUs
    return this.#waitsSinceUs
  }

  /** Something was sent to it at `atUs`; returns when it has it. */
  receive(atUs: number): number {
    const budgetUs = this.idle.spinBudgetUs(2, CORES)
    const waitedUs = Math.max(0, atUs - this.#waitsSinceUs)
    if (waitedUs < budgetUs) {
      this.idle.onHit(waitedUs)
      return atUs
    }
    if (budgetUs > 0) this.idle.onMiss(budgetUs)
    this.idle.onWake(waitedUs - budgetUs + this.#wakeUs)
    return atUs + this.#wakeUs
  }
}

function happen(idle: IdleStrategy, [kind, us]: Happening): void {
  if (kind === 'hit') idle.onHit(us)
  else if (kind === 'miss') idle.onMiss(us)
  else idle.onWake(us)
}
