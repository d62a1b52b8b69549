/** One shard as a machine: what a command, or several as one, leave as commits. */
import { describe, expect, test } from 'vitest'
import { BLOCKED, type Commit, ErrorReply } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, START_MS } from '../../support/engine.ts'

function words({ effects }: Commit): string[] {
  return effects.map(({ argv }) => argv.join(' '))
}

describe('a commit', () => {
  test('has what the command logs, what it changed, its revision and its time', () => {
    const { run, commits, clock } = makeEngine()
    clock.advance(5)
    run('SET', 'a', '1')
    run('MSET', 'b', '2', 'c', '3')
    expect(commits).toEqual([
      {
        revision: 1,
        atMs: START_MS + 5,
        effects: [{ db: 0, argv: ['SET', 'a', '1'] }],
        changes: [{ db: 0, key: 'a', event: 'set' }],
      },
      {
        revision: 2,
        atMs: START_MS + 5,
        effects: [{ db: 0, argv: ['MSET', 'b', '2', 'c', '3'] }],
        changes: [
          { db: 0, key: 'b', event: 'set' },
          { db: 0, key: 'c', event: 'set' },
        ],
      },
    ])
  })

  test('names the database', () => {
    const { run, commits, caller, ...rest } = makeEngine()
    rest.engine.execute({ ...caller, db: 7 }, ['SET', 'a', '1'])
    run('COPY', 'nothing', 'nowhere', 'DB', 3)
    expect(commits.map(({ effects, changes }) => [effects[0]?.db, changes[0]?.db])).toEqual([[7, 7]])
  })

  test('is not made by reads, by what found nothing to do, or by what was refused', () => {
    const { run, commits, ask } = makeEngine()
    run('RPUSH', 'list', 'a')
    commits.length = 0
    for (const argv of [
      ['GET', 'none'],
      ['DEL', 'none'],
      ['SET', 'list', 'x', 'NX'],
      ['LREM', 'list', '0', 'z'],
      ['INCR', 'list'],
      ['EXPIRE', 'none', '10'],
      ['NOSUCHCOMMAND', 'a'],
      ['SET', 'a'],
    ]) {
      run(...argv)
    }
    expect(commits).toEqual([])
    expect(ask('LRANGE', 'list', 0, -1)).toEqual(['a'])
  })

  test('has the removal of a key whose time had come before what the command did, under one revision', () => {
    const { run, commits, clock, engine } = makeEngine()
    run('SET', 'a', '1', 'PX', 100)
    run('SET', 'b', '1', 'PX', 100)
    commits.length = 0
    clock.advance(100)
    expect(run('GET', 'a')).toBeNull()
    run('APPEND', 'b', 'new')
    expect(commits.map(words)).toEqual([['DEL a'], ['DEL b', 'APPEND b new']])
    expect(commits.map(({ changes }) => changes.map(({ event }) => event))).toEqual([
      ['expired'],
      ['expired', 'append'],
    ])
    expect(engine.database(0).revisionOf('b')).toBe(commits[1]!.revision)
    expect(engine.stats.expiredKeys).toBe(2)
  })

  test('is not built while nobody listens, and is built again when somebody does', () => {
    const { run, commits, engine } = makeEngine()
    const { onCommit } = engine
    engine.onCommit = undefined
    run('SET', 'unheard', '1')
    engine.onCommit = onCommit
    run('SET', 'heard', '1')
    expect(commits.map(words)).toEqual([['SET heard 1']])
    expect(engine.database(0).revisionOf('unheard')).toBeLessThan(commits[0]!.revision)
  })

  test('is out before those hear who waited for what it gives', () => {
    const { engine, wait, run } = makeEngine()
    const order: string[] = []
    run('LOCK.ACQUIRE', 'lock', 'ann', 'PX', 10_000)
    engine.onCommit = ({ changes }) => order.push(changes.map(({ event }) => event).join(' '))
    const reply = engine.execute(
      { id: 'bob', resp: 3, db: 0 },
      ['LOCK.ACQUIRE', 'lock', 'bob', 'PX', '1000', 'WAIT', '5000'],
      { resolve: () => order.push('told') },
    )
    expect(reply).toBe(BLOCKED)
    run('LOCK.RELEASE', 'lock', 'ann', 1)
    expect(order).toEqual(['unlock lock', 'told'])
    expect(wait('GET', 'x').reply).toBeNull()
  })

  test('asks to be on disk when it draws a fencing token', () => {
    const { run, commits } = makeEngine()
    run('SET', 'a', '1')
    run('LOCK.ACQUIRE', 'lock', 'ann', 'PX', 10_000)
    run('LOCK.RELEASE', 'lock', 'ann', 1)
    expect(commits.map(({ needsSync }) => needsSync)).toEqual([undefined, true, undefined])
  })
})

