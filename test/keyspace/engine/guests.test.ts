/** Keys of other shards as guests: they bring all that they hold, and leave nothing behind. */
import { describe, expect, test } from 'vitest'
import {
  guestOf,
  type KeyChange,
  patchEffects,
  patchesOf,
  putGuests,
  putPatches,
  removeGuests,
} from '../../../src/keyspace/engine/index.ts'
import { makeEngine, START_MS, type TestEngine } from '../../support/engine.ts'

const KEYS = ['string', 'raw', 'list', 'set', 'zset', 'hash', 'volatile', 'missing']
/** What shows all that a key holds. */
const READS: readonly string[][] = [
  ['GET', 'string'],
  ['GET', 'raw'],
  ['OBJECT', 'ENCODING', 'raw'],
  ['LRANGE', 'list', '0', '-1'],
  ['SMEMBERS', 'set'],
  ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
  ['HGETALL', 'hash'],
  ['HPEXPIRETIME', 'hash', 'FIELDS', '2', 'f', 'g'],
  ['PEXPIRETIME', 'volatile'],
  ['EXISTS', ...KEYS],
]

/** A shard with a key of each kind, in database 2. */
function filled(): TestEngine {
  const made = makeEngine()
  made.caller = { ...made.caller, db: 2 }
  for (const argv of [
    ['SET', 'string', 'värde'],
    ['SET', 'raw', 'a'],
    ['APPEND', 'raw', 'b'],
    ['RPUSH', 'list', 'x', 'y', 'z'],
    ['SADD', 'set', '1', '2'],
    ['ZADD', 'zset', '1.5', 'm', '-inf', 'n'],
    ['HSET', 'hash', 'f', '1', 'g', '2'],
    ['HPEXPIREAT', 'hash', String(START_MS + 5000), 'FIELDS', '1', 'g'],
    ['SET', 'volatile', 'v', 'PXAT', String(START_MS + 9000)],
  ]) {
    made.run(...argv)
  }
  return made
}

function state({ ask }: TestEngine) {
  return READS.map((argv) => ask(...argv))
}

/** All that is counted, and all keys. */
function trace({ engine }: TestEngine) {
  return engine.openDatabases().map((db) => {
    const keys: string[] = []
    db.scan(0, 1000, (key) => keys.push(key))
    return [db.index, keys, db.size, db.heapBytes, db.volatileCount, db.table.usedBytes]
  })
}

function bring(from: TestEngine, to: TestEngine) {
  const guests = KEYS.map((key) => guestOf(from.engine, 2, key))
  to.engine.capture(() => putGuests(to.engine, guests))
  return guests
}

describe('guests', () => {
  test('are what they are at home, expiries and kinds included', () => {
    const home = filled()
    const host = makeEngine()
    host.caller = { ...host.caller, db: 2 }
    host.run('SET', 'missing', 'here')
    bring(home, host)
    expect(state(host)).toEqual(state(home))
    expect(home.ask('EXISTS', ...KEYS)).toBe(KEYS.length - 1)
  })

  test('say what they are worth: a revision, and tokens of the lock of their name', () => {
    const { engine, run } = filled()
    const before = engine.database(2).revisionOf('string')!
    run('APPEND', 'string', '!')
    run('LOCK.ACQUIRE', 'string', 'ann', 'PX', 1000)
    const guest = guestOf(engine, 2, 'string')
    expect(guest).toMatchObject({ db: 2, key: 'string', expireAt: 0, tokens: [1] })
    expect(guest.revision).toBeGreaterThan(before)
    expect(guestOf(engine, 2, 'missing')).toEqual({
      db: 2,
      key: 'missing',
      payload: null,
      expireAt: 0,
      revision: 0,
      tokens: [],
    })
  })

  test('leave no trace, whatever was done to them', () => {
    const home = filled()
    const host = makeEngine()
    for (let i = 0; i < 50; i++) host.run('HSET', `own:${i}`, 'f', 'v')
    host.run('SET', 'own', 'x', 'PX', 1000)
    // The database exists from then on: what is in it is compared.
    host.engine.database(2)
    const before = trace(host)
    host.commits.length = 0
    const guests = bring(home, host)
    host.caller = { ...host.caller, db: 2 }
    host.engine.capture(() => {
      host.run('LPUSH', 'list', ...Array.from({ length: 500 }, (_, i) => `more ${i}`))
      host.run('DEL', 'set')
      host.run('PEXPIRE', 'zset', 77)
      host.run('SET', 'missing', 'made')
      host.run('PERSIST', 'volatile')
    })
    host.engine.capture(() => removeGuests(host.engine, guests))
    expect(trace(host)).toEqual(before)
    expect(host.commits).toEqual([])
    host.clock.advance(100_000)
    while (host.engine.tick(1000));
    expect(host.engine.stats.expiredKeys).toBe(1)
    expect(host.engine.expirySize).toBe(0)
  })
})

