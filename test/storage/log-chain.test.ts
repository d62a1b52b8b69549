/**
 * The chain: a record is valid as it was written, where it was written, behind what it was written behind.
 */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { type ChainPlace, isHeaderAt, LogChain } from '../../src/storage/log-chain.ts'
import {
  claimedBytesAt,
  HEADER_BYTES,
  KIND_COMMIT,
  KIND_SEGMENT,
  MAGIC_BYTES,
  recordBytes,
} from '../../src/storage/log-format.ts'
import { areaOf } from '../../src/storage/record-area.ts'

const random = seededRandom(1)
const FIELDS = { kind: KIND_COMMIT, revision: 3, atMs: 5, participants: [1, 2] }
const PLACE: ChainPlace = { offset: 4096, mark: 0x12345678, checksum: 0x9abcdef0 }

function sealed(place: ChainPlace | undefined, payloadBytes = 21, kind = KIND_COMMIT): Buffer {
  const bytes = Buffer.alloc(recordBytes(payloadBytes, 2))
  for (let i = HEADER_BYTES + 4; i < HEADER_BYTES + 4 + payloadBytes; i++) bytes[i] = random.below(256)
  expect(new LogChain(place).seal(areaOf(bytes), 0, payloadBytes, { ...FIELDS, kind })).toBe(bytes.length)
  return bytes
}

function isValid(bytes: Buffer, place: ChainPlace): boolean {
  const chain = new LogChain(place)
  return (
    chain.hasHeader(areaOf(bytes), 0) && chain.hasBody(areaOf(bytes), 0, claimedBytesAt(areaOf(bytes), 0))
  )
}

test('a record is valid in its place', () => {
  for (let payloadBytes = 0; payloadBytes < 700; payloadBytes += 13) {
    expect(isValid(sealed(PLACE, payloadBytes), PLACE)).toBe(true)
  }
})

test('a record with any one bit flipped is not', () => {
  const bytes = sealed(PLACE)
  for (let bit = 0; bit < 8 * bytes.length; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    const chain = new LogChain(PLACE)
    const hasHeader = chain.hasHeader(areaOf(flipped), 0)
    // The first four bytes are no part of the header's checksum.
    expect(hasHeader, `bit ${bit}`).toBe(bit < 32 || bit >= 8 * HEADER_BYTES)
    if (hasHeader) expect(chain.hasBody(areaOf(flipped), 0, bytes.length), `bit ${bit}`).toBe(false)
  }
})

test('a record is not valid in another place, in another file, or behind another record', () => {
  const bytes = sealed(PLACE)
  for (let bit = 0; bit < 32; bit++) {
    const flip = (value: number): number => (value ^ (1 << bit)) >>> 0
    expect(isValid(bytes, { ...PLACE, mark: flip(PLACE.mark) })).toBe(false)
    expect(isValid(bytes, { ...PLACE, checksum: flip(PLACE.checksum) })).toBe(false)
  }
  for (let step = 1; step < 1000; step++) {
    for (const offset of [
      PLACE.offset + 8 * step,
      PLACE.offset - 8 * step,
      PLACE.offset + 2 ** 31 + 8 * step,
    ]) {
      expect(isHeaderAt(areaOf(bytes), 0, PLACE.mark, offset)).toBe(false)
    }
  }
})

test('the header is proven without what was before, the rest is not', () => {
  const bytes = sealed(PLACE)
  expect(isHeaderAt(areaOf(bytes), 0, PLACE.mark, PLACE.offset)).toBe(true)
  expect(new LogChain({ ...PLACE, checksum: 0 }).hasHeader(areaOf(bytes), 0)).toBe(true)
  expect(new LogChain({ ...PLACE, checksum: 0 }).hasBody(areaOf(bytes), 0, bytes.length)).toBe(false)
})

test('writer and reader walk the same way, from file to file', () => {
  const writer = new LogChain()
  const reader = new LogChain()
  for (let file = 0; file < 3; file++) {
    for (const chain of [writer, reader]) chain.beginFile()
    expect(writer.offset).toBe(MAGIC_BYTES)
    for (let record = 0; record < 5; record++) {
      const payloadBytes = random.below(100)
      const bytes = Buffer.alloc(recordBytes(payloadBytes, 2))
      const kind = record === 0 ? KIND_SEGMENT : KIND_COMMIT
      const size = writer.seal(areaOf(bytes), 0, payloadBytes, { ...FIELDS, kind })
      expect(reader.hasHeader(areaOf(bytes), 0) && reader.hasBody(areaOf(bytes), 0, size)).toBe(true)
      reader.pass(areaOf(bytes), 0, size)
      expect({ ...reader }).toEqual({ ...writer })
      if (record === 0) expect(reader.mark).toBe(reader.checksum)
    }
  }
})

test('zeros are no record, wherever they are', () => {
  for (let offset = MAGIC_BYTES; offset < 10_000; offset += 8) {
    expect(isHeaderAt(areaOf(Buffer.alloc(HEADER_BYTES)), 0, random.below(2 ** 31), offset)).toBe(false)
  }
})
