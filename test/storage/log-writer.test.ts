/** The writer: groups, positions, segments, syncs and their order, opening and closing. */
import { dirname } from 'node:path'
import { expect, test } from 'vitest'
import { KIND_COMMIT, KIND_SYNCED } from '../../src/storage/index.ts'
import { findHeaders, readSegment } from '../../src/storage/segment-reader.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { callsOf, FOLDER, hold, LogWorld, opened, segmentPath, settled } from '../support/log-world.ts'

/** Kinds and revisions in a segment, syncs that are told of among them. */
async function recordsOf(disk: SimulatedDisk, number: number): Promise<string[]> {
  const file = await disk.open(segmentPath(number), 'read')
  const { mark } = await readSegment(file, () => undefined)
  const found: string[] = []
  await findHeaders(file, mark, 0, ({ kind, revision }) => {
    found.push(kind === KIND_SYNCED ? `synced ${revision}` : `${revision}`)
  })
  return found
}

test('a new log is on the disk when it is open', async () => {
  const disk = new SimulatedDisk()
  const world = await opened({}, disk)
  expect([world.log.written, world.log.synced]).toEqual([world.log.appended, world.log.appended])
  for (let seed = 0; seed < 20; seed++) {
    const next = world.after(disk.afterPowerCut(seed), 'fsync')
    expect((await next.examine()).segments).toHaveLength(1)
  }
})

test('a new log is there after a power cut, in a folder that was just made', async () => {
  const disk = new SimulatedDisk()
  disk.putFolder(dirname(FOLDER))
  await disk.makeFolder(FOLDER)
  const world = new LogWorld(disk, { isFolderMade: true })
  await world.open()
  world.append(10)
  await world.wait('fsync')
  for (let seed = 0; seed < 30; seed++) await world.after(disk.afterPowerCut(seed), 'fsync').examine()
})

test('positions count the bytes of records, in memory at once, on the disk when it has them', async () => {
  const { log } = await opened()
  const before = log.appended
  log.begin().raw(Buffer.alloc(100))
  log.append({ kind: KIND_COMMIT, revision: 1, atMs: 0, participants: [] })
  // With it comes the record that tells of the sync before.
  expect(log.appended - before).toBe(32 + 32 + 104)
  expect([log.written, log.synced]).toEqual([before, before])
  expect(log.reached('memory', log.appended)).toBeUndefined()
  await log.reached('os', log.appended)
  expect([log.written, log.synced]).toEqual([log.appended, before])
  expect(log.reached('os', log.appended)).toBeUndefined()
  await log.reached('fsync', log.appended)
  expect(log.synced).toBe(log.appended)
  expect(log.reached('fsync', log.appended)).toBeUndefined()
  expect(() => log.reached('os', log.appended + 1)).toThrow(/nobody waits/)
})

test('what is appended in one turn is one write, and what comes during a write is the next', async () => {
  const world = await opened()
  const { disk } = world
  hold(disk, 'write')
  for (let i = 0; i < 100; i++) world.append(50)
  const first = world.wait('os')
  await settled()
  expect(disk.held).toHaveLength(1)
  for (let i = 0; i < 100; i++) world.append(50)
  const second = world.wait('os')
  disk.release()
  await first
  await settled()
  expect(disk.held).toHaveLength(1)
  disk.release()
  await second
  expect(disk.count('write')).toBe(3)
})

test('a record that is appended right after another was written is not forgotten', async () => {
  const world = await opened()
  // Each is appended in the turn in which the one before it was told: the writer has just seen nothing left.
  for (let i = 0; i < 50; i++) {
    world.append(10)
    await world.wait(i % 5 === 0 ? 'fsync' : 'os')
  }
  expect(world.log.written).toBe(world.log.appended)
})

test('many who wait for a sync wait for one, and who comes meanwhile for the next', async () => {
  const world = await opened()
  const { disk } = world
  const syncs = disk.count('sync')
  hold(disk, 'sync')
  const told: number[] = []
  const wait = (): void => {
    const position = world.append(20)
    void world.wait('fsync', position).then(() => told.push(position))
  }
  for (let i = 0; i < 50; i++) wait()
  await settled()
  for (let i = 0; i < 50; i++) {
    wait()
    await settled()
  }
  expect(disk.count('sync')).toBe(syncs + 1)
  expect(told).toEqual([])
  disk.release()
  await settled()
  expect(told).toHaveLength(50)
  expect(disk.count('sync')).toBe(syncs + 2)
  disk.release()
  await settled()
  expect(told).toEqual(world.entries.map(({ end }) => end))
})

