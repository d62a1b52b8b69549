/** One segment, read up to where it stops being one, and searched behind that. */
import { expect, test } from 'vitest'
import type { DiskFile } from '../../src/base/index.ts'
import { LogChain } from '../../src/storage/log-chain.ts'
import { KIND_COMMIT, KIND_SEGMENT, KIND_SYNCED, LOG_MAGIC } from '../../src/storage/log-format.ts'
import { RecordSink } from '../../src/storage/record-sink.ts'
import { encodeSegmentInfo } from '../../src/storage/segment-info.ts'
import { findHeaders, readSegment, type SegmentEnd } from '../../src/storage/segment-reader.ts'
import { SimulatedDisk } from '../../src/testkit/simulated-disk.ts'

const INFO = { directory: 'f00d', shard: 3, number: 1, base: 0, previous: 0 }
const PLAIN = { revision: 0, atMs: 0, participants: [] }

/** A segment of these payloads, with the places where its records begin. */
function segmentOf(payloads: readonly Uint8Array[], synced?: number): { bytes: Buffer; offsets: number[] } {
  const sink = new RecordSink(new LogChain())
  const offsets = [16]
  const end = (fields: { kind: number; revision?: number }): void => {
    sink.end({ ...PLAIN, ...fields })
    offsets.push(16 + sink.lengthBytes)
  }
  sink.begin()
  sink.raw(encodeSegmentInfo(INFO))
  end({ kind: KIND_SEGMENT })
  for (const [i, payload] of payloads.entries()) {
    sink.begin()
    sink.raw(payload)
    end({ kind: KIND_COMMIT, revision: i + 1 })
  }
  if (synced !== undefined) {
    sink.begin()
    end({ kind: KIND_SYNCED, revision: synced })
  }
  return { bytes: Buffer.concat([Buffer.from(LOG_MAGIC), sink.take()]), offsets }
}

async function fileOf(bytes: Uint8Array): Promise<{ file: DiskFile; disk: SimulatedDisk }> {
  const disk = new SimulatedDisk()
  disk.putFile('/f', bytes)
  return { file: await disk.open('/f', 'read'), disk }
}

async function read(bytes: Uint8Array): Promise<{ end: SegmentEnd; payloads: Buffer[] }> {
  const payloads: Buffer[] = []
  const end = await readSegment((await fileOf(bytes)).file, ({ kind, payload }) => {
    if (kind !== KIND_SEGMENT) payloads.push(Buffer.from(payload))
  })
  return { end, payloads }
}

const lengths = [0, 5, 100, 7, 900, 33]
const payloads = lengths.map((length, i) => Buffer.alloc(length, 0x41 + i))

test('a whole segment is read to its end', async () => {
  const { bytes, offsets } = segmentOf(payloads, 456)
  const { end, payloads: found } = await read(bytes)
  expect(found.map(String)).toEqual(payloads.map(String))
  expect(end).toMatchObject({ info: INFO, offset: bytes.length, sizeBytes: bytes.length, synced: 456 })
  expect(end.reason).toBeUndefined()
  expect(end.mark).toBe(bytes.readUInt32LE(16))
  expect(end.checksum).toBe(bytes.readUInt32LE(offsets.at(-2)!))
})

test('a segment that is cut at any byte is read up to the last whole record', async () => {
  const { bytes, offsets } = segmentOf(payloads)
  for (let length = 0; length < bytes.length; length++) {
    const { end, payloads: found } = await read(bytes.subarray(0, length))
    const whole = offsets.findLastIndex((offset) => offset <= length)
    expect(found).toHaveLength(Math.max(0, whole - 1))
    if (whole > 0) expect(end.offset).toBe(offsets[whole])
    expect(end.reason === undefined).toBe(whole > 0 && offsets[whole] === length)
    expect(end.info === undefined).toBe(whole < 1)
  }
})

test('a record is proven before its length is believed', async () => {
  const { bytes, offsets } = segmentOf(payloads)
  const at = offsets[3]!
  bytes.writeUInt32LE(0x7f00_0000, at + 8)
  const { disk, file } = await fileOf(bytes)
  const end = await readSegment(file, () => undefined)
  expect(end).toMatchObject({ offset: at, reason: 'no record begins here', resumeOffset: at + 8 })
  for (const { operation, sizeBytes = 0 } of disk.calls) {
    if (operation === 'read') expect(sizeBytes).toBeLessThanOrEqual(bytes.length)
  }
})

test('a record of which the header is proven says where the next one could begin', async () => {
  const { bytes, offsets } = segmentOf(payloads)
  bytes[offsets[5]! + 40]! ^= 1
  const { end } = await read(bytes)
  expect(end).toMatchObject({ offset: offsets[5], resumeOffset: offsets[6] })
  expect(end.reason).toBe('the checksum of a record is wrong')
})

test('what is no segment is said to be none', async () => {
  const { bytes } = segmentOf(payloads)
  const reasonOf = async (changed: Uint8Array): Promise<string | undefined> =>
    (await read(changed)).end.reason
  expect(await reasonOf(Buffer.alloc(0))).toMatch(/too short/)
  expect(await reasonOf(Buffer.alloc(8))).toMatch(/too short/)
  expect(await reasonOf(Buffer.from('shardloom lag 1\n'))).toMatch(/as a segment of this version/)
  expect(await reasonOf(bytes.subarray(0, 16))).toBe('the first record is missing')
  expect(await reasonOf(bytes.subarray(0, 30))).toBe('a header is cut short')
  expect(await reasonOf(bytes.subarray(0, 60))).toBe('a record is cut short')
})

