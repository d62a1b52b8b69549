/**
 * The segments of an arena as a reader has them: views by number, asked for when they are first met.
 *
 * A segment is handed to reading threads as a message, and a reference into it may be seen before that has
 * come. Then it is unknown for now, which is no error.
 *
 * Writer: none here. Readers: one thread.
 * Invariants: a segment that is attached has the size of all. Cost: an array look-up.
 * Tests: test/memory/key-table/key-table-reader.test.ts
 */
import type { SharedWords } from '../seqlock.ts'
import type { NativeBuffer } from './block-bytes.ts'

/** Views of segments. */
export class AttachedSegments {
  /** By number; those not known are missing, or undefined. */
  readonly words: (SharedWords | undefined)[] = []
  readonly bytes: (NativeBuffer | undefined)[] = []
  readonly segmentBytes: number
  readonly #segmentOf: (id: number) => SharedArrayBuffer | undefined

  constructor(first: SharedArrayBuffer, segmentOf: (id: number) => SharedArrayBuffer | undefined) {
    this.segmentBytes = first.byteLength
    this.#segmentOf = segmentOf
    this.#add(0, first)
  }

  /** The words of a segment, whatever number it is; undefined when it has not come. */
  wordsOf(id: number): SharedWords | undefined {
    return id < this.words.length ? (this.words[id] ?? this.#attach(id)) : this.#attach(id)
  }

  #attach(id: number): SharedWords | undefined {
    const buffer = this.#segmentOf(id)
    if (buffer === undefined || buffer.byteLength !== this.segmentBytes) return undefined
    return this.#add(id, buffer)
  }

  #add(id: number, buffer: SharedArrayBuffer): SharedWords {
    while (this.words.length <= id) {
      this.words.push(undefined)
      this.bytes.push(undefined)
    }
    const words = new Int32Array(buffer)
    this.words[id] = words
    this.bytes[id] = Buffer.from(buffer) as NativeBuffer
    return words
  }
}
