/**
 * Long values: a table of references to chunks of half a page each, the last as long as what is left.
 *
 * Nothing longer than a page is ever allocated, so a value of half a gigabyte needs no hole of that size, and
 * one that grows copies at most its last chunk. A chain of chunks would need no table, but to read at an
 * offset would walk it.
 *
 * The hash of the key that a chunk belongs to stands in a private column, and of a table in its last word:
 * compaction comes from the block and has to find who points at it. A table that fills a page has no such
 * word and needs none, as a page with one block is never sparse. Chunks are at least a sixteenth of a page,
 * so the column has sixteen rows a page.
 *
 * Writer: the shard's thread. Readers: `KeyTableReader`.
 * Invariants: (1) a value has ceil(length / chunkBytes) chunks while its record is not being changed;
 * (2) all but the last are whole; (3) every chunk is in one table.
 * Cost: a table word per 32 KiB. Tests: test/memory/key-table/key-table-writer.prop.test.ts
 */
import {
  type Arena,
  type ArenaRef,
  type ByteSource,
  fillZeros,
  loadBytes,
  moveWords,
  storeSource,
} from '../arena/index.ts'
import { type SharedWords, storePayload } from '../seqlock.ts'
import { KIND_CHUNK, KIND_TABLE } from './key-table-layout.ts'

/** Rows of the column of owners for a page: 2 to the power of this. */
const OWNER_SHIFT = 4

/** Where a run of bytes of a value lies: in one chunk. */
interface ChunkRun {
  words: SharedWords
  bytes: Buffer
  offset: number
  length: number
}

/** The chunks of all long values of a table. */
export class RecordChunks {
  readonly chunkBytes: number
  readonly #arena: Arena
  readonly #pageBytes: number
  readonly #ownerShift: number
  /** Sixteenth of a page → hash of the key whose chunk begins there. */
  #owners = new Int32Array(0)

  constructor(arena: Arena) {
    this.#arena = arena
    this.#pageBytes = arena.geometry.pageBytes
    this.chunkBytes = this.#pageBytes >> 1
    this.#ownerShift = arena.geometry.pageShift - OWNER_SHIFT
  }

  countFor(length: number): number {
    return Math.ceil(length / this.chunkBytes)
  }

  /** A table for a value of `length`, its last chunk no longer than it has to be. Content is not set. */
  allocate(length: number, hash: number): ArenaRef {
    const count = this.countFor(length)
    const table = this.#allocateTable(count, hash)
    for (let i = 0; i < count; i++) {
      const chunk = this.#allocateChunk(Math.min(this.chunkBytes, length - i * this.chunkBytes), hash)
      this.setChunk(table, i, chunk)
    }
    return table
  }

  free(table: ArenaRef, length: number): void {
    const count = this.countFor(length)
    for (let i = 0; i < count; i++) this.#arena.free(this.chunkAt(table, i))
    this.#arena.free(table)
  }

  chunkAt(table: ArenaRef, i: number): ArenaRef {
    return this.#arena.wordsOf(table)[this.#arena.wordOf(table) + i]!
  }

  setChunk(table: ArenaRef, i: number, chunk: ArenaRef): void {
    const arena = this.#arena
    storePayload(arena.wordsOf(table), arena.wordOf(table) + i, chunk, arena.isAtomic)
  }

