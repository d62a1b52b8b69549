/** Prefixes of clients, and what has changed below them. */
import { expect, it } from 'vitest'
import { BY_OTHERS, TrackingPrefixes } from '../../../src/server/push/tracking-prefixes.ts'

function news(prefixes: TrackingPrefixes): unknown[] {
  return prefixes.takeNews().map(({ clients, changed }) => [[...clients], Object.fromEntries(changed)])
}

it('tells each prefix of its keys, once, with who has changed them', () => {
  const prefixes = new TrackingPrefixes()
  prefixes.add('user:', 1)
  prefixes.add('user:', 2)
  prefixes.add('', 3)
  prefixes.add('item:', 1)
  expect(prefixes.count).toBe(3)
  prefixes.touch('user:7', 1)
  prefixes.touch('user:7', 1)
  prefixes.touch('user:8', 2)
  prefixes.touch('user:8', 1)
  prefixes.touch('us', BY_OTHERS)
  expect(prefixes.hasNews).toBe(true)
  expect(news(prefixes)).toEqual([
    [[1, 2], { 'user:7': 1, 'user:8': BY_OTHERS }],
    [[3], { 'user:7': 1, 'user:8': BY_OTHERS, us: BY_OTHERS }],
  ])
  expect(prefixes.hasNews).toBe(false)
  expect(news(prefixes)).toEqual([])
})

it('forgets a prefix with its last client, and what was to be told of it', () => {
  const prefixes = new TrackingPrefixes()
  prefixes.add('a', 1)
  prefixes.add('a', 2)
  prefixes.remove('a', 1)
  prefixes.remove('b', 1)
  prefixes.touch('abc', 5)
  prefixes.remove('a', 2)
  expect(prefixes.count).toBe(0)
  expect(news(prefixes)).toEqual([])
  prefixes.touch('abc', 5)
  expect(prefixes.hasNews).toBe(false)
})
