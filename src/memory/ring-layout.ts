/**
 * The layout of a ring: control words, then the data.
 *
 *     byte 0        tail position   written by the producer, read by the consumer
 *     byte 128      head position   written by the consumer, read by the producer
 *     byte 256      data, `capacityBytes` of it
 *
 *     a record:  | length, 4 bytes | spare, 4 bytes | payload, filled up to 8 bytes |
 *     padding:   | -(bytes to the end of the data) |  when a record does not fit before the end
 *
 * Positions count bytes for ever, modulo 2^32. The index in the data is `position & (capacityBytes - 1)`; the
 * difference of two, made an int32, is right across the wrap, because it is never more than 2^30.
 *
 * Tail and head stand two cache lines apart: lines are fetched in pairs, and on one pair each end would slow
 * the other one down.
 *
 * Credit: the head is the credit. What the producer may still write is `capacityBytes - (tail - head)`; the
 * consumer gives credit by storing the head, and nothing else flows back.
 *
 * A record takes at most a quarter of the ring, header included. With the padding in front of it that is less
 * than half: every record finds room some time, and a reader that lags by a record does not stop the writer.
 *
 * Writer: none here; who writes which word is said above. Readers: both ends.
 * Invariants: (1) the capacity is a power of two; (2) records and padding begin at multiples of 8; (3) a
 * record lies in one piece; (4) padding is published together with the record behind it.
 * Tests: test/memory/ring-layout.test.ts, ring-producer.prop.test.ts. Source: Agrona's RecordDescriptor and
 * RingBufferDescriptor.
 */
import { assert, invalidOption } from '../base/index.ts'

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

const APART_BYTES = 128

assert((RECORD_ALIGN & (RECORD_ALIGN - 1)) === 0, 'the alignment is a power of two')
assert(RECORD_HEADER_BYTES % RECORD_ALIGN === 0, 'a payload is aligned')
assert((HEAD_WORD - TAIL_WORD) * 4 >= APART_BYTES, 'tail and head are two cache lines apart')
assert(DATA_OFFSET >= HEAD_WORD * 4 + APART_BYTES, 'data is two cache lines behind the head')
assert(DATA_OFFSET % RECORD_ALIGN === 0, 'data is aligned')
assert(recordBytesMaxOf(CAPACITY_MIN) > 0, 'the smallest ring holds records')

/** Makes the memory of a ring. @throws SHL_OPTION_INVALID */
export function allocateRing(capacityBytes: number): SharedArrayBuffer {
  checkCapacity('capacityBytes', capacityBytes)
  return new SharedArrayBuffer(DATA_OFFSET + capacityBytes)
}

/** The capacity of a ring's memory. @throws SHL_OPTION_INVALID when it is not the memory of a ring */
export function ringCapacity(buffer: SharedArrayBuffer): number {
  const capacityBytes = buffer.byteLength - DATA_OFFSET
  checkCapacity('ring capacityBytes', capacityBytes)
  return capacityBytes
}

/** The longest payload of a ring: with its header a quarter of the ring. */
export function recordBytesMaxOf(capacityBytes: number): number {
  return (capacityBytes >> 2) - RECORD_HEADER_BYTES
}

/** Bytes that a payload takes on the ring. */
export function recordBytes(lengthBytes: number): number {
  return RECORD_HEADER_BYTES + ((lengthBytes + RECORD_ALIGN - 1) & -RECORD_ALIGN)
}

function checkCapacity(option: string, capacityBytes: number): void {
  const isPower = Number.isInteger(capacityBytes) && (capacityBytes & (capacityBytes - 1)) === 0
  if (isPower && capacityBytes >= CAPACITY_MIN && capacityBytes <= CAPACITY_MAX) return
  invalidOption(option, capacityBytes, `a power of two, ${CAPACITY_MIN}..${CAPACITY_MAX}`)
}
