/**
 * What a transaction over shards waits for before it is answered, what it may be told while a log has failed,
 * and what its log says of it.
 */
import { describe, expect, test } from 'vitest'
import { ReplyReader } from '../../../src/keyspace/wire/index.ts'
import {
  examineLog,
  KIND_CONCLUDED,
  KIND_DECIDED,
  KIND_PREPARED,
  type LogRecord,
} from '../../../src/storage/index.ts'
import type { SimulatedDisk } from '../../../src/testkit/index.ts'
import { DurableLab, type Life } from '../../support/durable-lab.ts'
import { DIRECTORY } from '../../support/durable-shard.ts'
import { batchOf, type Words } from '../../support/shards.ts'

const SHARDS = 3

function open(): Promise<DurableLab> {
  return DurableLab.open(DurableLab.disks(SHARDS))
}

function lifeOf(lab: DurableLab, shard: number): Life {
  return lab.lives[shard]!
}

/** Runs one command on the shard of its key; its writes are on no disk yet. */
function runOn(lab: DurableLab, shard: number, command: Words): void {
  void Promise.resolve(lifeOf(lab, shard).shard.run(batchOf([command]))).catch(() => undefined)
}

/** What a power cut leaves of a key. */
async function afterPowerCut(lab: DurableLab, shard: number, key: string, seed: number): Promise<unknown> {
  const found = await DurableLab.open(lab.disksAfter(seed))
  return lifeOf(found, shard).shard.engine.database(0).string(key)
}

async function failLog(lab: DurableLab, shard: number): Promise<void> {
  const { disk, shard: failing } = lifeOf(lab, shard)
  disk.onCall = ({ operation }) => (operation === 'write' ? { type: 'fail', code: 'EIO' } : undefined)
  runOn(lab, shard, ['SET', lab.keyOn(shard, 9), 'lost'])
  await lab.settle(failing.breathe())
  expect(failing.durability.journal?.refusal?.text).toMatch(/^MISCONF/)
}

/** The records of one kind in the log of a shard. */
async function recordsOf(disk: SimulatedDisk, shard: number, kind: number): Promise<LogRecord[]> {
  const found: LogRecord[] = []
  await examineLog(disk.afterKill(), `/data/shard-${shard}`, { directory: DIRECTORY, shard }, (record) => {
    if (record.kind === kind) found.push({ ...record, payload: record.payload.slice() })
  })
  return found
}