describe('patches', () => {
  test('bring home what became of guests, with their events', () => {
    const home = filled()
    const host = makeEngine()
    host.caller = { ...host.caller, db: 2 }
    bring(home, host)
    const { commit } = host.engine.capture(() => {
      host.run('RPUSH', 'list', 'more')
      host.run('LPOP', 'list')
      host.run('DEL', 'set')
      host.run('SET', 'missing', 'made', 'PXAT', START_MS + 77)
      host.run('HDEL', 'hash', 'f')
      host.run('PERSIST', 'volatile')
      host.run('ZADD', 'zset', 3, 'o')
    })
    const patches = patchesOf(host.engine, commit!.changes)
    expect(patches.map(({ key, events }) => [key, ...events])).toEqual([
      ['list', 'rpush', 'lpop'],
      ['set', 'del'],
      ['missing', 'set', 'expire'],
      ['hash', 'hdel'],
      ['volatile', 'persist'],
      ['zset', 'zadd'],
    ])
    home.engine.capture(() => putPatches(home.engine, patches), 5000)
    expect(state(home)).toEqual(state(host))
    expect(home.engine.database(2).expireAt('missing')).toBe(START_MS + 77)
    for (const key of ['list', 'missing', 'hash', 'volatile', 'zset']) {
      expect([key, home.engine.database(2).revisionOf(key)]).toEqual([key, 5000])
    }
    expect(home.engine.database(2).revisionOf('string')).toBeLessThan(5000)
  })

  test('have each key once, by database', () => {
    const { engine, run } = filled()
    run('SET', 'k', 'in 2')
    engine.execute({ id: 'x', resp: 3, db: 0 }, ['SET', 'k', 'in 0'])
    const changes: KeyChange[] = [
      { db: 2, key: 'k', event: 'set' },
      { db: 0, key: 'k', event: 'set' },
      { db: 2, key: 'k', event: 'expire' },
      { db: 2, key: 'gone', event: 'del' },
    ]
    const patches = patchesOf(engine, changes)
    expect(patches.map(({ db, key, events }) => [db, key, ...events])).toEqual([
      [2, 'k', 'set', 'expire'],
      [0, 'k', 'set'],
      [2, 'gone', 'del'],
    ])
    expect(patches[2]!.payload).toBeNull()
  })

  test('say in the log what makes the same state elsewhere', () => {
    const from = filled()
    const patches = patchesOf(
      from.engine,
      KEYS.map((key) => ({ db: 2, key, event: 'set' })),
    )
    const replica = makeEngine()
    replica.caller = { ...replica.caller, db: 2 }
    replica.run('SET', 'missing', 'to be removed')
    replica.run('RPUSH', 'string', 'to be replaced')
    for (const { db, argv } of patchEffects(patches)) {
      expect(db).toBe(2)
      replica.run(...argv)
    }
    expect(state(replica)).toEqual(state(from))
  })
})
