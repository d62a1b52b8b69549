/** Snapshots while commands go on: what is at their end, what they cost, and what they leave alone. */
import { describe, expect, test } from 'vitest'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import { type DurableShard, FOLDER, openShard, turns } from '../../support/durable-shard.ts'
import { stateOf } from '../../support/shard-state.ts'

const CALLER = { id: 'test', resp: 2, db: 0 } as const
/** So many that a walk takes several slices. */
const KEYS = Array.from({ length: 80 }, (_, i) => `key${i}`)

function run({ shard }: DurableShard, ...commands: string[][]): void {
  for (const argv of commands) shard.engine.execute(CALLER, argv)
}

/** A shard with keys, and those that a walk comes to first and last. */
async function filled(): Promise<{ durable: DurableShard; early: string; late: string }> {
  const disk = new SimulatedDisk()
  disk.putFolder('/data')
  const durable = await openShard(disk)
  run(durable, ...KEYS.map((key) => ['SET', key, 'old']))
  const order: string[] = []
  durable.shard.engine.database(0).scanAll(0, 1000, (key) => void order.push(key))
  return { durable, early: order[0]!, late: order.at(-1)! }
}

/** Runs a snapshot with commands behind its first slice; what the next shard finds at its end. */
async function around(
  durable: DurableShard,
  meanwhile: () => void | Promise<void>,
): Promise<{ found: DurableShard; expected: string[] }> {
  const snapshot = durable.shard.durability.snapshot()
  await meanwhile()
  await turns(durable.clock, 60)
  expect((await snapshot)?.removed).toBe(1)
  const found = await openShard(durable.disk.afterKill(), { clock: durable.clock })
  found.shard.durability.resolve([])
  return { found, expected: stateOf(durable.shard.engine) }
}

describe('what a snapshot has at its end', () => {
  test('is all keys as they are, in a log without what was before', async () => {
    const { durable, early, late } = await filled()
    const { found, expected } = await around(durable, () => {
      run(durable, ['SET', early, 'new'], ['DEL', late], ['SET', 'another', '1'])
    })
    expect(stateOf(found.shard.engine)).toEqual(expected)
    expect(await durable.disk.list(FOLDER)).toEqual(['00000002.log'])
    expect(found.report.states).toBeGreaterThan(70)
  })

  test('is right for a key that was made of one that had not come', async () => {
    const { durable, early, late } = await filled()
    const { found, expected } = await around(durable, () => {
      run(durable, ['COPY', late, early, 'REPLACE'], ['SET', late, 'changed'], ['RENAME', late, 'renamed'])
    })
    expect(stateOf(found.shard.engine)).toEqual(expected)
  })

  test('is no rest of a key that was removed before it came', async () => {
    const { durable, late } = await filled()
    run(durable, ['DEL', late], ['RPUSH', late, 'a'])
    const { found, expected } = await around(durable, () => {
      // Whoever has not `a` keeps `x` instead, and does not find what is to be removed.
      run(durable, ['RPUSH', late, 'x'], ['LTRIM', late, '0', '0'], ['LREM', late, '0', 'a'])
    })
    expect(expected.join()).not.toContain(`"${late}"`)
    expect(stateOf(found.shard.engine)).toEqual(expected)
  })

  test('is no rest of a key that has expired, and that nobody has looked at since', async () => {
    const { durable, late } = await filled()
    run(durable, ['PEXPIRE', late, '10'])
    const { found, expected } = await around(durable, () => {
      run(durable, ['APPEND', late, 'x'])
      durable.clock.skip(50)
    })
    expect(expected.join()).not.toContain(`"${late}"`)
    expect(stateOf(found.shard.engine)).toEqual(expected)
  })

  test('is right when databases are exchanged, flushed and made meanwhile', async () => {
    const { durable, early, late } = await filled()
    const { found, expected } = await around(durable, async () => {
      run(durable, ['SWAPDB', '0', '1'], ['SET', early, 'in the other'], ['MOVE', early, '3'])
      await turns(durable.clock, 2)
      run(durable, ['SWAPDB', '1', '2'], ['COPY', early, late, 'DB', '4'])
    })
    expect(stateOf(found.shard.engine)).toEqual(expected)
    expect(new Set(expected.map((line) => line[0]))).toEqual(new Set(['2', '3']))
  })

  test('has the locks and the tokens, and the decisions that others may ask for', async () => {
    const { durable } = await filled()
    run(
      durable,
      ['LOCK.ACQUIRE', 'one', 'owner', 'PX', '100000'],
      ['LOCK.ACQUIRE', 'two', 'owner', 'PX', '100000'],
    )
    run(durable, ['LOCK.RELEASE', 'two', 'owner', '2'])
    await durable.shard.durability.parts!.decide(17, 1)
    const { found, expected } = await around(durable, () => undefined)
    expect(stateOf(found.shard.engine)).toEqual(expected)
    expect(expected.at(-1)).toContain('lock one')
    expect(found.shard.memory.token).toBe(2)
    expect(found.report.decided).toContain(17)
  })

  test('waits for parts that are prepared, and has what became of them', async () => {
    const { durable, early, late } = await filled()
    const { participant, memory } = durable.shard
    const begin = async (tx: number, key: string): Promise<void> => {
      const use = { db: 0, key, slot: 0, isWritten: true }
      expect(participant.schedule({ tx, by: 0, life: 1, keys: [use] })).toBe('yes')
      await participant.gather({ tx, keys: [] })
      const patches = [{ db: 0, key, payload: null, expireAt: 0, events: ['del'] }]
      void participant.stage({ tx, revision: memory.drawRevisions(1), patches, participants: [0, 1] })
    }
    await begin(1, early)
    await begin(2, late)
    const snapshot = durable.shard.durability.snapshot()
    await turns(durable.clock, 60)
    expect(await durable.disk.list(FOLDER)).toHaveLength(2)
    participant.applyStaged(1)
    participant.release(2)
    await turns(durable.clock, 10)
    expect((await snapshot)?.removed).toBe(1)
    const found = await openShard(durable.disk.afterKill())
    expect(stateOf(found.shard.engine)).toEqual(stateOf(durable.shard.engine))
    expect(found.report.inDoubt).toEqual([])
  })
})

