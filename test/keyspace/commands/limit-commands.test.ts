/** The rate limiter: examples, and the promise of GCRA for any sequence of requests. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeEngine, START_MS } from '../../support/engine.ts'

describe('LIMIT', () => {
  test('lets a burst through, then one per interval', () => {
    const { ask, clock } = makeEngine()
    const limit = () => ask('LIMIT', 'k', 2, 1, 1000)
    expect(limit()).toEqual([0, 3, 2, -1, 1000])
    expect(limit()).toEqual([0, 3, 1, -1, 2000])
    expect(limit()).toEqual([0, 3, 0, -1, 3000])
    expect(limit()).toEqual([1, 3, 0, 1000, 3000])
    clock.advance(999)
    expect(limit()).toEqual([1, 3, 0, 1, 2001])
    clock.advance(1)
    expect(limit()).toEqual([0, 3, 0, -1, 3000])
  })

  test('is as new once all is worked off, and then holds no key', () => {
    const { ask, clock } = makeEngine()
    ask('LIMIT', 'k', 4, 1, 1000, 5)
    expect(ask('PTTL', 'k')).toBe(5000)
    clock.advance(5000)
    expect(ask('EXISTS', 'k')).toBe(0)
    expect(ask('LIMIT', 'k', 4, 1, 1000)).toEqual([0, 5, 4, -1, 1000])
  })

  test('logs the state that it has come to, and nothing when it refuses', () => {
    const { ask, effects, events, commits } = makeEngine()
    ask('LIMIT', 'k', 0, 3, 1000)
    const state = `${START_MS + 333}.333333`
    expect(effects()).toEqual([['SET', 'k', state, 'PXAT', String(START_MS + 334)]])
    expect(events()).toEqual(['set k'])
    expect(ask('LIMIT', 'k', 0, 3, 1000)).toEqual([1, 1, 0, 334, 334])
    expect(commits.length).toBe(1)
  })

  test('goes on from its state as it was logged', () => {
    const first = makeEngine()
    first.ask('LIMIT', 'k', 9, 7, 1000, 4)
    const second = makeEngine()
    for (const argv of first.effects()) second.ask(...argv)
    expect(second.ask('LIMIT', 'k', 9, 7, 1000)).toEqual(first.ask('LIMIT', 'k', 9, 7, 1000))
  })

  test('only looks with quantity 0', () => {
    const { ask, commits } = makeEngine()
    expect(ask('LIMIT', 'k', 2, 1, 1000, 0)).toEqual([0, 3, 3, -1, 0])
    ask('LIMIT', 'k', 2, 1, 1000, 3)
    expect(ask('LIMIT', 'k', 2, 1, 1000, 0)).toEqual([0, 3, 0, -1, 3000])
    expect(commits.length).toBe(1)
  })

  test('never lets more than a burst through at once, and says that waiting is of no use', () => {
    const { ask } = makeEngine()
    expect(ask('LIMIT', 'k', 2, 1, 1000, 4)).toEqual([1, 3, 3, -1, 0])
    expect(ask('LIMIT', 'k', 2, 1, 1000, '9007199254740991')).toEqual([1, 3, 3, -1, 0])
    expect(ask('LIMIT', 'k', 2, 1, 1000, 3)).toEqual([0, 3, 0, -1, 3000])
  })

  test('takes up another rate where it stands', () => {
    const { ask } = makeEngine()
    ask('LIMIT', 'k', 9, 1, 1000, 10)
    expect(ask('LIMIT', 'k', 1, 1, 1000)).toEqual([1, 2, 0, 9000, 10_000])
  })

  test('refuses rates that are none', () => {
    const { ask, commits } = makeEngine()
    expect(ask('LIMIT', 'k', -1, 1, 1000)).toMatch(/max burst must be between/)
    expect(ask('LIMIT', 'k', 1, 0, 1000)).toMatch(/count per period must be between/)
    expect(ask('LIMIT', 'k', 1, 1, 0)).toMatch(/period must be at least/)
    expect(ask('LIMIT', 'k', 1, 2_000_000, 1)).toMatch(/period must be at least/)
    expect(ask('LIMIT', 'k', 1, 1, 1000, -1)).toMatch(/quantity must not be negative/)
    expect(ask('LIMIT', 'k', 1000, 1, 86_400_000)).toMatch(/within 104 days/)
    expect(ask('LIMIT', 'k', 'x', 1, 1000)).toMatch(/not an integer/)
    expect(commits).toEqual([])
  })

  test('refuses a key that holds something else', () => {
    const { ask, engine } = makeEngine()
    ask('SET', 'k', 'hello')
    expect(ask('LIMIT', 'k', 1, 1, 1000)).toBe('(error) ERR the key holds no rate limiter')
    engine.atomically(() => engine.database(0).listOrNew('l').pushRight('x'))
    expect(ask('LIMIT', 'l', 1, 1, 1000)).toMatch(/WRONGTYPE/)
  })
})

test('no window of time sees more than a burst and what the rate allows in it', () => {
  const step = fc.record({ waitMs: fc.nat(400), quantity: fc.integer({ min: 1, max: 3 }) })
  const rate = fc.record({
    burst: fc.nat(5),
    count: fc.integer({ min: 1, max: 7 }),
    periodMs: fc.constantFrom(1, 100, 1000),
  })
  fc.assert(
    fc.property(rate, fc.array(step, { maxLength: 60 }), ({ burst, count, periodMs }, steps) => {
      const { ask, clock } = makeEngine()
      const passed: { atMs: number; quantity: number }[] = []
      for (const { waitMs, quantity } of steps) {
        clock.advance(waitMs)
        const reply = ask('LIMIT', 'k', burst, count, periodMs, quantity) as number[]
        if (reply[0] === 0) passed.push({ atMs: clock.wallMs(), quantity })
        else if (reply[3] !== -1) {
          // Who waits as long as it is told to gets through.
          clock.advance(reply[3]!)
          expect((ask('LIMIT', 'k', burst, count, periodMs, quantity) as number[])[0]).toBe(0)
          passed.push({ atMs: clock.wallMs(), quantity })
        }
      }
      for (let from = 0; from < passed.length; from++) {
        let sum = 0
        for (let to = from; to < passed.length; to++) {
          sum += passed[to]!.quantity
          const allowed = burst + 1 + ((passed[to]!.atMs - passed[from]!.atMs) * count) / periodMs
          expect(sum).toBeLessThanOrEqual(allowed + 1e-3)
        }
      }
    }),
  )
})
