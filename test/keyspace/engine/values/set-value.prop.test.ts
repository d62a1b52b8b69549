/** The set against a `Set`: members, encodings and their orders, random draws. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/index.ts'
import { compareIntegers, isInteger64 } from '../../../../src/keyspace/engine/values/encodings.ts'
import { distinctPlaces } from '../../../../src/keyspace/engine/values/sampling.ts'
import { SetValue } from '../../../../src/keyspace/engine/values/set-value.ts'

const integer = fc.integer({ min: -30, max: 30 }).map(String)
const word = fc.constantFrom('a', 'b', '01', 'z'.repeat(64), 'z'.repeat(65))
const step = fc.record({
  kind: fc.constantFrom('add', 'add', 'add', 'delete', 'pop', 'expire', 'wait', 'take'),
  member: fc.oneof({ weight: 20, arbitrary: integer }, { weight: 1, arbitrary: word }),
  time: fc.nat(20),
})

test('it holds what a Set would hold, in the order that its encoding has in Redis', () => {
  const marks = { intset: 0, listpack: 0, hashtable: 0 }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), fc.nat(), (steps, seed) => {
      const random = seededRandom(seed)
      const set = new SetValue(30, 20)
      /** Member → time, 0 for none; in the order in which they are listed. */
      let model = new Map<string, number>()
      let encoding = 'intset'
      let nowMs = 1
      const isLive = (member: string) =>
        model.has(member) && (model.get(member) === 0 || model.get(member)! > nowMs)
      for (const { kind, member, time } of steps) {
        if (kind === 'add') {
          const isNew = !isLive(member)
          if (encoding === 'intset' && !isInteger64(member)) {
            // Too many for a listpack: the order of a hashtable is nobody's business, and stays as it was.
            encoding = model.size >= 20 ? 'hashtable' : 'listpack'
            if (encoding === 'listpack') {
              model = new Map([...model].sort(([a], [b]) => compareIntegers(a, b)))
            }
          }
          expect(set.add(member, nowMs)).toBe(isNew)
          if (isNew) model.set(member, 0)
          if (encoding === 'intset' && model.size > 30) encoding = 'hashtable'
          if (encoding === 'listpack' && (model.size > 20 || member.length > 64)) encoding = 'hashtable'
        } else if (kind === 'delete') {
          expect(set.delete(member, nowMs)).toBe(isLive(member))
          model.delete(member)
        } else if (kind === 'pop') {
          const popped = set.pop(random, nowMs)
          if (popped === undefined) expect([...model.keys()].some(isLive)).toBe(false)
          else {
            expect(isLive(popped)).toBe(true)
            model.delete(popped)
          }
        } else if (kind === 'expire') {
          expect(set.setExpireAt(member, nowMs + time, nowMs)).toBe(isLive(member))
          if (isLive(member)) model.set(member, nowMs + time)
        } else if (kind === 'wait') nowMs += time
        else
          for (const taken of set.takeExpired(nowMs, time))
            expect(isLive(taken) || !model.delete(taken)).toBe(false)
        const live = [...model.keys()].filter(isLive)
        if (encoding === 'intset') live.sort(compareIntegers)
        expect(set.encoding).toBe(encoding)
        expect(set.size).toBe(model.size)
        expect([...set.members(nowMs)]).toEqual(live)
        const scanned: string[] = []
        expect(set.scan(0, 5, nowMs, (one) => scanned.push(one))).toBe(0)
        expect(scanned).toEqual(live)
        expect(set.has(member, nowMs)).toBe(isLive(member))
        expect(
          set
            .slice(0, 1000)
            .map((entry) => [entry.member, entry.expireAtMs])
            .sort(),
        ).toEqual([...model].sort())
        const drawn = set.randomDistinct(5, random, nowMs)
        expect(new Set(drawn).size).toBe(Math.min(5, live.length))
        expect(drawn.every(isLive)).toBe(true)
        marks[set.encoding]++
      }
    }),
    { numRuns: 60 },
  )
  for (const count of Object.values(marks)) expect(count).toBeGreaterThan(100)
})

test('encodings change where those of Redis change', () => {
  const integers = new SetValue()
  for (let n = 0; n < 512; n++) integers.add(`${n * 7 - 1000}`, 0)
  expect(integers.encoding).toBe('intset')
  integers.add('99999', 0)
  expect(integers.encoding).toBe('hashtable')

  const mixed = new SetValue()
  for (let n = 0; n < 127; n++) mixed.add(`${n}`, 0)
  mixed.add('word', 0)
  expect(mixed.encoding).toBe('listpack')
  mixed.add('another', 0)
  expect(mixed.encoding).toBe('hashtable')

  const many = new SetValue()
  for (let n = 0; n < 128; n++) many.add(`${n}`, 0)
  many.add('word', 0)
  expect(many.encoding).toBe('hashtable')

  const long = new SetValue()
  long.add('x'.repeat(65), 0)
  expect(long.encoding).toBe('hashtable')
})

test('distinct places are distinct, in range, and each as likely as any other', () => {
  const random = seededRandom(5)
  const drawn = new Array<number>(20).fill(0)
  for (let turn = 0; turn < 20_000; turn++) {
    const places = distinctPlaces(20, 5, random)
    expect(new Set(places).size).toBe(5)
    for (const place of places) drawn[place]!++
  }
  expect(Math.min(...drawn)).toBeGreaterThan(4700)
  expect(Math.max(...drawn)).toBeLessThan(5300)
  expect(distinctPlaces(3, 5, random)).toEqual([0, 1, 2])
  expect(distinctPlaces(0, 5, random)).toEqual([])
})
