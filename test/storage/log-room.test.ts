/**
 * Room: the reserve is made, given up, and made again; a write waits for room when it may, and never wrongly.
 */
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { LogRoom } from '../../src/storage/log-room.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { FOLDER, settled } from '../support/log-world.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { rejection } from '../support/runtime.ts'

const RESERVE = join(FOLDER, 'reserve')
const clock = new ManualClock()
const errors: unknown[] = []

afterEach(() => expect(errors.splice(0)).toEqual([]))

async function roomOn(disk: SimulatedDisk, reserveBytes = 1000): Promise<LogRoom> {
  disk.putFolder(FOLDER)
  const room = new LogRoom({ disk, clock, folder: FOLDER, reserveBytes }, (error) => void errors.push(error))
  await room.open()
  room.letWait()
  return room
}

/** Grows a file, as a log does. */
async function grower(disk: SimulatedDisk): Promise<(count: number) => Promise<number>> {
  const file = await disk.open(join(FOLDER, 'log'), 'create')
  return async (count) => {
    const size = await file.size()
    return await file.write(size, new Uint8Array(count))
  }
}

const sizeOf = (disk: SimulatedDisk): number | undefined => disk.contentOf(RESERVE)?.length

async function pass(ms: number): Promise<void> {
  clock.advance(ms)
  await settled()
}

test('the reserve is made of noise, synced, and kept from process to process', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 200_000 })
  const room = await roomOn(disk, 150_000)
  const bytes = disk.contentOf(RESERVE)!
  expect(bytes.length).toBe(150_000)
  const counts = new Uint32Array(256)
  for (const byte of bytes) counts[byte]!++
  expect(Math.max(...counts)).toBeLessThan(2 * Math.min(...counts))
  expect(room.isFull).toBe(false)
  expect(disk.count('sync')).toBe(1)
  await room.close()
  const next = disk.afterKill({ capacityBytes: 200_000 })
  await (await roomOn(next, 150_000)).close()
  expect(next.count('write')).toBe(0)
  // A part of one is completed.
  const part = new SimulatedDisk({ capacityBytes: 200_000 })
  part.putFile(RESERVE, new Uint8Array(100_000))
  await (await roomOn(part, 150_000)).close()
  expect(sizeOf(part)).toBe(150_000)
})

test('a write that finds no room gets that of the reserve, and the log is full', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 1500 })
  const room = await roomOn(disk)
  const grow = await grower(disk)
  expect(await room.whenFree(() => grow(400))).toBe(400)
  expect(room.isFull).toBe(false)
  expect(await room.whenFree(() => grow(200))).toBe(100)
  expect(await room.whenFree(() => grow(200))).toBe(200)
  expect(room.isFull).toBe(true)
  expect(sizeOf(disk)).toBeUndefined()
  await room.close()
})

test('when there is room for a reserve again it is made, and the log is not full', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 1500 })
  const room = await roomOn(disk)
  const grow = await grower(disk)
  await grow(500)
  await room.whenFree(() => grow(100))
  for (let i = 0; i < 5; i++) {
    await pass(100)
    expect(room.isFull).toBe(true)
    expect(sizeOf(disk)).toBeUndefined()
    expect(disk.usedBytes).toBe(600)
  }
  disk.capacityBytes = 1600
  await pass(100)
  expect(room.isFull).toBe(false)
  expect(sizeOf(disk)).toBe(1000)
  expect(clock.timerCount).toBe(0)
  await room.close()
})

test('a write that finds no room and no reserve waits, and comes before a new reserve', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 1100 })
  const room = await roomOn(disk)
  const grow = await grower(disk)
  await grow(100)
  await room.whenFree(() => grow(1000))
  let isWritten = false
  const waiting = room
    .whenFree(() => grow(50))
    .then(() => {
      isWritten = true
    })
  await pass(1000)
  expect(isWritten).toBe(false)
  expect(sizeOf(disk)).toBeUndefined()
  // Enough for the write, not for a reserve as well.
  disk.capacityBytes = 2120
  await pass(100)
  await waiting
  expect(disk.contentOf(join(FOLDER, 'log'))?.length).toBe(1150)
  await pass(300)
  expect(room.isFull).toBe(true)
  disk.capacityBytes = 2150
  await pass(100)
  expect(room.isFull).toBe(false)
  await room.close()
})

