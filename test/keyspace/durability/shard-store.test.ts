/** The files of a shard: what is opened, what is refused, and what is said about it. */
import { describe, expect, test } from 'vitest'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import { FOLDER, openShard, turns } from '../../support/durable-shard.ts'
import { batchOf } from '../../support/shards.ts'

const FIRST = `${FOLDER}/00000001.log`

/** A disk with the log of a shard that was closed, or killed. */
async function disk({ isClosed = true, snapshot = false } = {}): Promise<SimulatedDisk> {
  const made = new SimulatedDisk()
  made.putFolder('/data')
  const { shard, clock } = await openShard(made)
  for (let i = 0; i < 20; i++) await shard.run(batchOf([['SET', `key${i}`, 'some value']]))
  if (snapshot) {
    const done = shard.durability.snapshot()
    await turns(clock, 30)
    await done
  }
  if (isClosed) await shard.close()
  return made.afterKill()
}

function changed(
  disk: SimulatedDisk,
  path: string,
  change: (bytes: Uint8Array) => Uint8Array,
): SimulatedDisk {
  const bytes = disk.contentOf(path)!
  disk.putFile(path, change(Uint8Array.from(bytes)))
  return disk
}

describe('a store', () => {
  test('is made, and found again with a report of what was in it', async () => {
    const { report } = await openShard(await disk())
    expect(report).toMatchObject({
      commits: 20,
      states: 0,
      revision: 20,
      decided: [],
      inDoubt: [],
      tail: undefined,
    })
    expect(report.bytes).toBeGreaterThan(20 * 50)
  })

  test('is read from the last whole snapshot on', async () => {
    const { report, shard } = await openShard(await disk({ snapshot: true }))
    expect(report).toMatchObject({ commits: 1, states: 20 })
    expect(shard.engine.database(0).size).toBe(20)
  })

  test('goes on where it was: revisions, time and tokens only grow', async () => {
    const first = new SimulatedDisk()
    first.putFolder('/data')
    const before = await openShard(first)
    before.clock.wallOffsetMs += 1e9
    await before.shard.run(
      batchOf([
        ['LOCK.ACQUIRE', 'l', 'me', 'PX', '1000'],
        ['SET', 'k', 'v'],
      ]),
    )
    await turns()
    const { shard, clock } = await openShard(first.afterKill())
    expect(clock.wallMs()).toBeLessThan(before.clock.wallMs())
    expect(shard.engine.clock.wallMs()).toBeGreaterThanOrEqual(before.shard.engine.nowMs)
    expect(shard.memory.drawToken()).toBe(2)
    expect(shard.memory.drawRevisions(1)).toBe(before.shard.memory.revision + 1)
  })

  test('whose last record is cut short is opened without it, and says so', async () => {
    const cut = changed(await disk({ isClosed: false }), FIRST, (bytes) =>
      bytes.subarray(0, bytes.length - 5),
    )
    const { report, shard } = await openShard(cut)
    expect(shard.engine.database(0).size).toBe(19)
    expect(report.tail).toMatchObject({ file: FIRST, reason: expect.stringContaining('cut short') })
    expect(report.tail!.bytes).toBeGreaterThan(0)
  })

  test('with damage in what was synced is refused, with the file and the place', async () => {
    const size = (await disk()).contentOf(FIRST)!.length
    for (let at = 20; at < size - 40; at += 37) {
      const damaged = changed(await disk(), FIRST, (bytes) => {
        bytes[at]! ^= 4
        return bytes
      })
      await expect(openShard(damaged), `at ${at}`).rejects.toMatchObject({ details: { file: FIRST } })
    }
  })

  test('of another shard, or directory, is refused', async () => {
    await expect(openShard(await disk(), { store: { directory: 'another' } })).rejects.toMatchObject({
      code: 'SHL_LOG_FOREIGN',
    })
  })

  test('that begins in the middle, without a snapshot, is refused', async () => {
    const snapped = await disk({ snapshot: true })
    const path = `${FOLDER}/00000002.log`
    // Cut before the snapshot's end: the first segment is gone, and nothing has all keys.
    const cut = changed(snapped, path, (bytes) => bytes.subarray(0, 600))
    await expect(openShard(cut)).rejects.toMatchObject({ code: 'SHL_LOG_DAMAGED' })
  })
})
