/** The hash against a `Map` of values and times. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { seededRandom } from '../../../../src/base/index.ts'
import { HashValue } from '../../../../src/keyspace/engine/values/hash-value.ts'

const names = Array.from({ length: 40 }, (_, n) => `f${n}`)
const field = fc.constantFrom(...names)
const time = fc.nat(50)
const step = fc.record({
  kind: fc.constantFrom(
    'set',
    'set',
    'set',
    'setKeeping',
    'delete',
    'expire',
    'expire',
    'persist',
    'take',
    'wait',
  ),
  field,
  time,
  value: fc.constantFrom('v', '17', 'y'.repeat(64)),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** What the hash should be: values with times, those that are over included until they are taken. */
class Model {
  readonly stored = new Map<string, { value: string; expireAtMs: number }>()
  nowMs = 1

  isLive(name: string): boolean {
    const entry = this.stored.get(name)
    return entry !== undefined && (entry.expireAtMs === 0 || entry.expireAtMs > this.nowMs)
  }

  live(): [string, string][] {
    return [...this.stored].filter(([name]) => this.isLive(name)).map(([name, { value }]) => [name, value])
  }

  run(hash: HashValue, { kind, field: name, time, value }: Step): void {
    const { stored, nowMs } = this
    const wasLive = this.isLive(name)
    const entry = stored.get(name)
    if (kind === 'set') {
      expect(hash.set(name, value, nowMs)).toBe(!wasLive)
      stored.set(name, { value, expireAtMs: 0 })
    } else if (kind === 'setKeeping') {
      expect(hash.setKeepingExpiry(name, value, nowMs)).toBe(!wasLive)
      stored.set(name, { value, expireAtMs: wasLive ? entry!.expireAtMs : 0 })
    } else if (kind === 'delete') {
      expect(hash.delete(name, nowMs)).toBe(wasLive)
      stored.delete(name)
    } else if (kind === 'expire') {
      expect(hash.setExpireAt(name, nowMs + time, nowMs)).toBe(wasLive)
      if (wasLive) entry!.expireAtMs = nowMs + time
    } else if (kind === 'persist') {
      expect(hash.persist(name, nowMs)).toBe(wasLive && entry!.expireAtMs !== 0)
      if (wasLive) entry!.expireAtMs = 0
    } else if (kind === 'wait') this.nowMs += time
    else this.#take(hash, time)
  }

  #take(hash: HashValue, limit: number): void {
    const due = [...this.stored.keys()].filter((name) => !this.isLive(name))
    const taken = hash.takeExpired(this.nowMs, limit)
    expect(taken.length).toBe(Math.min(limit, due.length))
    for (const name of taken) {
      expect(due).toContain(name)
      this.stored.delete(name)
    }
  }
}

test('it holds what a Map would hold, and an expired field reads as missing everywhere', () => {
  let expiredCount = 0
  fc.assert(
    fc.property(fc.array(step, { maxLength: 150, size: 'max' }), fc.nat(), (steps, seed) => {
      const hash = new HashValue()
      const model = new Model()
      const random = seededRandom(seed)
      for (const one of steps) {
        model.run(hash, one)
        checkAll(hash, model)
        checkRandom(hash, model, random)
        expiredCount += model.stored.size - model.live().length
      }
    }),
    { numRuns: process.env['SHL_SOAK'] ? 1000 : 25 },
  )
  expect(expiredCount).toBeGreaterThan(100)
})