test('a first record that describes nothing, and a second that describes again, are refused', async () => {
  const make = (first: Buffer, second: number): Buffer => {
    const sink = new RecordSink(new LogChain())
    sink.begin()
    sink.raw(first)
    sink.end({ ...PLAIN, kind: KIND_SEGMENT })
    sink.begin()
    sink.end({ ...PLAIN, kind: second })
    return Buffer.concat([Buffer.from(LOG_MAGIC), sink.take()])
  }
  expect((await read(make(Buffer.from('{}'), KIND_COMMIT))).end.reason).toBe('the segment is not described')
  const twice = make(encodeSegmentInfo(INFO), KIND_SEGMENT)
  expect((await read(twice)).end.reason).toMatch(/misplaced/)
  const sink = new RecordSink(new LogChain())
  sink.begin()
  sink.end({ ...PLAIN, kind: KIND_COMMIT })
  const none = Buffer.concat([Buffer.from(LOG_MAGIC), sink.take()])
  expect((await read(none)).end.reason).toMatch(/misplaced/)
})

test('what refuses a segment is asked before any record, and what it throws is thrown', async () => {
  const { file } = await fileOf(segmentOf(payloads).bytes)
  let visits = 0
  const refused = readSegment(file, () => void visits++, {
    describe: (info) => {
      throw new Error(`not ${info.directory}`)
    },
  })
  await expect(refused).rejects.toThrow('not f00d')
  expect(visits).toBe(0)
})

test('records of any length are read over the edges of a window of a megabyte', async () => {
  const long = [1_048_000, 400, 3_000_000, 20, 1_048_576, 0, 524_288, 524_288, 9]
  const contents = long.map((length, i) => Buffer.alloc(length, i + 1))
  const { bytes } = segmentOf(contents)
  const { end, payloads: found } = await read(bytes)
  expect(end.reason).toBeUndefined()
  expect(found.map((payload, i) => payload.equals(contents[i]!))).toEqual(long.map(() => true))
})

test('behind damage the headers are found, at their places, and nothing within a payload', async () => {
  const inner = segmentOf([Buffer.alloc(40, 1)], 999).bytes
  // What a client stores may look like a log, aligned as it is, and be a copy of this very one.
  const copies = Buffer.concat([inner, inner, segmentOf(payloads).bytes])
  const { bytes, offsets } = segmentOf([Buffer.from('x'), copies, Buffer.from('y'), Buffer.from('z')], 7)
  const { mark } = (await read(bytes)).end
  const found: number[][] = []
  const { file } = await fileOf(bytes)
  await findHeaders(file, mark, 0, ({ offset, kind, revision }) => void found.push([offset, kind, revision]))
  const expected = [1, 2, 3, 4].map((i) => [offsets[i], KIND_COMMIT, i])
  expect(found).toEqual([...expected, [offsets[5], KIND_SYNCED, 7]])
  // Also from within the payload, when the header before it is lost.
  found.length = 0
  await findHeaders(file, mark, offsets[2]! + 3, ({ offset }) => void found.push([offset]))
  expect(found).toEqual([[offsets[3]], [offsets[4]], [offsets[5]]])
})

test('a search through bytes that all look like headers ends soon', async () => {
  const { bytes, offsets } = segmentOf([Buffer.alloc(4_000_000), Buffer.from('y')])
  const { mark } = (await read(bytes)).end
  // Each claims the whole rest: with one checksum for all of it that would be hours.
  for (let at = offsets[1]! + 40; at + 32 < offsets[2]!; at += 8) {
    bytes.fill(0, at, at + 8)
    bytes.writeUInt32LE(2_000_000, at)
    bytes[at + 4] = KIND_COMMIT
  }
  const found: number[] = []
  const startMs = performance.now()
  await findHeaders(
    (await fileOf(bytes)).file,
    mark,
    offsets[1]! + 8,
    ({ offset }) => void found.push(offset),
  )
  expect(found).toEqual([offsets[2]])
  expect(performance.now() - startMs).toBeLessThan(5000)
})

test('a segment of a newer version is none to repair, and one bit of decay makes none of it', async () => {
  const read = async (magic: string): Promise<unknown> => {
    const { bytes } = segmentOf([Buffer.from('a')])
    bytes.write(magic, 0, 'latin1')
    const { file } = await fileOf(bytes)
    return readSegment(file, () => undefined, { path: '/data/shard-0003/00000001.log' })
  }
  for (const [magic, version] of [
    ['shardloom log 2\n', 2],
    ['shardloom log 12', 12],
  ] as const) {
    await expect(read(magic)).rejects.toMatchObject({
      code: 'SHL_DIRECTORY_UNKNOWN',
      details: {
        dir: '/data',
        reason: expect.stringContaining(`00000001.log: its log has version ${version}, this one reads 1`),
      },
    })
  }
  for (let bit = 0; bit < 8 * LOG_MAGIC.length; bit++) {
    const magic = Buffer.from(LOG_MAGIC)
    magic[bit >> 3] = (magic[bit >> 3] as number) ^ (1 << (bit & 7))
    const end = await read(magic.toString('latin1'))
    expect(end).toMatchObject({ reason: 'the file does not begin as a segment of this version does' })
  }
})
