/** The dictionary against a `Map`: any calls, at any size from nothing to several chunks. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/index.ts'
import {
  ByteDictionary,
  byteStringBytes,
  SMALL_MAX,
} from '../../../../src/keyspace/engine/values/byte-dictionary.ts'

type Step =
  | { readonly kind: 'set' | 'delete' | 'deleteAt'; readonly key: number }
  | { readonly kind: 'grow' | 'shrink'; readonly count: number; readonly seed: number }

const key = (n: number) => `key:${n}`
const few = fc.integer({ min: 0, max: 40 })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('set' as const, 'delete' as const, 'deleteAt' as const),
      key: few,
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('grow' as const, 'shrink' as const),
      count: fc.constantFrom(1, 15, 60, 130, 700, 2500, 5000),
      seed: fc.nat(1000),
    }),
  },
)

test.each([
  { keepsOrder: true, isSet: false },
  { keepsOrder: false, isSet: false },
  { keepsOrder: true, isSet: true },
])('it holds what a Map would hold: %o', (options) => {
  const marks = { indexed: 0, large: 0, shrunk: 0 }
  fc.assert(
    fc.property(fc.array(step, { minLength: 20, maxLength: 60, size: 'max' }), fc.nat(), (steps, seed) => {
      const dictionary = new ByteDictionary<string>({ ...options, seed, valueBytes: (value) => value.length })
      const model = new Map<string, string>()
      let wasLarge = false
      for (const [n, one] of steps.entries()) {
        run(dictionary, model, one, options.isSet ? '' : `value ${'x'.repeat(n)}`)
        check(dictionary, model, options)
        if (model.size > 16) marks.indexed++
        if (model.size > 1024) marks.large++
        if (wasLarge && model.size < 100) marks.shrunk++
        wasLarge ||= model.size > 1024
      }
    }),
    { numRuns: 30 },
  )
  for (const count of Object.values(marks)) expect(count).toBeGreaterThan(0)
})

function run(
  dictionary: ByteDictionary<string>,
  model: Map<string, string>,
  step: Step,
  value: string,
): void {
  if (step.kind === 'set') {
    expect(dictionary.set(key(step.key), value)).toBe(!model.has(key(step.key)))
    model.set(key(step.key), value)
  } else if (step.kind === 'delete') {
    expect(dictionary.delete(key(step.key))).toBe(model.delete(key(step.key)))
  } else if (step.kind === 'deleteAt') {
    if (dictionary.size === 0) return
    const index = step.key % dictionary.size
    model.delete(dictionary.keyAt(index))
    dictionary.deleteAt(index)
  } else if (step.kind === 'grow') {
    for (let i = 0; i < step.count; i++) {
      dictionary.set(key(step.seed + i), value)
      model.set(key(step.seed + i), value)
    }
  } else if (step.kind === 'shrink') {
    const random = seededRandom(step.seed)
    for (let i = 0; i < step.count && dictionary.size > 0; i++) {
      const name = dictionary.keyAt(dictionary.random(random))
      dictionary.delete(name)
      model.delete(name)
    }
  }
}

function check(
  dictionary: ByteDictionary<string>,
  model: Map<string, string>,
  options: { isSet: boolean },
): void {
  expect(dictionary.size).toBe(model.size)
  let wrong = 0
  for (let i = 0; i < dictionary.size; i++) {
    const name = dictionary.keyAt(i)
    if (dictionary.indexOf(name) !== i || !model.has(name)) wrong++
    const value = options.isSet ? undefined : model.get(name)
    if (dictionary.get(name) !== value || dictionary.valueAt(i) !== value) wrong++
  }
  expect(wrong).toBe(0)
  expect(dictionary.has('absent')).toBe(false)
  expect(dictionary.get('key:-1')).toBe(undefined)
  checkBytes(dictionary, model, options)
}

/** What an empty one takes, the content, and a fixed sum per entry. */
function checkBytes(
  dictionary: ByteDictionary<string>,
  model: Map<string, string>,
  options: { isSet: boolean },
) {
  let content = 0
  for (const [name, value] of model) content += byteStringBytes(name) + (options.isSet ? 0 : value.length)
  const overhead = dictionary.bytes - new ByteDictionary(options).bytes - content
  expect(overhead).toBeGreaterThanOrEqual(model.size * 8)
  expect(overhead).toBeLessThanOrEqual(model.size * 28)
}

test('while it is small, it lists its entries in the order in which a Map lists them', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.nat(SMALL_MAX - 1)), { maxLength: 600, size: 'max' }),
      (steps) => {
        const dictionary = new ByteDictionary<number>()
        const model = new Map<string, number>()
        for (const [adds, n] of steps) {
          if (adds) {
            dictionary.set(key(n), n)
            model.set(key(n), n)
          } else {
            dictionary.delete(key(n))
            model.delete(key(n))
          }
          expect([...dictionary.entries()]).toEqual([...model])
        }
      },
    ),
    { numRuns: 30 },
  )
})

test('a scan returns every entry that is there throughout, whatever is done between its calls', () => {
  const between = fc.record({
    adds: fc.array(fc.nat(4000), { maxLength: 30 }),
    deletes: fc.array(fc.nat(4000), { maxLength: 200 }),
    shrinks: fc.constantFrom(0, 0, 0, 500, 1500),
  })
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2000 }),
      fc.array(between, { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 200 }),
      fc.nat(),
      (size, changes, count, seed) => {
        const random = seededRandom(seed)
        const dictionary = new ByteDictionary<number>()
        for (let i = 0; i < size; i++) dictionary.set(key(i), i)
        // Gone once is gone for the promise, also when it comes back.
        const throughout = new Set([...dictionary.entries()].map(([name]) => name))
        const visited = new Set<string>()
        let cursor = 0
        for (let turn = 0; ; turn++) {
          let visits = 0
          cursor = dictionary.scan(cursor, count, (name, value) => {
            expect(name).toBe(key(value))
            visited.add(name)
            visits++
          })
          expect(visits).toBeLessThanOrEqual(Math.max(count, SMALL_MAX))
          if (cursor === 0) break
          const change = changes[turn % changes.length]!
          for (const n of change.adds) dictionary.set(key(n), n)
          for (const n of change.deletes) if (dictionary.delete(key(n))) throughout.delete(key(n))
          for (let i = 0; turn < changes.length && i < change.shrinks && dictionary.size > 0; i++) {
            const index = dictionary.random(random)
            throughout.delete(dictionary.keyAt(index))
            dictionary.deleteAt(index)
          }
        }
        for (const name of throughout) expect(visited.has(name)).toBe(true)
      },
    ),
    { numRuns: 100 },
  )
})
