/** The rules of locks, one by one. */
import { describe, expect, test } from 'vitest'
import { ErrorReply } from '../../../../src/keyspace/engine/index.ts'
import { kindOf, LockBench, tokenOf } from '../../../support/lock-host.ts'

const SHARED = { mode: 'shared' } as const
const TWO = { mode: 'semaphore', limit: 2 } as const

describe('taking and leaving', () => {
  test('a free lock is granted at once, with a token and the lease', () => {
    const bench = new LockBench()
    expect(bench.ask('a', 'ann').outcome).toEqual({ kind: 'granted', tokens: [1], leaseMs: 100 })
    expect(bench.table.validate('a', 1)).toBe(true)
    expect(bench.table.validate('b', 1)).toBe(false)
    expect(bench.host.log).toEqual(['LOCK.GRANTED a ann exclusive 1 100 0 1 (lock)'])
  })

  test('a held lock is refused to who does not wait, and given on in the order of asking', () => {
    const bench = new LockBench()
    const ann = bench.ask('a', 'ann')
    expect(kindOf(bench.ask('a', 'bob', { waitMs: 0 }))).toBe('busy')
    const [bob, cid] = [bench.ask('a', 'bob'), bench.ask('a', 'cid')]
    expect(bench.release('a', 'ann', tokenOf(ann)!)).toBe(true)
    expect([kindOf(bob), kindOf(cid)]).toEqual(['granted', 'waits'])
    expect(bench.release('a', 'bob', tokenOf(bob)!)).toBe(true)
    expect(tokenOf(cid)).toBe(3)
    bench.table.check()
  })

  test('a second release, and one with a wrong token or owner, answers false and changes nothing', () => {
    const bench = new LockBench()
    const token = tokenOf(bench.ask('a', 'ann'))!
    expect(bench.release('a', 'ann', token + 1)).toBe(false)
    expect(bench.release('a', 'bob', token)).toBe(false)
    expect(bench.release('a', 'ann', token)).toBe(true)
    expect(bench.release('a', 'ann', token)).toBe(false)
    bench.ask('a', 'bob')
    expect(bench.release('a', 'ann', token)).toBe(false)
    expect(bench.table.info('a')?.holders[0]?.owner).toBe('bob')
  })

  test('tokens grow across release, expiry and an idle lock, for all names together', () => {
    const bench = new LockBench()
    const tokens = ['a', 'b', 'a', 'a'].map((name) => {
      const token = tokenOf(bench.ask(name, 'ann'))!
      if (token % 2 === 0) bench.release(name, 'ann', token)
      else {
        bench.pass(100)
        bench.tick()
      }
      expect(bench.table.size).toBe(0)
      return token
    })
    expect(tokens).toEqual([1, 2, 3, 4])
  })

  test('who waits beyond the limit is refused', () => {
    const bench = new LockBench({ waitersPerLock: 1 })
    bench.ask('a', 'ann')
    bench.ask('a', 'bob')
    expect(() => bench.ask('a', 'cid')).toThrow(expect.objectContaining({ code: 'LOCKBUSY' }))
    expect(kindOf(bench.ask('a', 'cid', { waitMs: 0 }))).toBe('busy')
  })
})

