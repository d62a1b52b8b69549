/**
 * A part of a file in memory, which moves on with its reader.
 *
 * A reader asks for the bytes that it needs next, and reads many at a time: a megabyte, or one record when
 * that is longer. Cost: the file is read once, but for what lies across the edge of a window.
 * Tests: test/storage/file-window.test.ts
 */
import { assert, type DiskFile } from '../base/index.ts'
import { newArea, type RecordArea } from './record-area.ts'

const WINDOW_BYTES = 1024 * 1024

/** Reads a file that nobody writes to meanwhile. */
export class FileWindow {
  /** Of the whole file. */
  readonly sizeBytes: number
  /** What is there of it; other bytes than those that `has` says are of no meaning. */
  area: RecordArea
  /** Where it begins in the file. */
  base = 0
  readonly #file: DiskFile
  readonly #usualBytes: number
  #length = 0

  constructor(file: DiskFile, sizeBytes: number, windowBytes = WINDOW_BYTES) {
    this.#file = file
    this.sizeBytes = sizeBytes
    this.#usualBytes = Math.min(windowBytes, sizeBytes)
    this.area = newArea(this.#usualBytes)
  }

  /** How many bytes are there. */
  get lengthBytes(): number {
    return this.#length
  }

  /** Whether these bytes are there. */
  has(offset: number, count: number): boolean {
    return offset >= this.base && offset + count <= this.base + this.#length
  }

  /** Sees to it that they are; false when the file ends before them. */
  async holds(offset: number, count: number): Promise<boolean> {
    if (this.has(offset, count)) return true
    if (offset + count > this.sizeBytes) return false
    const room = Math.max(count, this.#usualBytes)
    if (this.area.bytes.length !== room) this.area = newArea(room)
    const wanted = Math.min(room, this.sizeBytes - offset)
    this.base = offset
    this.#length = await this.#file.read(offset, this.area.bytes.subarray(0, wanted))
    assert(this.#length <= wanted, 'a read gives no more than there is room for')
    return this.#length >= count
  }
}
