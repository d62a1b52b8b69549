/** The doorbell between real threads: a sleeper that sleeps whenever it can is woken for every record. */
import { expect, test } from 'vitest'
import { allocateRing } from '../../src/memory/ring-layout.ts'
import { race, SOAK_FACTOR } from '../support/memory-race.ts'

test.each([1, 2])('%d ringers wake a sleeper in time for every record', async (ringers) => {
  const words = new SharedArrayBuffer(12)
  const records = 20_000 * SOAK_FACTOR
  const rings = Array.from({ length: ringers }, () => allocateRing(4096))
  const [sleeper, ...others] = await race([
    { role: 'sleep', words, rings, records },
    ...rings.map((memory) => ({ role: 'ring' as const, words, memory, records })),
  ])
  const rung = others.reduce((sum, report) => sum + report['rings']!, 0)
  // Each ring answers one park; a park that found work at once may have been rung for as well.
  expect(rung).toBeLessThanOrEqual(sleeper!['sleeps']! + sleeper!['found']!)
})
