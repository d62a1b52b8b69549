/** The ceiling of memory: what each policy throws out, and what it never does. */
import { expect, test } from 'vitest'
import type { EvictionPolicyName } from '../../../src/keyspace/engine/index.ts'
import { makeEngine } from '../../support/engine.ts'

const VALUE = 'x'.repeat(200)
/** About a thousand keys of this size. */
const MAX_BYTES = 400_000

function fill(policy: EvictionPolicyName, count: number, ttl: (i: number) => number = () => 0) {
  const made = makeEngine({ memory: { maxBytes: MAX_BYTES, policy } })
  const refused: number[] = []
  for (let i = 0; i < count; i++) {
    const expiry = ttl(i) === 0 ? [] : ['PX', ttl(i)]
    const reply = made.ask('SET', `key:${i}`, VALUE, ...expiry)
    if (reply !== 'OK') refused.push(i)
    made.clock.advance(1000)
  }
  return { ...made, refused }
}

test('without eviction a write is refused at the ceiling, and reads and deletes go on', () => {
  const { ask, engine, refused } = fill('noeviction', 3000)
  expect(refused.length).toBeGreaterThan(100)
  expect(engine.usedBytes()).toBeLessThan(MAX_BYTES + 1000)
  expect(ask('SET', 'more', VALUE)).toBe("(error) OOM command not allowed when used memory > 'maxmemory'.")
  expect(ask('GET', 'key:0')).toBe(VALUE)
  for (let i = 0; i < 10; i++) expect(ask('DEL', `key:${i}`)).toBe(1)
  expect(ask('SET', 'more', VALUE)).toBe('OK')
  expect(engine.stats.evictedKeys).toBe(0)
})

test.each(['allkeys-lru', 'allkeys-lfu', 'allkeys-random'] as const)(
  '%s keeps within the ceiling',
  (policy) => {
    const { engine, refused, ask } = fill(policy, 4000)
    expect(refused).toEqual([])
    expect(engine.usedBytes()).toBeLessThan(MAX_BYTES + 1000)
    expect(engine.stats.evictedKeys).toBe(4000 - (ask('DBSIZE') as number))
  },
)

test('by age, what was used lately stays', () => {
  const { ask, clock } = fill('allkeys-lru', 800)
  for (let round = 0; round < 40; round++) {
    for (let i = 0; i < 100; i++) ask('GET', `key:${i}`)
    for (let i = 0; i < 50; i++) ask('SET', `new:${round}:${i}`, VALUE)
    clock.advance(2000)
  }
  let kept = 0
  for (let i = 0; i < 100; i++) if (ask('EXISTS', `key:${i}`) === 1) kept++
  expect(kept).toBeGreaterThan(95)
})

test('by use, what was used often stays, also when others are newer', () => {
  const { ask, clock } = fill('allkeys-lfu', 600)
  for (let round = 0; round < 50; round++) for (let i = 0; i < 100; i++) ask('GET', `key:${i}`)
  for (let i = 0; i < 3000; i++) {
    ask('SET', `new:${i}`, VALUE)
    clock.advance(1)
  }
  let kept = 0
  for (let i = 0; i < 100; i++) if (ask('EXISTS', `key:${i}`) === 1) kept++
  expect(kept).toBeGreaterThan(90)
})

test.each(['volatile-lru', 'volatile-lfu', 'volatile-random', 'volatile-ttl'] as const)(
  '%s throws out keys with an expiry alone, and refuses when there are none',
  (policy) => {
    const { ask, engine } = fill(policy, 500, (i) => (i % 10 === 0 ? 10_000_000 : 0))
    const refused: string[] = []
    for (let i = 0; i < 1500; i++) if (ask('SET', `more:${i}`, VALUE) !== 'OK') refused.push(`more:${i}`)
    expect(refused.length).toBeGreaterThan(0)
    expect(engine.stats.evictedKeys).toBe(50)
    for (let i = 0; i < 500; i++) expect(ask('EXISTS', `key:${i}`)).toBe(i % 10 === 0 ? 0 : 1)
  },
)

test('by time to live, what expires soonest goes first', () => {
  const { ask, engine } = fill('volatile-ttl', 2000, (i) => 10_000_000 + (i % 2) * 100_000_000)
  expect(engine.stats.evictedKeys).toBeGreaterThan(500)
  let late = 0
  for (let i = 0; i < 2000; i++) {
    if (ask('EXISTS', `key:${i}`) === 0) continue
    if (i % 2 === 1) late++
  }
  expect(late).toBeGreaterThan(950)
})

test('an eviction is told, and logged as a removal', () => {
  const { ask, commits } = fill('allkeys-random', 900)
  commits.length = 0
  for (let i = 0; i < 500; i++) ask('SET', `new:${i}`, VALUE)
  const evicted = commits.flatMap(({ changes }) => changes.filter(({ event }) => event === 'evicted'))
  const removed = commits.flatMap(({ effects }) => effects.filter(({ argv }) => argv[0] === 'DEL'))
  expect(evicted.length).toBeGreaterThan(0)
  expect(removed.map(({ argv }) => argv[1])).toEqual(evicted.map(({ key }) => key))
})

test('what must go for a collection goes, and memory of collections counts', () => {
  const { ask, engine } = makeEngine({ memory: { maxBytes: MAX_BYTES, policy: 'allkeys-lru' } })
  for (let i = 0; i < 200; i++) {
    for (let j = 0; j < 50; j++) ask('HSET', `hash:${i}`, `field:${j}`, VALUE)
  }
  expect(engine.usedBytes()).toBeLessThan(MAX_BYTES * 1.2)
  expect(engine.stats.evictedKeys).toBeGreaterThan(100)
})
