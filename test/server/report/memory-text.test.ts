/** What MEMORY DOCTOR says of which memory. */
import { expect, test } from 'vitest'
import { type MemoryFacts, memoryAdvice } from '../../../src/server/report/memory-text.ts'

const MB = 1024 * 1024
const WELL: MemoryFacts = {
  used: 100 * MB,
  peak: 110 * MB,
  reserved: 100 * MB,
  reservedUsed: 90 * MB,
  ceiling: 0,
  canEvict: false,
  clients: 2,
  clientBytes: 1000,
}

test('little memory cannot be judged, and most is well', () => {
  expect(memoryAdvice({ ...WELL, used: MB })).toMatch(/^Hi Sam, this instance is empty/)
  expect(memoryAdvice(WELL)).toMatch(/^Hi Sam, I can't find any memory issue/)
  expect(memoryAdvice({ ...WELL, clients: 0 })).toMatch(/can't find/)
})

test.each([
  ['Full', { ceiling: 101 * MB }],
  ['Sparse', { reserved: 200 * MB }],
  ['Peak memory', { peak: 200 * MB }],
  ['Big client buffers', { clientBytes: MB }],
] as const)('%s is found', (title, facts) => {
  const text = memoryAdvice({ ...WELL, ...facts })
  expect(text).toContain(`Sam, I detected a few issues in this instance memory implants:\n\n * ${title}:`)
})

test('a ceiling with a policy that throws out is no trouble', () => {
  expect(memoryAdvice({ ...WELL, ceiling: 101 * MB, canEvict: true })).toMatch(/can't find/)
})
