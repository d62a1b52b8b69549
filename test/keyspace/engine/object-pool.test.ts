/** The pool of collections against a `Map`, and what it counts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CollectionValue } from '../../../src/keyspace/engine/collection.ts'
import { ObjectPool } from '../../../src/keyspace/engine/object-pool.ts'

interface Value extends CollectionValue {
  bytes: number
}

const NEVER = Number.POSITIVE_INFINITY

function value(bytes: number): Value {
  return { size: 1, bytes, encoding: 'none', nextExpiry: NEVER, takeExpired: () => [] }
}

test('numbers lead to values, across chunks, and are used again', () => {
  const pool = new ObjectPool()
  const values = Array.from({ length: 10_000 }, (_, i) => value(i))
  const ids = values.map((one) => pool.add(one))
  expect(new Set(ids).size).toBe(10_000)
  expect(Math.max(...ids)).toBe(9999)
  for (const [i, id] of ids.entries()) if (pool.get(id) !== values[i]) expect.fail(`value ${i} is another`)
  for (let i = 0; i < 10_000; i += 2) pool.remove(ids[i]!)
  const again = Array.from({ length: 5000 }, () => pool.add(value(1)))
  expect(Math.max(...again)).toBeLessThan(10_000)
  expect(pool.add(value(1))).toBe(10_000)
})

test('what it counts is what values said last, and what is due belongs to a value, not to its number', () => {
  const pool = new ObjectPool()
  const first = value(100)
  const id = pool.add(first)
  expect([pool.bytes, pool.dueAt(id)]).toEqual([100, NEVER])
  first.bytes = 150
  expect(pool.bytes).toBe(100)
  pool.recount(id)
  expect(pool.bytes).toBe(150)
  pool.setDueAt(id, 5000)
  first.bytes = 1
  pool.remove(id)
  expect(pool.bytes).toBe(0)
  expect(pool.add(value(7))).toBe(id)
  expect([pool.bytes, pool.dueAt(id)]).toEqual([7, NEVER])
})

test('a number without a value is an error, as is a second removal', () => {
  const pool = new ObjectPool()
  expect(() => pool.get(0)).toThrow('names a collection that exists')
  const id = pool.add(value(1))
  expect(() => pool.get(id + 1)).toThrow('names a collection that exists')
  pool.remove(id)
  expect(() => pool.get(id)).toThrow('names a collection that exists')
  expect(() => pool.remove(id)).toThrow('removed once')
})

test('any calls leave what a Map would hold', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'add', 'add', 'remove', 'recount', 'due', 'clear'),
    at: fc.nat(1000),
    bytes: fc.nat(1000),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const pool = new ObjectPool()
      const model = new Map<number, { value: Value; dueAt: number }>()
      for (const { kind, at, bytes } of steps) {
        const id = [...model.keys()][at % Math.max(1, model.size)]
        if (kind === 'add') {
          const added = value(bytes)
          const newId = pool.add(added)
          expect(model.has(newId)).toBe(false)
          model.set(newId, { value: added, dueAt: NEVER })
        } else if (kind === 'clear' && at < 100) {
          pool.clear()
          model.clear()
        } else if (id === undefined) continue
        else if (kind === 'remove') {
          pool.remove(id)
          model.delete(id)
        } else if (kind === 'recount') {
          model.get(id)!.value.bytes = bytes
          pool.recount(id)
        } else if (kind === 'due') {
          pool.setDueAt(id, bytes)
          model.get(id)!.dueAt = bytes
        }
        let sum = 0
        for (const [known, { value: one, dueAt }] of model) {
          if (pool.get(known) !== one || pool.dueAt(known) !== dueAt)
            expect.fail(`number ${known} is another`)
          sum += one.bytes
        }
        expect(pool.bytes).toBe(sum)
      }
    }),
  )
})
