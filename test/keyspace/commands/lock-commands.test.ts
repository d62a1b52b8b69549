/** Commands of locks and semaphores, as a client sees them. */
import { describe, expect, test } from 'vitest'
import { exportLocks, importLocks } from '../../../src/keyspace/engine/index.ts'
import { ManualEngineClock, makeEngine, type Plain, plain, type Waiting } from '../../support/engine.ts'

const got = ({ reply }: Waiting): Plain | undefined => (reply === undefined ? undefined : plain(reply))

describe('LOCK.ACQUIRE, RENEW, RELEASE', () => {
  test('a lock is a token and a lease', () => {
    const { ask, clock, events } = makeEngine()
    expect(ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)).toEqual([1, 1000])
    expect(events()).toEqual(['lock a'])
    expect(ask('LOCK.ACQUIRE', 'a', 'bob', 'PX', 1000)).toBeNull()
    clock.advance(600)
    expect(ask('LOCK.RENEW', 'a', 'ann', 1, 'PX', 1000)).toBe(1)
    clock.advance(999)
    expect(ask('LOCK.VALIDATE', 'a', 1)).toBe(1)
    expect(ask('LOCK.RELEASE', 'a', 'ann', 1)).toBe(1)
    expect(events()).toEqual(['unlock a'])
    expect(ask('LOCK.RELEASE', 'a', 'ann', 1)).toBe(0)
    expect(ask('LOCK.RENEW', 'a', 'ann', 1, 'PX', 1000)).toBe(0)
    expect(ask('LOCK.VALIDATE', 'a', 1)).toBe(0)
  })

  test('a lock and a key of the same name do not know each other', () => {
    const { ask } = makeEngine()
    ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
    expect(ask('EXISTS', 'a')).toBe(0)
    ask('SET', 'a', '1')
    ask('DEL', 'a')
    expect(ask('LOCK.VALIDATE', 'a', 1)).toBe(1)
  })

  test('who waits is answered in order, when the lock becomes free', () => {
    const { ask, wait } = makeEngine()
    ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
    const bob = wait('LOCK.ACQUIRE', 'a', 'bob', 'PX', 500, 'WAIT', 0)
    const cid = wait('lock.acquire', 'a', 'cid', 'px', 500, 'wait', 2000)
    expect([got(bob), got(cid)]).toEqual([undefined, undefined])
    ask('LOCK.RELEASE', 'a', 'ann', 1)
    expect([got(bob), got(cid)]).toEqual([[2, 500], undefined])
    ask('LOCK.RELEASE', 'a', 'bob', 2)
    expect(got(cid)).toEqual([3, 500])
  })

  test('a tick ends leases and waits, and says when it wants to be called', () => {
    const { ask, wait, engine, clock, events, effects } = makeEngine()
    ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
    const bob = wait('LOCK.ACQUIRE', 'a', 'bob', 'PX', 500, 'WAIT', 300)
    const cid = wait('LOCK.ACQUIRE', 'a', 'cid', 'PX', 500, 'WAIT', 5000)
    expect(engine.nextDeadlineMs).toBe(clock.monotonicMs() + 300)
    clock.advance(300)
    engine.tick(1)
    expect([got(bob), got(cid)]).toEqual([null, undefined])
    expect(engine.nextDeadlineMs).toBe(clock.monotonicMs() + 700)
    clock.advance(700)
    engine.tick(1)
    expect(got(cid)).toEqual([2, 500])
    expect(events()).toEqual(['lockexpired a', 'lock a'])
    expect(effects().map((words) => words[0])).toEqual(['LOCK.FREED', 'LOCK.GRANTED'])
    expect(engine.blocked.count).toBe(0)
  })

  test('readers share, and wait behind a writer', () => {
    const { ask, wait } = makeEngine()
    expect(ask('LOCK.ACQUIRE', 'a', 'r1', 'PX', 1000, 'SHARED')).toEqual([1, 1000])
    expect(ask('LOCK.ACQUIRE', 'a', 'r2', 'PX', 1000, 'SHARED')).toEqual([2, 1000])
    wait('LOCK.ACQUIRE', 'a', 'w', 'PX', 1000, 'WAIT', 0)
    expect(ask('LOCK.ACQUIRE', 'a', 'r3', 'PX', 1000, 'SHARED')).toBeNull()
    expect(ask('LOCK.ACQUIRE', 'a', 'r1', 'PX', 1000)).toBe(
      "(error) LOCKMODE 'r1' holds 'a' shared: release it before you ask for it exclusively",
    )
  })

  test('several are taken together or not at all', () => {
    const { ask, wait } = makeEngine()
    ask('LOCK.ACQUIRE', 'b', 'ann', 'PX', 1000)
    expect(ask('LOCK.ACQUIREALL', 2, 'b', 'a', 'bob', 'PX', 1000)).toBeNull()
    const bob = wait('LOCK.ACQUIREALL', 2, 'b', 'a', 'bob', 'PX', 1000, 'WAIT', 0)
    ask('LOCK.RELEASE', 'b', 'ann', 1)
    expect(got(bob)).toEqual([[3, 2], 1000])
  })

  test.each([
    [
      ['LOCK.ACQUIRE', 'a', 'ann', 'PX', '0'],
      '(error) ERR the lease must be between 1 and 86400000 milliseconds',
    ],
    [['LOCK.ACQUIRE', 'a', 'ann', 'EX', '1'], '(error) ERR syntax error'],
    [['LOCK.ACQUIRE', 'a', 'ann', 'PX', '1', 'WAIT'], '(error) ERR syntax error'],
    [
      ['LOCK.ACQUIRE', 'a', 'ann', 'PX', '1', 'WAIT', '-1'],
      '(error) ERR WAIT must be milliseconds, or 0 for ever',
    ],
    [['LOCK.ACQUIRE', 'a', 'ann', 'PX', '1', 'SHARED', 'LIMIT', '2'], '(error) ERR syntax error'],
    [['LOCK.ACQUIRE', 'a', 'ann', 'SHARED', 'SHARED'], '(error) ERR syntax error'],
    [['LOCK.ACQUIREALL', '3', 'a', 'b', 'ann', 'PX', '1'], '(error) ERR syntax error'],
    [['SEM.ACQUIRE', 'a', 'ann', 'LIMIT', '0', 'PX', '1'], '(error) ERR LIMIT must be between 1 and 1000000'],
    [['SEM.ACQUIRE', 'a', 'ann', 'PX', '1', 'WAIT', '1'], '(error) ERR syntax error'],
    [['LOCK.RENEW', 'a', 'ann', 'x', 'PX', '1'], '(error) ERR value is not an integer or out of range'],
    [
      ['LOCK.GRANTED', 'a', 'ann', 'exclusive', '1', '1', '0', '1'],
      '(error) ERR this command is for the replay of the log',
    ],
  ])('%j is refused', (argv, expected) => {
    expect(makeEngine().ask(...argv)).toBe(expected)
  })
})

