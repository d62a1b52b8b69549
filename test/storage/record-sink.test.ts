/** The sink: payloads of every kind come back as they went in, however the buffer grows and is passed on. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { LogChain } from '../../src/storage/log-chain.ts'
import { LogCipher } from '../../src/storage/log-cipher.ts'
import {
  claimedBytesAt,
  KIND_COMMIT,
  KIND_SEALED,
  KIND_SEGMENT,
  KIND_SYNCED,
  LOG_MAGIC,
  MAGIC_BYTES,
  recordAt,
} from '../../src/storage/log-format.ts'
import { areaOf } from '../../src/storage/record-area.ts'
import { RecordSink } from '../../src/storage/record-sink.ts'
import { takenApart } from '../support/forger.ts'
import { keyOf } from '../support/log-world.ts'

const FIELDS = { kind: KIND_COMMIT, revision: 1, atMs: 2, participants: [] }
const START = { offset: MAGIC_BYTES, mark: 5, checksum: 6 }

/** The payloads that were taken, each proven by the chain that goes on from `chain`. */
function payloadsOf(taken: Uint8Array, chain: LogChain): Buffer[] {
  const bytes = Buffer.from(taken)
  const payloads: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const size = claimedBytesAt(areaOf(bytes), at)
    expect(chain.hasHeader(areaOf(bytes), at) && chain.hasBody(areaOf(bytes), at, size)).toBe(true)
    chain.pass(areaOf(bytes), at, size)
    payloads.push(Buffer.from(recordAt(areaOf(bytes), at, size, 0).payload))
    at += size
  }
  return payloads
}

function numberAt(payload: Buffer): number {
  let value = 0
  for (let i = payload.length - 1; i >= 0; i--) value = value * 128 + (payload[i]! & 0x7f)
  return value
}

test('numbers are written seven bits a byte, the lowest first', () => {
  const bytesOf = (value: number): Buffer => {
    const sink = new RecordSink(new LogChain(START))
    sink.begin()
    sink.number(value)
    sink.end(FIELDS)
    return payloadsOf(sink.take(), new LogChain(START))[0]!
  }
  expect([...bytesOf(0)]).toEqual([0])
  expect([...bytesOf(300)]).toEqual([0xac, 0x02])
  for (let power = 0; power <= 53; power++) {
    for (const value of [2 ** power - 1, 2 ** power, 2 ** power + 1]) {
      if (!Number.isSafeInteger(value)) continue
      const bytes = bytesOf(value)
      expect(numberAt(bytes)).toBe(value)
      expect([...bytes].every((byte, i) => byte > 0x7f === i < bytes.length - 1)).toBe(true)
    }
  }
})

test('a number that is none is refused', () => {
  const sink = new RecordSink(new LogChain(START))
  sink.begin()
  for (const value of [-1, Number.NaN, 2 ** 53, Number.POSITIVE_INFINITY]) {
    expect(() => sink.number(value), String(value)).toThrow(/a number is whole/)
  }
})

test('blocks carry their length, whether text or bytes, short or long', () => {
  for (const length of [0, 1, 23, 24, 25, 127, 128, 5000, 200_000]) {
    const bytes = Buffer.from(Array.from({ length }, (_, i) => (i * 7 + length) & 0xff))
    for (const value of [bytes, bytes.toString('latin1')]) {
      const sink = new RecordSink(new LogChain(START))
      sink.begin()
      sink.block(value)
      sink.float64(-1.5)
      sink.raw(Buffer.from('end'))
      sink.end(FIELDS)
      const [payload] = payloadsOf(sink.take(), new LogChain(START))
      const head = payload!.length - length - 11
      expect(numberAt(payload!.subarray(0, head))).toBe(length)
      expect(payload!.subarray(head, head + length).equals(bytes)).toBe(true)
      expect(payload!.readDoubleLE(head + length)).toBe(-1.5)
      expect(payload!.toString('latin1', head + length + 8)).toBe('end')
    }
  }
})

