/**
 * Orders of events in moves of slots that a cut at one call does not reach: news that come late, moves that
 * were given up before, a shard that comes back while others go on. Each was once a fault.
 */
import { expect, test } from 'vitest'
import { hashSlotOf } from '../../../src/keyspace/hash-slot.ts'
import { DurableLab } from '../../support/durable-lab.ts'
import { stateOf } from '../../support/shard-state.ts'

const PAUSE_MS = 20

const pause = (lab: DurableLab): Promise<unknown> =>
  lab.settle(new Promise<void>((resolve) => void lab.clock.after(PAUSE_MS, resolve)))

const move = (lab: DurableLab, from: number, to: number, ...keys: string[]) =>
  lab.lives[from]!.exporter.move({ slots: keys.map(hashSlotOf), to })

const has = (lab: DurableLab, shard: number, key: string): boolean =>
  lab.lives[shard]!.shard.engine.database(0).exists(key)

/** Two keys of shard 0, one of which was about to move, when some database was emptied. */
async function afterAMoveThatWasGivenUp() {
  const lab = await DurableLab.open(DurableLab.disks(2))
  const [stays, goes] = [lab.keyOn(0), lab.keyOn(0, 1)]
  await lab.transact(0, [
    ['SET', stays, 'old'],
    ['SET', goes, 'x'],
  ])
  let imports = 0
  lab.onMessage = (_, to, type) => {
    if (to === 1 && type === 'importKeys' && ++imports === 2) {
      lab.lives[0]!.shard.engine.onTouched?.(5, '')
    }
  }
  expect(await lab.settle(move(lab, 0, 1, stays))).toBeInstanceOf(Error)
  lab.onMessage = () => undefined
  await pause(lab)
  expect(await lab.transact(0, [['SET', stays, 'precious']])).toBe('done')
  return { lab, stays, goes }
}

test.each(['is slow', 'fails'])(
  'a move takes no other slots along, when the sync of its decision %s',
  async (how) => {
    const { lab, stays, goes } = await afterAMoveThatWasGivenUp()
    const log = lab.lives[0]!.shard.durability.slots!
    let isFailing = false
    let goOn = (): void => undefined
    if (how === 'fails') {
      const given = log.given.bind(log)
      log.given = (...claim) => {
        isFailing = true
        given(...claim)
        lab.lose(1)
      }
      lab.onCall = (_, shard) => (isFailing && shard === 0 ? { type: 'fail', code: 'EIO' } : undefined)
    } else {
      const synced = log.synced.bind(log)
      const gate = new Promise<void>((resolve) => {
        goOn = resolve
      })
      log.synced = () => gate.then(synced)
    }
    const moving = move(lab, 0, 1, goes)
    await pause(lab)
    if (how === 'is slow') lab.lose(1)
    await lab.restart(1)
    await pause(lab)
    goOn()
    expect(await lab.settle(moving)).toBe('done')
    await pause(lab)
    const again = await DurableLab.open(lab.disksAfter())
    expect([stays, goes].map((key) => again.memory.ownerOf(hashSlotOf(key)))).toEqual([0, 1])
    expect(again.lives[0]!.shard.engine.database(0).string(stays)).toBe('precious')
  },
)

test('what came in from a giver that is busy elsewhere does not come back with the slot', async () => {
  const lab = await DurableLab.open(DurableLab.disks(3))
  const [key, held] = [lab.keyOn(0), lab.keyOn(0, 1)]
  await lab.transact(0, [['RPUSH', key, 'old']])
  let imports = 0
  lab.onMessage = (_, to, type) => {
    if (to === 1 && type === 'importKeys' && ++imports === 3) lab.lose(1)
  }
  const giver = lab.lives[0]!
  expect(await lab.settle(move(lab, 0, 1, key))).toBeInstanceOf(Error)
  // A client holds a key for a while, and a move of its slot waits for that.
  const keys = [{ db: 0, key: held, slot: hashSlotOf(held), isWritten: true }]
  const { tx } = (await giver.coordinator.begin(keys, 5000, new AbortController().signal)) as { tx: number }
  const second = move(lab, 0, 2, key)
  const third = move(lab, 0, 2, held)
  expect(await lab.settle(second)).toBe('done')
  await lab.restart(1)
  await pause(lab)
  expect(await lab.transact(2, [['DEL', key]])).toBe('done')
  expect(await lab.settle(move(lab, 2, 1, key))).toBe('done')
  expect(has(lab, 1, key)).toBe(false)
  expect(await lab.transact(1, [['RPUSH', key, 'new']])).toBe('done')
  giver.coordinator.abort(tx)
  expect(await lab.settle(third)).toBe('done')
  const again = await DurableLab.open(lab.disksAfter())
  expect(stateOf(again.lives[1]!.shard.engine).filter((line) => line.includes(key))).toEqual([
    expect.stringContaining('"new"'),
  ])
})

test('a decision that is heard of after the slot was given on changes nothing', async () => {
  const lab = await DurableLab.open(DurableLab.disks(3))
  const key = lab.keyOn(0)
  await lab.transact(0, [['SET', key, 'old']])
  const { slots } = lab.lives[1]!.shard
  const take = slots.take.bind(slots)
  let late = (): Promise<void> => Promise.resolve()
  slots.take = async (message) => {
    late = () => take(message)
  }
  expect(await lab.settle(move(lab, 0, 1, key))).toBe('done')
  expect(await lab.settle(move(lab, 1, 2, key))).toBe('done')
  await lab.settle(late())
  slots.take = take
  await pause(lab)
  expect(await lab.transact(2, [['DEL', key]])).toBe('done')
  expect(await lab.settle(move(lab, 2, 1, key))).toBe('done')
  expect(has(lab, 1, key)).toBe(false)
  const again = await DurableLab.open(lab.disksAfter())
  expect(again.memory.ownerOf(hashSlotOf(key))).toBe(1)
  expect(has(again, 1, key)).toBe(false)
})

test('a snapshot does not leave out locks that are on their way', async () => {
  const lab = await DurableLab.open(DurableLab.disks(2))
  const key = lab.keyOn(0)
  expect(await lab.transact(0, [['LOCK.ACQUIRE', key, 'me', 'PX', '100000']])).toBe('done')
  // The taker takes its time with the last message.
  lab.lives[1]!.shard.isWholeInUse = () => true
  const moving = move(lab, 0, 1, key)
  await pause(lab)
  const snapshot = lab.lives[0]!.shard.durability.snapshot()
  await lab.settle(snapshot)
  const again = await DurableLab.open(lab.disksAfter())
  expect(again.state().filter((line) => line.includes(`lock ${key}`))).toHaveLength(1)
  lab.lose(1)
  expect(await lab.settle(moving)).toBeInstanceOf(Error)
  expect(await lab.settle(snapshot)).toBe('done')
})
