/** The bytes of a record, field by field, and what a header may claim. */
import { expect, test } from 'vitest'
import {
  CHECKED_HEADER,
  claimedBytesAt,
  HEADER_BYTES,
  KIND_COMMIT,
  KIND_SEALED,
  LOG_MAGIC,
  MAGIC_BYTES,
  PARTICIPANTS_MAX,
  PAYLOAD_BYTES_MAX,
  type RecordFields,
  recordAt,
  recordBytes,
  writeFields,
} from '../../src/storage/log-format.ts'
import { areaOf } from '../../src/storage/record-area.ts'

const PLAIN: RecordFields = { kind: KIND_COMMIT, revision: 7, atMs: 1234.5, participants: [] }

/** A record whose payload is in place, without its checksums. */
function recordOf(fields: RecordFields, payload: Uint8Array, start = 0): Buffer {
  const sizeBytes = recordBytes(payload.length, fields.participants.length)
  const bytes = Buffer.alloc(start + sizeBytes, 0xee)
  bytes.set(payload, start + HEADER_BYTES + 2 * fields.participants.length)
  writeFields(areaOf(bytes), start, payload.length, fields)
  return bytes
}

test('a file begins with its format and its version, in as many bytes as a record is aligned to', () => {
  expect(LOG_MAGIC).toBe('shardloom log 1\n')
  expect(MAGIC_BYTES % 8).toBe(0)
})

test('each field has its place', () => {
  const fields = { kind: KIND_SEALED, revision: 2 ** 53 - 1, atMs: 1.5, participants: [0, 258, 1023] }
  const bytes = recordOf(fields, Buffer.from([0xaa, 0xbb, 0xcc]), 8)
  expect(
    bytes
      .subarray(8 + CHECKED_HEADER)
      .toString('hex')
      .match(/.{16}/g),
  ).toEqual([
    '030000000b000300',
    'ffffffffffff3f43',
    '000000000000f83f',
    '00000201ff03aabb',
    'cc00000000000000',
  ])
})

test('a record takes a multiple of eight bytes', () => {
  const sizes = Array.from({ length: 10 }, (_, i) => recordBytes(i, 0))
  expect(sizes).toEqual([32, 40, 40, 40, 40, 40, 40, 40, 40, 48])
  expect(recordBytes(1, 4)).toBe(48)
  expect(recordBytes(PAYLOAD_BYTES_MAX, PARTICIPANTS_MAX)).toBeLessThan(2 ** 31)
  expect(recordBytes(PAYLOAD_BYTES_MAX, PARTICIPANTS_MAX)).toBeGreaterThan(PAYLOAD_BYTES_MAX)
})

test('what was written is read, from anywhere in a buffer', () => {
  for (const participants of [[], [5], [0, 1, 2, 1023]]) {
    for (let length = 0; length < 20; length++) {
      const payload = Buffer.alloc(length, 1 + length)
      const fields = { ...PLAIN, participants }
      const bytes = recordOf(fields, payload, 16)
      expect(claimedBytesAt(areaOf(bytes), 16)).toBe(bytes.length - 16)
      const read = recordAt(areaOf(bytes), 16, bytes.length - 16, 1000)
      expect(read).toMatchObject({ ...fields, offset: 1016, endOffset: 1000 + bytes.length, index: 0 })
      expect(Buffer.from(read.payload).equals(payload)).toBe(true)
    }
  }
})

test('a mask is taken off what is behind the header, and stays on in the file', () => {
  const bytes = recordOf({ ...PLAIN, participants: [258] }, Buffer.from([1, 2, 3]))
  for (let i = HEADER_BYTES; i < bytes.length; i++) bytes[i] = bytes[i]! ^ 0x5a
  bytes[13] = 0x5a
  const before = Buffer.from(bytes)
  const { participants, payload } = recordAt(areaOf(bytes), 0, bytes.length, 0)
  expect(participants).toEqual([258])
  expect([...payload]).toEqual([1, 2, 3])
  expect(bytes.equals(before)).toBe(true)
})

test('a header that cannot be one claims nothing', () => {
  const claimed = (offset: number, value: number, bytes = 1): number => {
    const record = recordOf(PLAIN, Buffer.alloc(3))
    record.writeUIntLE(value, offset, bytes)
    return claimedBytesAt(areaOf(record), 0)
  }
  expect(claimed(12, KIND_COMMIT)).toBe(40)
  expect(claimed(12, 0)).toBe(0)
  expect(claimed(12, KIND_SEALED + 1)).toBe(0)
  expect(claimed(14, PARTICIPANTS_MAX, 2)).toBe(recordBytes(3, PARTICIPANTS_MAX))
  expect(claimed(14, PARTICIPANTS_MAX + 1, 2)).toBe(0)
  expect(claimed(8, PAYLOAD_BYTES_MAX, 4)).toBe(recordBytes(PAYLOAD_BYTES_MAX, 0))
  expect(claimed(8, PAYLOAD_BYTES_MAX + 1, 4)).toBe(0)
  expect(claimedBytesAt(areaOf(Buffer.alloc(HEADER_BYTES)), 0)).toBe(0)
})

test('what a record cannot say is not written', () => {
  const wrong: Partial<RecordFields>[] = [
    { kind: 0 },
    { kind: KIND_SEALED + 1 },
    { revision: 0.5 },
    { revision: 2 ** 53 },
    { atMs: Number.NaN },
    { participants: Array.from({ length: PARTICIPANTS_MAX + 1 }, (_, i) => i) },
  ]
  for (const fields of wrong) {
    expect(
      () => recordOf({ ...PLAIN, ...fields }, Buffer.alloc(0)),
      JSON.stringify(fields).slice(0, 40),
    ).toThrow(/a record has/)
  }
})
