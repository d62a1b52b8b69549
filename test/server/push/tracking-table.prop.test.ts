/** Which clients have read which keys, against a plain model. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { TrackingTable } from '../../../src/server/push/tracking-table.ts'

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const step = fc.oneof(
  fc.record({ what: fc.constant('add' as const), key, client: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ what: fc.constant('take' as const), key }),
  fc.record({ what: fc.constant('evict' as const), max: fc.integer({ min: 0, max: 4 }) }),
)

it('remembers each pair once, and forgets a key as a whole', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new TrackingTable()
      const model = new Map<string, Set<number>>()
      for (const one of steps) {
        if (one.what === 'add') {
          table.add(one.key, one.client)
          model.set(one.key, (model.get(one.key) ?? new Set()).add(one.client))
        } else if (one.what === 'take') {
          expect(new Set(table.take(one.key))).toEqual(model.get(one.key) ?? new Set())
          model.delete(one.key)
        } else {
          const evicted = table.evict(one.max, (gone, clients) => {
            expect(new Set(clients)).toEqual(model.get(gone))
            model.delete(gone)
          })
          expect(evicted).toBe(true)
          expect(table.keys).toBeLessThanOrEqual(one.max)
        }
        expect(table.keys).toBe(model.size)
        expect(table.items).toBe([...model.values()].reduce((sum, { size }) => sum + size, 0))
      }
    }),
  )
})

it('throws out some at a time, the oldest first', () => {
  const table = new TrackingTable()
  for (let i = 0; i < 3000; i++) table.add(`${i}`, 1)
  const gone: string[] = []
  expect(table.evict(10, (one) => gone.push(one))).toBe(false)
  expect(gone).toEqual(Array.from({ length: gone.length }, (_, i) => `${i}`))
  while (!table.evict(10, () => undefined));
  expect(table.keys).toBe(10)
})
