/** Who waits for which level, and what a shard says when its log cannot be written. */
import { describe, expect, test } from 'vitest'
import { type Reply, VALUE_BYTES_MAX } from '../../../src/keyspace/engine/index.ts'
import { ReplyReader } from '../../../src/keyspace/wire/index.ts'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import { type DurableShard, openShard, SkippingClock, turns } from '../../support/durable-shard.ts'
import { plain } from '../../support/engine.ts'
import { batchOf } from '../../support/shards.ts'

type Level = 'memory' | 'os' | 'fsync'

async function open(level: Level, reserveBytes = 0): Promise<DurableShard> {
  const disk = new SimulatedDisk()
  disk.putFolder('/data')
  return openShard(disk, { store: { level, reserveBytes } })
}

/** A batch on its way: what was replied by now, or `waits`, or the code of an error. */
function ask({ shard }: DurableShard, ...commands: string[][]): { answer: unknown } {
  const asked: { answer: unknown } = { answer: 'waits' }
  const replied = shard.run(batchOf(commands))
  Promise.resolve(replied).then(
    (bytes) => {
      const reader = new ReplyReader(bytes)
      asked.answer = commands.map(() => plain(reader.next() as Reply))
    },
    (error: { code: string }) => {
      asked.answer = error.code
    },
  )
  return asked
}

/** Calls of these kinds are under way until they are released. */
function hold({ disk }: DurableShard, ...operations: string[]): void {
  disk.onCall = ({ operation }) => (operations.includes(operation) ? { type: 'hold' } : undefined)
}

async function releaseAll({ disk }: DurableShard): Promise<void> {
  disk.onCall = undefined
  while (disk.held.length > 0) {
    disk.release()
    await turns()
  }
  await turns()
}

describe('a reply', () => {
  test.each([
    ['memory', ['OK'], ['OK']],
    ['os', 'waits', ['OK']],
    ['fsync', 'waits', 'waits'],
  ] as const)('at %s waits for just that', async (level, unwritten, unsynced) => {
    const durable = await open(level)
    hold(durable, 'write', 'sync')
    const asked = ask(durable, ['SET', 'k', 'v'])
    await turns()
    expect(asked.answer).toEqual(unwritten)
    durable.disk.release(durable.disk.held.find(({ operation }) => operation === 'write'))
    await turns()
    expect(asked.answer).toEqual(unsynced)
    await releaseAll(durable)
    expect(asked.answer).toEqual(['OK'])
  })

  test('waits for what it tells of, also when somebody else wrote it', async () => {
    const durable = await open('fsync')
    hold(durable, 'sync')
    const written = ask(durable, ['SET', 'k', 'v'])
    const read = ask(durable, ['GET', 'k'])
    await turns()
    expect([written.answer, read.answer]).toEqual(['waits', 'waits'])
    // Nobody is held up by that.
    expect(durable.shard.engine.database(0).string('k')).toBe('v')
    await releaseAll(durable)
    expect(read.answer).toEqual(['v'])
    // What is on the disk is told of at once.
    hold(durable, 'sync')
    const again = ask(durable, ['GET', 'k'])
    await Promise.resolve()
    await Promise.resolve()
    expect(again.answer).toEqual(['v'])
  })

  test('with a fencing token waits for the disk, at any level', async () => {
    const durable = await open('memory')
    hold(durable, 'sync')
    const token = ask(durable, ['LOCK.ACQUIRE', 'l', 'me', 'PX', '1000'])
    // It may tell of the token, too.
    const info = ask(durable, ['LOCK.INFO', 'l'])
    await turns()
    expect([token.answer, info.answer]).toEqual(['waits', 'waits'])
    await releaseAll(durable)
    expect(token.answer).toEqual([[1, 1000]])
  })
})

