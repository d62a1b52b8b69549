import { describe, expect, test } from 'vitest'
import { SlotLog, SlotReplay } from '../../../src/keyspace/durability/slot-log.ts'
import { guestOf } from '../../../src/keyspace/engine/index.ts'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import type { LogRecord } from '../../../src/storage/index.ts'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import { FOLDER, makeShard, openShard } from '../../support/durable-shard.ts'
import { stateOf } from '../../support/shard-state.ts'

const NO_KEYS: string[] = []

/** A shard in memory that has keys. */
function giver(...keys: string[]) {
  const shard = makeShard()
  shard.engine.atomically(() => {
    for (const key of keys) shard.engine.execute(shard.callerOf(0), ['RPUSH', key, 'a', key])
  }, 7)
  return shard
}

describe('slots in the log of a shard', () => {
  test('are there after a restart, with the keys that came in, at their revisions', async () => {
    const disk = new SimulatedDisk()
    disk.putFolder(FOLDER)
    const { shard } = await openShard(disk)
    const from = giver('key')
    const slots = shard.durability.slots!
    slots.coming(1, [hashSlotOf('key')])
    slots.key(guestOf(from.engine, 0, 'key'))
    slots.key({ ...guestOf(from.engine, 0, 'gone') })
    slots.given(1, [5, 6], 11)
    slots.taken([hashSlotOf('key')], 12)
    await slots.synced()
    const again = await openShard(disk.afterPowerCut(1))
    expect(stateOf(again.shard.engine)).toEqual(stateOf(from.engine))
    expect(again.report.slots).toEqual([
      { type: 'given', shard: 1, epoch: 11, slots: [5, 6] },
      { type: 'taken', shard: 0, epoch: 12, slots: [hashSlotOf('key')] },
    ])
  })

  test('are carried over by a snapshot', async () => {
    const disk = new SimulatedDisk()
    disk.putFolder(FOLDER)
    const { shard } = await openShard(disk)
    const slots = shard.durability.slots!
    slots.given(1, [5, 6], 11)
    slots.coming(2, [6, 7])
    const taken = shard.durability.snapshot()
    let isDone = false
    const noted = taken.then(() => {
      isDone = true
    })
    while (!isDone) {
      ;(shard.clock as unknown as { advance(ms: number): void }).advance(1)
      await new Promise((resolve) => void setImmediate(resolve))
    }
    const again = await openShard(disk.afterKill())
    await noted
    expect((await taken)?.removed).toBe(1)
    expect(again.report.slots).toEqual(slots.claims.all())
  })

  test('that come back have nothing of the time before', () => {
    const shard = giver('key', 'other')
    const replay = new SlotReplay(shard)
    const records: LogRecord[] = []
    const payloads = (write: (log: SlotLog) => void): void => write(new SlotLog(recorder(records), HERE))
    payloads((log) => {
      log.given(1, [hashSlotOf('key')], 5)
      log.coming(1, [hashSlotOf('key'), hashSlotOf('other')])
    })
    for (const record of records) replay.take(record)
    const keys: string[] = NO_KEYS.slice()
    shard.engine.database(0).scanAll(0, 100, (key) => void keys.push(key))
    // Of the other slot nothing can have been left: what is here has come since, or the log is not whole.
    expect(keys).toEqual(['other'])
  })
})

test('a key that is gone is gone from now on: a copy at a revision before has it', () => {
  const records: LogRecord[] = []
  const log = new SlotLog(recorder(records), { ...HERE, revision: () => 9 })
  log.key({ db: 0, key: 'k', payload: null, expireAt: 0, revision: 0, tokens: [] })
  log.key({ ...guestOf(giver('k').engine, 0, 'k') })
  expect(records.map(({ revision }) => revision)).toEqual([9, 7])
})

const HERE = { id: 0, revision: () => 1, wallMs: () => 1 }

/** A log that keeps what is written to it as records. */
function recorder(records: LogRecord[]): ConstructorParameters<typeof SlotLog>[0] {
  let bytes: number[] = []
  const sink = {
    block(value: string | Uint8Array) {
      sink.number(value.length)
      bytes.push(...Buffer.from(value as string, 'latin1'))
    },
    number(value: number) {
      let rest = value
      for (; rest > 0x7f; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
      bytes.push(rest)
    },
  }
  const log = {
    failure: undefined,
    begin: () => sink,
    append(fields: object) {
      records.push({ ...fields, payload: Uint8Array.from(bytes) } as unknown as LogRecord)
      bytes = []
    },
  }
  return log as never
}
