/** The segment that is written to: in which order it is made, how it is gone on with, and short writes. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import type { ExaminedSegment } from '../../src/storage/log-examination.ts'
import { LogRoom } from '../../src/storage/log-room.ts'
import { SegmentFile } from '../../src/storage/segment-file.ts'
import { type DiskCall, SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { FOLDER, segmentPath, settled } from '../support/log-world.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { rejection } from '../support/runtime.ts'

const PATH = segmentPath(1)
const HEAD = Buffer.alloc(96, 0x68)

function roomOn(disk: SimulatedDisk): LogRoom {
  disk.putFolder(FOLDER)
  return new LogRoom({ disk, clock: new ManualClock(), folder: FOLDER, reserveBytes: 0 }, () => undefined)
}

function create(disk: SimulatedDisk): Promise<SegmentFile> {
  return SegmentFile.create(disk, FOLDER, 1, HEAD, roomOn(disk))
}

/** What `readSegment` says of a segment of which this much is valid. */
function examined(offset: number, sizeBytes: number): ExaminedSegment {
  const info = { directory: 'f00d', shard: 3, number: 1, base: 0, previous: 0 }
  return { path: PATH, info, offset, sizeBytes, mark: 1, checksum: 2, seal: '' }
}

const textOf = ({ operation, position, sizeBytes }: DiskCall): string =>
  [operation, position, sizeBytes].filter((part) => part !== undefined).join(' ')

test('a segment is made in an order that leaves it whole, or without a name', async () => {
  const disk = new SimulatedDisk()
  const segment = await create(disk)
  expect(disk.calls.map(textOf)).toEqual(['open', 'write 0 112', 'sync', 'syncFolder'])
  for (let seed = 0; seed < 50; seed++) {
    const bytes = Buffer.from(disk.afterPowerCut(seed).contentOf(PATH)!)
    expect(bytes.toString()).toBe(`shardloom log 1\n${HEAD}`)
  }
  await segment.close()
})

test('a segment that cannot be made leaves nothing open', async () => {
  for (const operation of ['write', 'sync', 'syncFolder'] as const) {
    const disk = new SimulatedDisk()
    disk.onCall = (call) => (call.operation === operation ? { type: 'fail', code: 'EIO' } : undefined)
    expect((await rejection(create(disk)))['code']).toBe('EIO')
    expect(disk.count('close')).toBe(1)
  }
  const disk = new SimulatedDisk()
  disk.putFile(PATH, Buffer.alloc(0))
  expect((await rejection(create(disk)))['code']).toBe('EEXIST')
})

test('what was written, and only that, is in the file, however short the writes are', async () => {
  const random = seededRandom(1)
  for (let run = 0; run < 40; run++) {
    const disk = new SimulatedDisk()
    const segment = await create(disk)
    disk.onCall = ({ operation, sizeBytes = 0 }) =>
      operation === 'write' && random.below(2) === 0
        ? { type: 'short', sizeBytes: 1 + random.below(sizeBytes) }
        : undefined
    const content = Buffer.from(Array.from({ length: 3000 }, () => random.below(256)))
    for (let at = 0; at < content.length; ) {
      const count = Math.min(content.length - at, 1 + random.below(900))
      await segment.write(112 + at, content.subarray(at, at + count))
      at += count
    }
    expect(Buffer.from(disk.contentOf(PATH)!).subarray(112).equals(content)).toBe(true)
  }
})

test('behind a write that ended within a sector nothing comes before that is synced', async () => {
  const disk = new SimulatedDisk()
  const segment = await create(disk)
  const shorts = [100, 20]
  disk.onCall = ({ operation }) => {
    const sizeBytes = operation === 'write' ? shorts.shift() : undefined
    return sizeBytes === undefined ? undefined : { type: 'short', sizeBytes }
  }
  await segment.write(112, Buffer.alloc(2000, 7))
  expect(disk.calls.slice(4).map(textOf)).toEqual([
    'write 112 2000',
    // To the end of the sector that 212 is in.
    'write 212 300',
    'write 232 280',
    'sync',
    'write 512 1600',
  ])
})