  /** Bytes that the chunks of a value of `length` have room for. */
  capacityBytes(table: ArenaRef, length: number): number {
    const last = this.countFor(length) - 1
    const lastBytes = Math.min(this.chunkBytes, this.#arena.blockBytes(this.chunkAt(table, last)))
    return last * this.chunkBytes + lastBytes
  }

  /**
   * Makes room for a value of `length` to become `newLength`, with whole chunks. What readers see of it does
   * not change: the table returned is another one wherever they would.
   */
  grow(table: ArenaRef, length: number, newLength: number, hash: number): ArenaRef {
    const arena = this.#arena
    const count = this.countFor(length)
    const newCount = this.countFor(newLength)
    const last = this.chunkAt(table, count - 1)
    const isLastWhole = arena.blockBytes(last) >= this.chunkBytes
    let target = table
    if (!isLastWhole || newCount > this.#tableCapacity(table)) {
      target = this.#allocateTable(newCount + (newCount >> 1), hash)
      moveWords(
        arena.wordsOf(table),
        arena.wordOf(table),
        arena.wordsOf(target),
        arena.wordOf(target),
        count,
        arena.isAtomic,
      )
    }
    if (!isLastWhole) {
      const whole = this.#allocateChunk(this.chunkBytes, hash)
      this.#copyBlock(last, whole)
      this.setChunk(target, count - 1, whole)
    }
    for (let i = count; i < newCount; i++) {
      this.setChunk(target, i, this.#allocateChunk(this.chunkBytes, hash))
    }
    return target
  }

  /** Frees what `grow` has replaced, once the new table is published. */
  freeReplaced(table: ArenaRef, by: ArenaRef, length: number): void {
    if (table === by) return
    const last = this.countFor(length) - 1
    const chunk = this.chunkAt(table, last)
    if (chunk !== this.chunkAt(by, last)) this.#arena.free(chunk)
    this.#arena.free(table)
  }

  store(table: ArenaRef, at: number, source: ByteSource, start: number, length: number): void {
    for (let done = 0; done < length; ) {
      const run = this.#runAt(table, at + done, length - done)
      storeSource(run.words, run.bytes, run.offset, source, start + done, run.length, this.#arena.isAtomic)
      done += run.length
    }
  }

  fill(table: ArenaRef, at: number, length: number): void {
    for (let done = 0; done < length; ) {
      const run = this.#runAt(table, at + done, length - done)
      fillZeros(run.words, run.bytes, run.offset, run.length, this.#arena.isAtomic)
      done += run.length
    }
  }

  /** Copies bytes of a value to private memory, as its writer. */
  load(table: ArenaRef, at: number, length: number, target: Uint8Array, targetAt: number): void {
    for (let done = 0; done < length; ) {
      const run = this.#runAt(table, at + done, length - done)
      loadBytes(run.words, run.bytes, run.offset, run.length, target, targetAt + done, false)
      done += run.length
    }
  }

  /** Which key a chunk belongs to. */
  ownerOfChunk(chunk: ArenaRef): number {
    return this.#owners[chunk >>> this.#ownerShift]!
  }

  /** Which key a table belongs to that does not fill a page. */
  ownerOfTable(table: ArenaRef): number {
    const arena = this.#arena
    return arena.wordsOf(table)[arena.wordOf(table) + (arena.blockBytes(table) >> 2) - 1]!
  }

  /** A copy of a chunk in another block. */
  copyChunk(chunk: ArenaRef): ArenaRef {
    const copy = this.#allocateChunk(this.#arena.blockBytes(chunk), this.ownerOfChunk(chunk))
    this.#copyBlock(chunk, copy)
    return copy
  }

  /** A copy of a table in another block, the chunks the same. */
  copyTable(table: ArenaRef): ArenaRef {
    const copy = this.#arena.allocate(KIND_TABLE, this.#arena.blockBytes(table))
    this.#copyBlock(table, copy)
    return copy
  }

  #copyBlock(source: ArenaRef, target: ArenaRef): void {
    const arena = this.#arena
    moveWords(
      arena.wordsOf(source),
      arena.wordOf(source),
      arena.wordsOf(target),
      arena.wordOf(target),
      arena.blockBytes(source) >> 2,
      arena.isAtomic,
    )
  }

  #allocateTable(count: number, hash: number): ArenaRef {
    const arena = this.#arena
    const table = arena.allocate(KIND_TABLE, Math.min(this.#pageBytes, (count + 1) * 4))
    const blockBytes = arena.blockBytes(table)
    if (blockBytes < this.#pageBytes) {
      storePayload(arena.wordsOf(table), arena.wordOf(table) + (blockBytes >> 2) - 1, hash, arena.isAtomic)
    }
    return table
  }

  #tableCapacity(table: ArenaRef): number {
    const blockBytes = this.#arena.blockBytes(table)
    return (blockBytes >> 2) - (blockBytes < this.#pageBytes ? 1 : 0)
  }

  #allocateChunk(lengthBytes: number, hash: number): ArenaRef {
    const chunk = this.#arena.allocate(KIND_CHUNK, Math.max(lengthBytes, this.#pageBytes >> OWNER_SHIFT))
    const row = chunk >>> this.#ownerShift
    if (row >= this.#owners.length) {
      const larger = new Int32Array(Math.max(1024, (row + 1) * 2))
      larger.set(this.#owners)
      this.#owners = larger
    }
    this.#owners[row] = hash
    return chunk
  }

  #runAt(table: ArenaRef, at: number, length: number): ChunkRun {
    const arena = this.#arena
    const i = Math.floor(at / this.chunkBytes)
    const within = at - i * this.chunkBytes
    const chunk = this.chunkAt(table, i)
    return {
      words: arena.wordsOf(chunk),
      bytes: arena.bytesOf(chunk),
      offset: (arena.wordOf(chunk) << 2) + within,
      length: Math.min(length, this.chunkBytes - within),
    }
  }
}
