/** Work that nobody asks for: memory that deletions have scattered comes back, in small steps. */
import { expect, test } from 'vitest'
import { makeEngine } from '../../support/engine.ts'

test('pages that deletions have left sparse are moved together', () => {
  const { ask, engine } = makeEngine()
  for (let i = 0; i < 60_000; i++) ask('SET', `key:${i}`, 'x'.repeat(100 + (i % 50)))
  const { table } = engine.database(0)
  const full = table.pagesUsed
  for (let i = 0; i < 60_000; i++) if (i % 16 !== 0) ask('DEL', `key:${i}`)
  expect(table.pagesUsed).toBeGreaterThan(full / 2)
  expect(engine.hasBackgroundWork).toBe(true)
  // The clock of a test stands still: one tick does all there is.
  expect(engine.tick(1)).toBe(false)
  expect(table.pagesUsed).toBeLessThan(full / 4)
  expect(engine.hasBackgroundWork).toBe(false)
  table.checkTable()
  for (let i = 0; i < 60_000; i += 160) expect(ask('STRLEN', `key:${i}`)).toBe(100 + (i % 50))
})

test('a table that cannot be made smaller is left alone', () => {
  const { ask, engine } = makeEngine()
  for (let i = 0; i < 20_000; i++) ask('SET', `key:${i}`, 'x'.repeat(200))
  expect(engine.hasBackgroundWork).toBe(false)
})