describe('a snapshot', () => {
  test('is one at a time, and does not count as a use of the keys', async () => {
    const { durable, late } = await filled()
    const database = durable.shard.engine.database(0)
    database.setAccessClock(late, 12_345)
    const { keyHits } = durable.shard.engine.stats
    const snapshots = [durable.shard.durability.snapshot(), durable.shard.durability.snapshot()]
    await turns(durable.clock, 60)
    const [first, second] = await Promise.all(snapshots)
    expect(first).toBe(second)
    expect(first?.keys).toBe(KEYS.length)
    expect(database.table.accessClock(database.table.find(late))).toBe(12_345)
    expect(durable.shard.engine.stats.keyHits).toBe(keyHits)
  })

  test('leaves the log alone when the shard is closed in the middle of it', async () => {
    const { durable } = await filled()
    const snapshot = durable.shard.durability.snapshot()
    const closed = durable.shard.close()
    await turns(durable.clock, 20)
    await closed
    expect((await snapshot)?.removed).toBe(0)
    const found = await openShard(durable.disk.afterKill())
    expect(stateOf(found.shard.engine)).toEqual(stateOf(durable.shard.engine))
    expect(await durable.disk.list(FOLDER)).toHaveLength(2)
  })

  test('fails with the log, and removes nothing', async () => {
    const { durable } = await filled()
    durable.disk.onCall = ({ operation }) =>
      operation === 'sync' ? { type: 'fail', code: 'EIO' } : undefined
    const snapshot = durable.shard.durability.snapshot()
    const outcome = snapshot.then(
      (report) => report?.removed,
      (error: { code: string }) => error.code,
    )
    await turns(durable.clock, 60)
    expect([0, 'SHL_LOG_FAILED']).toContain(await outcome)
    expect(durable.disk.contentOf(`${FOLDER}/00000001.log`)).toBeDefined()
  })

  test('begins by itself when the log has grown', async () => {
    const durable = await openShard(new SimulatedDisk(), { store: { snapshotBytes: 20_000 } })
    for (let i = 0; i < 400; i++) run(durable, ['SET', `key${i % 10}`, 'x'.repeat(100)])
    await turns(durable.clock, 60)
    expect(await durable.disk.list(FOLDER)).not.toContain('00000001.log')
  })
})