describe('several commands as one', () => {
  test('have one commit, one revision and one time, also when one of them is refused', () => {
    const { engine, run, commits, clock } = makeEngine()
    const replies = engine.atomically(() => {
      const first = run('SET', 'a', 'x', 'PX', 1000)
      clock.advance(10)
      const second = run('INCR', 'a')
      clock.advance(10)
      return [first, second, run('SET', 'b', 'y', 'PX', 1000)]
    })
    expect(replies[1]).toBeInstanceOf(ErrorReply)
    expect(commits.length).toBe(1)
    expect(commits[0]).toMatchObject({ revision: 1, atMs: START_MS })
    expect(words(commits[0]!).map((line) => line.split(' ')[1])).toEqual(['a', 'b'])
    const db = engine.database(0)
    expect([db.revisionOf('a'), db.revisionOf('b')]).toEqual([1, 1])
    expect([db.expireAt('a'), db.expireAt('b')]).toEqual([START_MS + 1000, START_MS + 1000])
  })

  test('have no commit when nothing was changed, and may be within others', () => {
    const { engine, run, commits } = makeEngine()
    engine.atomically(() => run('GET', 'a'))
    expect(commits).toEqual([])
    engine.atomically(() => {
      engine.atomically(() => run('SET', 'a', '1'))
      expect(commits).toEqual([])
      run('SET', 'b', '1')
    })
    expect(commits.map(words)).toEqual([['SET a 1', 'SET b 1']])
  })

  test('take the revision that was drawn for them, and it is theirs alone', () => {
    const { engine, run, commits } = makeEngine()
    engine.atomically(() => run('SET', 'a', '1'), 500)
    run('SET', 'b', '1')
    expect(commits.map(({ revision }) => revision)).toEqual([500, 1])
    expect(engine.database(0).revisionOf('a')).toBe(500)
  })

  test('commit what was done when something throws', () => {
    const { engine, run, commits } = makeEngine()
    const broken = (): void => {
      run('SET', 'a', '1')
      throw new RangeError('broken')
    }
    expect(() => engine.atomically(broken)).toThrow('broken')
    run('SET', 'b', '1')
    expect(commits.map(words)).toEqual([['SET a 1'], ['SET b 1']])
  })

  test('never wait: who would is answered as at the end of the time', () => {
    const { engine, run } = makeEngine()
    expect(engine.atomically(() => run('BLPOP', 'list', 0))).toMatchObject({ isNull: true })
    expect(engine.blocked.count).toBe(0)
  })
})

describe('a commit that is captured', () => {
  test('goes to the one who asked, and to nobody else', () => {
    const { engine, run, commits } = makeEngine()
    const { value, commit } = engine.capture(() => run('INCR', 'a'), 77)
    expect([value, commit?.revision]).toEqual([1, 77])
    expect(words(commit!)).toEqual(['INCR a'])
    expect(engine.capture(() => run('GET', 'a'))).toEqual({ value: '1', commit: undefined })
    expect(commits).toEqual([])
    run('INCR', 'a')
    expect(commits.map(words)).toEqual([['INCR a']])
  })

  test('is taken also while nobody listens, and the next one is nobody’s again', () => {
    const { engine, run } = makeEngine()
    engine.onCommit = undefined
    expect(engine.capture(() => run('INCR', 'a')).commit).toBeDefined()
    expect(engine.onCommit).toBeUndefined()
  })

  test('gives the listener back when something throws', () => {
    const { engine, run, commits } = makeEngine()
    const broken = (): void => {
      throw new RangeError('broken')
    }
    expect(() => engine.capture(broken)).toThrow('broken')
    run('INCR', 'a')
    expect(commits.length).toBe(1)
  })

  test('keeps from those who wait what it gives them, until the next command or tick', () => {
    const { engine, run, wait } = makeEngine()
    run('LOCK.ACQUIRE', 'lock', 'ann', 'PX', 10_000)
    const bob = wait('LOCK.ACQUIRE', 'lock', 'bob', 'PX', 1000, 'WAIT', 5000)
    engine.capture(() => run('LOCK.RELEASE', 'lock', 'ann', 1))
    expect(bob.reply).toBeUndefined()
    expect(engine.nextDeadlineMs).toBe(engine.clock.monotonicMs())
    engine.tick(1)
    expect(bob.reply).toEqual([2, 1000])
  })
})

describe('databases', () => {
  test('are so many as was said, made when they are first used', () => {
    const { engine, ask } = makeEngine({ databaseCount: 3 })
    expect(engine.openDatabases()).toEqual([])
    expect(engine.database(2)).toBe(engine.database(2))
    expect(engine.openDatabases().map(({ index }) => index)).toEqual([2])
    for (const index of [3, -1, 1.5]) {
      expect(() => engine.database(index)).toThrow(
        expect.objectContaining({ message: 'DB index is out of range' }),
      )
    }
    ask('SET', 'a', '1')
    expect(ask('MOVE', 'a', 5)).toMatch(/out of range/)
  })

  test('that are swapped keep their expiries', () => {
    const { engine, run, clock, ask, commits } = makeEngine()
    run('SET', 'a', '1', 'PX', 100)
    run('SWAPDB', 0, 1)
    expect(ask('EXISTS', 'a')).toBe(0)
    expect(engine.database(1).exists('a')).toBe(true)
    commits.length = 0
    clock.advance(100)
    while (engine.tick(1000));
    expect(commits.map(({ effects }) => effects)).toEqual([[{ db: 1, argv: ['DEL', 'a'] }]])
  })
})

test('who wants to know of every change is told at once, by what is done and by what happens', () => {
  const { engine, run, clock } = makeEngine()
  const touched: string[] = []
  engine.onTouched = (db, key) => touched.push(`${db} ${key}`)
  run('SET', 'a', '1', 'PX', 100)
  run('GET', 'a')
  clock.advance(100)
  run('GET', 'a')
  run('FLUSHALL')
  run('SADD', 's', 'x')
  run('SPEXPIRE', 's', 100, 'MEMBERS', 1, 'x')
  run('FLUSHDB')
  expect([...new Set(touched)]).toEqual(['0 a', '0 s', '0 '])
  expect(touched[0]).toBe('0 a')
})
