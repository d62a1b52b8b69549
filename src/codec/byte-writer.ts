/**
 * A scratch buffer, and how primitives are written into it.
 *
 * Positions are passed and returned rather than kept, so that they stay in registers. Behind every position
 * that a method is given there are ROOM bytes free, unless it says that it makes room: enough for a tag with
 * its sizes.
 *
 * Cost: bench/codec.ts. Tests: test/codec/value-codec.test.ts
 */
import * as wire from './wire-tags.ts'

export const SCRATCH_BYTES = 65_536
/** Free bytes behind every position. */
const ROOM = 64
/** Longer texts are written by native code. */
const TEXT_CHARS_BY_HAND = 24
const VIEWS_KEPT = 256
// biome-ignore lint/suspicious/noControlCharactersInRegex: all of Latin-1 is meant.
const WIDE_TEXT = /[^\u0000-\u00ff]/

/** Writes primitives. The fields are plain, since the encoder above this class reads them in its loops. */
export class ByteWriter {
  bytes: Buffer = Buffer.allocUnsafeSlow(SCRATCH_BYTES)
  view = new DataView(this.bytes.buffer)
  /** The last position that has ROOM bytes behind it. */
  room = SCRATCH_BYTES - ROOM
  readonly #views: (Uint8Array | undefined)[] = new Array(VIEWS_KEPT).fill(undefined)

  /** At most 9 bytes. */
  writeNumber(value: number, position: number): number {
    const { bytes } = this
    // -0 equals 0, but only 0 divides to +Infinity.
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= 0 && value <= 0xff) {
        if (value <= wire.INTEGER_TAG_MAX) {
          bytes[position] = value
          return position + 1
        }
        bytes[position] = wire.TAG_BYTE
        bytes[position + 1] = value
        return position + 2
      }
      bytes[position] = wire.TAG_INT32
      this.view.setInt32(position + 1, value, true)
      return position + 5
    }
    bytes[position] = wire.TAG_DOUBLE
    this.view.setFloat64(position + 1, value, true)
    return position + 9
  }

  /** Makes room for itself. */
  writeBigInt(value: bigint, position: number): number {
    if (BigInt.asIntN(64, value) === value) {
      this.bytes[position] = wire.TAG_BIGINT64
      this.view.setBigInt64(position + 1, value, true)
      return position + 9
    }
    this.bytes[position] = wire.TAG_BIGINT
    this.bytes[position + 1] = value < 0n ? 1 : 0
    return this.writeText((value < 0n ? -value : value).toString(16), position + 2)
  }

  /** Makes room for itself. */
  writeText(text: string, position: number): number {
    const { length } = text
    if (length > TEXT_CHARS_BY_HAND) return this.#writeLongText(text, position)
    const { bytes } = this
    const isShort = length <= wire.SHORT_TEXT_CHARS_MAX
    const start = position + (isShort ? 1 : 2)
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 0xff) return this.#writeLongText(text, position)
      bytes[start + i] = code
    }
    if (isShort) bytes[position] = wire.SHORT_TEXT_TAG + length
    else {
      bytes[position] = wire.TAG_LATIN1
      bytes[position + 1] = length
    }
    return start + length
  }

  #writeLongText(text: string, position: number): number {
    const { length } = text
    const isWide = WIDE_TEXT.test(text)
    this.bytes[position] = isWide ? wire.TAG_UTF16 : wire.TAG_LATIN1
    const start = this.writeSize(length, position + 1)
    const end = start + (isWide ? length * 2 : length)
    if (end > this.room) this.grow(end)
    this.bytes.write(text, start, isWide ? 'utf16le' : 'latin1')
    return end
  }

  /** LEB128: 7 bits a byte, the lowest first. At most 8 bytes. */
  writeSize(size: number, position: number): number {
    const { bytes } = this
    let rest = size
    let at = position
    while (rest > 0x7f) {
      bytes[at++] = (rest & 0x7f) | 0x80
      rest = rest > 0x7fffffff ? Math.floor(rest / 128) : rest >>> 7
    }
    bytes[at] = rest
    return at + 1
  }

  /** Makes room for itself. */
  writeBytes(source: Uint8Array, position: number): number {
    const end = position + source.length
    if (end > this.room) this.grow(end)
    this.bytes.set(source, position)
    return end
  }

  /**
   * The first `size` bytes. The same view each time for short messages: making one is a third of their cost.
   */
  viewOf(size: number): Uint8Array {
    if (size >= VIEWS_KEPT) return new Uint8Array(this.bytes.buffer, 0, size)
    let view = this.#views[size]
    if (view === undefined) {
      view = new Uint8Array(this.bytes.buffer, 0, size)
      this.#views[size] = view
    }
    return view
  }

  /** Makes room for ROOM bytes behind `position`; what stands before it is kept. */
  grow(position: number): void {
    const old = this.bytes
    this.replaceScratch(Math.max(old.length * 2, position + position / 4 + ROOM * 2))
    old.copy(this.bytes, 0, 0, Math.min(position, old.length))
  }

  /** A new scratch. What stands in the old one is lost. */
  replaceScratch(sizeBytes: number): void {
    this.bytes = Buffer.allocUnsafeSlow(Math.ceil(sizeBytes))
    this.view = new DataView(this.bytes.buffer)
    this.room = this.bytes.length - ROOM
    this.#views.fill(undefined)
  }
}
