/** The order of starting: after what one depends on, else as given; random graphs keep it. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dependencyOrder } from '../../../src/supervise/subsystem/dependency-order.ts'

const names = (order: readonly { readonly name: string }[]) => order.map(({ name }) => name).join(' ')

test('each comes after those that it depends on, and otherwise as given', () => {
  const order = dependencyOrder(
    [
      { name: 'web', dependsOn: ['cache', 'log'] },
      { name: 'cache', dependsOn: ['db'] },
      { name: 'mail', dependsOn: [] },
      { name: 'db', dependsOn: [] },
    ],
    ['log'],
  )
  expect(names(order)).toBe('db cache web mail')
})

test('whoever depends on nobody known, or on himself, is refused', () => {
  expect(() => dependencyOrder([{ name: 'a', dependsOn: ['x'] }], ['y'])).toThrow(
    /x, which a depends on.*y, a/,
  )
  expect(() => dependencyOrder([{ name: 'a', dependsOn: ['a'] }], [])).toThrow('a → a')
})

test('graphs without a circle are sorted', () => {
  const graph = fc.array(fc.array(fc.nat({ max: 100 }), { maxLength: 4 }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(graph, fc.infiniteStream(fc.nat({ max: 1000 })), (edges, draws) => {
      const all = edges.map((targets, i) => ({
        name: `n${i}`,
        dependsOn: i === 0 ? [] : targets.map((target) => `n${target % i}`),
      }))
      const shuffled = all
        .map((one) => ({ one, at: draws.next().value as number }))
        .sort((a, b) => a.at - b.at)
        .map(({ one }) => one)
      const order = dependencyOrder(shuffled, []).map(({ name }) => name)
      expect([...order].sort()).toEqual(all.map(({ name }) => name).sort())
      for (const { name, dependsOn } of all) {
        for (const other of dependsOn) expect(order.indexOf(other)).toBeLessThan(order.indexOf(name))
      }
    }),
  )
})
