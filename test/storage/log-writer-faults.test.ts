/** The writer on disks that fail or are full: who is told what, and what is never done again. */
import { expect, test } from 'vitest'
import { LogWriter } from '../../src/storage/index.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { callsOf, FOLDER, hold, LogWorld, opened, segmentPath, settled } from '../support/log-world.ts'
import { rejection } from '../support/runtime.ts'

test('a log that cannot be opened says why, and leaves nothing open', async () => {
  const world = await opened()
  world.append(10)
  await world.wait('os')
  for (const operation of ['open', 'sync', 'syncFolder', 'write'] as const) {
    const next = world.after(world.disk.afterKill(), 'os')
    const examined = await next.examine()
    next.disk.onCall = (call) => (call.operation === operation ? { type: 'fail', code: 'EIO' } : undefined)
    const error = await rejection(LogWriter.open(next.options, examined))
    expect(error).toMatchObject({ code: 'SHL_LOG_FAILED', cause: { code: 'EIO' } })
    next.disk.onCall = undefined
    const closed = next.disk.count('close') + (operation === 'open' ? 1 : 0)
    expect(closed, operation).toBe(next.disk.count('open'))
  }
})

test('the first sync that fails ends the log: it is not tried again, and everybody is told', async () => {
  const world = await opened()
  const { disk, log, clock } = world
  const kept = world.append(10)
  await world.wait('fsync')
  disk.onCall = ({ operation }) => (operation === 'sync' ? { type: 'fail', code: 'EIO' } : undefined)
  world.append(10)
  const failed = [world.wait('fsync'), world.wait('fsync')].map(rejection)
  for (const error of await Promise.all(failed)) {
    expect(error).toMatchObject({ code: 'SHL_LOG_FAILED', cause: { code: 'EIO' } })
    expect(error.message).toContain(segmentPath(1))
  }
  expect(log.failure?.code).toBe('SHL_LOG_FAILED')
  disk.onCall = undefined
  const calls = disk.calls.length
  for (let i = 0; i < 5; i++) {
    world.append(100)
    expect((await rejection(world.wait('os')))['code']).toBe('SHL_LOG_FAILED')
    clock.advance(5000)
    await settled()
  }
  expect(log.synced).toBe(kept)
  expect(log.reached('fsync', kept)).toBeUndefined()
  expect((await rejection(log.close()))['code']).toBe('SHL_LOG_FAILED')
  expect(callsOf(disk, calls)).toEqual(['close'])
  expect(clock.timerCount).toBe(0)
  for (let seed = 0; seed < 50; seed++) {
    const next = world.after(disk.afterPowerCut(seed), 'fsync')
    await next.open()
    expect(next.entries.length).toBeLessThanOrEqual(2)
  }
})

test('when a sync fails during a write, that is the last one', async () => {
  const world = await opened()
  const { disk, log } = world
  world.append(10)
  await world.wait('os')
  disk.onCall = ({ operation }) => (['sync', 'write'].includes(operation) ? { type: 'hold' } : undefined)
  const waiting = [rejection(world.wait('fsync'))]
  world.append(10)
  await settled()
  world.append(10)
  waiting.push(rejection(world.wait('os')))
  const [sync, write] = disk.held
  expect([sync?.operation, write?.operation]).toEqual(['sync', 'write'])
  disk.onCall = undefined
  disk.fail('EIO', sync)
  for (const error of await Promise.all(waiting)) expect(error['code']).toBe('SHL_LOG_FAILED')
  const calls = disk.calls.length
  disk.release(write)
  await settled()
  expect(disk.calls.length).toBe(calls)
  expect(log.written).toBeLessThan(log.appended)
})

test('when a sync fails between two segments the next one is not made', async () => {
  const world = await opened()
  const { disk } = world
  world.append(10)
  await world.wait('os')
  hold(disk, 'sync')
  const waiting = rejection(world.wait('fsync'))
  world.log.nextSegment()
  await settled()
  disk.onCall = undefined
  disk.fail('EIO')
  await waiting
  await settled()
  expect(await disk.list(FOLDER)).toEqual(['00000001.log'])
  expect(disk.count('close')).toBe(1)
})

