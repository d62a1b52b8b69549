/** The slots of a shard while they move: who waits, what is seen, and what is removed. */
import { describe, expect, test } from 'vitest'
import { type ByteString, type Guest, guestOf } from '../../../src/keyspace/engine/index.ts'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import { SlotKeeper } from '../../../src/keyspace/shard/slot-keeper.ts'
import { makeEngine } from '../../support/engine.ts'

const [A, B] = ['{a}', '{b}']
const [SLOT_A, SLOT_B] = [hashSlotOf(A), hashSlotOf(B)]

/** A keeper of a shard that owns all slots but those in `foreign`. */
function make(...foreign: number[]) {
  const made = makeEngine()
  const notOurs = new Set(foreign)
  const listeners = new Set<(db: number, key: ByteString) => void>()
  made.engine.onTouched = (db, key) => {
    for (const listener of listeners) listener(db, key)
  }
  const shard = {
    id: 1,
    engine: made.engine,
    durability: { slots: undefined },
    memory: { drawRevisions: () => 1 },
    owns: (slot: number) => !notOurs.has(slot),
    isWhole: false,
    isWholeInUse: () => shard.isWhole,
    onTouched: (listener: (db: number, key: ByteString) => void) => {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    breaths: 0,
    onBreath: () => {},
    breathe: async () => {
      shard.breaths++
      shard.onBreath()
    },
  }
  const keeper = new SlotKeeper(shard)
  return { ...made, keeper, shard, notOurs, listeners, keys: () => allKeys(made.engine.database(0)) }
}

/** All keys of a database, hidden ones included. */
function allKeys(db: ReturnType<ReturnType<typeof makeEngine>['engine']['database']>): string[] {
  const keys: string[] = []
  let cursor = 0
  do cursor = db.scan(cursor, 1000, (key) => keys.push(key))
  while (cursor !== 0)
  return keys.sort()
}

/** Keys as another shard sends them. */
function guests(...keys: string[]): Guest[] {
  const { engine, run } = makeEngine()
  for (const key of keys) run('SET', key, `value of ${key}`)
  return keys.map((key) => guestOf(engine, 0, key))
}

const NO_LOCKS = { tokenFloor: 0, locks: [] }

describe('slots that are frozen', () => {
  test('hold up who uses them, and who uses what those use, until they thaw', async () => {
    const { keeper } = make()
    expect([keeper.isFreezing, keeper.isFrozen(SLOT_A)]).toEqual([false, false])
    await keeper.whenThawed([SLOT_A])
    keeper.freeze(new Set([SLOT_A]))
    expect([keeper.isFreezing, keeper.isFrozen(SLOT_A), keeper.isFrozen(SLOT_B)]).toEqual([true, true, false])
    const order: string[] = []
    keeper.wait([SLOT_A, SLOT_B], () => order.push('both'))
    expect(keeper.isFrozen(SLOT_B)).toBe(true)
    keeper.wait([SLOT_B], () => order.push('b'))
    const thawed = keeper.whenThawed([SLOT_A]).then(() => order.push('promised'))
    expect(order).toEqual([])
    keeper.thaw()
    expect(order).toEqual(['both', 'b'])
    expect([keeper.isFreezing, keeper.isFrozen(SLOT_A), keeper.isFrozen(SLOT_B)]).toEqual([
      false,
      false,
      false,
    ])
    await thawed
    expect(order).toEqual(['both', 'b', 'promised'])
  })

  test('that freeze again while waiters go on hold those up again', () => {
    const { keeper } = make()
    keeper.freeze(new Set([SLOT_A]))
    const order: number[] = []
    keeper.wait([SLOT_A], () => {
      order.push(1)
      keeper.freeze(new Set([SLOT_A]))
      keeper.wait([SLOT_A], () => order.push(3))
    })
    keeper.wait([SLOT_A], () => order.push(2))
    keeper.thaw()
    expect(order).toEqual([1, 2])
    expect(keeper.isFrozen(SLOT_A)).toBe(true)
    keeper.thaw()
    expect(order).toEqual([1, 2, 3])
  })
})

describe('keys that come in', () => {
  test('are there, and seen by nothing that lists keys, until the slots are ours', async () => {
    const { keeper, keys, ask, run, commits, notOurs } = make(SLOT_A)
    run('SET', B, 'ours')
    commits.length = 0
    await keeper.importKeys({ from: 2, slots: [SLOT_A], keys: [] })
    await keeper.importKeys({ from: 2, keys: guests(`${A}1`, `${A}2`) })
    expect([keeper.isIncoming(SLOT_A), keeper.isIncoming(SLOT_B), keeper.mayHaveForeign]).toEqual([
      true,
      false,
      true,
    ])
    expect(keys()).toEqual([B, `${A}1`, `${A}2`].sort())
    expect([ask('KEYS', '*'), ask('DBSIZE')]).toEqual([[B], 1])
    expect(commits).toEqual([])
    await keeper.importKeys({ from: 2, keys: [], locks: NO_LOCKS })
    expect(ask('DBSIZE')).toBe(1)
    notOurs.clear()
    expect(ask('DBSIZE')).toBe(3)
    expect(ask('GET', `${A}1`)).toBe(`value of ${A}1`)
    await keeper.removeForeign()
    expect([keeper.mayHaveForeign, keeper.isIncoming(SLOT_A), ask('DBSIZE')]).toEqual([false, false, 3])
  })

  test('replace what came before, and one that is gone is removed', async () => {
    const { keeper, keys, engine } = make(SLOT_A)
    await keeper.importKeys({ from: 2, slots: [SLOT_A], keys: guests(`${A}1`, `${A}2`) })
    const gone: Guest = { db: 0, key: `${A}1`, payload: null, expireAt: 0, revision: 0, tokens: [] }
    const changed = { ...guests('x')[0]!, key: `${A}2` }
    await keeper.importKeys({ from: 2, keys: [gone, changed] })
    expect(keys()).toEqual([`${A}2`])
    expect(engine.database(0).string(`${A}2`)).toBe('value of x')
  })

  test('bring locks, when no transaction over all keys is under way any more', async () => {
    const { keeper, shard, ask, engine } = make(SLOT_A)
    const giver = makeEngine()
    giver.run('LOCK.ACQUIRE', A, 'ann', 'PX', 10_000)
    const { holders } = giver.engine.locks.info(A)!
    await keeper.importKeys({ from: 2, slots: [SLOT_A], keys: [] })
    shard.isWhole = true
    shard.onBreath = () => {
      expect(engine.locks.info(A)).toBeUndefined()
      if (shard.breaths === 3) shard.isWhole = false
    }
    const locks = { tokenFloor: 40, locks: [{ name: A, holders, waiters: [] }] }
    await keeper.importKeys({ from: 2, keys: [], locks })
    expect(shard.breaths).toBe(3)
    expect(ask('LOCK.VALIDATE', A, 1)).toBe(1)
    expect(ask('LOCK.ACQUIRE', B, 'bob', 'PX', 1000)).toEqual([41, 1000])
  })

  test('are refused when the move did not begin here, or was given up', async () => {
    const { keeper, keys } = make(SLOT_A)
    const refused = expect.objectContaining({ code: 'SHL_SHARD_DOWN' })
    await expect(keeper.importKeys({ from: 2, keys: guests(A) })).rejects.toEqual(refused)
    await keeper.importKeys({ from: 2, slots: [SLOT_A], keys: guests(A) })
    keeper.dropImported(2)
    await expect(keeper.importKeys({ from: 2, keys: guests(A) })).rejects.toEqual(refused)
    await keeper.removeForeign()
    expect([keys(), keeper.mayHaveForeign]).toEqual([[], false])
  })

  test('are worth nothing when everything was removed here meanwhile', async () => {
    const { keeper, run, engine } = make(SLOT_A)
    await keeper.importKeys({ from: 2, slots: [SLOT_A], keys: guests(A) })
    run('SET', B, 'ours')
    run('FLUSHALL')
    await expect(keeper.importKeys({ from: 2, keys: [], locks: NO_LOCKS })).rejects.toMatchObject({
      code: 'SHL_SHARD_DOWN',
      details: { reason: 'the database was emptied' },
    })
    expect(engine.database(0).size).toBe(0)
  })

  test('of two shards are apart', async () => {
    const { keeper, keys, listeners } = make(SLOT_A, SLOT_B)
    await keeper.importKeys({ from: 2, slots: [SLOT_A], keys: guests(`${A}1`) })
    await keeper.importKeys({ from: 3, slots: [SLOT_B], keys: guests(`${B}1`) })
    keeper.dropImported(2)
    await keeper.removeForeign()
    expect(keys()).toEqual([`${B}1`])
    expect([keeper.isIncoming(SLOT_A), keeper.isIncoming(SLOT_B), keeper.mayHaveForeign]).toEqual([
      false,
      true,
      true,
    ])
    expect(listeners.size).toBe(1)
    keeper.dropImported(3)
    await keeper.removeForeign()
    expect([keys(), listeners.size]).toEqual([[], 0])
  })

  test('begin anew with nothing of the last time', async () => {
    const { keeper, keys } = make(SLOT_A)
    await keeper.importKeys({ from: 2, slots: [SLOT_A], keys: guests(`${A}old`) })
    // The giver was lost, and has begun anew: nobody has ended its move.
    await keeper.importKeys({ from: 2, slots: [SLOT_A], keys: guests(`${A}new`) })
    expect(keys()).toEqual([`${A}new`])
  })
})

describe('keys of slots that were given away', () => {
  test('are hidden at once, and removed in slices, untold', async () => {
    const { keeper, keys, ask, run, commits, notOurs, shard } = make()
    for (let i = 0; i < 3000; i++) run('SET', `${A}${i}`, 'x')
    run('SET', B, 'ours')
    run('LOCK.ACQUIRE', A, 'ann', 'PX', 10_000)
    run('LOCK.ACQUIRE', B, 'bob', 'PX', 10_000)
    commits.length = 0
    notOurs.add(SLOT_A)
    keeper.markForeign()
    expect([keeper.isForeign(`${A}1`), keeper.isForeign(B), ask('DBSIZE')]).toEqual([true, false, 1])
    await keeper.removeForeign()
    expect(shard.breaths).toBeGreaterThan(3)
    expect(keys()).toEqual([B])
    expect([keeper.mayHaveForeign, keeper.isForeign(`${A}1`)]).toEqual([false, false])
    expect([ask('LOCK.VALIDATE', A, 1), ask('LOCK.VALIDATE', B, 2)]).toEqual([0, 1])
    expect(commits.flatMap(({ changes }) => changes)).toEqual([])
  })

  test('are gone before they may come back', async () => {
    const { keeper, keys, run, notOurs } = make()
    for (let i = 0; i < 2000; i++) run('SET', `${A}${i}`, 'x')
    notOurs.add(SLOT_A)
    keeper.markForeign()
    const removed = keeper.removeForeign()
    await keeper.importKeys({ from: 2, slots: [SLOT_A], keys: guests(`${A}back`) })
    await removed
    expect(keys()).toEqual([`${A}back`])
    expect(keeper.isForeign(`${A}back`)).toBe(true)
  })

  test('that go while others are being removed are removed, too', async () => {
    const { keeper, keys, run, notOurs, shard } = make(SLOT_A)
    for (let i = 0; i < 2000; i++) run('SET', `${A}${i}`, 'x')
    for (let i = 0; i < 10; i++) run('SET', `${B}${i}`, 'x')
    keeper.markForeign()
    const first = keeper.removeForeign()
    shard.onBreath = () => {
      shard.onBreath = () => {}
      notOurs.add(SLOT_B)
      void keeper.removeForeign()
    }
    await first
    expect(keys()).toEqual([])
  })
})

describe('what others may know of a commit', () => {
  const commit = {
    revision: 5,
    atMs: 0,
    effects: [],
    changes: [A, B, ''].map((key) => ({ db: 0, key, event: 'set' })),
  }

  test('is all, while there are no keys of others', () => {
    const { keeper } = make(SLOT_A)
    expect(keeper.visible(commit)).toBe(commit)
  })

  test('is nothing of keys that are not ours', () => {
    const { keeper } = make(SLOT_A)
    keeper.markForeign()
    expect(keeper.visible(commit)?.changes.map(({ key }) => key)).toEqual([B, ''])
    expect(keeper.visible({ ...commit, changes: commit.changes.slice(0, 1) })).toBeUndefined()
  })
})