describe('a lease', () => {
  test('that was held at a crash is held once more for its full time, and tokens go on above', async () => {
    const durable = await open('memory')
    const [lock, other] = [
      ['LOCK.ACQUIRE', 'l', 'me', 'PX', '1000'],
      ['LOCK.ACQUIRE', 'l', 'you', 'PX', '1000'],
    ]
    const held = ask(durable, lock)
    await turns()
    expect(held.answer).toEqual([[1, 1000]])
    durable.clock.skip(900)
    const clock = new SkippingClock()
    const found = await openShard(durable.disk.afterPowerCut(1), { clock })
    found.shard.durability.resolve([])
    const holder = (): unknown => found.shard.engine.locks.info('l')?.holders[0]
    expect(holder()).toMatchObject({ owner: 'me', token: 1, remainingMs: 1000 })
    clock.skip(999)
    expect(holder()).toMatchObject({ owner: 'me' })
    clock.skip(1)
    const next = ask(found, other)
    await turns()
    expect(next.answer).toEqual([[2, 1000]])
  })
})

describe('a wait', () => {
  /** One command that may wait: what it was answered by now, or `waits`, or the code of an error. */
  function block({ shard }: DurableShard, ...argv: string[]): { answer: unknown } {
    const asked: { answer: unknown } = { answer: 'waits' }
    shard.runBlocking(batchOf([argv]), new AbortController().signal).then(
      (bytes) => {
        asked.answer = plain(new ReplyReader(bytes).next() as Reply)
      },
      (error: { code: string }) => {
        asked.answer = error.code
      },
    )
    return asked
  }

  async function pass({ clock }: DurableShard): Promise<void> {
    clock.advance(200)
    await turns()
  }

  test('that is over is no write: it does not need a log that works', async () => {
    const durable = await open('fsync')
    const pop = block(durable, 'BLPOP', 'list', '0.1')
    durable.disk.onCall = ({ operation }) =>
      operation === 'sync' ? { type: 'fail', code: 'EIO' } : undefined
    const lost = ask(durable, ['SET', 'k', 'lost'])
    await turns()
    expect([lost.answer, pop.answer]).toEqual(['SHL_LOG_FAILED', 'waits'])
    await pass(durable)
    expect(pop.answer).toBeNull()
  })

  test('that is over does not wait for what others have written meanwhile', async () => {
    const durable = await open('fsync')
    const before = ask(durable, ['SET', 'k', 'v'])
    await turns()
    expect(before.answer).toEqual(['OK'])
    const pops = [
      block(durable, 'BLPOP', 'list', '0.1'),
      block(durable, 'BLMOVE', 'list', 'other', 'LEFT', 'LEFT', '0.1'),
      block(durable, 'BZPOPMIN', 'sorted', '0.1'),
    ]
    hold(durable, 'sync')
    const written = ask(durable, ['SET', 'k', 'w'])
    await turns()
    await pass(durable)
    expect([written.answer, ...pops.map(({ answer }) => answer)]).toEqual(['waits', null, null, null])
    await releaseAll(durable)
    expect(written.answer).toEqual(['OK'])
  })

  test('that began when something was not on the disk yet waits for that', async () => {
    const durable = await open('fsync')
    hold(durable, 'sync')
    ask(durable, ['SET', 'k', 'v'])
    const pop = block(durable, 'BLPOP', 'list', '0.1')
    await turns()
    await pass(durable)
    expect(pop.answer).toBe('waits')
    await releaseAll(durable)
    expect(pop.answer).toBeNull()
  })

  test('that is served waits until that is on the disk', async () => {
    const durable = await open('fsync')
    const pop = block(durable, 'BLPOP', 'list', '0')
    hold(durable, 'sync')
    ask(durable, ['RPUSH', 'list', 'x'])
    await turns()
    expect(durable.shard.engine.database(0).exists('list')).toBe(false)
    expect(pop.answer).toBe('waits')
    await releaseAll(durable)
    expect(pop.answer).toEqual(['list', 'x'])
  })
})