test('a write that ends with a sector, or with what there is, needs no sync', async () => {
  const disk = new SimulatedDisk()
  const segment = await create(disk)
  disk.onCall = ({ position }) => (position === 112 ? { type: 'short', sizeBytes: 400 } : undefined)
  await segment.write(112, Buffer.alloc(1000))
  expect(disk.calls.slice(4).map(textOf)).toEqual(['write 112 1000', 'write 512 600'])
})

test('the end of what was torn is synced as well: the next record may follow in its sector', async () => {
  const disk = new SimulatedDisk()
  const segment = await create(disk)
  disk.onCall = ({ position }) => (position === 112 ? { type: 'short', sizeBytes: 5 } : undefined)
  await segment.write(112, Buffer.alloc(50))
  expect(disk.calls.slice(4).map(textOf)).toEqual(['write 112 50', 'write 117 45', 'sync'])
})

test('a write that takes nothing is no write', async () => {
  const disk = new SimulatedDisk()
  const segment = await create(disk)
  disk.onCall = () => ({ type: 'short', sizeBytes: 0 })
  await expect(segment.write(112, Buffer.alloc(50))).rejects.toThrow(/a write takes something/)
})

test('syncs are called one at a time, and none after one that failed', async () => {
  const disk = new SimulatedDisk()
  const segment = await create(disk)
  disk.onCall = () => ({ type: 'hold' })
  const [first, second, third] = [segment.sync(), segment.sync(), segment.sync()]
  await settled()
  expect(disk.held).toHaveLength(1)
  disk.release()
  await first
  await settled()
  expect(disk.held).toHaveLength(1)
  disk.onCall = undefined
  disk.release()
  await Promise.all([second, third])
  disk.onCall = () => ({ type: 'fail', code: 'EIO' })
  const failing = [segment.sync(), segment.sync()].map(rejection)
  const calls = disk.count('sync')
  for (const error of await Promise.all(failing)) expect(error['code']).toBe('EIO')
  disk.onCall = undefined
  expect((await rejection(segment.sync()))['code']).toBe('EIO')
  expect(disk.count('sync')).toBe(calls + 1)
})

test('a segment that is gone on with is cut, and what follows goes behind the cut', async () => {
  const disk = new SimulatedDisk()
  disk.putFile(PATH, Buffer.alloc(1000, 1))
  const segment = await SegmentFile.reopen(disk, examined(600, 1000), 600, roomOn(disk))
  expect(disk.calls.map(textOf)).toEqual(['open', 'truncate 600', 'sync'])
  await segment.write(600, Buffer.alloc(8, 2))
  expect(disk.contentOf(PATH)?.length).toBe(608)
})

test('what the process before could not sync survives a power cut once the segment is open', async () => {
  const disk = new SimulatedDisk()
  disk.putFile(PATH, Buffer.alloc(700, 1))
  const before = await disk.open(PATH, 'write')
  await before.write(700, Buffer.alloc(2_300_000, 2))
  disk.onCall = ({ operation }) => (operation === 'sync' ? { type: 'fail', code: 'EIO' } : undefined)
  await rejection(before.sync())
  const next = disk.afterKill()
  // A sync alone would not do.
  const careless = await next.open(PATH, 'write')
  await careless.sync()
  const isWhole = (cut: SimulatedDisk): boolean =>
    Buffer.from(next.contentOf(PATH)!).equals(cut.contentOf(PATH)!)
  const seeds = [0, 1, 2, 3, 4, 5, 6, 7]
  expect(seeds.every((seed) => isWhole(next.afterPowerCut(seed)))).toBe(false)
  await SegmentFile.reopen(next, examined(2_300_700, 2_300_700), 700, roomOn(next))
  expect(seeds.every((seed) => isWhole(next.afterPowerCut(seed)))).toBe(true)
})

test('a segment that cannot be gone on with is closed', async () => {
  const disk = new SimulatedDisk()
  disk.putFile(PATH, Buffer.alloc(1000, 1))
  disk.onCall = ({ operation }) => (operation === 'sync' ? { type: 'fail', code: 'EIO' } : undefined)
  const opening = SegmentFile.reopen(disk, examined(600, 1000), 600, roomOn(disk))
  expect((await rejection(opening))['code']).toBe('EIO')
  expect(disk.count('close')).toBe(1)
  expect(join(FOLDER, '00000001.log')).toBe(PATH)
})
