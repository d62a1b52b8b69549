/** Copies on which a transaction runs: what it sees of its shard, and what of it is there for nobody else. */
import { describe, expect, test } from 'vitest'
import { type Guest, guestOf, type Reply } from '../../../src/keyspace/engine/index.ts'
import { Scratch } from '../../../src/keyspace/shard/scratch.ts'
import type { Shard } from '../../../src/keyspace/shard/shard.ts'
import { makeShard } from '../../support/durable-shard.ts'
import { type Plain, plain } from '../../support/engine.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { stateOf } from '../../support/shard-state.ts'

const REVISION = 7

function execute(shard: Shard, ...argv: string[]): Plain {
  return plain(shard.engine.execute({ id: 'test', resp: 2, db: 0 }, argv) as Reply)
}

/** One command on copies. */
function run(scratch: Scratch, ...argv: string[]): Plain {
  const { engine } = scratch
  return plain(
    scratch.run(() => engine.execute({ id: 'test', resp: 2, db: 0 }, argv) as Reply, REVISION) as Reply,
  )
}

function guest(key: string, fields: Partial<Guest> = {}): Guest {
  return { db: 0, key, payload: null, expireAt: 0, revision: 0, tokens: [], ...fields }
}

describe('copies', () => {
  test('are changed, and nothing else is, until they are given back as patches', () => {
    const shard = makeShard()
    execute(shard, 'RPUSH', 'list', 'a')
    execute(shard, 'SET', 'k', '1', 'PX', '5000')
    const before = stateOf(shard.engine)
    const scratch = new Scratch(shard)
    expect(run(scratch, 'RPUSH', 'list', 'b')).toBe(2)
    expect(run(scratch, 'GET', 'k')).toBe('1')
    expect(run(scratch, 'DEL', 'k', 'none')).toBe(1)
    expect(run(scratch, 'SET', 'new', 'x')).toBe('OK')
    expect(stateOf(shard.engine)).toEqual(before)
    const patches = scratch.patches()
    expect(patches.map(({ key, payload, events }) => [key, payload === null, ...events])).toEqual([
      ['list', false, 'rpush'],
      ['k', true, 'del'],
      ['new', false, 'set'],
    ])
    scratch.clear()
    expect(scratch.patches()).toEqual([])
    expect(run(scratch, 'LLEN', 'list')).toBe(1)
  })

  test('are made once, with the revisions of what they are of', () => {
    const shard = makeShard()
    execute(shard, 'SET', 'k', 'old')
    const { revision } = guestOf(shard.engine, 0, 'k')
    const scratch = new Scratch(shard)
    expect(run(scratch, 'GET', 'k')).toBe('old')
    expect(guestOf(scratch.engine, 0, 'k').revision).toBe(revision)
    execute(shard, 'SET', 'k', 'newer')
    execute(shard, 'SET', 'other', 'newer')
    expect([run(scratch, 'GET', 'k'), run(scratch, 'GET', 'other')]).toEqual(['old', 'newer'])
    // One that came from elsewhere is not looked for here.
    scratch.bring(0, guest('foreign'))
    execute(shard, 'SET', 'foreign', 'a copy that is coming in')
    expect(run(scratch, 'EXISTS', 'foreign')).toBe(0)
  })

  test('of databases that were emptied or exchanged are of what is seen then', () => {
    const shard = makeShard()
    execute(shard, 'SET', 'k', '1')
    const scratch = new Scratch(shard)
    expect(run(scratch, 'SWAPDB', '0', '1')).toBe('OK')
    scratch.onSwapped(0, 1)
    expect([scratch.baseOf(0), run(scratch, 'EXISTS', 'k'), run(scratch, 'COPY', 'k', 'l')]).toEqual([
      1, 0, 0,
    ])
    expect(plain(scratch.engine.execute({ id: 'test', resp: 2, db: 1 }, ['GET', 'k']) as Reply)).toBe('1')
    scratch.onFlushed(1)
    expect([scratch.baseOf(1), scratch.baseKeysKnown(1)]).toEqual([undefined, 0])
  })
})

test('FENCED finds the locks of this shard and of others', () => {
  const shard = makeShard()
  const [token] = execute(shard, 'LOCK.ACQUIRE', 'here', 'me', 'PX', '1000') as [number]
  const scratch = new Scratch(shard)
  scratch.copy(0, 'here')
  scratch.bring(0, guest('there', { tokens: [9] }))
  expect(run(scratch, 'FENCED', 'here', String(token), 'SET', 'k', '1')).toBe('OK')
  expect(run(scratch, 'FENCED', 'there', '9', 'SET', 'k', '2')).toBe('OK')
  expect(run(scratch, 'FENCED', 'there', '8', 'SET', 'k', '3')).toMatch(/FENCED/)
})

describe('at the ceiling of its shard', () => {
  const value = 'x'.repeat(2000)
  const fill = (shard: Shard): void => {
    const { memory } = shard.engine
    for (let i = 0; shard.engine.usedBytes() < memory.maxBytes - 1000; i++)
      execute(shard, 'SET', `k${i}`, value)
  }

  test('a command is refused when nothing may be thrown out', () => {
    const shard = makeShard({ maxBytes: 200_000, policy: 'noeviction' })
    fill(shard)
    const scratch = new Scratch(shard)
    expect(run(scratch, 'SET', 'more', value)).toMatch(/^\(error\) OOM/)
    expect(run(scratch, 'DEL', 'k0')).toBe(1)
  })

  test('keys of the shard are thrown out, and none of the transaction', () => {
    const shard = makeShard({ maxBytes: 200_000, policy: 'allkeys-random', sliceMs: 1000 })
    fill(shard)
    shard.engine.memory.maxBytes -= 10_000
    const scratch = new Scratch(shard)
    expect(run(scratch, 'SET', 'more', value)).toBe('OK')
    expect(run(scratch, 'STRLEN', 'more')).toBe(value.length)
    expect(shard.engine.stats.evictedKeys).toBeGreaterThan(0)
  })
})

test('times at which copies would expire do not pile up', () => {
  const shard = makeShard({}, new ManualClock())
  execute(shard, 'SET', 'k', '1', 'PX', '500000')
  const scratch = new Scratch(shard)
  for (let i = 0; i < 1500; i++) {
    run(scratch, 'PEXPIRE', 'k', String(100_000 + i))
    scratch.clear()
  }
  expect(scratch.engine.expirySize).toBeLessThan(1000)
  expect(shard.engine.stats.commands).toBe(1501)
})