test('who waits for a sync is not made to wait for one that began too early', async () => {
  const world = await opened()
  const { disk } = world
  hold(disk, 'write')
  world.append(10)
  await settled()
  // Written before, not synced, and of no help to who waits.
  disk.release()
  await settled()
  world.append(10)
  await settled()
  const waiting = world.wait('fsync')
  const syncs = disk.count('sync')
  await settled()
  expect(disk.count('sync')).toBe(syncs)
  disk.release()
  await waiting
  expect(disk.count('sync')).toBe(syncs + 1)
})

test('what nobody waits for is synced after a while, once', async () => {
  const world = await opened({ syncEveryMs: 1000 })
  const { disk, clock, log } = world
  const syncs = disk.count('sync')
  world.append(10)
  await world.wait('os')
  clock.advance(999)
  await settled()
  expect(disk.count('sync')).toBe(syncs)
  clock.advance(1)
  await settled()
  expect(disk.count('sync')).toBe(syncs + 1)
  expect(log.synced).toBe(log.appended)
})

test('after a sync the next record is preceded by one that tells of it', async () => {
  const world = await opened()
  const first = world.append(10)
  await world.wait('fsync')
  world.append(20)
  world.append(20)
  await world.wait('os')
  expect(await recordsOf(world.disk, 1)).toEqual(['synced 96', '1', `synced ${first}`, '2', '3'])
})

test('a log in which nothing happens tells of its last sync, and is quiet then', async () => {
  const world = await opened({ syncEveryMs: 1000 })
  const { disk, clock, log } = world
  const end = world.append(10)
  await world.wait('fsync')
  const syncs = disk.count('sync')
  for (let i = 0; i < 10; i++) {
    clock.advance(1000)
    await settled()
  }
  expect((await recordsOf(disk, 1)).slice(-2)).toEqual(['1', `synced ${end}`])
  expect(log.appended).toBe(end + 32)
  // It is not synced for its own sake, nor does anybody wait for it.
  expect(disk.count('sync')).toBe(syncs)
  expect(log.reached('fsync', log.appended)).toBeUndefined()
  expect(clock.timerCount).toBe(0)
  // And the next sync is a real one.
  world.append(10)
  await world.wait('fsync')
  expect(disk.count('sync')).toBe(syncs + 1)
})

test('a segment that is long enough is followed by another, which goes on counting', async () => {
  const world = await opened({ segmentBytes: 500 })
  for (let i = 0; i < 12; i++) {
    world.append(100)
    await world.wait('os')
  }
  const { segments } = await world.after(world.disk, 'os').examine()
  expect(segments.map(({ info }) => info.number)).toEqual([1, 2, 3, 4])
  for (const [i, { info, offset }] of segments.entries()) {
    const next = segments[i + 1]
    if (next !== undefined) expect(next.info.base).toBe(info.base + offset - 16)
  }
  expect(world.log.segmentBytes).toBeLessThan(700)
})

test('several segments may begin within one group, empty ones too', async () => {
  const world = await opened()
  const { log } = world
  world.append(10)
  expect([log.nextSegment(), log.nextSegment()]).toEqual([2, 3])
  world.append(10)
  expect(log.nextSegment()).toBe(4)
  expect(log.segmentBytes).toBeGreaterThan(0)
  await world.wait('fsync')
  const next = world.after(world.disk.afterPowerCut(1), 'fsync')
  expect((await next.examine()).segments).toHaveLength(4)
})

test('a segment is synced before the next is begun, and that before anything is in it', async () => {
  const world = await opened()
  world.append(10)
  await world.wait('os')
  const from = world.disk.calls.length
  world.log.nextSegment()
  world.append(10)
  await world.wait('os')
  expect(callsOf(world.disk, from)).toEqual(['sync', 'close', 'open', 'write', 'sync', 'syncFolder', 'write'])
})

test('segments are removed from the oldest on, each for good before the next', async () => {
  const world = await opened()
  for (let i = 0; i < 4; i++) {
    world.append(10)
    world.log.nextSegment()
  }
  await world.wait('fsync')
  const from = world.disk.calls.length
  expect(await world.log.removeBefore(4)).toBe(3)
  expect(callsOf(world.disk, from)).toEqual([
    'list',
    'remove',
    'syncFolder',
    'remove',
    'syncFolder',
    'remove',
    'syncFolder',
  ])
  expect((await world.disk.list(FOLDER)).sort()).toEqual(['00000004.log', '00000005.log'])
  expect(await world.log.removeBefore(4)).toBe(0)
  // The one that is written to stays, and so do those behind it.
  await expect(world.log.removeBefore(6)).rejects.toThrow(/has been begun/)
})

