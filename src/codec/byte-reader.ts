/**
 * The bytes of one message in private memory, and how primitives are read from them.
 *
 * Short messages are copied to a scratch wherever they lie: that costs 20 ns, and the code below then always
 * sees the same kind of buffer. Long ones are copied only out of shared memory. Every size is checked against
 * what is left.
 *
 * Cost: bench/codec.ts. Tests: test/codec/value-codec.prop.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import { SHORT_CHARS_MAX, shortLatin1 } from './latin1-text.ts'

const SCRATCH_BYTES = 16_384

/** Node's own methods below `toString` and `write`, which spare a third of a short call. */
type NativeBuffer = Buffer & { latin1Slice(start: number, end: number): string }

/** Reads primitives. The fields are plain, since the decoder above this class reads them in its loops. */
export class ByteReader {
  readonly #scratch: NativeBuffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES) as NativeBuffer
  readonly #scratchView = new DataView(this.#scratch.buffer)
  bytes: NativeBuffer = this.#scratch
  view = this.#scratchView
  /** Where the next byte is read, and where the message ends. */
  position = 0
  end = 0

  /** Begins a message. */
  open(bytes: Uint8Array): void {
    const size = bytes.length
    if (size <= SCRATCH_BYTES) {
      this.bytes = this.#scratch
      this.view = this.#scratchView
      this.#scratch.set(bytes)
    } else {
      const isPrivate = bytes.buffer instanceof ArrayBuffer
      this.bytes = isPrivate
        ? (Buffer.from(bytes.buffer, bytes.byteOffset, size) as NativeBuffer)
        : copyOf(bytes)
      this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, size)
    }
    this.position = 0
    this.end = size
  }

  /** Forgets the message. */
  close(): void {
    this.bytes = this.#scratch
    this.view = this.#scratchView
    this.position = 0
    this.end = 0
  }

  /** Moves past `size` bytes and returns where they begin. */
  take(size: number): number {
    const position = this.position
    const end = position + size
    if (end > this.end) damaged(`${size} bytes are missing`, position)
    this.position = end
    return position
  }

  /** LEB128. */
  readSize(): number {
    const bytes = this.bytes
    let size = bytes[this.take(1)]!
    if (size < 0x80) return size
    size -= 0x80
    let scale = 0x80
    for (let i = 0; i < 6; i++) {
      const byte = bytes[this.take(1)]!
      size += (byte & 0x7f) * scale
      if (byte < 0x80) return size
      scale *= 0x80
    }
    return damaged('a size has no end', this.position)
  }

  /** A count of things that take at least a byte each. */
  readCount(): number {
    const count = this.readSize()
    if (count > this.end - this.position) damaged(`${count} entries do not fit`, this.position)
    return count
  }

  /** A text of so many bytes. */
  readLatin1(length: number): string {
    const start = this.take(length)
    const bytes = this.bytes
    if (length <= SHORT_CHARS_MAX && start + SHORT_CHARS_MAX <= bytes.length) {
      return shortLatin1(bytes, start, length)
    }
    return bytes.latin1Slice(start, start + length)
  }

  /** A size in code units, and the text. */
  readUtf16(): string {
    const size = this.readSize() * 2
    const start = this.take(size)
    return this.bytes.toString('utf16le', start, start + size)
  }

  /** A copy of bytes in memory of its own. */
  readBytes(size: number): Uint8Array<ArrayBuffer> {
    const start = this.take(size) + this.bytes.byteOffset
    return new Uint8Array(this.bytes.buffer as ArrayBuffer, start, size).slice()
  }
}

/** Bytes that are not what an encoder has written. */
export function damaged(reason: string, offset: number): never {
  throw new ShardloomError('SHL_VALUE_DAMAGED', { reason, offset })
}

function copyOf(bytes: Uint8Array): NativeBuffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length) as NativeBuffer
  copy.set(bytes)
  return copy
}
