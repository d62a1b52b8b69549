/**
 * Bytes that are written and handed over, batch after batch.
 *
 * Batches are cut from slabs: an `ArrayBuffer` of its own for each costs more than what is written into it.
 * Nobody writes again what was handed over; a slab lives as long as a batch that was cut from it.
 * Cost: bench/set-memory.ts. Tests: test/keyspace/wire/request-codec.prop.test.ts
 */
import { copyBytes, writeLatin1 } from '../../codec/index.ts'
import type { Argument } from '../engine/index.ts'

const FIRST_BYTES = 512
/** A slab has room for so many batches like the last one, up to `SLAB_BYTES_MAX`. */
const BATCHES_PER_SLAB = 8
const SLAB_BYTES_MAX = 64 * 1024
/** From here on a batch has memory that nothing else lies in. */
export const OWN_BATCH_BYTES: number = SLAB_BYTES_MAX + 1

/** Methods of Node's buffers that its types leave out: the fastest way between bytes and strings. */
export type NativeBuffer = Buffer & {
  latin1Slice(start: number, end: number): string
  latin1Write(text: string, offset: number, length: number): number
}

/** Works on any bytes: a buffer over a small array would cost more than what is read from it. */
const { latin1Slice } = Buffer.prototype as NativeBuffer
const { readDoubleLE } = Buffer.prototype as { readDoubleLE(this: Uint8Array, offset: number): number }
const NOTHING = allocate(0)

/** Bytes that are being written. */
export class ByteSink {
  /** The slab: what is being written lies from `#start` to `end`. */
  bytes: NativeBuffer = NOTHING
  end = 0
  #start = 0
  #lastBytes = 0

  get sizeBytes(): number {
    return this.end - this.#start
  }

  /** Makes room for `count` bytes at `end`. */
  reserve(count: number): void {
    if (this.end + count > this.bytes.length) this.#grow(count)
  }

  /** A large slab is not kept for the small batches that may follow. */
  #forget(): void {
    this.bytes = NOTHING
    this.#start = 0
    this.end = 0
  }

  #grow(count: number): void {
    const { sizeBytes } = this
    const next = Math.min(this.#lastBytes * BATCHES_PER_SLAB, SLAB_BYTES_MAX)
    const grown = allocate(Math.max(next, sizeBytes * 2 + count, FIRST_BYTES))
    this.bytes.copy(grown, 0, this.#start, this.end)
    this.bytes = grown
    this.#start = 0
    this.end = sizeBytes
  }

  uint8(value: number): void {
    this.reserve(1)
    this.bytes[this.end++] = value
  }

  uint32(value: number): void {
    this.reserve(4)
    const { bytes, end } = this
    bytes[end] = value
    bytes[end + 1] = value >>> 8
    bytes[end + 2] = value >>> 16
    bytes[end + 3] = value >>> 24
    this.end = end + 4
  }

  float64(value: number): void {
    this.reserve(8)
    this.bytes.writeDoubleLE(value, this.end)
    this.end += 8
  }

  /** Length, then bytes. */
  block(value: Argument): void {
    const count = value.length
    this.reserve(4 + count)
    this.uint32(count)
    const { bytes, end } = this
    if (typeof value !== 'string') bytes.set(value, end)
    else writeLatin1(bytes, value, end)
    this.end = end + count
  }

  /** The same of part of some bytes. */
  blockOf(source: Uint8Array, offset: number, count: number): void {
    this.reserve(4 + count)
    this.uint32(count)
    copyBytes(source, offset, count, this.bytes, this.end)
    this.end += count
  }

  /** What was written and not taken is nothing to anybody. */
  drop(): void {
    this.end = this.#start
  }

  /** What was written; the sink begins anew. */
  take(): Uint8Array {
    this.#lastBytes = this.sizeBytes
    const taken = new Uint8Array(this.bytes.buffer, this.#start, this.sizeBytes)
    if (this.bytes.length > SLAB_BYTES_MAX) this.#forget()
    else this.#start = this.end
    return taken
  }
}

function allocate(sizeBytes: number): NativeBuffer {
  return Buffer.allocUnsafeSlow(sizeBytes) as NativeBuffer
}

/**
 * Part of a batch as bytes that stay: a copy, or, where the batch is the reader's own, the part itself, which
 * keeps all of the batch: if it is not less than one `share`-th of it; 0: never.
 */
export function keptBytes(bytes: Uint8Array, start: number, end: number, share: number): Uint8Array {
  if ((end - start) * share >= bytes.length) return bytes.subarray(start, end)
  return Uint8Array.prototype.slice.call(bytes, start, end)
}

/** The bytes from `start` to `end` as a byte string. */
export function latin1Text(bytes: Uint8Array, start: number, end: number): string {
  return latin1Slice.call(bytes, start, end)
}

/** A double, little-endian. */
export function readFloat64(bytes: Uint8Array, at: number): number {
  return readDoubleLE.call(bytes, at)
}
