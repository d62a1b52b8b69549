/**
 * Commands of sorted sets against a map of members, and the log of what they did against what they did: an
 * engine that is given the effects alone has the same members, scores and times.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

const SOAK = process.env['SHL_SOAK'] ? 20 : 1

const key = fc.constantFrom('z1', 'z2', 'z3')
const member = fc.integer({ min: 0, max: 20 }).map((n) => `m${n}`)
const score = fc.oneof(
  fc.integer({ min: -5, max: 5 }).map(String),
  fc.constantFrom('inf', '-inf', '0.1', '1e20'),
)
const index = fc.integer({ min: -12, max: 12 }).map(String)
const bound = fc.tuple(fc.constantFrom('', '('), score).map((parts) => parts.join(''))
const pairs = fc.array(fc.tuple(score, member), { minLength: 1, maxLength: 6 })
const condition = fc.constantFrom([], ['NX'], ['XX'], ['GT'], ['LT'], ['XX', 'GT'])
const end = fc.constantFrom('MIN', 'MAX')

const command = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(key, condition, pairs).map(([k, c, p]) => ['ZADD', k, ...c, ...p.flat()]),
  },
  { weight: 2, arbitrary: fc.tuple(key, score, member).map((rest) => ['ZINCRBY', ...rest]) },
  { weight: 2, arbitrary: fc.tuple(key, member).map((rest) => ['ZREM', ...rest]) },
  { weight: 1, arbitrary: fc.tuple(key, index, index).map((rest) => ['ZREMRANGEBYRANK', ...rest]) },
  { weight: 1, arbitrary: fc.tuple(key, bound, bound).map((rest) => ['ZREMRANGEBYSCORE', ...rest]) },
  { weight: 1, arbitrary: fc.tuple(key, end).map(([k, e]) => [`ZPOP${e}`, k, '2']) },
  { weight: 1, arbitrary: fc.tuple(key, key, end).map(([a, b, e]) => ['ZMPOP', '2', a, b, e]) },
  { weight: 1, arbitrary: fc.tuple(key, end).map(([k, e]) => ['BZPOP'.concat(e), 'none', k, '0']) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom('ZUNIONSTORE', 'ZINTERSTORE', 'ZDIFFSTORE'), key, key, key)
      .map(([name, to, a, b]) => [name, to, '2', a, b]),
  },
  { weight: 1, arbitrary: fc.tuple(key, key, index, index).map((rest) => ['ZRANGESTORE', ...rest]) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(key, fc.integer({ min: 0, max: 6 }), member, member)
      .map(([k, seconds, a, b]) => ['ZEXPIRE', k, String(seconds), 'MEMBERS', '2', a, b]),
  },
  { weight: 1, arbitrary: fc.tuple(key, member).map(([k, m]) => ['ZPERSIST', k, 'MEMBERS', '1', m]) },
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 2000 }).map((ms) => ['ADVANCE', String(ms)]) },
)

/** Members with scores and times. */
function stateOf(t: TestEngine): Plain[] {
  return ['z1', 'z2', 'z3'].map((k) => {
    const scored = t.ask('ZRANGE', k, '0', '-1', 'WITHSCORES') as [string, number][]
    if (scored.length === 0) return [t.ask('EXISTS', k)]
    const names = scored.map(([name]) => name)
    return [scored, t.ask('ZPEXPIRETIME', k, 'MEMBERS', names.length, ...names)]
  })
}

test('a replay of the effects ends with the same members, scores and times', () => {
  fc.assert(
    fc.property(fc.array(command, { minLength: 10, maxLength: 60 }), (commands) => {
      const original = makeEngine()
      const copy = makeEngine()
      copy.caller = { ...copy.caller, isReplay: true }
      for (const argv of commands) {
        if (argv[0] === 'ADVANCE') {
          for (const t of [original, copy]) t.clock.advance(Number(argv[1]))
          continue
        }
        original.run(...argv)
        for (const effect of original.effects()) copy.run(...effect)
        expect(stateOf(copy)).toEqual(stateOf(original))
      }
    }),
    { numRuns: 100 * SOAK },
  )
})

type Model = Map<string, number>

function inOrder(model: Model): [string, number][] {
  return [...model].sort(([a, x], [b, y]) => (x === y ? (a < b ? -1 : 1) : x < y ? -1 : 1))
}

const numberOf = (text: string): number => {
  if (text.endsWith('inf')) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return Number(text)
}

function isWithin(value: number, min: string, max: string): boolean {
  const [from, to] = [numberOf(min.replace('(', '')), numberOf(max.replace('(', ''))]
  return (
    (min.startsWith('(') ? value > from : value >= from) && (max.startsWith('(') ? value < to : value <= to)
  )
}

function sliced<T>(list: T[], offset: number, limit: number): T[] {
  return offset < 0 ? [] : list.slice(offset, limit < 0 ? undefined : offset + limit)
}

function addTo(
  model: Model,
  conditions: readonly string[],
  entries: readonly (readonly [string, string])[],
): void {
  for (const [text, name] of entries) {
    const old = model.get(name)
    const value = numberOf(text)
    if (conditions.includes('NX') && old !== undefined) continue
    if (conditions.includes('XX') && old === undefined) continue
    if (conditions.includes('GT') && old !== undefined && value <= old) continue
    if (conditions.includes('LT') && old !== undefined && value >= old) continue
    model.set(name, value)
  }
}

test('ranges answer what a sorted list of the members does', () => {
  const options = fc.tuple(fc.boolean(), fc.integer({ min: -1, max: 8 }), fc.integer({ min: -1, max: 8 }))
  const ranges = fc.array(fc.tuple(bound, bound, index, index, options), { minLength: 5, maxLength: 10 })
  fc.assert(
    fc.property(
      fc.array(fc.tuple(condition, pairs), { minLength: 1, maxLength: 12 }),
      ranges,
      (adds, queries) => {
        const t = makeEngine()
        const model: Model = new Map()
        for (const [conditions, entries] of adds) {
          t.run('ZADD', 'z', ...conditions, ...entries.flat())
          addTo(model, conditions, entries)
        }
        const all = inOrder(model)
        expect(t.ask('ZRANGE', 'z', 0, -1, 'WITHSCORES')).toEqual(all)
        expect(all.map(([name]) => t.ask('ZRANK', 'z', name))).toEqual([...all.keys()])
        for (const [min, max, start, stop, [isReverse, offset, limit]] of queries) {
          const within = all.filter(([, value]) => isWithin(value, min, max))
          expect(t.ask('ZCOUNT', 'z', min, max)).toBe(within.length)
          const ordered = isReverse ? within.toReversed() : within
          const bounds = isReverse ? [max, min] : [min, max]
          const reverse = isReverse ? ['REV'] : []
          expect(
            t.ask('ZRANGE', 'z', ...bounds, 'BYSCORE', ...reverse, 'LIMIT', offset, limit, 'WITHSCORES'),
          ).toEqual(sliced(ordered, offset, limit))
          const list = isReverse ? all.toReversed() : all
          const [from, to] = [Number(start), Number(stop)].map((i) => (i < 0 ? i + list.length : i)) as [
            number,
            number,
          ]
          expect(t.ask('ZRANGE', 'z', start, stop, ...reverse, 'WITHSCORES')).toEqual(
            list.slice(Math.max(from, 0), Math.max(to + 1, 0)),
          )
        }
      },
    ),
    { numRuns: 50 * SOAK },
  )
})
