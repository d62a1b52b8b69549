/** Names of keys that have changed, for whoever keeps copies of them. */
import { expect, it } from 'vitest'
import { type TouchedItem, TouchedKeys, touchedKeys } from '../../../src/keyspace/watch/touched-keys.ts'

it('tells each key once until it is taken, and who has changed it where that was one', () => {
  const keys = new TouchedKeys()
  expect(keys.isReady).toBe(false)
  keys.add('a', 0)
  keys.add('b', 0)
  keys.add('a', 0)
  expect(keys.take()).toEqual({ type: 'keys', keys: ['a', 'b'] })
  expect(keys.isReady).toBe(false)
  keys.add('a', 7)
  keys.add('b', 7)
  keys.add('b', 8)
  keys.add('a', 7)
  expect(keys.take()).toEqual({ type: 'keys', keys: ['a', 'b'], by: [7, 0] })
})

it('says that any key may have changed when it is told so, or there are too many', () => {
  const keys = new TouchedKeys()
  keys.add('a', 0)
  keys.add('', 0)
  keys.add('b', 0)
  expect(keys.take()).toEqual({ type: 'all' })
  expect(keys.isReady).toBe(false)
  for (let i = 0; i <= 65_536; i++) keys.add(`key:${i}`, 0)
  expect(keys.take()).toEqual({ type: 'all' })
  for (let i = 0; i < 20; i++) keys.add(`${i}`.repeat(1024 * 1024), 0)
  expect(keys.take()).toEqual({ type: 'all' })
})

it('a stream gives them in batches, from when it is open to its end', async () => {
  const listeners = new Set<(key: string, by: number) => void>()
  const end = new AbortController()
  const stream = touchedKeys(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    end.signal,
    undefined,
  )
  const next = async (): Promise<TouchedItem | undefined> => (await stream.next()).value ?? undefined
  expect(await next()).toEqual({ type: 'open' })
  const waiting = next()
  for (let i = 0; i < 1500; i++) for (const listener of listeners) listener(`${i}`, 0)
  const [first, second] = [await waiting, await next()]
  expect(first?.type === 'keys' && second?.type === 'keys' && [...first.keys, ...second.keys]).toEqual(
    Array.from({ length: 1500 }, (_, i) => `${i}`),
  )
  end.abort()
  expect(await next()).toBeUndefined()
  expect(listeners.size).toBe(0)
})

it('whoever is on the thread is called at once', async () => {
  const listeners = new Set<(key: string, by: number) => void>()
  const called: unknown[] = []
  const stream = touchedKeys(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    new AbortController().signal,
    (key, by) => called.push([key, by]),
  )
  await stream.next()
  for (const listener of listeners) listener('a', 3)
  expect(called).toEqual([['a', 3]])
  await stream.return()
})