describe('waits that end otherwise', () => {
  test('a caller that is gone leaves its place', () => {
    const { ask, wait, engine, caller } = makeEngine()
    ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
    const later = { resolve: () => {}, cancel: undefined as (() => void) | undefined }
    engine.execute(caller, ['LOCK.ACQUIRE', 'a', 'bob', 'PX', '1000', 'WAIT', '0'], later)
    const cid = wait('LOCK.ACQUIRE', 'a', 'cid', 'PX', 1000, 'WAIT', 0)
    later.cancel?.()
    expect(engine.locks.waiterCount).toBe(1)
    ask('LOCK.RELEASE', 'a', 'ann', 1)
    expect(got(cid)).toEqual([2, 1000])
  })

  test('a wait is cancelled from elsewhere, by owner and id', () => {
    const { ask, wait, engine } = makeEngine()
    ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
    const waits = [1, 2].map(() => wait('LOCK.ACQUIRE', 'a', 'bob', 'PX', 1000, 'WAIT', 0))
    expect(ask('LOCK.CANCEL', 'a', 'bob', 2)).toBe(1)
    expect(waits.map(got)).toEqual([undefined, null])
    expect(ask('LOCK.CANCEL', 'a', 'bob')).toBe(1)
    expect(ask('LOCK.CANCEL', 'a', 'bob')).toBe(0)
    expect(engine.blocked.count).toBe(0)
  })

  test('a lock that moves sends who waits to the new place', () => {
    const [from, to] = [makeEngine(), makeEngine()]
    from.ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
    const bob = from.wait('LOCK.ACQUIRE', 'a', 'bob', 'PX', 1000, 'WAIT', 0)
    importLocks(
      to.engine.locks,
      exportLocks(from.engine.locks, () => true),
    )
    expect(to.commits.at(-1)?.effects).toHaveLength(1)
    from.engine.atomically(() => from.engine.locks.drop('a'))
    expect(got(bob)).toBe('(error) TRYAGAIN the lock is at another shard now')
    expect(to.ask('LOCK.VALIDATE', 'a', 1)).toBe(1)
  })

  test('within a transaction nobody waits, and who waits is told after its end', () => {
    const { ask, run, wait, engine, commits } = makeEngine()
    ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
    const bob = wait('LOCK.ACQUIRE', 'a', 'bob', 'PX', 1000, 'WAIT', 0)
    const before = commits.length
    engine.atomically(() => {
      run('LOCK.RELEASE', 'a', 'ann', '1')
      expect(run('LOCK.ACQUIRE', 'a', 'cid', 'PX', 1000, 'WAIT', 0)).toBeNull()
      expect(got(bob)).toBeUndefined()
    })
    expect(got(bob)).toEqual([2, 1000])
    expect(commits).toHaveLength(before + 1)
  })

  test('what a captured unit gives is told when its commit is out', () => {
    const { ask, run, wait, engine, clock } = makeEngine()
    ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
    const bob = wait('LOCK.ACQUIRE', 'a', 'bob', 'PX', 1000, 'WAIT', 0)
    const { commit } = engine.capture(() => run('LOCK.RELEASE', 'a', 'ann', '1'))
    expect(commit).toMatchObject({ needsSync: true })
    expect(got(bob)).toBeUndefined()
    expect(engine.nextDeadlineMs).toBe(clock.monotonicMs())
    engine.tick(1)
    expect(got(bob)).toEqual([2, 1000])
  })
})

