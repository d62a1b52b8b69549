/**
 * The layout of a ring: control words, then the data.
 *
 *     byte 0        tail position   written by the producer, read by the consumer
 *     byte 128      head position   written by the consumer, read by the producer
 *     byte 256      data, `capacityBytes` of it
 *
 *     a record:  | length, 4 bytes | spare, 4 bytes | payload, padded to 8 bytes |
 *     padding:   | -length of the gap              |  closes the buffer when a record does not fit before its end
 *
 * Positions count bytes for ever, modulo 2^32; the index in the data is `position & (capacityBytes - 1)`. Tail and
 * head stand two cache lines apart: adjacent lines are fetched in pairs, and one line would be fought over.
 *
 * Writer: none here; who writes which word is said above. Readers: both ends.
 * Invariants: capacity is a power of two; records are aligned to 8 bytes; a record lies in one piece.
 * Tests: test/memory/ring.test.ts. Source: Agrona's RecordDescriptor and RingBufferDescriptor.
 */
import { assert, ShardloomError } from '../base/index.ts'

/** Word index of the producer's position. */
export const TAIL_WORD = 0
/** Word index of the consumer's position. */
export const HEAD_WORD = 32
export const DATA_OFFSET = 256
export const RECORD_HEADER_BYTES = 8
export const RECORD_ALIGN = 8
export const CAPACITY_MIN = 64
export const CAPACITY_MAX = 2 ** 30
/** `tryClaim` found no room. */
export const INSUFFICIENT_CAPACITY = -1

assert((RECORD_ALIGN & (RECORD_ALIGN - 1)) === 0, 'the alignment is a power of two')
assert(RECORD_HEADER_BYTES % RECORD_ALIGN === 0, 'a payload is aligned')
assert((HEAD_WORD - TAIL_WORD) * 4 >= 128, 'tail and head are two cache lines apart')
assert(DATA_OFFSET >= (HEAD_WORD + 32) * 4, 'data is two cache lines behind the head')

/** Makes the memory of a ring. @throws SHL_OPTION_INVALID */
export function allocateRing(capacityBytes: number): SharedArrayBuffer {
  checkCapacity(capacityBytes)
  return new SharedArrayBuffer(DATA_OFFSET + capacityBytes)
}

/** The capacity of a ring's memory. @throws SHL_OPTION_INVALID */
export function ringCapacity(buffer: SharedArrayBuffer): number {
  const capacityBytes = buffer.byteLength - DATA_OFFSET
  checkCapacity(capacityBytes)
  return capacityBytes
}

/** Bytes that a payload takes on the ring. */
export function recordBytes(lengthBytes: number): number {
  return RECORD_HEADER_BYTES + ((lengthBytes + RECORD_ALIGN - 1) & -RECORD_ALIGN)
}

function checkCapacity(capacityBytes: number): void {
  const isPower = Number.isInteger(capacityBytes) && (capacityBytes & (capacityBytes - 1)) === 0
  if (isPower && capacityBytes >= CAPACITY_MIN && capacityBytes <= CAPACITY_MAX) return
  throw new ShardloomError('SHL_OPTION_INVALID', {
    option: 'capacityBytes',
    value: capacityBytes,
    allowed: `a power of two, ${CAPACITY_MIN}..${CAPACITY_MAX}`,
  })
}
