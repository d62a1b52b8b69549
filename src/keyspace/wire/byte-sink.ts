/**
 * A buffer that grows while it is written, and is handed over whole.
 *
 * Each hand-over leaves a new buffer of about the size that was needed last: what was handed over may still
 * be on its way when the next batch is written.
 * Tests: test/keyspace/wire/request-codec.prop.test.ts
 */
import type { Argument } from '../engine/index.ts'

const FIRST_BYTES = 512
const NEXT_BYTES_MAX = 256 * 1024
/** Strings up to here are copied by a loop: a call into Node costs more. */
const LOOPED_CHARS = 24

/** Methods of Node's buffers that its types leave out: the fastest way between bytes and strings. */
export type NativeBuffer = Buffer & {
  latin1Slice(start: number, end: number): string
  latin1Write(text: string, offset: number, length: number): number
}

/** Bytes that are being written. */
export class ByteSink {
  bytes: NativeBuffer
  length = 0

  /** `firstBytes` is about what will be written, when that is known. */
  constructor(firstBytes: number = FIRST_BYTES) {
    this.bytes = allocate(firstBytes)
  }

  /** Makes room for `count` bytes at `length`. */
  reserve(count: number): void {
    const needed = this.length + count
    if (needed <= this.bytes.length) return
    const grown = allocate(Math.max(needed, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }

  uint8(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  uint32(value: number): void {
    this.reserve(4)
    const { bytes, length } = this
    bytes[length] = value
    bytes[length + 1] = value >>> 8
    bytes[length + 2] = value >>> 16
    bytes[length + 3] = value >>> 24
    this.length = length + 4
  }

  float64(value: number): void {
    this.reserve(8)
    this.bytes.writeDoubleLE(value, this.length)
    this.length += 8
  }

  /** Length, then bytes. */
  block(value: Argument): void {
    const count = value.length
    this.reserve(4 + count)
    this.uint32(count)
    const { bytes, length } = this
    if (typeof value !== 'string') bytes.set(value, length)
    else if (count > LOOPED_CHARS) bytes.latin1Write(value, length, count)
    else for (let i = 0; i < count; i++) bytes[length + i] = value.charCodeAt(i)
    this.length = length + count
  }

  /** What was written, for the last time: the sink must not be used any more. */
  end(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  /** What was written; the sink begins anew. */
  take(): Buffer {
    const taken = this.bytes.subarray(0, this.length)
    this.bytes = allocate(nextBytes(this.length))
    this.length = 0
    return taken
  }
}

/** How many bytes to begin with when it were so many the last time. */
export function nextBytes(lastBytes: number): number {
  return Math.max(FIRST_BYTES, Math.min(lastBytes + (lastBytes >> 2), NEXT_BYTES_MAX))
}

function allocate(sizeBytes: number): NativeBuffer {
  return Buffer.allocUnsafeSlow(sizeBytes) as NativeBuffer
}

/** A batch that arrived, as a buffer over the same bytes. */
export function nativeBuffer(bytes: Uint8Array): NativeBuffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength) as NativeBuffer
}