function checkAll(hash: HashValue, model: Model): void {
  const { nowMs, stored } = model
  const live = model.live()
  expect(hash.size).toBe(stored.size)
  expect([...hash.entries(nowMs)]).toEqual(live)
  const wrong = names.filter(
    (name) =>
      hash.get(name, nowMs) !== (model.isLive(name) ? stored.get(name)!.value : undefined) ||
      hash.has(name, nowMs) !== model.isLive(name) ||
      hash.expireAt(name, nowMs) !== (model.isLive(name) ? stored.get(name)!.expireAtMs : undefined),
  )
  expect(wrong).toEqual([])
  const scanned: [string, string][] = []
  expect(hash.scan(0, 3, nowMs, (name, value) => scanned.push([name, value]))).toBe(0)
  expect(scanned).toEqual(live)
  const times = [...stored.values()].map(({ expireAtMs }) => expireAtMs).filter((at) => at > 0)
  expect(hash.nextExpiry).toBe(Math.min(...times))
  expect(hash.expiringCount).toBe(times.length)
  const copied = [...hash.slice(0, 7), ...hash.slice(7, Infinity)]
  expect(copied).toEqual([...stored].map(([name, entry]) => ({ field: name, ...entry })))
}

function checkRandom(hash: HashValue, model: Model, random: ReturnType<typeof seededRandom>): void {
  const live = new Map(model.live())
  const drawn = hash.random(random, model.nowMs)
  expect(drawn?.[1]).toBe(drawn && live.get(drawn[0]))
  expect(drawn === undefined).toBe(live.size === 0)
  for (const count of [0, 3, 100]) {
    const several = hash.randomDistinct(count, random, model.nowMs)
    expect(new Set(several.map(([name]) => name)).size).toBe(Math.min(count, live.size))
    for (const [name, value] of several) expect(live.get(name)).toBe(value)
  }
}

test('it is a hashtable from the 513th field on, or with a field or value of 65 bytes, and stays one', () => {
  const hash = new HashValue()
  for (let n = 0; n < 512; n++) hash.set(`f${n}`, 'x'.repeat(64), 0)
  expect(hash.encoding).toBe('listpack')
  hash.set('f512', '', 0)
  expect(hash.encoding).toBe('hashtable')
  for (let n = 1; n < 513; n++) hash.delete(`f${n}`, 0)
  expect(hash.encoding).toBe('hashtable')
  for (const [field, value] of [['f'.repeat(65), 'v'] as const, ['f', 'v'.repeat(65)] as const]) {
    const long = new HashValue()
    long.set(field, value, 0)
    expect(long.encoding).toBe('hashtable')
  }
  const limited = new HashValue(2, 4)
  limited.set('a', '1234', 0)
  limited.set('b', '1', 0)
  expect(limited.encoding).toBe('listpack')
  limited.set('b', '12345', 0)
  expect(limited.encoding).toBe('hashtable')
})

test('its bytes count what its fields, values and times take', () => {
  const hash = new HashValue()
  const empty = hash.bytes
  for (let n = 0; n < 1000; n++) hash.set(`field:${n}`, 'x'.repeat(100), 0)
  const full = hash.bytes
  expect((full - empty) / 1000).toBeGreaterThan(16 + 8 + 16 + 104 + 16)
  expect((full - empty) / 1000).toBeLessThan(16 + 16 + 16 + 104 + 40)
  for (let n = 0; n < 1000; n++) hash.setExpireAt(`field:${n}`, 1000 + n, 0)
  expect(hash.bytes).toBeGreaterThan(full + 1000 * 20)
  expect(hash.takeExpired(2000, Infinity).length).toBe(1000)
  expect(hash.bytes - empty).toBeLessThan(100)
})

test('a scan of a large hash leaves out the expired and ends', () => {
  const hash = new HashValue()
  for (let n = 0; n < 1000; n++) hash.set(`f${n}`, `${n}`, 0)
  for (let n = 0; n < 1000; n += 2) hash.setExpireAt(`f${n}`, 10, 0)
  const seen = new Set<string>()
  let cursor = 0
  let calls = 0
  do {
    cursor = hash.scan(cursor, 10, 10, (field) => seen.add(field))
    calls++
  } while (cursor !== 0)
  expect(calls).toBe(100)
  expect(seen.size).toBe(500)
  expect(hash.has('f0', 10)).toBe(false)
  expect(hash.has('f0', 9)).toBe(true)
})