describe('shared and exclusive', () => {
  test('readers hold together; a writer waits for all of them', () => {
    const bench = new LockBench()
    const readers = ['r1', 'r2'].map((owner) => bench.ask('a', owner, SHARED))
    const writer = bench.ask('a', 'w')
    expect([...readers, writer].map(kindOf)).toEqual(['granted', 'granted', 'waits'])
    bench.release('a', 'r1', tokenOf(readers[0]!)!)
    expect(kindOf(writer)).toBe('waits')
    bench.release('a', 'r2', tokenOf(readers[1]!)!)
    expect(kindOf(writer)).toBe('granted')
  })

  test('a reader behind a waiting writer waits; the readers at the head then enter together', () => {
    const bench = new LockBench()
    const first = bench.ask('a', 'r1', SHARED)
    const writer = bench.ask('a', 'w')
    const late = ['r2', 'r3'].map((owner) => bench.ask('a', owner, SHARED))
    const last = bench.ask('a', 'w2')
    expect(late.map(kindOf)).toEqual(['waits', 'waits'])
    bench.release('a', 'r1', tokenOf(first)!)
    expect([writer, ...late].map(kindOf)).toEqual(['granted', 'waits', 'waits'])
    bench.release('a', 'w', tokenOf(writer)!)
    expect([...late, last].map(kindOf)).toEqual(['granted', 'granted', 'waits'])
    expect(bench.table.info('a')).toMatchObject({ mode: 'shared', lastToken: 4 })
  })

  test('a writer that gives up lets the readers behind it enter', () => {
    const bench = new LockBench()
    bench.ask('a', 'r1', SHARED)
    const writer = bench.ask('a', 'w', { waitMs: 10 })
    const reader = bench.ask('a', 'r2', SHARED)
    bench.pass(10)
    bench.tick()
    expect([kindOf(writer), kindOf(reader)]).toEqual(['timeout', 'granted'])
  })
})

describe('entering again', () => {
  test('the same owner keeps its token and leaves as often as it entered', () => {
    const bench = new LockBench()
    const token = tokenOf(bench.ask('a', 'ann'))!
    const bob = bench.ask('a', 'bob')
    bench.pass(50)
    expect(tokenOf(bench.ask('a', 'ann'))).toBe(token)
    expect(bench.table.info('a')?.holders).toMatchObject([{ entries: 2, remainingMs: 100 }])
    bench.release('a', 'ann', token)
    expect(kindOf(bob)).toBe('waits')
    bench.release('a', 'ann', token)
    expect(kindOf(bob)).toBe('granted')
  })

  test('a shorter lease does not shorten the one that runs', () => {
    const bench = new LockBench()
    bench.ask('a', 'ann')
    bench.ask('a', 'ann', { ttlMs: 5 })
    expect(bench.table.info('a')?.holders[0]?.remainingMs).toBe(100)
  })

  test('who holds shared is refused exclusively, even alone; the other way round is one more entry', () => {
    const bench = new LockBench()
    bench.ask('a', 'ann', SHARED)
    expect(() => bench.ask('a', 'ann')).toThrow(expect.objectContaining({ code: 'LOCKMODE' }))
    bench.ask('b', 'ann')
    expect(kindOf(bench.ask('b', 'ann', SHARED))).toBe('granted')
    expect(bench.table.info('b')).toMatchObject({ mode: 'exclusive', holders: [{ entries: 2 }] })
  })

  test('a table may be told that owners do not enter again', () => {
    const bench = new LockBench({ isReentrant: false })
    const first = bench.ask('a', 'ann')
    const second = bench.ask('a', 'ann')
    expect(kindOf(second)).toBe('waits')
    bench.release('a', 'ann', tokenOf(first)!)
    expect(tokenOf(second)).toBe(2)
    bench.table.check()
  })
})