describe('a transaction over shards', () => {
  test('is answered when it is decided: what is logged after that is not waited for', async () => {
    const lab = await open()
    const [a, b] = [lab.keyOn(0), lab.keyOn(1)]
    const syncs = (): number[] => lab.lives.map(({ disk }) => disk.count('sync'))
    const before = syncs()
    expect(await lab.transact(0, [['MSET', a, '1', b, '1']])).toBe('done')
    // The part and the decision on the coordinator, the part on the other one.
    expect(syncs().map((count, i) => count - before[i]!)).toEqual([2, 1, 0])
  })

  test('leaves nothing behind that a read would wait for, and neither does a snapshot', async () => {
    const lab = await open()
    const [a, b] = [lab.keyOn(0), lab.keyOn(1)]
    expect(await lab.transact(0, [['MSET', a, '1', b, '1']])).toBe('done')
    const { disk, shard } = lifeOf(lab, 0)
    disk.onCall = ({ operation }) => (operation === 'sync' ? { type: 'hold' } : undefined)
    expect(await lab.transact(0, [['GET', a]])).toBe('done')
    void shard.durability.snapshot()
    await lab.settle(new Promise(() => undefined))
    expect(disk.held.length).toBeGreaterThan(0)
    expect(await lab.transact(1, [['MGET', a, b]])).toBe('done')
    // What somebody has written is waited for.
    runOn(lab, 0, ['SET', a, '2'])
    expect(await lab.transact(1, [['MGET', a, b]])).toBeUndefined()
  })

  test('whose decision may be on no disk is done, and its caller told that', async () => {
    for (const commands of [
      (a: string, b: string): Words[] => [['MSET', a, '1', b, '1']],
      (a: string, b: string): Words[] => [
        ['SET', a, '1'],
        ['SET', b, '1'],
      ],
    ]) {
      const lab = await open()
      const [a, b] = [lab.keyOn(0), lab.keyOn(1)]
      let syncs = 0
      lifeOf(lab, 0).disk.onCall = ({ operation }) =>
        operation === 'sync' && ++syncs === 2 ? { type: 'fail', code: 'EIO' } : undefined
      expect(await lab.transact(0, commands(a, b))).toMatchObject({ code: 'SHL_LOG_FAILED' })
      const values = [a, b].map((key, shard) => lifeOf(lab, shard).shard.engine.database(0).string(key))
      expect(values).toEqual(['1', '1'])
      expect(lab.isFree).toBe(true)
      // The other shard knows that it was decided.
      await lab.settle(lifeOf(lab, 1).shard.durability.parts!.synced())
      const found = await DurableLab.open(lab.disksAfter(1))
      const restored = [a, b].map((key, shard) => lifeOf(found, shard).shard.engine.database(0).string(key))
      expect(restored).toEqual(['1', '1'])
    }
  })

  test('that changes another shard alone has the durability that was asked for', async () => {
    const lab = await open()
    const [a, b] = [lab.keyOn(0), lab.keyOn(1)]
    expect(
      await lab.transact(0, [
        ['GET', a],
        ['SET', b, 'kept'],
      ]),
    ).toBe('done')
    for (let seed = 1; seed <= 5; seed++) expect(await afterPowerCut(lab, 1, b, seed)).toBe('kept')
  })

  test.each([
    ['alone', (a: string, b: string): Words[] => [['MGET', a, b]]],
    [
      'and writes one',
      (a: string, b: string): Words[] => [
        ['GET', b],
        ['APPEND', a, 'x'],
      ],
    ],
    [
      'and writes two',
      (a: string, b: string, c: string): Words[] => [
        ['GET', b],
        ['MSET', a, 'x', c, 'x'],
      ],
    ],
    ['of all keys', (a: string, b: string): Words[] => [['DBSIZE'], ['GET', b], ['SET', a, 'x']]],
  ])('that reads %s tells of nothing that is not as durable', async (_, commandsOf) => {
    const lab = await open()
    const [a, b, c] = [lab.keyOn(0), lab.keyOn(1), lab.keyOn(2)]
    runOn(lab, 1, ['SET', b, 'read'])
    expect(await lab.transact(0, commandsOf(a, b, c))).toBe('done')
    for (let seed = 1; seed <= 5; seed++) expect(await afterPowerCut(lab, 1, b, seed)).toBe('read')
  })

  test('only reads, and goes on when logs have failed; one that writes is refused', async () => {
    const lab = await open()
    const [a, b] = [lab.keyOn(0), lab.keyOn(1)]
    expect(await lab.transact(0, [['MSET', a, '1', b, '2']])).toBe('done')
    await failLog(lab, 0)
    await failLog(lab, 1)
    expect(await lab.transact(0, [['MGET', a, b]])).toBe('done')
    const reads = [
      ['GET', a],
      ['STRLEN', b],
    ]
    expect(await lab.transact(1, reads)).toBe('done')
    expect(await lab.transact(2, [['DBSIZE'], ...reads])).toBe('done')
    expect(await lab.transact(2, [['MSET', a, '3', b, '3']])).toMatchObject({ code: 'SHL_COMMAND_REFUSED' })
    expect(lab.isFree).toBe(true)
  })

  test('survives that its keys are thrown out, or expire, while it is decided', async () => {
    const lab = await open()
    const [a, b, c] = [lab.keyOn(0), lab.keyOn(1), lab.keyOn(0, 1)]
    expect(await lab.transact(0, [['MSET', a, '1', b, '1', c, '1']])).toBe('done')
    const { disk, shard } = lifeOf(lab, 0)
    let syncs = 0
    // The decision.
    disk.onCall = ({ operation }) => (operation === 'sync' && ++syncs === 2 ? { type: 'hold' } : undefined)
    const done = lab.transact(0, [
      ['APPEND', a, '2'],
      ['APPEND', b, '2'],
      ['SET', c, 'short', 'PX', '3'],
    ])
    expect(await done).toBeUndefined()
    expect(disk.held).toHaveLength(1)
    const { engine } = shard
    for (const key of [a, c]) engine.atomically(() => engine.database(0).evict(key))
    disk.release()
    await lab.settle(new Promise(() => undefined))
    engine.tick(1)
    const state = lab.state()
    expect(engine.database(0).string(a)).toBe('12')
    await lab.settle(shard.durability.parts!.synced())
    const found = await DurableLab.open(lab.disksAfter())
    expect(found.state()).toEqual(state)
  })

  test('is in each log with the shards that it changes', async () => {
    const lab = await open()
    const [a, b, c] = [lab.keyOn(0), lab.keyOn(1), lab.keyOn(2)]
    expect(await lab.transact(1, [['MSET', a, '1', c, '1']])).toBe('done')
    expect(
      await lab.transact(2, [
        ['GET', a],
        ['APPEND', b, 'x'],
        ['APPEND', c, 'x'],
      ]),
    ).toBe('done')
    const participants = async (shard: number, kind: number): Promise<(readonly number[])[]> =>
      (await recordsOf(lifeOf(lab, shard).disk, shard, kind)).map((record) => record.participants)
    expect(await participants(0, KIND_PREPARED)).toEqual([[0, 2]])
    expect(await participants(1, KIND_PREPARED)).toEqual([[1, 2]])
    expect(await participants(2, KIND_PREPARED)).toEqual([
      [0, 2],
      [1, 2],
    ])
    expect(await participants(1, KIND_DECIDED)).toEqual([[0, 2]])
    expect(await participants(2, KIND_DECIDED)).toEqual([[1, 2]])
  })
})

