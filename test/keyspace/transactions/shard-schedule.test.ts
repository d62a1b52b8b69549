/** One shard's schedule, step by step. */
import { describe, expect, test } from 'vitest'
import { type KeyIntent, ShardSchedule, WHOLE_SHARD } from '../../../src/keyspace/transactions/index.ts'

const write = (...keys: string[]): KeyIntent[] => keys.map((key) => ({ key, exclusive: true }))
const read = (...keys: string[]): KeyIntent[] => keys.map((key) => ({ key, exclusive: false }))

function runnable(schedule: ShardSchedule): number[] {
  const ids: number[] = []
  for (let id = schedule.next(); id !== undefined; id = schedule.next()) ids.push(id)
  schedule.check()
  return ids
}

describe('alone', () => {
  test('a transaction is granted, armed, run and forgotten', () => {
    const schedule = new ShardSchedule()
    expect(schedule.schedule(1, write('a', 'b'))).toBe('granted')
    expect(schedule.intentsOf('a')).toEqual({ shared: 0, exclusive: 1 })
    expect(runnable(schedule)).toEqual([])
    schedule.arm(1)
    expect(runnable(schedule)).toEqual([1])
    expect(schedule.stateOf(1)).toBe('running')
    schedule.finish(1)
    expect(schedule.size).toBe(0)
    expect(schedule.intentsOf('a')).toEqual({ shared: 0, exclusive: 0 })
  })

  test('a key named twice is one intent, the stronger one', () => {
    const schedule = new ShardSchedule()
    expect(schedule.schedule(1, [...read('a'), ...write('a'), ...read('a')])).toBe('granted')
    expect(schedule.intentsOf('a')).toEqual({ shared: 0, exclusive: 1 })
    schedule.check()
  })
})

describe('with others', () => {
  test('whoever touches other keys goes ahead of those who wait', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(1, write('a'))
    schedule.arm(1)
    expect(runnable(schedule)).toEqual([1])
    expect(schedule.schedule(2, write('a'))).toBe('queued')
    schedule.arm(2)
    expect(schedule.schedule(3, write('b'))).toBe('granted')
    schedule.arm(3)
    expect(runnable(schedule)).toEqual([3])
    schedule.finish(1)
    expect(runnable(schedule)).toEqual([2])
  })

  test('readers run together, a writer between them in its turn', () => {
    const schedule = new ShardSchedule()
    for (const [id, keys] of [read('a'), read('a'), write('a'), read('a')].entries()) {
      schedule.schedule(id + 1, keys)
      if (schedule.stateOf(id + 1) === 'acknowledged') schedule.arm(id + 1)
    }
    expect(runnable(schedule)).toEqual([1, 2])
    schedule.finish(1)
    expect(runnable(schedule)).toEqual([])
    schedule.finish(2)
    expect(runnable(schedule)).toEqual([3])
    schedule.finish(3)
    expect(runnable(schedule)).toEqual([4])
  })

  test('a yes is held back until those ahead are armed', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(1, write('a'))
    expect(schedule.schedule(2, write('a'))).toBe('pending')
    expect(schedule.nextAcknowledged()).toBeUndefined()
    schedule.arm(1)
    expect(schedule.nextAcknowledged()).toBe(2)
    expect(schedule.nextAcknowledged()).toBeUndefined()
  })

  test('who comes too late is refused, leaves no trace, and may come again', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(2, write('a'))
    expect(schedule.schedule(1, read('a', 'b'))).toBe('refused')
    expect(schedule.size).toBe(1)
    expect(schedule.cancel(1)).toBe(false)
    expect(schedule.schedule(3, read('a', 'b'))).toBe('pending')
    expect(schedule.cancel(2)).toBe(true)
    expect(schedule.nextAcknowledged()).toBe(3)
    schedule.check()
  })

  test('behind one that is armed even a lower id is welcome', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(2, write('a'))
    schedule.arm(2)
    expect(schedule.schedule(1, write('a'))).toBe('queued')
  })

  test('one that is cancelled after its turn has come is not returned', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(1, write('a'))
    schedule.schedule(2, write('a'))
    schedule.arm(1)
    expect(schedule.cancel(2)).toBe(true)
    expect(schedule.nextAcknowledged()).toBeUndefined()
    expect(schedule.cancel(1)).toBe(true)
    expect(runnable(schedule)).toEqual([])
    expect(schedule.size).toBe(0)
  })
})

describe('commands of this shard', () => {
  test('run inline past readers as readers, and past anybody with other keys', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(1, [...read('a'), ...write('b')])
    expect(schedule.isBlocked(['a'], false)).toBe(false)
    expect(schedule.isBlocked(['a'], true)).toBe(true)
    expect(schedule.isBlocked(['b'], false)).toBe(true)
    expect(schedule.isBlocked(['c', 'd'], true)).toBe(false)
    expect(schedule.isBlocked(WHOLE_SHARD, true)).toBe(true)
  })

  test('wait in one queue with the others, in the order in which they came', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(1, write('a'))
    const first = schedule.scheduleLocal(write('a'))
    expect(schedule.schedule(2, write('a'))).toBe('pending')
    const second = schedule.scheduleLocal(write('a'))
    schedule.arm(1)
    expect(schedule.nextAcknowledged()).toBe(2)
    schedule.arm(2)
    const order: number[] = []
    for (let ids = runnable(schedule); ids.length > 0; ids = runnable(schedule)) {
      order.push(...ids)
      for (const id of ids) schedule.finish(id)
    }
    expect(order).toEqual([1, first, 2, second])
  })

  test('hand on the id that they wait for', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(5, write('a'))
    schedule.scheduleLocal(write('a', 'b'))
    expect(schedule.schedule(4, write('b'))).toBe('refused')
    expect(schedule.schedule(6, write('b'))).toBe('pending')
  })

  test('ten thousand behind each other are no recursion', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(1, write('a'))
    for (let i = 0; i < 10_000; i++) schedule.scheduleLocal(write('a'))
    schedule.arm(1)
    let ran = 0
    for (let id = schedule.next(); id !== undefined; id = schedule.next()) {
      ran++
      schedule.finish(id)
    }
    expect(ran).toBe(10_001)
  })
})

describe('the whole shard', () => {
  test('waits for all, and all wait for it', () => {
    const schedule = new ShardSchedule()
    schedule.schedule(1, write('a'))
    schedule.arm(1)
    expect(schedule.schedule(2, WHOLE_SHARD)).toBe('queued')
    schedule.arm(2)
    expect(schedule.isBlocked(['z'], false)).toBe(true)
    expect(schedule.schedule(3, read('z'))).toBe('queued')
    schedule.arm(3)
    expect(runnable(schedule)).toEqual([1])
    schedule.finish(1)
    expect(runnable(schedule)).toEqual([2])
    schedule.finish(2)
    expect(runnable(schedule)).toEqual([3])
    schedule.finish(3)
    expect(schedule.isBlocked(WHOLE_SHARD, true)).toBe(false)
  })
})

test('what the protocol does not allow is an assertion', () => {
  const schedule = new ShardSchedule()
  schedule.schedule(1, write('a'))
  expect(() => schedule.schedule(1, write('b'))).toThrow('drawn once')
  expect(() => schedule.schedule(0, write('b'))).toThrow('drawn once')
  expect(() => schedule.finish(1)).toThrow('only what runs')
  schedule.schedule(2, write('a'))
  expect(() => schedule.arm(2)).toThrow('was acknowledged')
  expect(() => schedule.arm(9)).toThrow('is known')
  schedule.arm(1)
  schedule.next()
  expect(() => schedule.cancel(1)).toThrow('finished, not cancelled')
})