describe('time', () => {
  test('a lease is over from its end on, for whoever asks', () => {
    const bench = new LockBench()
    const token = tokenOf(bench.ask('a', 'ann'))!
    bench.pass(99)
    expect(bench.table.validate('a', token)).toBe(true)
    bench.pass(1)
    expect(bench.table.validate('a', token)).toBe(false)
    expect(bench.table.renew('a', 'ann', token, 100)).toBe(false)
    expect(bench.host.log.at(-1)).toBe('LOCK.FREED a ann 1 (lockexpired)')
  })

  test('any access gives the lock to the next, who came before', () => {
    const bench = new LockBench()
    bench.ask('a', 'ann')
    const bob = bench.ask('a', 'bob', { ttlMs: 30 })
    bench.pass(150)
    const cid = bench.ask('a', 'cid')
    expect([kindOf(bob), kindOf(cid)]).toEqual(['granted', 'waits'])
    // Its lease begins when it gets the lock, not when it could have had it.
    expect(bench.table.info('a')?.holders[0]?.remainingMs).toBe(30)
  })

  test('a wait that is over is over, though the lock becomes free at the same time', () => {
    const bench = new LockBench()
    bench.ask('a', 'ann')
    const bob = bench.ask('a', 'bob', { waitMs: 100 })
    const cid = bench.ask('a', 'cid')
    bench.pass(100)
    bench.tick()
    expect([kindOf(bob), kindOf(cid)]).toEqual(['timeout', 'granted'])
  })

  test('a renewal prolongs from now, and is logged only when the lease is longer than ever', () => {
    const bench = new LockBench()
    const token = tokenOf(bench.ask('a', 'ann'))!
    bench.pass(60)
    expect(bench.table.renew('a', 'ann', token, 100)).toBe(true)
    bench.pass(99)
    expect(bench.table.validate('a', token)).toBe(true)
    expect(bench.host.log).toHaveLength(1)
    expect(bench.table.renew('a', 'ann', token, 500)).toBe(true)
    expect(bench.host.log[1]).toBe('LOCK.GRANTED a ann exclusive 1 500 0 1')
    expect(bench.table.renew('a', 'ann', token, 1)).toBe(true)
    expect(bench.table.info('a')?.holders[0]?.remainingMs).toBe(500)
  })

  test('what is due is cleared away in slices', () => {
    const bench = new LockBench()
    for (let i = 0; i < 10; i++) bench.ask(`lock ${i}`, 'ann', { ttlMs: 10 + i })
    expect(bench.table.nextDueMs).toBe(1010)
    bench.pass(50)
    expect(bench.table.expireDue(4)).toBe(true)
    expect(bench.table.size).toBe(6)
    expect(bench.table.expireDue(6)).toBe(false)
    expect(bench.table.nextDueMs).toBe(Number.POSITIVE_INFINITY)
    expect(bench.table.bytes).toBe(0)
  })
})

describe('several at once', () => {
  test('all are granted together, with tokens in the order of the names given', () => {
    const bench = new LockBench()
    const outcome = bench.ask(['b', 'a', 'b'], 'ann').outcome
    expect(outcome).toEqual({ kind: 'granted', tokens: [2, 1, 2], leaseMs: 100 })
    expect(bench.table.info('b')?.holders[0]?.entries).toBe(1)
  })

  test('who waits for one of them holds none, and keeps its place in all', () => {
    const bench = new LockBench()
    const ann = bench.ask('a', 'ann')
    const both = bench.ask(['a', 'b'], 'bob')
    const late = bench.ask('b', 'cid')
    expect(bench.table.info('b')?.holders).toEqual([])
    expect([both, late].map(kindOf)).toEqual(['waits', 'waits'])
    bench.release('a', 'ann', tokenOf(ann)!)
    expect([both, late].map(kindOf)).toEqual(['granted', 'waits'])
    bench.table.check()
  })

  test('two who want the same locks in different orders both get them', () => {
    const bench = new LockBench()
    const hold = bench.ask('b', 'x')
    const one = bench.ask(['a', 'b'], 'one')
    const two = bench.ask(['b', 'a'], 'two')
    bench.release('b', 'x', tokenOf(hold)!)
    expect([one, two].map(kindOf)).toEqual(['granted', 'waits'])
    bench.pass(100)
    bench.tick()
    expect(kindOf(two)).toBe('granted')
  })

  test('an owner does not wait for who waits for it', () => {
    const bench = new LockBench()
    bench.ask('a', 'ann')
    const bob = bench.ask('a', 'bob')
    const other = bench.ask('b', 'cid')
    const both = bench.ask(['a', 'b'], 'ann')
    expect([bob, both].map(kindOf)).toEqual(['waits', 'waits'])
    bench.release('b', 'cid', tokenOf(other)!)
    expect([bob, both].map(kindOf)).toEqual(['waits', 'granted'])
    bench.table.check()
  })

  test('a lease that ran out unnoticed does not hold up who waits for two', () => {
    const bench = new LockBench()
    bench.ask('a', 'x', { ttlMs: 10 })
    bench.ask('b', 'y', { ttlMs: 10 })
    const both = bench.ask(['a', 'b'], 'ann')
    bench.pass(10)
    bench.do((table) => table.validate('b', 0))
    expect(kindOf(both)).toBe('granted')
    bench.table.check()
  })
})