test('INFO shows who holds and who waits; a lock that nobody uses is free', () => {
  const { ask, wait, clock } = makeEngine()
  expect(ask('LOCK.INFO', 'a')).toEqual(
    flat({ mode: 'free', limit: 0, 'last-token': 0, holders: [], waiters: [] }),
  )
  ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
  ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
  clock.advance(250)
  wait('LOCK.ACQUIRE', 'a', 'bob', 'PX', 1000, 'WAIT', 0, 'SHARED')
  clock.advance(50)
  const holder = flat({ owner: 'ann', token: 1, 'remaining-ms': 700, entries: 2 })
  const waiter = flat({ id: 1, owner: 'bob', mode: 'shared', 'waiting-ms': 50 })
  expect(ask('LOCK.INFO', 'a')).toEqual(
    flat({ mode: 'exclusive', limit: 0, 'last-token': 1, holders: [holder], waiters: [waiter] }),
  )
})

test('LIST names the locks that are used, by pattern', () => {
  const { ask } = makeEngine()
  for (const name of ['a:1', 'a:2', 'b:1']) ask('LOCK.ACQUIRE', name, 'ann', 'PX', 1000)
  expect(ask('LOCK.LIST')).toEqual(['a:1', 'a:2', 'b:1'])
  expect(ask('LOCK.LIST', 'MATCH', 'a:*')).toEqual(['a:1', 'a:2'])
  expect(ask('LOCK.LIST', 'a:*')).toBe('(error) ERR syntax error')
})

test('a semaphore has as many places as all say', () => {
  const { ask, wait } = makeEngine()
  expect(ask('SEM.ACQUIRE', 's', 'a', 'LIMIT', 2, 'PX', 1000)).toEqual([1, 1000])
  expect(ask('LOCK.ACQUIRE', 's', 'b', 'PX', 1000, 'LIMIT', 2)).toEqual([2, 1000])
  const c = wait('SEM.ACQUIRE', 's', 'c', 'LIMIT', 2, 'PX', 1000, 'WAIT', 0)
  expect(ask('SEM.ACQUIRE', 's', 'd', 'LIMIT', 3, 'PX', 1000)).toBe(
    "(error) LOCKMODE 's' is in use as a semaphore of 2, not as a semaphore of 3",
  )
  expect(ask('SEM.RENEW', 's', 'a', 1, 'PX', 2000)).toBe(1)
  expect(ask('SEM.RELEASE', 's', 'b', 2)).toBe(1)
  expect(got(c)).toEqual([3, 1000])
  expect(ask('SEM.INFO', 's')).toContain('semaphore')
})

test('a commit with a new token wants to be on disk before anybody is told', () => {
  const { ask, commits } = makeEngine()
  ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
  expect(commits.at(-1)?.needsSync).toBe(true)
  const before = commits.length
  ask('LOCK.RENEW', 'a', 'ann', 1, 'PX', 1000)
  expect(commits).toHaveLength(before)
  ask('LOCK.RELEASE', 'a', 'ann', 1)
  expect(commits.at(-1)?.needsSync).toBeUndefined()
})

test('a wall clock that jumps changes nothing', () => {
  class JumpingClock extends ManualEngineClock {
    jumpMs = 0
    override wallMs(): number {
      return super.wallMs() + this.jumpMs
    }
  }
  const clock = new JumpingClock()
  const { ask, wait, engine } = makeEngine({ clock })
  ask('LOCK.ACQUIRE', 'a', 'ann', 'PX', 1000)
  const bob = wait('LOCK.ACQUIRE', 'a', 'bob', 'PX', 1000, 'WAIT', 5000)
  for (const jumpMs of [86_400_000, -86_400_000]) {
    clock.jumpMs = jumpMs
    clock.advance(499)
    engine.tick(1)
    expect(ask('LOCK.VALIDATE', 'a', 1)).toBe(1)
    expect(got(bob)).toBeUndefined()
  }
  clock.advance(2)
  engine.tick(1)
  expect(got(bob)).toEqual([2, 1000])
})

function flat(fields: Readonly<Record<string, Plain>>): Plain {
  return Object.entries(fields).flat()
}