describe('a part that is given up', () => {
  test('is concluded as such, and in no doubt after a crash', async () => {
    const lab = await open()
    const [a, b, c] = [lab.keyOn(0), lab.keyOn(1), lab.keyOn(2)]
    // A shard is lost before the decision.
    lab.onMessage = (_, to, type) => {
      if (type === 'stage' && to === 2) lab.lose(2)
    }
    expect(await lab.transact(0, [['MSET', a, '1', b, '1', c, '1']])).toBeInstanceOf(Error)
    await lab.settle(new Promise(() => undefined))
    for (const shard of [0, 1]) {
      await lab.settle(lifeOf(lab, shard).shard.durability.parts!.synced())
      const [prepared] = await recordsOf(lifeOf(lab, shard).disk, shard, KIND_PREPARED)
      const concluded = await recordsOf(lifeOf(lab, shard).disk, shard, KIND_CONCLUDED)
      expect(concluded.map(({ revision, payload }) => [revision, ...payload])).toEqual([
        [prepared!.revision, 1],
      ])
    }
    const found = await DurableLab.open(lab.disksAfter())
    expect(found.state()).toEqual([])
  })

  test('by a recovery is in no doubt after the next one', async () => {
    const lab = await open()
    const [a, b] = [lab.keyOn(0), lab.keyOn(1)]
    let isStaged = false
    lab.onCall = (_, shard, { operation }) => {
      // The coordinator stops before its decision is anywhere.
      if (shard === 0 && operation === 'write' && isStaged) return { type: 'stop' }
      if (operation === 'sync') isStaged = true
      return undefined
    }
    expect(await lab.transact(0, [['MSET', a, '1', b, '1']])).toBeUndefined()
    const first = await DurableLab.open(lab.disksAfter())
    const { shard, disk } = lifeOf(first, 1)
    await first.settle(shard.durability.parts!.synced())
    expect(await recordsOf(disk, 1, KIND_PREPARED)).toHaveLength(1)
    const [end] = await recordsOf(disk, 1, KIND_CONCLUDED)
    expect([...end!.payload]).toEqual([1])
  })
})

test('replies of a batch over shards come in the order of its commands', async () => {
  const lab = await open()
  const [a, b] = [lab.keyOn(0), lab.keyOn(1)]
  const batch = batchOf([
    ['APPEND', a, 'xy'],
    ['STRLEN', b],
    ['STRLEN', a],
  ])
  const answer = lifeOf(lab, 1).coordinator.transact({ batch, watched: [] }, new AbortController().signal)
  await lab.settle(answer)
  const done = await answer
  const reader = new ReplyReader(done.type === 'done' ? done.replies : new Uint8Array())
  expect([reader.next(), reader.next(), reader.next()]).toEqual([2, 0, 2])
})