describe('a log that fails', () => {
  test('tells who waits, refuses writes before they change anything, and lets reads go on', async () => {
    const durable = await open('fsync')
    expect(VALUE_BYTES_MAX).toBeGreaterThan(0)
    const before = ask(durable, ['SET', 'k', 'old'])
    await turns()
    expect(before.answer).toEqual(['OK'])
    durable.disk.onCall = ({ operation }) =>
      operation === 'sync' ? { type: 'fail', code: 'EIO' } : undefined
    const lost = ask(durable, ['SET', 'k', 'lost'])
    await turns()
    expect(lost.answer).toBe('SHL_LOG_FAILED')
    // The disk would work again: nobody knows what it has lost.
    durable.disk.onCall = undefined
    const refused = ask(durable, ['SET', 'k', 'new'], ['SET', 'other', 'x', 'PX', '100'], ['DEL', 'k'])
    const read = ask(durable, ['GET', 'k'], ['EXISTS', 'other'])
    await turns()
    expect((refused.answer as string[]).every((one) => /^\(error\) MISCONF .*read-only/.test(one))).toBe(true)
    expect(read.answer).toEqual(['lost', 0])
    // What has expired is gone for readers all the same.
    expect(durable.disk.count('sync')).toBe(
      durable.disk.calls.filter(({ operation }) => operation === 'sync').length,
    )
  })

  test('refuses transactions as well, on the shard and as a part', async () => {
    const durable = await open('os')
    durable.disk.onCall = ({ operation }) =>
      operation === 'write' ? { type: 'fail', code: 'EIO' } : undefined
    expect(await failureOf(durable)).toBe('SHL_LOG_FAILED')
    const { participant } = durable.shard
    const schedule = (isWritten: boolean): unknown =>
      participant.schedule({
        tx: isWritten ? 1 : 2,
        by: 0,
        life: 1,
        keys: [{ db: 0, key: 'k', slot: 0, isWritten }],
      })
    expect(() => schedule(true)).toThrow(expect.objectContaining({ code: 'SHL_COMMAND_REFUSED' }))
    expect(schedule(false)).toBe('yes')
    expect(() => participant.schedule({ tx: 3, by: 0, life: 1, keys: undefined, isWrite: true })).toThrow(
      'MISCONF',
    )
  })
})

async function failureOf(durable: DurableShard): Promise<unknown> {
  const asked = ask(durable, ['SET', 'k', 'v'])
  await turns()
  return asked.answer
}

describe('a full disk', () => {
  test('refuses writes until there is room, and loses nothing that was acknowledged', async () => {
    const durable = await open('os', 8192)
    const { disk } = durable
    await turns()
    disk.capacityBytes = disk.usedBytes + 2000
    const acknowledged: string[] = []
    let refused = ''
    for (let i = 0; i < 200 && refused === ''; i++) {
      const asked = ask(durable, ['SET', `key${i}`, 'x'.repeat(100)])
      await turns()
      const [answer] = asked.answer as [string]
      if (answer === 'OK') acknowledged.push(`key${i}`)
      else refused = answer
    }
    expect(refused).toContain('MISCONF')
    expect(refused).toContain('no space left')
    expect(acknowledged.length).toBeGreaterThan(5)
    expect(durable.shard.engine.database(0).size).toBe(acknowledged.length)
    const read = ask(durable, ['GET', acknowledged[0]!])
    await turns()
    expect(read.answer).toEqual(['x'.repeat(100)])
    disk.capacityBytes = Number.POSITIVE_INFINITY
    durable.clock.advance(1000)
    await turns(durable.clock, 20)
    const again = ask(durable, ['SET', 'again', '1'])
    await turns()
    expect(again.answer).toEqual(['OK'])
    const found = await openShard(disk.afterKill())
    const there = [...acknowledged, 'again'].filter((key) => found.shard.engine.database(0).exists(key))
    expect(there).toHaveLength(acknowledged.length + 1)
  })
})
