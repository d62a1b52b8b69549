/** Subscriptions: filters, ends, and subscribers that throw. */
import { expect, test, vi } from 'vitest'
import { EventHub } from '../../src/runtime/event-hub.ts'

type TestEvent =
  | { readonly type: 'thread_started'; readonly thread: number }
  | { readonly type: 'child'; readonly supervisor: string; readonly child: string }

const started = (thread: number): TestEvent => ({ type: 'thread_started', thread })
const child = (supervisor: string, id: string): TestEvent => ({ type: 'child', supervisor, child: id })
const EVENTS = [started(1), started(2), child('app', 'a'), child('app', 'b'), child('db', 'a')]

function seenWith(filter: Parameters<EventHub<TestEvent>['subscribe']>[1]) {
  const hub = new EventHub<TestEvent>(() => undefined)
  const seen: TestEvent[] = []
  hub.subscribe((event) => seen.push(event), filter)
  for (const event of EVENTS) hub.emit(event)
  return seen
}

test('a filter lets through what fits all of it', () => {
  expect(seenWith({})).toEqual(EVENTS)
  expect(seenWith({ types: ['child'] })).toEqual(EVENTS.slice(2))
  expect(seenWith({ thread: 2 })).toEqual([started(2)])
  expect(seenWith({ supervisor: 'app', child: 'a' })).toEqual([child('app', 'a')])
  expect(seenWith({ where: (event) => event.type === 'child' && event.child === 'b' })).toEqual([
    child('app', 'b'),
  ])
})

test('a subscription ends when it is told to, or by its signal', () => {
  const hub = new EventHub<TestEvent>(() => undefined)
  const given = new AbortController()
  const [a, b, c]: TestEvent[][] = [[], [], []]
  const end = hub.subscribe((event) => a!.push(event))
  hub.subscribe((event) => b!.push(event), { signal: given.signal })
  hub.subscribe((event) => c!.push(event), { signal: AbortSignal.abort() })
  hub.emit(started(1))
  end()
  given.abort()
  hub.emit(started(2))
  expect([a, b, c]).toEqual([[started(1)], [started(1)], []])
})

test('a subscriber that throws is warned about, and the others are told', () => {
  const warn = vi.fn()
  const hub = new EventHub<TestEvent>(warn)
  const seen: TestEvent[] = []
  hub.subscribe(() => {
    throw new Error('mine')
  })
  hub.subscribe((event) => seen.push(event))
  hub.emit(started(1))
  expect(seen).toEqual([started(1)])
  expect(warn).toHaveBeenCalledWith(expect.stringContaining('mine'))
})

test('a filter that cannot be meant is refused', () => {
  const hub = new EventHub<TestEvent>(() => undefined)
  expect(() => hub.subscribe(() => undefined, { type: 'child' } as object)).toThrow('types')
  expect(() => hub.subscribe('x' as never)).toThrow('a function')
})
