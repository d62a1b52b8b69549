/** Whole logs: what is handed on, what is cut, and what is refused, with the file and the place. */
import { expect, test } from 'vitest'
import { examineLog, KIND_COMMIT, KIND_SEGMENT } from '../../src/storage/index.ts'
import { segmentNumbers } from '../../src/storage/log-examination.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'
import { FOLDER, LogWorld, OWNER, segmentPath } from '../support/log-world.ts'
import { rejection } from '../support/runtime.ts'

/** A log of three segments on a disk, closed. */
async function threeSegments(): Promise<LogWorld> {
  const world = new LogWorld(new SimulatedDisk(), { segmentBytes: 1e9 })
  await world.open()
  for (let segment = 0; segment < 3; segment++) {
    if (segment > 0) world.log.nextSegment()
    for (const sizeBytes of [10, 200, 30]) world.append(sizeBytes)
  }
  await world.log.close()
  return world
}

/** The same files on a new disk, some of them changed; `undefined`: without that one. */
function changed(world: LogWorld, files: Record<number, Uint8Array | undefined>): LogWorld {
  const disk = new SimulatedDisk()
  for (const number of [1, 2, 3]) {
    const bytes = number in files ? files[number] : world.disk.contentOf(segmentPath(number))
    if (bytes !== undefined) disk.putFile(segmentPath(number), bytes)
  }
  return world.after(disk, 'fsync')
}

const contentOf = (world: LogWorld, number: number): Buffer =>
  Buffer.from(world.disk.contentOf(segmentPath(number))!)

test('a log that was never written is empty', async () => {
  const disk = new SimulatedDisk()
  disk.putFolder(FOLDER)
  const examined = await examineLog(disk, FOLDER, OWNER, () => expect.unreachable())
  expect(examined).toEqual({ segments: [], tail: undefined, synced: 0 })
})

test('a whole log is handed on in order, with the segment that each record is in', async () => {
  const world = await threeSegments()
  const seen: string[] = []
  const examined = await examineLog(world.disk, FOLDER, OWNER, (record, info) => {
    seen.push(`${info.number}:${record.kind === KIND_SEGMENT ? 'segment' : record.revision}`)
    if (record.kind === KIND_COMMIT) expect(record.atMs).toBe(1000 + record.revision)
  })
  expect(seen).toEqual([
    ...['1:segment', '1:1', '1:2', '1:3'],
    ...['2:segment', '2:4', '2:5', '2:6'],
    ...['3:segment', '3:7', '3:8', '3:9'],
  ])
  expect(examined.tail).toBeUndefined()
  expect(examined.segments.map(({ info }) => info.number)).toEqual([1, 2, 3])
  for (const { offset, sizeBytes } of examined.segments) expect(offset).toBe(sizeBytes)
  // The last record says that all before it was synced.
  expect(examined.synced).toBe(world.log.appended - 32)
})

test('other files in the folder are left alone', async () => {
  const world = await threeSegments()
  for (const name of ['reserve', '4.log', '00000009.log.old', 'notes.txt']) {
    world.disk.putFile(`${FOLDER}/${name}`, Buffer.from('x'))
  }
  expect(await segmentNumbers(world.disk, FOLDER)).toEqual([1, 2, 3])
  await world.after(world.disk, 'fsync').examine()
})

test('a segment that is missing in the middle is named', async () => {
  const world = await threeSegments()
  const error = await rejection(changed(world, { 2: undefined }).examine())
  expect(error).toMatchObject({ code: 'SHL_LOG_DAMAGED', details: { file: segmentPath(3), offset: 0 } })
  expect(error.message).toContain('number 2, is missing')
})

test('the oldest segments may be gone', async () => {
  const world = await threeSegments()
  const disk = changed(world, { 1: undefined }).disk
  const revisions: number[] = []
  const { segments } = await examineLog(disk, FOLDER, OWNER, ({ revision }) => void revisions.push(revision))
  expect(revisions.filter((revision) => revision > 0)).toEqual([4, 5, 6, 7, 8, 9])
  expect(segments[0]?.info.base).toBeGreaterThan(0)
})

test('segments that have changed places are foreign where they are', async () => {
  const world = await threeSegments()
  const swapped = { 2: contentOf(world, 3), 3: contentOf(world, 2) }
  const error = await rejection(changed(world, swapped).examine())
  expect(error).toMatchObject({ code: 'SHL_LOG_FOREIGN', details: { file: segmentPath(2) } })
  expect(error.message).toContain('found: directory=f00d shard=3 segment=3')
  expect(error.message).toContain('wanted: directory=f00d shard=3 segment=2')
})

test('a segment of another directory, or of another shard, is foreign', async () => {
  const world = await threeSegments()
  for (const owner of [
    { directory: 'beef', shard: 3 },
    { directory: 'f00d', shard: 4 },
  ]) {
    const error = await rejection(examineLog(world.disk, FOLDER, owner, () => undefined))
    expect(error['code']).toBe('SHL_LOG_FOREIGN')
  }
})

test('a segment of the same name that was written after other records is refused', async () => {
  const world = await threeSegments()
  const other = new LogWorld(new SimulatedDisk(), { segmentBytes: 1e9 })
  await other.open()
  // As long, and not the same.
  for (const sizeBytes of [11, 200, 30]) other.append(sizeBytes)
  other.log.nextSegment()
  other.append(10)
  await other.log.close()
  const error = await rejection(changed(world, { 2: contentOf(other, 2), 3: undefined }).examine())
  expect(error['code']).toBe('SHL_LOG_DAMAGED')
  expect(error.message).toContain('does not follow the one before it')
})

