/** Who waits for keys: in which order they are tried, and that each is answered once. */
import { describe, expect, test } from 'vitest'
import { BlockedCallers, type Waiter } from '../../../src/keyspace/engine/blocked-callers.ts'
import { NULL_ARRAY, type Reply } from '../../../src/keyspace/engine/index.ts'

interface Waiting extends Waiter {
  readonly name: string
  readonly replies: Reply[]
}

const NEVER = Number.POSITIVE_INFINITY

function waiting(
  name: string,
  keys: string[],
  options: { db?: number; deadlineMs?: number; touches?: string[]; onSettled?: () => void } = {},
): Waiting {
  const { db = 0, deadlineMs = NEVER, touches, onSettled } = options
  const replies: Reply[] = []
  return {
    name,
    replies,
    db,
    deadlineMs,
    caller: { id: name, resp: 3, db },
    request: {
      keys,
      timeoutMs: 0,
      serve: () => undefined,
      onTimeout: NULL_ARRAY,
      ...(touches && { touches }),
      ...(onSettled && { onSettled }),
    },
    resolve: (reply) => replies.push(reply),
    isDone: false,
  }
}

function ready(blocked: BlockedCallers): [number, string, ...string[]][] {
  return blocked.takeReady().map(({ db, key, waiters }) => {
    return [db, key, ...waiters.map((waiter) => (waiter as Waiting).name)]
  })
}

describe('keys that changed', () => {
  test('are given in the order of their marks, each once, with those who wait, the longest first', () => {
    const blocked = new BlockedCallers()
    for (const one of [waiting('A', ['x', 'y']), waiting('B', ['y']), waiting('C', ['x'])]) blocked.add(one)
    expect(blocked.hasReady).toBe(false)
    for (const key of ['y', 'nobody', 'x', 'y']) blocked.mark(0, key)
    expect(blocked.hasReady).toBe(true)
    expect(ready(blocked)).toEqual([
      [0, 'y', 'A', 'B'],
      [0, 'x', 'A', 'C'],
    ])
    expect(blocked.hasReady).toBe(false)
    expect(ready(blocked)).toEqual([])
  })

  test('are of one database', () => {
    const blocked = new BlockedCallers()
    blocked.add(waiting('A', ['x'], { db: 1 }))
    blocked.add(waiting('B', ['1:x'], { db: 1 }))
    blocked.mark(0, 'x')
    blocked.mark(11, 'x')
    expect(blocked.hasReady).toBe(false)
    blocked.mark(1, 'x')
    expect(ready(blocked)).toEqual([[1, 'x', 'A']])
  })

  test('may be marked again, for another time', () => {
    const blocked = new BlockedCallers()
    blocked.add(waiting('A', ['x']))
    blocked.mark(0, 'x')
    expect(ready(blocked)).toEqual([[0, 'x', 'A']])
    blocked.markAgain(0, 'x')
    expect(ready(blocked)).toEqual([[0, 'x', 'A']])
  })

  test('have nobody any more who was answered between the mark and the look', () => {
    const blocked = new BlockedCallers()
    const first = waiting('A', ['x'])
    blocked.add(first)
    blocked.mark(0, 'x')
    blocked.settle(first, 1)
    expect(ready(blocked)).toEqual([[0, 'x']])
    blocked.mark(0, 'x')
    expect(blocked.hasReady).toBe(false)
  })
})

describe('an answer', () => {
  test('comes once, takes the caller out of every queue, and is told just before', () => {
    const blocked = new BlockedCallers()
    const order: string[] = []
    const first = waiting('A', ['x', 'y', 'x'], {
      onSettled: () => order.push(`told ${first.replies.length}`),
    })
    blocked.add(first)
    blocked.add(waiting('B', ['y']))
    expect(blocked.count).toBe(2)
    expect(blocked.settle(first, 'one')).toBe(true)
    expect(blocked.settle(first, 'two')).toBe(false)
    expect(first.replies).toEqual(['one'])
    expect(order).toEqual(['told 0'])
    expect(blocked.count).toBe(1)
    for (const key of ['x', 'y']) blocked.mark(0, key)
    expect(ready(blocked)).toEqual([[0, 'y', 'B']])
  })
})

describe('deadlines', () => {
  test('end the waits whose time is over, with the answer of a timeout', () => {
    const blocked = new BlockedCallers()
    const waiters = [300, 100, NEVER, 200, 100].map((deadlineMs, i) =>
      waiting(`W${i}`, ['x'], { deadlineMs }),
    )
    for (const one of waiters) blocked.add(one)
    expect(blocked.nextDeadlineMs).toBe(100)
    expect(blocked.expire(99.9)).toBe(0)
    expect(blocked.expire(100)).toBe(2)
    expect(waiters.map(({ replies }) => replies)).toEqual([[], [NULL_ARRAY], [], [], [NULL_ARRAY]])
    expect(blocked.nextDeadlineMs).toBe(200)
    expect(blocked.expire(1000)).toBe(2)
    expect(blocked.nextDeadlineMs).toBe(NEVER)
    expect([blocked.count, blocked.expire(1e15)]).toEqual([1, 0])
  })

  test('are never missed, though one that is answered may leave an early look behind', () => {
    const blocked = new BlockedCallers()
    const first = waiting('A', ['x'], { deadlineMs: 100 })
    blocked.add(first)
    blocked.add(waiting('B', ['x'], { deadlineMs: 200 }))
    blocked.settle(first, 1)
    expect(blocked.nextDeadlineMs).toBeLessThanOrEqual(200)
    expect(blocked.expire(150)).toBe(0)
    expect(blocked.nextDeadlineMs).toBe(200)
    expect(first.replies).toEqual([1])
  })
})

test('those who wait for keys that move are found by what they wait for and what they touch', () => {
  const blocked = new BlockedCallers()
  blocked.add(waiting('A', ['x', 'y']))
  blocked.add(waiting('B', ['z'], { touches: ['y'] }))
  blocked.add(waiting('C', ['z']))
  const names = (key: string) =>
    blocked.waitersFor((one) => one === key).map((waiter) => (waiter as Waiting).name)
  expect([names('x'), names('y'), names('z'), names('q')]).toEqual([['A'], ['A', 'B'], ['B', 'C'], []])
})
