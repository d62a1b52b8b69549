/** The simulated disk: it does what a real one does, breaks as it is told, and forgets what it may. */
import { expect, test } from 'vitest'
import type { DiskFile } from '../../src/base/index.ts'
import { type DiskCall, type DiskFault, SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { rejection } from '../support/runtime.ts'

const bytesOf = (text: string): Buffer => Buffer.from(text)
const textAt = (disk: SimulatedDisk, path: string): string | undefined => {
  const bytes = disk.contentOf(path)
  return bytes && Buffer.from(bytes).toString()
}

async function write(disk: SimulatedDisk, path: string, text: string): Promise<DiskFile> {
  const file = await disk.open(path, 'create')
  await file.write(0, bytesOf(text))
  return file
}

/** Whether a promise is settled when everything else has had its turn. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  const settle = (): void => {
    settled = true
  }
  promise.then(settle, settle)
  await new Promise((resolve) => setImmediate(resolve))
  return settled
}

test('files are made, read, cut, renamed, removed and listed', async () => {
  const disk = new SimulatedDisk()
  await disk.makeFolder('/a/b')
  const file = await write(disk, '/a/b/one', 'hello')
  expect(await file.size()).toBe(5)
  const into = Buffer.alloc(10)
  expect(await file.read(1, into)).toBe(4)
  expect(into.toString('latin1', 0, 4)).toBe('ello')
  await file.truncate(2)
  await disk.rename('/a/b/one', '/a/b/two')
  expect(await disk.list('/a/b')).toEqual(['two'])
  expect(textAt(disk, '/a/b/two')).toBe('he')
  // Who has it open goes on with it.
  await disk.remove('/a/b/two')
  expect(await file.write(2, bytesOf('y'))).toBe(1)
  expect(await file.size()).toBe(3)
  await file.close()
  expect(await disk.list('/a/b')).toEqual([])
})

test('errors are those of Node', async () => {
  const disk = new SimulatedDisk()
  disk.putFile('/a/one', bytesOf('x'))
  const codes: Record<string, Promise<unknown>> = {
    'ENOENT open /a/none': disk.open('/a/none', 'read'),
    'ENOENT open /a/none write': disk.open('/a/none', 'write'),
    'EEXIST open /a/one create': disk.open('/a/one', 'create'),
    'EISDIR open /a': disk.open('/a', 'read'),
    'ENOENT list /none': disk.list('/none'),
    'ENOTDIR list /a/one': disk.list('/a/one'),
    'ENOENT remove /a/none': disk.remove('/a/none'),
    'EISDIR remove /a': disk.remove('/a'),
    'ENOENT rename /a/none': disk.rename('/a/none', '/a/b'),
    'ENOENT syncFolder /none': disk.syncFolder('/none'),
    'EEXIST makeFolder /a/one/b': disk.makeFolder('/a/one/b'),
  }
  for (const [name, promise] of Object.entries(codes)) {
    const error = await rejection(promise)
    expect([error['code'], error['syscall']], name).toEqual(name.split(' ').slice(0, 2))
  }
  const file = await disk.open('/a/one', 'read')
  expect((await rejection(file.write(0, bytesOf('y'))))['code']).toBe('EBADF')
  await file.close()
  expect((await rejection(file.size()))['code']).toBe('EBADF')
})

test('a kill loses nothing that was written, and makes nothing durable', async () => {
  const disk = new SimulatedDisk()
  disk.putFolder('/a')
  await write(disk, '/a/one', 'hello')
  const next = disk.afterKill()
  expect(textAt(next, '/a/one')).toBe('hello')
  const texts = new Set(Array.from({ length: 200 }, (_, seed) => textAt(next.afterPowerCut(seed), '/a/one')))
  expect(texts).toContain(undefined)
  expect(texts).toContain('hello')
  // The disk itself goes on.
  await (await disk.open('/a/one', 'write')).write(0, bytesOf('J'))
  expect([textAt(disk, '/a/one'), textAt(next, '/a/one')]).toEqual(['Jello', 'hello'])
})

test('a power cut keeps what was synced, its name when the folder was', async () => {
  const disk = new SimulatedDisk()
  disk.putFolder('/a')
  const file = await write(disk, '/a/one', 'hello')
  await file.sync()
  const texts = (): Set<string | undefined> =>
    new Set(Array.from({ length: 100 }, (_, seed) => textAt(disk.afterPowerCut(seed), '/a/one')))
  expect(texts()).toEqual(new Set([undefined, 'hello']))
  await disk.syncFolder('/a')
  expect(texts()).toEqual(new Set(['hello']))
})

test('a folder that was made is gone after a power cut unless the one above it was synced', async () => {
  const disk = new SimulatedDisk()
  await disk.makeFolder('/a')
  await (await write(disk, '/a/one', 'x')).sync()
  await disk.syncFolder('/a')
  const seeds = Array.from({ length: 100 }, (_, seed) => seed)
  expect(seeds.some((seed) => textAt(disk.afterPowerCut(seed), '/a/one') === undefined)).toBe(true)
  await disk.syncFolder('/')
  expect(seeds.every((seed) => textAt(disk.afterPowerCut(seed), '/a/one') === 'x')).toBe(true)
})

test('the same seed cuts the same way', async () => {
  const disk = new SimulatedDisk()
  disk.putFile('/a', new Uint8Array(4096))
  const file = await disk.open('/a', 'write')
  await file.write(0, new Uint8Array(8192).fill(1))
  const left = (seed: number): string =>
    Buffer.from(disk.afterPowerCut(seed).contentOf('/a')!).toString('hex')
  expect(left(5)).toBe(left(5))
  expect(new Set(Array.from({ length: 20 }, (_, seed) => left(seed))).size).toBeGreaterThan(10)
})

test('calls are numbered, counted, and shown before they happen', async () => {
  const seen: string[] = []
  const disk = new SimulatedDisk()
  disk.onCall = (call) => {
    seen.push(`${call.index} ${call.operation} ${call.position ?? ''} ${textAt(disk, '/one') ?? '-'}`)
    return undefined
  }
  const file = await write(disk, '/one', 'abc')
  await file.sync()
  await file.close()
  expect(seen).toEqual(['0 open  -', '1 write 0 ', '2 sync  abc', '3 close  abc'])
  expect(disk.count('write')).toBe(1)
  expect(disk.calls.map(({ operation }) => operation)).toEqual(['open', 'write', 'sync', 'close'])
})

/** A disk on which the first call of one operation meets a fault. */
function faulty(operation: DiskCall['operation'], fault: DiskFault): SimulatedDisk {
  let isDue = true
  const onCall = (call: DiskCall): DiskFault | undefined => {
    if (!isDue || call.operation !== operation) return undefined
    isDue = false
    return fault
  }
  return new SimulatedDisk({ onCall })
}

test('a write fails, takes less than it was given, or both', async () => {
  const failing = faulty('write', { type: 'fail', code: 'EIO', sizeBytes: 2 })
  const file = await failing.open('/one', 'create')
  expect((await rejection(file.write(0, bytesOf('abc'))))['code']).toBe('EIO')
  expect(textAt(failing, '/one')).toBe('ab')
  const short = faulty('write', { type: 'short', sizeBytes: 1 })
  const other = await short.open('/one', 'create')
  expect(await other.write(0, bytesOf('abc'))).toBe(1)
  expect(await other.write(1, bytesOf('bc'))).toBe(2)
  expect(textAt(short, '/one')).toBe('abc')
})

test('a sync that fails leaves lost what a later one says nothing of', async () => {
  const disk = faulty('sync', { type: 'fail', code: 'EIO' })
  disk.putFile('/one', bytesOf('a'))
  const file = await disk.open('/one', 'write')
  await file.write(0, bytesOf('b'))
  expect((await rejection(file.sync()))['code']).toBe('EIO')
  await file.sync()
  expect(textAt(disk, '/one')).toBe('b')
  const left = new Set(Array.from({ length: 50 }, (_, seed) => textAt(disk.afterPowerCut(seed), '/one')))
  expect(left).toEqual(new Set(['a', 'b']))
})

test('the last call and all behind it never return', async () => {
  const disk = faulty('write', { type: 'stop', sizeBytes: 2 })
  const file = await disk.open('/one', 'create')
  expect(disk.isStopped).toBe(false)
  const last = file.write(0, bytesOf('abc'))
  const behind = file.sync()
  expect(await isSettled(last)).toBe(false)
  expect(await isSettled(behind)).toBe(false)
  await disk.stopped
  expect(disk.isStopped).toBe(true)
  expect(textAt(disk, '/one')).toBe('ab')
  expect(textAt(disk.afterKill(), '/one')).toBe('ab')
  expect(disk.calls).toHaveLength(2)
})

test('a last call may be done, and its caller never hears of it', async () => {
  const disk = faulty('sync', { type: 'stop_after' })
  disk.putFile('/one', bytesOf('a'))
  const file = await disk.open('/one', 'write')
  await file.write(0, bytesOf('b'))
  expect(await isSettled(file.sync())).toBe(false)
  const left = new Set(Array.from({ length: 50 }, (_, seed) => textAt(disk.afterPowerCut(seed), '/one')))
  expect(left).toEqual(new Set(['b']))
})

test('a call that is held happens when it is released; a sync covers what was before its call', async () => {
  const disk = new SimulatedDisk()
  disk.putFile('/one', bytesOf('a'))
  const file = await disk.open('/one', 'write')
  disk.onCall = ({ operation }) => (operation === 'sync' ? { type: 'hold' } : undefined)
  await file.write(0, bytesOf('b'))
  const [first, second] = [file.sync(), file.sync()]
  await file.write(0, bytesOf('c'))
  expect(disk.held.map(({ index }) => index)).toEqual([2, 3])
  disk.release(disk.held[1])
  await second
  expect(await isSettled(first)).toBe(false)
  const left = new Set(Array.from({ length: 50 }, (_, seed) => textAt(disk.afterPowerCut(seed), '/one')))
  expect(left).toEqual(new Set(['b', 'c']))
  disk.release()
  await first
  expect(disk.held).toEqual([])
})

test('what a held call throws is its own, be it told to fail or not', async () => {
  const disk = new SimulatedDisk({ onCall: () => ({ type: 'hold' }) })
  const [opening, listing] = [rejection(disk.open('/none', 'read')), rejection(disk.list('/'))]
  disk.fail('EIO', disk.held[1])
  expect((await listing)['code']).toBe('EIO')
  disk.release()
  expect((await opening)['code']).toBe('ENOENT')
})

test('a full disk takes what there is room for, and gives room back when files go', async () => {
  const disk = new SimulatedDisk({ capacityBytes: 10 })
  const file = await write(disk, '/one', '123456')
  const other = await disk.open('/two', 'create')
  expect(await other.write(0, bytesOf('abcdef'))).toBe(4)
  expect((await rejection(other.write(4, bytesOf('ef'))))['code']).toBe('ENOSPC')
  expect((await rejection(other.truncate(9)))['code']).toBe('ENOSPC')
  // What is there already takes no more room.
  expect(await other.write(0, bytesOf('ABCDEF'))).toBe(4)
  await disk.remove('/one')
  expect(disk.usedBytes).toBe(10)
  await file.close()
  expect(disk.usedBytes).toBe(4)
  expect(await other.write(4, bytesOf('ef'))).toBe(2)
  await other.truncate(1)
  expect(disk.usedBytes).toBe(1)
  disk.capacityBytes = 2
  expect(await other.write(1, bytesOf('xyz'))).toBe(1)
})
