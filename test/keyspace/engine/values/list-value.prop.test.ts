/** The list against an array: every operation, in any order, from nothing to several chunks. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ListValue } from '../../../../src/keyspace/engine/values/list-value.ts'
import { runSteps } from '../../../../src/keyspace/engine/values/steps.ts'

const value = fc.constantFrom('a', 'b', 'c', '7', '-12345', 'x'.repeat(70))
const index = fc.oneof(fc.integer({ min: -20, max: 20 }), fc.integer({ min: -3000, max: 3000 }))
const side = fc.boolean()
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('push' as const), isLeft: side, value }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('pushMany' as const),
      isLeft: side,
      value,
      count: fc.constantFrom(3, 100, 511, 600, 1400),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('pop' as const),
      isLeft: side,
      count: fc.constantFrom(1, 1, 1, 40, 500, 1100),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('set' as const), index, value }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('insert' as const), isLeft: side, pivot: value, value }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      value,
      count: fc.integer({ min: -400, max: 400 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('removeAll' as const), value }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('trim' as const), start: index, stop: index }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

test('it does what an array would do', () => {
  const marks = { chunked: 0, quicklist: 0, backToListpack: 0 }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
      const list = new ListValue()
      let model: string[] = []
      let before = list.encoding
      for (const one of steps) {
        model = run(list, model, one)
        expect(list.isSound()).toBe(true)
        expect(list.size).toBe(model.length)
        expect(list.range(0, -1)).toEqual(model)
        if (model.length > 512) marks.chunked++
        if (list.encoding === 'quicklist') marks.quicklist++
        if (list.encoding === 'listpack' && before === 'quicklist') marks.backToListpack++
        before = list.encoding
      }
      expect([...list.values()]).toEqual(model)
    }),
    { numRuns: process.env['SHL_SOAK'] ? 2000 : 60 },
  )
  for (const count of Object.values(marks)) expect(count).toBeGreaterThan(0)
})

/** Does a step to both, compares the answers, and returns the model. */
function run(list: ListValue, model: string[], step: Step): string[] {
  switch (step.kind) {
    case 'push':
    case 'pushMany':
      for (let i = 0; i < (step.kind === 'push' ? 1 : step.count); i++) {
        // Every third is another, so that removals leave something.
        const pushed = i % 3 === 2 ? `${i}` : step.value
        if (step.isLeft) list.pushLeft(pushed)
        else list.pushRight(pushed)
        if (step.isLeft) model.unshift(pushed)
        else model.push(pushed)
      }
      return model
    case 'pop':
      for (let i = 0; i < step.count; i++) {
        expect(step.isLeft ? list.popLeft() : list.popRight()).toBe(step.isLeft ? model.shift() : model.pop())
      }
      return model
    case 'set': {
      const at = step.index < 0 ? step.index + model.length : step.index
      const isInside = at >= 0 && at < model.length
      expect(list.set(step.index, step.value)).toBe(isInside)
      if (isInside) model[at] = step.value
      return model
    }
    case 'insert': {
      const at = model.indexOf(step.pivot)
      const inserted = step.isLeft
        ? list.insertBefore(step.pivot, step.value)
        : list.insertAfter(step.pivot, step.value)
      expect(inserted).toBe(at !== -1)
      if (at !== -1) model.splice(step.isLeft ? at : at + 1, 0, step.value)
      return model
    }
    case 'remove':
    case 'removeAll': {
      const count = step.kind === 'remove' ? step.count : 0
      const kept = withoutMatching(model, step.value, count)
      expect(list.removeMatching(step.value, count)).toBe(model.length - kept.length)
      return kept
    }
    case 'trim': {
      list.trim(step.start, step.stop)
      return rangeOf(model, step.start, step.stop)
    }
  }
}

function withoutMatching(model: readonly string[], value: string, count: number): string[] {
  let rest = count === 0 ? Infinity : Math.abs(count)
  const isKept = (item: string) => item !== value || rest-- <= 0
  return count < 0 ? [...model].reverse().filter(isKept).reverse() : model.filter(isKept)
}

/** LRANGE as its documentation says. */
function rangeOf(model: readonly string[], start: number, stop: number): string[] {
  const from = start < 0 ? Math.max(0, start + model.length) : start
  const end = (stop < 0 ? stop + model.length : stop) + 1
  return model.slice(from, Math.max(0, end))
}

/** A list of three small numbers, made from both ends, so that chunks are full, half full and split. */
const lists = fc
  .record({
    left: fc.array(fc.nat(3), { maxLength: 1500, size: 'max' }),
    right: fc.array(fc.nat(3), { maxLength: 1500, size: 'max' }),
  })
  .map(({ left, right }) => {
    const list = new ListValue()
    for (const n of left) list.pushLeft(String(n))
    for (const n of right) list.pushRight(String(n))
    return { list, model: [...left.reverse(), ...right].map(String) }
  })

test('it finds positions by rank, count and maxlen', () => {
  const options = fc.record({
    rank: fc.integer({ min: -30, max: 30 }).filter((rank) => rank !== 0),
    count: fc.constantFrom(0, 1, 2, 50, 5000),
    maxlen: fc.constantFrom(0, 1, 10, 600, 5000),
  })
  fc.assert(
    fc.property(lists, options, ({ list, model }, { rank, count, maxlen }) => {
      const indexes = model.map((_, at) => at)
      if (rank < 0) indexes.reverse()
      const looked = maxlen === 0 ? indexes : indexes.slice(0, maxlen)
      const matches = looked.filter((at) => model[at] === '2').slice(Math.abs(rank) - 1)
      const expected = count === 0 ? matches : matches.slice(0, count)
      expect(list.positions('2', { rank, count, maxlen })).toEqual(expected)
      expect(list.positions('absent', { rank, count, maxlen })).toEqual([])
    }),
    { numRuns: 100 },
  )
})

test('it reads any element, any range and any slice', () => {
  fc.assert(
    fc.property(lists, fc.array(fc.tuple(index, index), { maxLength: 20 }), ({ list, model }, ranges) => {
      for (const [start, stop] of ranges) {
        expect(list.get(start)).toBe(model.at(start))
        expect(list.range(start, stop)).toEqual(rangeOf(model, start, stop))
        const from = Math.abs(start)
        expect(list.slice(from, Math.abs(stop))).toEqual(model.slice(from, from + Math.abs(stop)))
      }
    }),
    { numRuns: 50 },
  )
})

test('a removal in steps looks at one chunk a step, and given up it leaves a sound list', () => {
  fc.assert(
    fc.property(
      lists,
      fc.integer({ min: -1000, max: 1000 }),
      fc.nat(6),
      ({ list, model }, count, stepsMax) => {
        const steps = list.removeMatchingSteps('1', count)
        for (let i = 0; i < stepsMax; i++) steps.next()
        steps.return(0)
        expect(list.isSound()).toBe(true)
        // What is gone is a part of what the whole removal takes away, from the same side.
        const removed = model.length - list.size
        const expected = removed === 0 ? model : withoutMatching(model, '1', count < 0 ? -removed : removed)
        expect(list.range(0, -1)).toEqual(expected)
        runSteps(list.removeMatchingSteps('1', 0))
        expect(list.range(0, -1)).toEqual(model.filter((item) => item !== '1'))
        expect(list.isSound()).toBe(true)
      },
    ),
    { numRuns: 100 },
  )
})
