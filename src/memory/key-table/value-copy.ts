/**
 * A reader's private copy of a value, and what becomes of it after validation.
 *
 * ASCII in one piece becomes text at once: `latin1Slice` is a copy of bytes, whatever they are. Anything else
 * is copied as bytes and decoded when it is known to be whole: a decoder that meets bytes which change under
 * it may crash. Short values go through a loop of word loads, since a built-in copy of shared memory makes a
 * view first; so does everything where payload has to be loaded atomically.
 *
 * Writer: none here. Readers: one thread.
 * Invariants: (1) nothing out of bounds is touched, whatever length and references say; (2) nothing large is
 * allocated for a length that has not been validated.
 * Cost: a copy. Tests: test/memory/key-table/key-table-reader.test.ts, key-table-reader.race.test.ts
 */
import { type AttachedSegments, loadBytes, type NativeBuffer } from '../arena/index.ts'
import { loadPayload, type SharedWords, validateRead } from '../seqlock.ts'
import { ASCII, CHUNKED, VALUE_LENGTH, valueBytesMaxOf } from './key-table-layout.ts'

/** Up to here a loop over words is faster than a copy by a built-in function. */
const LOOP_BYTES_MAX = 16
const EMPTY = new Uint8Array(0)

/** One value at a time. */
export class ValueCopy {
  /** Bytes copied by the last `take`. */
  lengthBytes = 0
  readonly #segments: AttachedSegments
  readonly #isAtomic: boolean
  readonly #inlineBytesMax: number
  readonly #chunkBytes: number
  readonly #valueBytesMax: number
  readonly #pageWords: number
  readonly #unitMask: number
  readonly #segmentShift: number
  /** For values in one piece, used again and again; and the same as words. */
  readonly #scratch: NativeBuffer
  readonly #scratchWords: Int32Array<ArrayBuffer>
  /** What was taken: text that is ready, or bytes: all of `#chunked`, or the beginning of the scratch. */
  #text: string | undefined = undefined
  #chunked: NativeBuffer | undefined = undefined

  constructor(segments: AttachedSegments, pageBytes: number, segmentShift: number, isAtomic: boolean) {
    this.#segments = segments
    this.#isAtomic = isAtomic
    this.#inlineBytesMax = pageBytes >> 1
    this.#chunkBytes = pageBytes >> 1
    this.#valueBytesMax = valueBytesMaxOf(pageBytes)
    this.#pageWords = pageBytes >> 2
    this.#segmentShift = segmentShift
    this.#unitMask = 2 ** segmentShift - 1
    this.#scratchWords = new Int32Array(pageBytes >> 2)
    this.#scratch = Buffer.from(this.#scratchWords.buffer) as NativeBuffer
  }

  /**
   * Copies the value of the record at `record`, whose value is at `valueWord`. False when that cannot be one,
   * or it lies in a segment that has not come.
   */
  take(
    words: SharedWords,
    bytes: NativeBuffer,
    record: number,
    valueWord: number,
    meta: number,
    wantsText: boolean,
    sequences: SharedWords,
    sequenceWord: number,
    sequence: number,
  ): boolean {
    this.#text = undefined
    this.#chunked = undefined
    const length = loadPayload(words, record + VALUE_LENGTH, this.#isAtomic)
    if ((meta & CHUNKED) !== 0) {
      if (valueWord >= words.length) return false
      if (length <= 0 || length > this.#valueBytesMax) return false
      // What is allocated next is as long as that: it has to be true.
      if (!validateRead(sequences, sequenceWord, sequence)) return false
      this.#chunked = Buffer.allocUnsafeSlow(length) as NativeBuffer
      return this.#copyChunks(loadPayload(words, valueWord, this.#isAtomic), this.#chunked, length)
    }
    const start = valueWord << 2
    if (length < 0 || length > this.#inlineBytesMax) return false
    if (start + length > this.#segments.segmentBytes) return false
    this.lengthBytes = length
    if (length <= LOOP_BYTES_MAX || this.#isAtomic) {
      this.#copyWords(words, valueWord, length)
      if (wantsText && (meta & ASCII) !== 0) this.#text = this.#scratch.latin1Slice(0, length)
    } else if (wantsText && (meta & ASCII) !== 0) this.#text = bytes.latin1Slice(start, start + length)
    else this.#scratch.set(bytes.subarray(start, start + length))
    return true
  }

  /** What was taken, as text. */
  text(): string {
    const text = this.#text
    if (text !== undefined) {
      this.#text = undefined
      return text
    }
    const chunked = this.#chunked
    this.#chunked = undefined
    return (chunked ?? this.#scratch).utf8Slice(0, this.lengthBytes)
  }

  /** What was taken, as bytes that the caller may keep. */
  takeBytes(): Uint8Array<ArrayBuffer> {
    const chunked = this.#chunked
    this.#chunked = undefined
    if (chunked !== undefined) return new Uint8Array(chunked.buffer as ArrayBuffer)
    if (this.lengthBytes === 0) return EMPTY
    return new Uint8Array(this.#scratch.subarray(0, this.lengthBytes))
  }

  #copyWords(words: SharedWords, valueWord: number, length: number): void {
    const count = (length + 3) >> 2
    for (let i = 0; i < count; i++) {
      this.#scratchWords[i] = loadPayload(words, valueWord + i, this.#isAtomic)
    }
  }

  #copyChunks(table: number, target: NativeBuffer, length: number): boolean {
    const tableWords = this.#segments.wordsOf(table >>> this.#segmentShift)
    if (tableWords === undefined) return false
    const first = (table & this.#unitMask) << 1
    const count = Math.ceil(length / this.#chunkBytes)
    if (count > this.#pageWords || first + count > tableWords.length) return false
    for (let i = 0; i < count; i++) {
      const chunk = loadPayload(tableWords, first + i, this.#isAtomic)
      const segment = chunk >>> this.#segmentShift
      const words = this.#segments.wordsOf(segment)
      if (words === undefined) return false
      const start = (chunk & this.#unitMask) << 3
      const at = i * this.#chunkBytes
      const part = Math.min(this.#chunkBytes, length - at)
      if (start + part > this.#segments.segmentBytes) return false
      loadBytes(words, this.#segments.bytes[segment]!, start, part, target, at, this.#isAtomic)
      this.lengthBytes += part
    }
    return true
  }
}
