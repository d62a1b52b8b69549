/** MEMORY USAGE. */
import { expect, test } from 'vitest'
import { makeEngine } from '../../support/engine.ts'

test('grows with what a key holds', () => {
  const { ask, engine } = makeEngine()
  expect(ask('MEMORY', 'USAGE', 'k')).toBe(null)
  const sizes = [10, 1000, 100_000, 5_000_000].map((bytes) => {
    const before = engine.usedBytes()
    ask('SET', `s${bytes}`, 'x'.repeat(bytes))
    const usage = ask('MEMORY', 'USAGE', `s${bytes}`) as number
    expect(usage).toBeGreaterThanOrEqual(bytes)
    // Buckets of the table may have grown as well.
    expect(usage).toBeLessThanOrEqual((engine.usedBytes() - before) * 1.01 + 16)
    return usage
  })
  expect(sizes).toEqual([...sizes].sort((one, other) => one - other))
  ask('HSET', 'h', ...Array.from({ length: 200 }, (_, i) => `field${i}`))
  const small = ask('MEMORY', 'USAGE', 'h') as number
  expect(small).toBeGreaterThan(1000)
  ask('HSET', 'h', ...Array.from({ length: 2000 }, (_, i) => `field${i}`))
  expect(ask('MEMORY', 'USAGE', 'h')).toBeGreaterThan(small * 5)
})

test('checks its options as Redis does, and does not touch the key', () => {
  const { ask, clock } = makeEngine()
  ask('SET', 'k', 'v')
  clock.advance(5000)
  expect(ask('MEMORY', 'USAGE', 'k', 'SAMPLES', '0')).toBe(ask('MEMORY', 'USAGE', 'k', 'samples', '5'))
  expect(ask('OBJECT', 'IDLETIME', 'k')).toBe(5)
  expect(ask('MEMORY', 'USAGE', 'k', 'SAMPLES')).toBe('(error) ERR syntax error')
  expect(ask('MEMORY', 'USAGE', 'k', 'SAMPLES', '-1')).toBe('(error) ERR syntax error')
  expect(ask('MEMORY', 'USAGE', 'k', 'SAMPLES', 'x')).toBe(
    '(error) ERR value is not an integer or out of range',
  )
  expect(ask('MEMORY', 'USAGE', 'k', 'OTHER', '1')).toBe('(error) ERR syntax error')
})
