/** The heap against a sorted list. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DeadlineHeap, type Timed } from '../../../../src/keyspace/engine/locks/deadline-heap.ts'

const change = fc.record({
  member: fc.nat(30),
  dueMs: fc.oneof(
    { weight: 6, arbitrary: fc.nat(50) },
    { weight: 1, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
    { weight: 2, arbitrary: fc.constant(undefined) },
  ),
})

test('the next is always the one that is due first, whatever is scheduled, moved and removed', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200, size: 'max' }), (changes) => {
      const heap = new DeadlineHeap<Timed>()
      const members = Array.from({ length: 31 }, (): Timed => ({ dueMs: 0, heapIndex: -1 }))
      const model = new Map<Timed, number>()
      for (const { member: index, dueMs } of changes) {
        const member = members[index] as Timed
        if (dueMs === undefined) heap.remove(member)
        else heap.schedule(member, dueMs)
        if (dueMs === undefined || dueMs === Number.POSITIVE_INFINITY) model.delete(member)
        else model.set(member, dueMs)
        heap.check()
        expect(heap.size).toBe(model.size)
        expect(heap.nextMs).toBe(Math.min(...model.values()))
        expect(members.filter((one) => heap.has(one))).toEqual(members.filter((one) => model.has(one)))
      }
      const order: number[] = []
      for (let next = heap.next; next !== undefined; next = heap.next) {
        order.push(next.dueMs)
        heap.remove(next)
      }
      expect(order).toEqual([...model.values()].sort((a, b) => a - b))
    }),
    { numRuns: 100 },
  )
})