test('damage in a segment that another one follows is refused, whatever is behind it', async () => {
  const world = await threeSegments()
  const bytes = contentOf(world, 2)
  for (const damaged of [bytes.subarray(0, -1), bytes.subarray(0, 16), Buffer.alloc(0)]) {
    const last = changed(world, { 2: damaged, 3: Buffer.alloc(0) })
    expect((await rejection(last.examine()))['code']).toBe('SHL_LOG_DAMAGED')
  }
})

test('a last segment that was being made is a tail, and goes as a whole', async () => {
  const world = await threeSegments()
  const bytes = contentOf(world, 3)
  const headBytes = 16 + 32 + Math.ceil(bytes.readUInt32LE(24) / 8) * 8
  for (const length of [0, 1, 15, 16, 40, headBytes - 1]) {
    const next = changed(world, { 3: bytes.subarray(0, length) })
    next.expectedCount = 6
    const { tail, segments } = await next.examine()
    expect(tail).toMatchObject({ path: segmentPath(3), offset: 0, lostBytes: length, isWholeFile: true })
    expect(segments).toHaveLength(2)
  }
  // Longer than that it was not being made.
  const zeros = changed(world, { 3: Buffer.alloc(headBytes + 8) })
  expect((await rejection(zeros.examine()))['code']).toBe('SHL_LOG_DAMAGED')
})

test('an only segment that cannot be read is never taken for one that was being made', async () => {
  const world = await threeSegments()
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(16), Buffer.alloc(5000)]) {
    const error = await rejection(changed(world, { 1: undefined, 2: undefined, 3: bytes }).examine())
    expect(error['code']).toBe('SHL_LOG_DAMAGED')
  }
  const first = changed(world, { 1: Buffer.alloc(5000), 2: undefined, 3: undefined })
  expect((await rejection(first.examine()))['code']).toBe('SHL_LOG_DAMAGED')
})

/** A log of one segment that was never synced behind its description, and where its records begin. */
async function unsynced(sizes: readonly number[]): Promise<{ world: LogWorld; offsets: number[] }> {
  const world = new LogWorld(new SimulatedDisk(), { segmentBytes: 1e9 })
  await world.open()
  const offsets = sizes.map((sizeBytes) => {
    const end = world.append(sizeBytes)
    return end + 16 - (32 + Math.ceil(sizeBytes / 8) * 8)
  })
  await world.wait('os')
  return { world, offsets }
}

/** What comes of the log with its first segment changed. */
async function examined(world: LogWorld, bytes: Uint8Array): Promise<string> {
  const disk = new SimulatedDisk()
  disk.putFile(segmentPath(1), bytes)
  try {
    const { tail } = await world.after(disk, 'fsync').examine()
    return tail === undefined ? 'whole' : `tail at ${tail.offset}`
  } catch (error) {
    return String((error as { code?: unknown }).code)
  }
}

test('a lost sector that nobody was told is synced is a tail, also with records behind it', async () => {
  const { world, offsets } = await unsynced([700, 700, 700])
  const bytes = contentOf(world, 1)
  const lost = Buffer.from(bytes).fill(0, 1024, 1536)
  expect(await examined(world, lost)).toBe(`tail at ${offsets[1]}`)
  // From where a record begins, too: before it the sector was written earlier.
  const second = offsets[1]!
  const partly = Buffer.from(bytes).fill(0, second, Math.ceil(second / 512) * 512)
  expect(await examined(world, partly)).toBe(`tail at ${second}`)
})

test('any other damage with a record behind it is refused, as little as it may be', async () => {
  const { world } = await unsynced([700, 700, 700])
  const bytes = contentOf(world, 1)
  const damages: [number, number][] = [
    [1024, 1535],
    [1025, 1536],
    [1100, 1101],
    [600, 1000],
  ]
  for (const [from, to] of damages) {
    const damaged = Buffer.from(bytes)
    for (let i = from; i < to; i++) damaged[i]! ^= 0xff
    expect(await examined(world, damaged), `${from} to ${to}`).toBe('SHL_LOG_DAMAGED')
    const zeroed = Buffer.from(bytes).fill(0, from, to)
    if (!zeroed.equals(bytes))
      expect(await examined(world, zeroed), `${from} to ${to}`).toBe('SHL_LOG_DAMAGED')
  }
})

test('a lost sector is refused when a record behind it says that it had been synced', async () => {
  const world = new LogWorld(new SimulatedDisk(), { segmentBytes: 1e9 })
  await world.open()
  world.append(700)
  world.append(700)
  await world.wait('fsync')
  world.append(8)
  world.append(700)
  await world.wait('os')
  const bytes = contentOf(world, 1)
  expect(await examined(world, Buffer.from(bytes).fill(0, 512, 1024))).toBe('SHL_LOG_DAMAGED')
  // Behind what was synced it may be lost.
  const last = bytes.length - 300
  const lost = Buffer.from(bytes).fill(0, Math.floor(last / 512) * 512, bytes.length)
  expect(await examined(world, lost)).toMatch(/^tail at/)
})

test('what the disk throws is thrown, and files are closed', async () => {
  const world = await threeSegments()
  const { disk } = changed(world, {})
  disk.onCall = ({ operation, path }) =>
    operation === 'read' && path === segmentPath(2) ? { type: 'fail', code: 'EIO' } : undefined
  expect((await rejection(examineLog(disk, FOLDER, OWNER, () => undefined)))['code']).toBe('EIO')
  expect(disk.count('close')).toBe(disk.count('open'))
  const thrown = examineLog(disk, FOLDER, OWNER, () => {
    throw new Error('of the visitor')
  })
  await expect(thrown).rejects.toThrow('of the visitor')
  expect(disk.count('close')).toBe(disk.count('open'))
})
