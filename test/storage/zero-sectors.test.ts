/** No sector of a log is all zeros, or one bit from it, whatever the payloads are. */
import { expect, test } from 'vitest'
import { seededRandom } from '../../src/base/index.ts'
import { LogChain } from '../../src/storage/log-chain.ts'
import {
  HEADER_BYTES,
  KIND_COMMIT,
  MAGIC_BYTES,
  MASK,
  recordAt,
  recordBytes,
  SECTOR_BYTES,
} from '../../src/storage/log-format.ts'
import { areaOf } from '../../src/storage/record-area.ts'

/** A payload in a record at an offset: its bytes, sealed. */
function sealed(payload: Uint8Array, offset: number, participants: number[] = []): Buffer {
  const bytes = Buffer.alloc(recordBytes(payload.length, participants.length))
  bytes.set(payload, HEADER_BYTES + 2 * participants.length)
  const fields = { kind: KIND_COMMIT, revision: 0, atMs: 0, participants }
  new LogChain({ offset, mark: 1, checksum: 2 }).seal(areaOf(bytes), 0, payload.length, fields)
  return bytes
}

/** The sectors of a file that lie within a record at an offset, by how many bits are set. */
function bitsOfSectors(bytes: Buffer, offset: number): number[] {
  const found: number[] = []
  let at = Math.ceil(offset / SECTOR_BYTES) * SECTOR_BYTES - offset
  for (; at + SECTOR_BYTES <= bytes.length; at += SECTOR_BYTES) {
    let bits = 0
    for (const byte of bytes.subarray(at, at + SECTOR_BYTES)) {
      for (let rest = byte; rest !== 0; rest &= rest - 1) bits++
    }
    found.push(bits)
  }
  return found
}

test('a record of zeros has no sector of zeros, wherever it begins', () => {
  for (let offset = MAGIC_BYTES; offset < MAGIC_BYTES + 2 * SECTOR_BYTES; offset += 8) {
    for (const length of [400, 480, 505, 511, 512, 1000, 1024, 3000]) {
      const bytes = sealed(Buffer.alloc(length), offset)
      for (const bits of bitsOfSectors(bytes, offset))
        expect(bits, `${length} at ${offset}`).toBeGreaterThan(1)
      expect(recordAt(areaOf(bytes), 0, bytes.length, 0).payload.every((byte) => byte === 0)).toBe(true)
    }
  }
})

test('neither has one with a single bit in each sector, or with few participants before the zeros', () => {
  const payload = Buffer.alloc(4 * SECTOR_BYTES)
  for (let bit = 0; bit < 8; bit++) {
    for (let at = 0; at < SECTOR_BYTES; at += 61) {
      payload.fill(0)
      for (let sector = at; sector < payload.length; sector += SECTOR_BYTES) payload[sector] = 1 << bit
      for (const participants of [[], [0, 1], [256]]) {
        const bytes = sealed(payload, 1000, participants)
        for (const bits of bitsOfSectors(bytes, 1000)) expect(bits).toBeGreaterThan(1)
        const read = recordAt(areaOf(bytes), 0, bytes.length, 0)
        expect(payload.equals(read.payload)).toBe(true)
        expect(read.participants).toEqual(participants)
      }
    }
  }
})

test('a mask that would make zeros of another sector is not taken', () => {
  const sectors = [0, 1, 2, 3, 4, 5].map((byte) => Buffer.alloc(2 * SECTOR_BYTES, byte))
  const bytes = sealed(Buffer.concat(sectors), 512)
  for (const bits of bitsOfSectors(bytes, 512)) expect(bits).toBeGreaterThan(1)
  expect(bytes[MASK]).toBeGreaterThan(5)
  expect(Buffer.concat(sectors).equals(recordAt(areaOf(bytes), 0, bytes.length, 0).payload)).toBe(true)
})

test('the last byte that is free is found', () => {
  for (const free of [1, 77, 255]) {
    const sectors = Array.from({ length: 256 }, (_, byte) => Buffer.alloc(2 * SECTOR_BYTES, byte))
    const payload = Buffer.concat(sectors.filter((_, byte) => byte !== free))
    expect(sealed(payload, 512)[MASK]).toBe(free)
  }
})

test('a payload for which no mask helps is left as it is', () => {
  const sectors = Array.from({ length: 256 }, (_, byte) => Buffer.alloc(2 * SECTOR_BYTES, byte))
  const payload = Buffer.concat(sectors)
  const bytes = sealed(payload, 512)
  expect(bytes[MASK]).toBe(0)
  expect(payload.equals(recordAt(areaOf(bytes), 0, bytes.length, 0).payload)).toBe(true)
})

test('most records are not masked', () => {
  const random = seededRandom(4)
  for (let i = 0; i < 200; i++) {
    const payload = Buffer.from(Array.from({ length: random.below(3000) }, () => random.below(256)))
    expect(sealed(payload, 16 + 8 * random.below(500))[MASK]).toBe(0)
  }
  // Zeros that fill no sector do no harm.
  expect(sealed(Buffer.alloc(400), 16)[MASK]).toBe(0)
})