test('groups of any size are one chain, through buffers that grow, are passed on and come back', () => {
  const random = seededRandom(9)
  const sink = new RecordSink(new LogChain(START))
  const chain = new LogChain(START)
  const buffers = new Set<ArrayBufferLike>()
  for (let group = 0; group < 40; group++) {
    const expected = Array.from({ length: 1 + random.below(20) }, () =>
      Buffer.alloc(random.below(8) === 0 ? random.below(90_000) : random.below(200), random.below(256)),
    )
    for (const payload of expected) {
      sink.begin()
      sink.raw(payload)
      sink.end(FIELDS)
    }
    expect(sink.lengthBytes).toBeGreaterThan(0)
    const taken = sink.take()
    const copy = Buffer.from(taken)
    expect(sink.lengthBytes).toBe(0)
    // What comes meanwhile leaves alone what was taken.
    sink.begin()
    sink.raw(Buffer.alloc(70_000, 0xff))
    sink.clear()
    expect(copy.equals(taken)).toBe(true)
    expect(payloadsOf(taken, chain).map((found, i) => found.equals(expected[i]!))).not.toContain(false)
    buffers.add(taken.buffer)
    sink.giveBack()
  }
  expect(buffers.size).toBeLessThan(20)
})

test('a record that is begun and not ended is forgotten by the next one', () => {
  const sink = new RecordSink(new LogChain(START))
  sink.begin()
  sink.block('given up')
  sink.begin()
  sink.raw(Buffer.from('kept'))
  sink.end(FIELDS)
  expect(payloadsOf(sink.take(), new LogChain(START)).map(String)).toEqual(['kept'])
})

test('a record has the participants that it was begun with', () => {
  const sink = new RecordSink(new LogChain(START))
  sink.begin(1)
  expect(() => sink.end(FIELDS)).toThrow(/as many participants/)
  sink.begin(2)
  sink.raw(Buffer.from('x'))
  sink.end({ ...FIELDS, participants: [3, 4] })
  const bytes = Buffer.from(sink.take())
  expect(recordAt(areaOf(bytes), 0, bytes.length, 0).participants).toEqual([3, 4])
})

test('a buffer that has grown very long is not kept', () => {
  const sink = new RecordSink(new LogChain(START))
  const takeOne = (length: number): Uint8Array => {
    sink.begin()
    sink.raw(Buffer.alloc(length))
    sink.end(FIELDS)
    return sink.take()
  }
  const long = takeOne(5_000_000)
  sink.giveBack()
  const next = [sink.take(), sink.take()].map(({ buffer }) => buffer)
  expect(next).not.toContain(long.buffer)
  const short = takeOne(100)
  sink.giveBack()
  sink.take()
  expect(sink.take().buffer).toBe(short.buffer)
})

test('with a cipher records are put into groups; what was cleared, or never ended, is in none', () => {
  const sink = new RecordSink(new LogChain(), new LogCipher({ key: keyOf(1) }))
  const add = (text: string, revision: number): number => {
    sink.begin()
    sink.raw(Buffer.from(text))
    return sink.end({ ...FIELDS, revision })
  }
  sink.beginSegment({ directory: 'f00d', shard: 3, number: 1, base: 0 })
  sink.end({ ...FIELDS, kind: KIND_SEGMENT })
  const sizes = [add('one', 7), add('two', 5)]
  sink.begin()
  sink.raw(Buffer.alloc(100_000))
  // Given up.
  sizes.push(add('three', 6))
  expect(sizes).toEqual([104, 40, 40])
  const first = takenApart(Buffer.concat([Buffer.from(LOG_MAGIC), sink.take()]))
  expect(first.map(({ kind, revision }) => [kind, revision])).toEqual([
    [KIND_SEGMENT, 1],
    [KIND_SEALED, 7],
  ])
  expect(first[1]?.payload.readUInt32LE(0)).toBe(3)
  add('four', 8)
  sink.clear()
  expect(add('five', 9)).toBe(104)
  sink.beginClear()
  sink.end({ ...FIELDS, kind: KIND_SYNCED })
  const second = takenApart(Buffer.concat([Buffer.from(LOG_MAGIC), sink.take()]))
  expect(second.map(({ kind, revision }) => [kind, revision])).toEqual([
    [KIND_SEALED, 9],
    [KIND_SYNCED, 1],
  ])
  expect(second[0]?.payload.readUInt32LE(0)).toBe(1)
})