test('without a reserve the log is full for as long as a write waits', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 100 })
  const room = await roomOn(disk, 0)
  const grow = await grower(disk)
  await room.whenFree(() => grow(100))
  expect(room.isFull).toBe(false)
  const waiting = room.whenFree(() => grow(10))
  await pass(500)
  expect(room.isFull).toBe(true)
  disk.capacityBytes = 200
  await pass(100)
  expect(await waiting).toBe(10)
  expect(room.isFull).toBe(false)
  await room.close()
})

test('a disk that is full at the beginning is said to be', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 999 })
  const room = await roomOn(disk)
  expect(room.isFull).toBe(true)
  expect(disk.usedBytes).toBe(0)
  disk.capacityBytes = 1000
  await pass(100)
  expect(room.isFull).toBe(false)
  await room.close()
})

test('a disk that has no room for another name is full, too', async () => {
  const disk = new SimulatedDisk()
  disk.onCall = ({ operation }) => (operation === 'open' ? { type: 'fail', code: 'EDQUOT' } : undefined)
  const room = await roomOn(disk)
  expect(room.isFull).toBe(true)
  disk.onCall = undefined
  await pass(100)
  expect(room.isFull).toBe(false)
  await room.close()
})

test('before writes may wait they fail, once the reserve of the process before is given up', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 1000 })
  disk.putFile(RESERVE, new Uint8Array(600))
  const room = new LogRoom({ disk, clock, folder: FOLDER, reserveBytes: 600 }, () => undefined)
  const grow = await grower(disk)
  expect(await room.whenFree(() => grow(400))).toBe(400)
  expect(await room.whenFree(() => grow(600))).toBe(600)
  expect(sizeOf(disk)).toBeUndefined()
  expect((await rejection(room.whenFree(() => grow(1))))['code']).toBe('ENOSPC')
  await room.close()
})

test('closing ends the waiting of a write with the error of the disk', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 1000 })
  const room = await roomOn(disk)
  const grow = await grower(disk)
  await room.whenFree(() => grow(1000))
  const waiting = rejection(room.whenFree(() => grow(1)))
  await settled()
  await room.close()
  expect((await waiting)['code']).toBe('ENOSPC')
  await pass(1000)
  expect(sizeOf(disk)).toBeUndefined()
  expect(clock.timerCount).toBe(0)
})

test('another error than a full disk is that of the write, or is told when there is no write', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 1000 })
  const room = await roomOn(disk)
  const grow = await grower(disk)
  disk.onCall = ({ operation }) => (operation === 'write' ? { type: 'fail', code: 'EIO' } : undefined)
  expect((await rejection(room.whenFree(() => grow(1))))['code']).toBe('EIO')
  expect(room.isFull).toBe(false)
  disk.onCall = undefined
  await room.whenFree(() => grow(1))
  disk.onCall = ({ operation }) => (operation === 'sync' ? { type: 'fail', code: 'EIO' } : undefined)
  disk.capacityBytes = 5000
  await pass(100)
  expect(errors.splice(0)).toMatchObject([{ code: 'EIO' }])
  await room.close()
})

test('a reserve that is being made gives way to a write that finds no room', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 70_000 })
  const room = await roomOn(disk, 66_000)
  const grow = await grower(disk)
  await grow(4000)
  await room.whenFree(() => grow(1000))
  disk.capacityBytes = 5000
  // The reserve takes two writes; the first is under way when there is no room for the log.
  disk.onCall = ({ operation, path }) =>
    operation === 'write' && path === RESERVE ? { type: 'hold' } : undefined
  await pass(100)
  const waiting = room.whenFree(() => grow(3000))
  await settled()
  disk.capacityBytes = 200_000
  expect(disk.held).toHaveLength(1)
  disk.release()
  await settled()
  expect(disk.held).toEqual([])
  expect(sizeOf(disk)).toBeUndefined()
  disk.onCall = undefined
  await pass(100)
  expect(await waiting).toBe(3000)
  await pass(200)
  expect(sizeOf(disk)).toBe(66_000)
  expect(room.isFull).toBe(false)
  await room.close()
})