test('nothing is removed any more when it is closed', async () => {
  const world = await opened()
  for (let i = 0; i < 4; i++) {
    world.append(10)
    world.log.nextSegment()
  }
  await world.log.reached('fsync', world.log.appended)
  const removing = world.log.removeBefore(5)
  const from = world.disk.calls.length
  await world.log.close()
  const to = world.disk.calls.length
  expect(await removing).toBeLessThan(4)
  await new Promise((resolve) => void setImmediate(resolve))
  expect(world.disk.calls.length).toBe(to)
  expect(to).toBeGreaterThan(from)
})

test('a payload of some megabytes is a record like any other', async () => {
  const world = await opened()
  world.append(5_000_000)
  world.append(10)
  await world.wait('fsync')
  const next = world.after(world.disk.afterPowerCut(1), 'fsync')
  await next.open()
  expect(next.entries).toHaveLength(2)
})

test('a log is closed with all that was appended, also meanwhile, and says so', async () => {
  const world = await opened()
  const { disk, log, clock } = world
  world.append(10)
  hold(disk, 'sync')
  const closing = log.close()
  await settled()
  const last = world.append(10)
  disk.onCall = undefined
  disk.release()
  await closing
  expect(log.close()).toBe(closing)
  expect(log.synced).toBe(log.appended)
  expect(disk.count('close')).toBe(disk.count('open'))
  expect(clock.timerCount).toBe(0)
  expect(() => log.begin()).toThrow(/is closed/)
  expect(() => log.nextSegment()).toThrow(/is closed/)
  const { synced, tail } = await world.after(disk.afterPowerCut(3), 'fsync').examine()
  expect(tail).toBeUndefined()
  expect(synced).toBeGreaterThan(0)
  expect(last).toBeLessThanOrEqual(log.appended)
  expect(world.entries).toHaveLength(2)
})

test('a log that is opened again goes on where it ended, time after time', async () => {
  let world = await opened({ segmentBytes: 400 })
  for (let run = 0; run < 8; run++) {
    for (let i = 0; i < 3; i++) world.append(50)
    await world.wait('os')
    if (run % 2 === 0) await world.log.close()
    const end = world.log.appended
    world = world.after(world.disk.afterKill(), 'os')
    await world.open()
    expect(world.log.appended).toBe(end)
    expect(world.entries).toHaveLength(3 * (run + 1))
  }
  expect((await world.disk.list(FOLDER)).length).toBeGreaterThan(4)
})

test('a tail is cut when the log is opened, for good', async () => {
  const world = await opened()
  world.append(100)
  await world.wait('fsync')
  const bytes = world.disk.contentOf(segmentPath(1))!
  const disk = new SimulatedDisk()
  disk.putFile(segmentPath(1), Buffer.concat([bytes, Buffer.alloc(77, 9)]))
  const next = world.after(disk, 'fsync')
  await next.open()
  for (let seed = 0; seed < 10; seed++) {
    expect(disk.afterPowerCut(seed).contentOf(segmentPath(1))).toEqual(bytes)
  }
  next.append(3)
  await next.wait('fsync')
  await next.after(disk.afterPowerCut(1), 'fsync').examine()
})

test('a last segment that was being made is removed when the log is opened, and made again', async () => {
  const world = await opened()
  world.append(100)
  await world.wait('fsync')
  const disk = world.disk.afterPowerCut(1)
  disk.putFile(segmentPath(2), Buffer.from('shardloom'))
  const next = world.after(disk, 'fsync')
  await next.open()
  expect(await disk.list(FOLDER)).toEqual(['00000001.log'])
  expect(next.log.nextSegment()).toBe(2)
  next.append(3)
  await next.wait('fsync')
  await next.after(disk.afterPowerCut(2), 'fsync').examine()
})

test('after an opening the log tells of what it has synced by that, unless it had been told', async () => {
  const world = await opened()
  const end = world.append(10)
  await world.wait('os')
  const killed = world.after(world.disk.afterKill(), 'os')
  await killed.open()
  killed.append(10)
  await killed.wait('os')
  expect((await recordsOf(killed.disk, 1)).slice(-2)).toEqual([`synced ${end}`, '2'])
  await killed.log.close()
  const closed = killed.after(killed.disk, 'fsync')
  await closed.open()
  closed.clock.advance(10_000)
  await settled()
  expect(closed.log.appended).toBe(killed.log.appended)
})
