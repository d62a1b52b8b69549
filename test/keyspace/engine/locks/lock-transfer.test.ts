/** Locks that move to another shard, or into a snapshot. */
import { expect, test } from 'vitest'
import {
  dropLocks,
  exportLocks,
  importLocks,
  lockEffects,
} from '../../../../src/keyspace/engine/locks/lock-transfer.ts'
import { kindOf, LockBench, tokenOf } from '../../../support/lock-host.ts'

const isTheirs = (name: string): boolean => name.startsWith('b')

test('leases move with what is left of them; who waits is told to come again', () => {
  const giver = new LockBench()
  const taker = new LockBench()
  taker.host.nowMs = 77_000
  giver.ask('a', 'ann')
  const bob = giver.ask('b', 'bob')
  giver.ask('b', 'bob')
  const shared = ['r1', 'r2'].map((owner) => giver.ask('b2', owner, { mode: 'shared' }))
  const waiting = giver.ask('b', 'cid', { mode: 'shared' })
  giver.pass(40)

  const state = JSON.parse(JSON.stringify(exportLocks(giver.table, isTheirs)))
  expect(state.locks[0].waiters).toEqual([{ number: 1, owner: 'cid', mode: 'shared', waitingMs: 40 }])
  taker.do((table) => importLocks(table, state))
  expect(giver.do((table) => dropLocks(table, isTheirs))).toBe(2)
  giver.table.check()
  taker.table.check()

  expect([...giver.table.names()]).toEqual(['a'])
  expect(kindOf(waiting)).toBe('moved')
  expect(giver.host.log.filter((line) => line.includes('('))).toHaveLength(4)
  expect(taker.table.info('b')).toMatchObject({
    mode: 'exclusive',
    holders: [{ entries: 2, remainingMs: 60 }],
  })
  expect(shared.map((one) => taker.table.validate('b2', tokenOf(one)!))).toEqual([true, true])
  taker.pass(59)
  expect(taker.table.validate('b', tokenOf(bob)!)).toBe(true)
  taker.pass(1)
  expect(taker.table.validate('b', tokenOf(bob)!)).toBe(false)
})

test('tokens go on growing at the new place, also for locks that nobody holds', () => {
  const giver = new LockBench()
  const taker = new LockBench()
  for (let i = 0; i < 5; i++) giver.release('b', 'ann', tokenOf(giver.ask('b', 'ann'))!)
  importLocks(taker.table, exportLocks(giver.table, isTheirs))
  expect(tokenOf(taker.ask('b', 'bob'))).toBe(6)
})

test('a snapshot is what the log would have to say', () => {
  const bench = new LockBench()
  bench.ask('a', 'ann')
  bench.ask('s', 'bob', { mode: 'semaphore', limit: 3, ttlMs: 7 })
  bench.ask('a', 'cid')
  expect(lockEffects(bench.table).map((argv) => argv.join(' '))).toEqual([
    'LOCK.FLOOR 2',
    'LOCK.GRANTED a ann exclusive 1 100 0 1',
    'LOCK.GRANTED s bob semaphore 2 7 3 1',
  ])
})

test('what is told last of a lock is true', () => {
  const bench = new LockBench()
  const state = { owner: 'ann', mode: 'exclusive', limit: 0, token: 3, ttlMs: 100, entries: 1 } as const
  const restore = (change: object): void =>
    bench.do((table) => table.restore('a', { ...state, ...change }, 100))
  restore({})
  restore({ entries: 2, ttlMs: 500 })
  expect(bench.table.info('a')?.holders).toMatchObject([{ owner: 'ann', entries: 2, ttlMs: 500 }])
  restore({ owner: 'bob', token: 4 })
  expect(bench.table.info('a')?.holders).toMatchObject([{ owner: 'bob', token: 4 }])
  restore({ owner: 'cid', mode: 'shared', token: 5 })
  restore({ owner: 'dan', mode: 'shared', token: 6 })
  expect(bench.table.info('a')?.holders).toHaveLength(2)
  restore({ owner: 'eve', mode: 'semaphore', limit: 2, token: 7 })
  expect(bench.table.info('a')).toMatchObject({ limit: 2, holders: [{ owner: 'eve' }] })
  bench.table.check()
  bench.table.restoreFreed('a', 'eve', 6)
  expect(bench.table.size).toBe(1)
  bench.table.restoreFreed('a', 'eve', 7)
  expect(bench.table.size).toBe(0)
  expect(tokenOf(bench.ask('a', 'fay'))).toBe(8)
})
