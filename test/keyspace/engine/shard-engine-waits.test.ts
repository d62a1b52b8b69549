/** Commands that wait, and what a shard does without being asked. */
import { describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { type Commit, type Reply, ShardEngine } from '../../../src/keyspace/engine/index.ts'
import { makeEngine, START_MS } from '../../support/engine.ts'

function words({ effects }: Commit): string[] {
  return effects.map(({ argv }) => argv.join(' '))
}

describe('a command that waits', () => {
  test('is answered when its key was changed, after the command that did', () => {
    const { engine, wait, run, commits } = makeEngine()
    const popped = wait('BLPOP', 'list', 0)
    run('RPUSH', 'list', 'a', 'b')
    expect(popped.reply).toBeUndefined()
    engine.serveBlocked()
    expect(popped.reply).toEqual(['list', 'a'])
    expect(commits.map(words)).toEqual([['RPUSH list a b'], ['LPOP list']])
    expect(engine.blocked.count).toBe(0)
  })

  test('is answered at once when there is something', () => {
    const { wait, run, engine } = makeEngine()
    run('RPUSH', 'list', 'a')
    expect(wait('BLPOP', 'list', 0).reply).toEqual(['list', 'a'])
    expect(engine.blocked.count).toBe(0)
  })

  test('is served in the order of keys that changed, and for each the longest wait first', () => {
    const { engine, wait, run } = makeEngine()
    const waits = [
      wait('BLPOP', 'x', 'y', 0),
      wait('BLPOP', 'y', 0),
      wait('BLPOP', 'x', 0),
      wait('BLPOP', 'y', 0),
    ]
    engine.atomically(() => {
      run('RPUSH', 'y', 'y1', 'y2')
      run('RPUSH', 'x', 'x1')
    })
    engine.serveBlocked()
    // The first is tried for `y`, and as its command says takes from `x`, where there is something by then.
    expect(waits.map(({ reply }) => reply)).toEqual([['x', 'x1'], ['y', 'y1'], undefined, ['y', 'y2']])
  })

  test('is not served while a key that it touches is held, nor is who came behind it', () => {
    const { engine, wait, run, ask } = makeEngine()
    const first = wait('BLMOVE', 'x', 'held', 'LEFT', 'LEFT', 0)
    const second = wait('BLPOP', 'x', 0)
    run('RPUSH', 'x', 'a', 'b')
    engine.serveBlocked((_, keys) => !keys.includes('held'))
    expect([first.reply, second.reply]).toEqual([undefined, undefined])
    expect(ask('LLEN', 'x')).toBe(2)
    engine.serveBlocked()
    expect([first.reply, second.reply]).toEqual(['a', ['x', 'b']])
  })

  test('serves others by what it does', () => {
    const { engine, wait, run } = makeEngine()
    const end = wait('BLPOP', 'b', 0)
    const middle = wait('BLMOVE', 'a', 'b', 'LEFT', 'RIGHT', 0)
    run('RPUSH', 'a', 'x')
    engine.serveBlocked()
    expect([middle.reply, end.reply]).toEqual(['x', ['b', 'x']])
  })

  test('goes on waiting when the key has become something else, or was taken meanwhile', () => {
    const { engine, wait, run } = makeEngine()
    const popped = wait('BLPOP', 'list', 0)
    run('SET', 'list', 'no list')
    engine.serveBlocked()
    run('DEL', 'list')
    run('RPUSH', 'list', 'a')
    run('LPOP', 'list')
    engine.serveBlocked()
    expect(popped.reply).toBeUndefined()
    run('RPUSH', 'list', 'b')
    engine.serveBlocked()
    expect(popped.reply).toEqual(['list', 'b'])
  })

  test('is answered when its time is over, and when it is cancelled, once', () => {
    const { engine, wait, run, clock } = makeEngine()
    const timed = wait('BLPOP', 'list', 0.5)
    const replies: Reply[] = []
    const later: { resolve(reply: Reply): void; cancel?: () => void } = {
      resolve: (reply) => replies.push(reply),
    }
    engine.execute({ id: 'c', resp: 3, db: 0 }, ['BLPOP', 'list', '0'], later)
    expect(engine.nextDeadlineMs).toBe(clock.monotonicMs() + 500)
    clock.advance(499)
    engine.tick(1)
    expect(timed.reply).toBeUndefined()
    clock.advance(1)
    engine.tick(1)
    expect(timed.reply).toMatchObject({ isNull: true })
    later.cancel?.()
    later.cancel?.()
    run('RPUSH', 'list', 'a')
    engine.serveBlocked()
    expect(replies).toEqual([expect.objectContaining({ isNull: true })])
    expect(engine.blocked.count).toBe(0)
  })

  test('finds its key in a database that was swapped', () => {
    const { engine, wait, run } = makeEngine()
    const popped = wait('BLPOP', 'list', 0)
    engine.execute({ id: 'x', resp: 3, db: 1 }, ['RPUSH', 'list', 'of 1'])
    engine.serveBlocked()
    expect(popped.reply).toBeUndefined()
    run('SWAPDB', 0, 1)
    engine.serveBlocked()
    expect(popped.reply).toEqual(['list', 'of 1'])
  })
})

describe('a tick', () => {
  /** Each look at the clock takes a tenth of a millisecond. */
  function timed() {
    let nowMs = 0
    let wallMs = START_MS
    const engine = new ShardEngine({
      commands: commandTable,
      clock: {
        wallMs: () => wallMs,
        monotonicMs: () => {
          nowMs += 0.1
          return nowMs
        },
      },
      random: { next: () => 0.5, below: () => 0 },
      nextRevision: () => 1,
    })
    const caller = { id: 'x', resp: 3, db: 0 } as const
    return {
      engine,
      run: (...argv: string[]) => engine.execute(caller, argv) as Reply,
      advance: (ms: number) => {
        wallMs += ms
      },
      now: () => nowMs,
    }
  }

  test('works for about its budget, says that there is more, and comes to an end', () => {
    const { engine, run, advance, now } = timed()
    for (let i = 0; i < 20_000; i++) run('SET', `key:${i}`, 'x', 'PX', '1000')
    advance(1000)
    let ticks = 0
    for (let isMore = true; isMore; ticks++) {
      const expired = engine.stats.expiredKeys
      const before = now()
      isMore = engine.tick(1)
      expect(now() - before).toBeLessThan(2)
      if (isMore) expect(engine.stats.expiredKeys).toBeGreaterThan(expired)
      if (ticks > 20_000) expect.fail('it comes to no end')
    }
    expect(ticks).toBeGreaterThan(10)
    expect(engine.stats.expiredKeys).toBe(20_000)
    expect(engine.database(0).size).toBe(0)
  })

  test('without anything due does nothing', () => {
    const { engine, run } = timed()
    run('SET', 'a', '1', 'PX', '1000')
    expect(engine.tick(1)).toBe(false)
    expect(engine.stats.expiredKeys).toBe(0)
    expect(engine.nextExpiryMs).toBe(START_MS + 1000)
    expect(engine.nextDeadlineMs).toBe(Number.POSITIVE_INFINITY)
  })
})