describe('semaphores', () => {
  test('as many hold as the limit says; the next waits for a place', () => {
    const bench = new LockBench()
    const [a, b, c] = ['a', 'b', 'c'].map((owner) => bench.ask('s', owner, TWO))
    expect([a, b, c].map((one) => kindOf(one!))).toEqual(['granted', 'granted', 'waits'])
    bench.release('s', 'b', tokenOf(b!)!)
    expect(tokenOf(c!)).toBe(3)
  })

  test('all must agree on the limit, until nobody uses it', () => {
    const bench = new LockBench()
    const first = bench.ask('s', 'a', TWO)
    const refusal = expect.objectContaining({ code: 'LOCKMODE' })
    expect(() => bench.ask('s', 'b', { ...TWO, limit: 3 })).toThrow(refusal)
    expect(() => bench.ask('s', 'b')).toThrow(refusal)
    bench.release('s', 'a', tokenOf(first)!)
    expect(kindOf(bench.ask('s', 'b', { ...TWO, limit: 3 }))).toBe('granted')
  })
})

describe('ends of a wait', () => {
  test('a wait is cancelled once', () => {
    const bench = new LockBench()
    bench.ask('a', 'ann')
    const bob = bench.ask('a', 'bob')
    expect(bench.do((table) => table.cancel(bob.ticket!))).toBe(true)
    expect(kindOf(bob)).toBe('cancelled')
    expect(bench.do((table) => table.cancel(bob.ticket!))).toBe(false)
  })

  test('a grant that was not told yet is taken back by a cancel, and goes to the next', () => {
    const bench = new LockBench()
    const ann = bench.ask('a', 'ann')
    const [bob, cid] = [bench.ask('a', 'bob'), bench.ask('a', 'cid')]
    bench.table.release('a', 'ann', tokenOf(ann)!)
    expect(bench.table.info('a')?.holders[0]?.owner).toBe('bob')
    expect(bench.table.cancel(bob.ticket!)).toBe(true)
    bench.host.flush()
    expect([kindOf(bob), kindOf(cid)]).toEqual(['cancelled', 'granted'])
    bench.table.check()
  })

  test('the waits of an owner are cancelled by name, all or one', () => {
    const bench = new LockBench()
    bench.ask('a', 'ann')
    const waits = [bench.ask('a', 'bob'), bench.ask('a', 'bob'), bench.ask('a', 'cid')]
    const number = bench.table.info('a')!.waiters[1]!.number
    expect(bench.do((table) => table.cancelWaits('a', 'bob', number))).toBe(1)
    expect(waits.map(kindOf)).toEqual(['waits', 'cancelled', 'waits'])
    expect(bench.do((table) => table.cancelWaits('a', 'bob'))).toBe(1)
    expect(waits.map(kindOf)).toEqual(['cancelled', 'cancelled', 'waits'])
  })

  test('all who wait are answered together, and the lock is free', () => {
    const bench = new LockBench()
    bench.ask('a', 'ann')
    const waits = [bench.ask('a', 'bob'), bench.ask('a', 'cid')]
    bench.do((table) => table.answerAll('a', 'here'))
    for (const one of waits) expect(one.outcome).toEqual({ kind: 'answered', answer: 'here' })
    expect(bench.table.size).toBe(0)
  })
})

test('refusals are replies, with what is wrong', () => {
  const bench = new LockBench()
  bench.ask('s', 'a', TWO)
  try {
    bench.ask('s', 'b')
    expect.unreachable()
  } catch (refusal) {
    expect(refusal).toBeInstanceOf(ErrorReply)
    expect((refusal as ErrorReply).text).toBe("LOCKMODE 's' is in use as a semaphore of 2, not as a lock")
  }
})