test('when the log fails by something else, what is left of a group is not written', async () => {
  const world = await opened({ reserveBytes: 100 })
  const { disk, clock, log } = world
  disk.capacityBytes = disk.usedBytes
  world.append(10)
  await world.wait('os')
  // The reserve is gone; it is to be made again while a write is under way, with a segment behind it.
  hold(disk, 'write')
  disk.capacityBytes = Number.POSITIVE_INFINITY
  world.append(10)
  log.nextSegment()
  const waiting = rejection(world.wait('os'))
  await settled()
  disk.onCall = ({ operation }) => (operation === 'open' ? { type: 'fail', code: 'EIO' } : undefined)
  clock.advance(100)
  expect(await waiting).toMatchObject({ code: 'SHL_LOG_FAILED', cause: { code: 'EIO' } })
  disk.onCall = undefined
  const calls = disk.calls.length
  disk.release()
  await settled()
  expect(callsOf(disk, calls)).toEqual([])
})

test('a write that fails ends the log, too', async () => {
  const world = await opened()
  world.disk.onCall = ({ operation }) =>
    operation === 'write' ? { type: 'fail', code: 'EIO', sizeBytes: 20 } : undefined
  world.append(100)
  const [os, fsync] = [rejection(world.wait('os')), rejection(world.wait('fsync'))]
  expect((await os)['code']).toBe('SHL_LOG_FAILED')
  expect(await fsync).toBe(await os)
  const next = world.after(world.disk.afterKill(), 'os')
  await next.open()
  expect(next.entries).toEqual([])
})

test('a disk that is full holds up what was appended, until there is room', async () => {
  const world = await opened({ reserveBytes: 0 })
  const { disk, clock, log } = world
  disk.capacityBytes = disk.usedBytes + 100
  const position = world.append(300)
  const waiting = world.wait('fsync', position)
  for (let i = 0; i < 3; i++) {
    await settled()
    clock.advance(100)
  }
  expect([log.isFull, log.failure]).toEqual([true, undefined])
  disk.capacityBytes += 1000
  clock.advance(100)
  await waiting
  expect(log.isFull).toBe(false)
  await world.after(disk.afterPowerCut(1), 'fsync').examine()
})

test('a disk that has no room for another segment holds it up', async () => {
  const world = await opened({ reserveBytes: 0 })
  const { disk, clock, log } = world
  disk.onCall = ({ operation }) => (operation === 'open' ? { type: 'fail', code: 'ENOSPC' } : undefined)
  log.nextSegment()
  world.append(10)
  const waiting = world.wait('fsync')
  await settled()
  expect([log.isFull, log.failure]).toEqual([true, undefined])
  disk.onCall = undefined
  clock.advance(100)
  await waiting
  expect(log.isFull).toBe(false)
  expect((await world.after(disk.afterPowerCut(1), 'fsync').examine()).segments).toHaveLength(2)
})

test('closing a log on a full disk says that it was not possible, and does not wait', async () => {
  const world = await opened({ reserveBytes: 0 })
  world.disk.capacityBytes = world.disk.usedBytes
  world.append(300)
  await settled()
  const error = await rejection(world.log.close())
  expect(error).toMatchObject({ code: 'SHL_LOG_FAILED', cause: { code: 'ENOSPC' } })
  expect(world.disk.count('close')).toBe(world.disk.count('open'))
  expect(world.clock.timerCount).toBe(0)
})

test('a log can be opened on a full disk, and is full then; a new one cannot', async () => {
  const world = await opened({ reserveBytes: 0 })
  world.append(300)
  await world.wait('os')
  const disk = world.disk.afterKill({ capacityBytes: world.disk.usedBytes + 500 })
  const next = world.after(disk, 'os', { reserveBytes: 5000 })
  await next.open()
  expect(next.log.isFull).toBe(true)
  const none = new LogWorld(new SimulatedDisk({ capacityBytes: 50 }))
  expect(await rejection(none.open())).toMatchObject({ code: 'SHL_LOG_FAILED', cause: { code: 'ENOSPC' } })
})
