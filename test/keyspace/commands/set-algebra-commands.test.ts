/** Intersection, union and difference against JavaScript's own sets, and how results are stored. */
import fc from 'fast-check'
import { beforeEach, expect, test } from 'vitest'
import type { SetReply } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, type Plain, type TestEngine } from '../../support/engine.ts'

let t: TestEngine
beforeEach(() => {
  t = makeEngine()
})
const ask = (line: string): Plain => t.ask(...line.split(' '))

const OPERATIONS = {
  SINTER: ([first = new Set<string>(), ...others]: Set<string>[]) =>
    [...first].filter((member) => others.every((set) => set.has(member))),
  SUNION: (sets: Set<string>[]) => [...new Set(sets.flatMap((set) => [...set]))],
  SDIFF: ([first = new Set<string>(), ...others]: Set<string>[]) =>
    [...first].filter((member) => !others.some((set) => set.has(member))),
}

const member = fc.oneof(
  fc.nat(30).map(String),
  fc.nat(30).map((n) => `m${n}`),
)
const sets = fc.array(fc.array(member, { maxLength: 40 }), { minLength: 1, maxLength: 6 })

test.each(Object.entries(OPERATIONS))('%s answers, counts and stores what sets make', (name, operation) => {
  fc.assert(
    fc.property(sets, fc.nat(5), (all, target) => {
      t = makeEngine()
      for (const [i, list] of all.entries()) if (list.length > 0) t.run('SADD', `s${i}`, ...list)
      const keys = all.map((_, i) => `s${i}`)
      const expected = operation(all.map((list) => new Set(list))).sort()
      const reply = t.run(name, ...keys)
      expect([...((reply as SetReply).members as string[])].sort()).toEqual(expected)
      if (name === 'SINTER') expect(t.run('SINTERCARD', keys.length, ...keys)).toBe(expected.length)
      // The target may be one of the sources.
      expect(t.run(`${name}STORE`, `s${target}`, ...keys)).toBe(expected.length)
      expect(((t.run('SMEMBERS', `s${target}`) as SetReply).members as string[]).toSorted()).toEqual(expected)
    }),
    { numRuns: 150 },
  )
})

test('a stored result takes the place of whatever was there, and its expiry', () => {
  ask('SADD a x y')
  ask('SET target v')
  ask('EXPIRE target 10')
  expect(ask('SUNIONSTORE target a missing')).toBe(2)
  expect(t.events()).toEqual(['sunionstore target'])
  expect(t.effects()).toEqual([['SUNIONSTORE', 'target', 'a', 'missing']])
  expect([ask('TYPE target'), ask('TTL target')]).toEqual(['set', -1])
})

test('an empty result removes the target', () => {
  ask('SADD a x')
  ask('SET target v')
  expect(ask('SINTERSTORE target a missing')).toBe(0)
  expect(t.events()).toEqual(['del target'])
  expect(ask('SDIFFSTORE target a a')).toBe(0)
  expect(t.events()).toEqual([])
  expect(t.effects()).toEqual([])
})

test('members that expire are stored as members that do not, and the expired are left out', () => {
  ask('SADD a x y')
  ask('SPEXPIRE a 100 MEMBERS 1 x')
  ask('SUNIONSTORE b a')
  expect(ask('STTL b MEMBERS 1 x')).toEqual([-1])
  t.clock.advance(100)
  expect(ask('SINTER a b')).toEqual(['y'])
})

test('SINTERCARD stops at the limit', () => {
  ask('SADD a 1 2 3 4')
  ask('SADD b 2 3 4 5')
  expect(['0', '1', '2', '3', '9'].map((limit) => ask(`SINTERCARD 2 a b LIMIT ${limit}`))).toEqual([
    3, 1, 2, 3, 3,
  ])
})

test.each([
  ['SINTERCARD 0 a', 'numkeys should be greater than 0'],
  ['SINTERCARD x a', 'numkeys should be greater than 0'],
  ['SINTERCARD 2 a', "Number of keys can't be greater than number of args"],
  ['SINTERCARD 1 a LIMIT', 'syntax error'],
  ['SINTERCARD 1 a LIMIT -1', "LIMIT can't be negative"],
  ['SINTERCARD 1 a LIMIT x', "LIMIT can't be negative"],
  ['SINTERCARD 1 a b', 'syntax error'],
])('%s is refused', (line, message) => {
  expect(ask(line)).toBe(`(error) ERR ${message}`)
})

test('a difference looks at each other set, or gathers them first: whichever is less', () => {
  t.run('SADD', 'first', ...Array.from({ length: 2000 }, (_, i) => `m${i}`))
  const keys = Array.from({ length: 50 }, (_, i) => {
    t.run('SADD', `other${i}`, `m${i}`, `x${i}`)
    return `other${i}`
  })
  expect((t.run('SDIFF', 'first', ...keys) as SetReply).members.length).toBe(1950)
  expect((t.run('SDIFF', 'other3', 'first') as SetReply).members).toEqual(['x3'])
})
