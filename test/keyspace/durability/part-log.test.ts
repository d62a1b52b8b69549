/** Parts of transactions in a log: what is told of them, when, and what becomes of them after a crash. */
import { describe, expect, test } from 'vitest'
import type { PartLog } from '../../../src/keyspace/durability/part-log.ts'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import { type DurableShard, openShard, turns } from '../../support/durable-shard.ts'

const COMMIT = {
  atMs: 1,
  effects: [{ db: 0, argv: ['SET', 'k', 'v'] }],
  changes: [{ db: 0, key: 'k', event: 'set' }],
}

async function open(): Promise<{ durable: DurableShard; parts: PartLog; disk: SimulatedDisk }> {
  const disk = new SimulatedDisk()
  disk.putFolder('/data')
  const durable = await openShard(disk)
  return { durable, parts: durable.journal.parts, disk }
}

/** Whether a promise has settled by now. */
async function isOver(promise: Promise<unknown>): Promise<boolean> {
  let isOver = false
  const note = (): void => {
    isOver = true
  }
  promise.then(note, note)
  await turns()
  return isOver
}

describe('a part', () => {
  test('that is not concluded holds its keys, and is in doubt after a crash', async () => {
    const { parts, disk } = await open()
    parts.prepare({ ...COMMIT, revision: 5 })
    expect([parts.holds(0, 'k'), parts.holds(1, 'k'), parts.holds(0, 'other')]).toEqual([true, false, false])
    await parts.synced()
    const found = await openShard(disk.afterPowerCut(1))
    expect(found.report).toMatchObject({ inDoubt: [5], decided: [], revision: 5 })
    // Nobody had decided it.
    found.shard.durability.resolve([])
    expect(found.shard.engine.database(0).exists('k')).toBe(false)
  })

  test('that was decided is true when the doubt is over, and in no doubt after the next crash', async () => {
    const { parts, disk } = await open()
    parts.prepare({ ...COMMIT, revision: 5 })
    await parts.decide(5, 1)
    const found = await openShard(disk.afterPowerCut(2))
    expect(found.report).toMatchObject({ inDoubt: [5], decided: [5] })
    expect(found.shard.engine.database(0).exists('k')).toBe(false)
    found.shard.durability.resolve([5])
    expect(found.shard.engine.database(0).string('k')).toBe('v')
    expect(found.shard.engine.database(0).revisionOf('k')).toBe(5)
    await found.journal.parts.synced()
    const again = await openShard(found.disk.afterPowerCut(3))
    expect(again.report).toMatchObject({ inDoubt: [] })
    expect(again.shard.engine.database(0).string('k')).toBe('v')
  })

  test('that is forgotten gives its keys free, tells which, and is in no doubt any more', async () => {
    const { parts, disk } = await open()
    parts.prepare({ ...COMMIT, revision: 5 })
    expect(parts.forget(5, 1)).toEqual(COMMIT.changes)
    expect(parts.holds(0, 'k')).toBe(false)
    expect(parts.conclude(5, 1)).toBeUndefined()
    await parts.synced()
    const found = await openShard(disk.afterPowerCut(1))
    expect(found.report).toMatchObject({ inDoubt: [], revision: 5 })
    expect(found.shard.engine.database(0).exists('k')).toBe(false)
  })

  test('that nobody had decided is given up once and for all', async () => {
    const { parts, disk } = await open()
    parts.prepare({ ...COMMIT, revision: 5 })
    await parts.synced()
    const found = await openShard(disk.afterPowerCut(1))
    found.shard.durability.resolve([])
    await found.journal.parts.synced()
    const again = await openShard(found.disk.afterPowerCut(2))
    expect(again.report).toMatchObject({ inDoubt: [] })
    // Not even if somebody said so.
    again.shard.durability.resolve([5])
    expect(again.shard.engine.database(0).exists('k')).toBe(false)
  })

  test('over all keys is known as such', async () => {
    const { parts } = await open()
    parts.prepare({ ...COMMIT, revision: 5 })
    expect(parts.hasWhole).toBe(false)
    parts.prepare({ ...COMMIT, revision: 6, changes: [{ db: 0, key: '', event: 'flushdb' }] })
    expect(parts.hasWhole).toBe(true)
  })
})

describe('who asks for an outcome', () => {
  test('waits until the transaction is over here, and is told the truth', async () => {
    const { parts } = await open()
    parts.begin(7)
    parts.prepare({ ...COMMIT, revision: 8 })
    const [coordinated, taken, unknown] = [7, 8, 9].map((revision) => parts.outcomeOf(revision))
    expect(await unknown).toBe(false)
    expect(await isOver(coordinated!)).toBe(false)
    await parts.decide(7, 1)
    expect(await coordinated).toBe(true)
    expect(await isOver(taken!)).toBe(false)
    parts.forget(8, 1)
    expect(await taken).toBe(false)
    parts.begin(10)
    const given = parts.outcomeOf(10)
    parts.giveUp(10)
    expect(await given).toBe(false)
  })

  test('is told of what was decided before this process began', async () => {
    const { durable, parts, disk } = await open()
    await parts.decide(3, 1)
    await durable.shard.close()
    const found = await openShard(disk.afterKill())
    expect(await found.journal.parts.outcomeOf(3)).toBe(true)
  })

  test('hears that a decision is made only when no power cut can take it back', async () => {
    const { parts, disk } = await open()
    disk.onCall = ({ operation }) => (operation === 'sync' ? { type: 'hold' } : undefined)
    parts.begin(4)
    const decided = parts.decide(4, 1)
    const outcome = parts.outcomeOf(4)
    expect(await isOver(decided)).toBe(false)
    expect(await isOver(outcome)).toBe(false)
    disk.onCall = undefined
    disk.release()
    await decided
    expect(await outcome).toBe(true)
  })
})

test('a log that has failed promises nothing any more, also for what was never written', async () => {
  const { durable, parts, disk } = await open()
  disk.onCall = ({ operation }) => (operation === 'sync' ? { type: 'fail', code: 'EIO' } : undefined)
  await expect(parts.decide(1, 1)).rejects.toMatchObject({ code: 'SHL_LOG_FAILED' })
  disk.onCall = undefined
  parts.prepare({ ...COMMIT, revision: 2 })
  await expect(parts.synced()).rejects.toMatchObject({ code: 'SHL_LOG_FAILED' })
  expect(durable.journal.refusal?.text).toMatch(/^MISCONF/)
})
