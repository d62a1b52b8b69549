/**
 * Records as their writer sees them: making, changing and reading what is in one.
 *
 * A value that fits the block it replaces is written over it, within a write section; any other goes into a
 * new block outside of one, and a single store puts that in the place of the old. What lies behind the end
 * of a value is not seen by anybody, so appended bytes are written first, and the section is two stores.
 *
 * A value that grows gets a block of twice its size, as far as half a page, so that appending byte by byte
 * costs the same for each; one that is set gets what it needs.
 *
 * Writer: the shard's thread. Readers: `KeyTableReader`, told by the sequence of the stripe.
 * Invariants: (1) an inline record is at most half a page, unless its key alone is more; (2) the ASCII flag
 * is right where it is set; (3) a chunked value is never empty.
 * Publication order: bytes that are out of sight, then sequence odd, those in sight, length, meta, even.
 * Cost: a copy of the value. Tests: test/memory/key-table/key-table-writer.prop.test.ts
 */
import { assert } from '../../base/index.ts'
import {
  type Arena,
  type ArenaRef,
  type ByteSource,
  copyOwn,
  fillZeros,
  moveWords,
  NO_REF,
  storeSource,
} from '../arena/index.ts'
import { storePayload } from '../seqlock.ts'
import type { KeyProbe } from './key-probe.ts'
import {
  ASCII,
  CHUNKED,
  EXPIRE_HIGH,
  EXPIRE_LOW,
  HASH,
  KEY,
  KEY_LENGTH,
  KIND_RECORD,
  META,
  NEXT,
  RAW,
  RECORD_HEADER_BYTES,
  REVISION_HIGH,
  REVISION_LOW,
  TYPE_MASK,
  VALUE_LENGTH,
  valueBytesMaxOf,
} from './key-table-layout.ts'
import { RecordChunks } from './record-chunks.ts'
import { checkWide, KEEP, storeWide } from './record-times.ts'
import type { Stripes } from './stripes.ts'

const OBJECT_BYTES = 4
const TABLE_BYTES = 4

/** All records of a table. */
export class Records {
  readonly chunks: RecordChunks
  readonly valueBytesMax: number
  readonly #arena: Arena
  readonly #stripes: Stripes
  /** A record of more bytes has its value in chunks. */
  readonly #inlineBytesMax: number

  constructor(stripes: Stripes) {
    const { arena } = stripes
    this.#arena = arena
    this.#stripes = stripes
    this.chunks = new RecordChunks(arena)
    this.valueBytesMax = valueBytesMaxOf(arena.geometry.pageBytes)
    this.#inlineBytesMax = arena.geometry.pageBytes >> 1
  }

  /** Sets the value of the key in `probe`; `expireAt` and `revision` may be KEEP. */
  putString(
    probe: KeyProbe,
    source: ByteSource,
    start: number,
    length: number,
    expireAt: number,
    revision: number,
  ): ArenaRef {
    assert(length <= this.valueBytesMax, 'a value is at most VALUE_BYTES_MAX long')
    return this.#put(this.#stripes.find(probe), probe, source, start, length, 0, expireAt, revision)
  }

  /** Sets a string for the key in `probe`, which was looked for: `found`. It keeps its expiry. */
  putFound(
    found: ArenaRef,
    probe: KeyProbe,
    source: ByteSource,
    start: number,
    length: number,
    revision: number,
  ): ArenaRef {
    assert(length <= this.valueBytesMax, 'a value is at most VALUE_BYTES_MAX long')
    return this.#put(found, probe, source, start, length, 0, KEEP, revision)
  }

  /** Sets the key in `probe` to an object of `type`, which is not 0. */
  putObject(probe: KeyProbe, type: number, objectId: number, expireAt: number, revision: number): ArenaRef {
    assert(type > 0 && type <= TYPE_MASK, 'the type of an object is 1 to 15')
    const found = this.#stripes.find(probe)
    return this.#put(found, probe, '', objectId, OBJECT_BYTES, type, expireAt, revision)
  }

  /** `ref` is what was found. For an object, `start` is its id. */
  #put(
    ref: ArenaRef,
    probe: KeyProbe,
    source: ByteSource,
    start: number,
    length: number,
    type: number,
    expireAt: number,
    revision: number,
  ): ArenaRef {
    // Before anything is begun: an assertion that fails within a write section would leave it open.
    checkWide(expireAt)
    checkWide(revision)
    const arena = this.#arena
    const inlineBytes = RECORD_HEADER_BYTES + ((probe.length + 3) & -4) + length
    const isInline = inlineBytes <= this.#inlineBytesMax || length <= TABLE_BYTES
    if (ref === NO_REF) {
      const fresh = this.#build(probe, source, start, length, type, isInline, NO_REF)
      this.#storeTimes(fresh, Math.max(expireAt, 0), Math.max(revision, 0))
      this.#stripes.insert(fresh, probe.hash)
      return fresh
    }
    const words = arena.wordsOf(ref)
    const record = arena.wordOf(ref)
    const meta = words[record + META]!
    if (isInline && (meta & CHUNKED) === 0 && arena.roundedBytes(inlineBytes) === arena.blockBytes(ref)) {
      const stripe = this.#stripes.stripeOf(probe.hash)
      const kept = meta & ~(TYPE_MASK | ASCII | RAW)
      this.#stripes.begin(stripe)
      this.#storeInline(ref, record, source, start, length, type, kept)
      this.#storeTimes(ref, expireAt, revision)
      this.#stripes.end(stripe)
      return ref
    }
    const fresh = this.#build(probe, source, start, length, type, isInline, ref)
    this.#storeTimes(fresh, expireAt, revision)
    this.#stripes.replace(ref, fresh)
    this.#free(ref)
    return fresh
  }

  /** Puts bytes at `offset` of a string, zeros before it where the value ends earlier. Marks it as raw. */
  overwrite(ref: ArenaRef, offset: number, source: ByteSource): ArenaRef {
    const arena = this.#arena
    const { length } = source
    const before = this.valueLength(ref)
    const after = length === 0 ? before : Math.max(before, offset + length)
    assert(this.typeOf(ref) === 0, 'only strings are overwritten')
    assert(after <= this.valueBytesMax, 'a value is at most VALUE_BYTES_MAX long')
    const fresh = after > this.#capacityBytes(ref) ? this.#grow(ref, after) : ref
    if (length > 0 && offset > before) this.#fillValue(fresh, before, offset - before)
    const seen = Math.min(length, Math.max(0, before - offset))
    let isAscii = this.#storeValue(fresh, offset + seen, source, seen, length - seen)
    const words = arena.wordsOf(fresh)
    const record = arena.wordOf(fresh)
    const stripe = this.#stripes.stripeOf(words[record + HASH]!)
    this.#stripes.begin(stripe)
    isAscii = this.#storeValue(fresh, offset, source, 0, seen) && isAscii
    storePayload(words, record + VALUE_LENGTH, after, arena.isAtomic)
    const meta = isAscii ? words[record + META]! : words[record + META]! & ~ASCII
    storePayload(words, record + META, meta | RAW, arena.isAtomic)
    this.#stripes.end(stripe)
    return fresh
  }

  remove(ref: ArenaRef): void {
    this.#stripes.unlink(ref)
    this.#free(ref)
  }

  typeOf(ref: ArenaRef): number {
    return this.#arena.wordsOf(ref)[this.#arena.wordOf(ref) + META]! & TYPE_MASK
  }

  valueLength(ref: ArenaRef): number {
    return this.#arena.wordsOf(ref)[this.#arena.wordOf(ref) + VALUE_LENGTH]!
  }

  isChunked(ref: ArenaRef): boolean {
    return (this.#arena.wordsOf(ref)[this.#arena.wordOf(ref) + META]! & CHUNKED) !== 0
  }

  /** The word of a segment at which the value begins, or the one that stands for it. */
  valueWord(ref: ArenaRef): number {
    const record = this.#arena.wordOf(ref)
    return record + KEY + ((this.#arena.wordsOf(ref)[record + KEY_LENGTH]! + 3) >> 2)
  }

  /** The table of a chunked value, or the id of an object. */
  pointer(ref: ArenaRef): number {
    return this.#arena.wordsOf(ref)[this.valueWord(ref)]!
  }

  /** Copies the value to `target`, which has room for it. Returns its length. */
  copyValue(ref: ArenaRef, target: Uint8Array, offset: number): number {
    const arena = this.#arena
    const length = this.valueLength(ref)
    if (this.isChunked(ref)) this.chunks.load(this.pointer(ref), 0, length, target, offset)
    else copyOwn(arena.wordsOf(ref), arena.bytesOf(ref), this.valueWord(ref), length, target, offset)
    return length
  }

  /** A copy of a record in another block, linked by nobody. */
  copy(ref: ArenaRef): ArenaRef {
    const arena = this.#arena
    const blockBytes = arena.blockBytes(ref)
    const copy = arena.allocate(KIND_RECORD, blockBytes)
    const wordCount = blockBytes >> 2
    moveWords(
      arena.wordsOf(ref),
      arena.wordOf(ref),
      arena.wordsOf(copy),
      arena.wordOf(copy),
      wordCount,
      arena.isAtomic,
    )
    return copy
  }

  /** Bytes that the record and its chunks take. */
  #free(ref: ArenaRef): void {
    if (this.isChunked(ref)) this.chunks.free(this.pointer(ref), this.valueLength(ref))
    this.#arena.free(ref)
  }

  /** A record that nobody sees yet. What is kept comes from `from`, when there is one. */
  #build(
    probe: KeyProbe,
    source: ByteSource,
    start: number,
    length: number,
    type: number,
    isInline: boolean,
    from: ArenaRef,
  ): ArenaRef {
    const arena = this.#arena
    const { isAtomic } = arena
    const keyWords = (probe.length + 3) >> 2
    const ref = arena.allocate(
      KIND_RECORD,
      RECORD_HEADER_BYTES + keyWords * 4 + (isInline ? length : TABLE_BYTES),
    )
    const words = arena.wordsOf(ref)
    const record = arena.wordOf(ref)
    let kept = 0
    if (from === NO_REF) {
      for (let i = NEXT; i < KEY; i++) storePayload(words, record + i, 0, isAtomic)
    } else {
      const fromWords = arena.wordsOf(from)
      const fromRecord = arena.wordOf(from)
      kept = fromWords[fromRecord + META]! & ~(TYPE_MASK | ASCII | RAW | CHUNKED)
      for (let i = NEXT; i < KEY; i++) storePayload(words, record + i, fromWords[fromRecord + i]!, isAtomic)
    }
    storePayload(words, record + HASH, probe.hash, isAtomic)
    storePayload(words, record + KEY_LENGTH, probe.length, isAtomic)
    for (let i = 0; i < keyWords; i++) storePayload(words, record + KEY + i, probe.words[i]!, isAtomic)
    if (isInline) this.#storeInline(ref, record, source, start, length, type, kept)
    else {
      const table = this.chunks.allocate(length, probe.hash)
      this.chunks.store(table, 0, source, start, length)
      storePayload(words, record + KEY + keyWords, table, isAtomic)
      storePayload(words, record + VALUE_LENGTH, length, isAtomic)
      storePayload(words, record + META, kept | CHUNKED, isAtomic)
    }
    return ref
  }

  /** Stores value, length and meta of an inline record. */
  #storeInline(
    ref: ArenaRef,
    record: number,
    source: ByteSource,
    start: number,
    length: number,
    type: number,
    kept: number,
  ): void {
    const arena = this.#arena
    const { isAtomic } = arena
    const words = arena.wordsOf(ref)
    const valueWord = this.valueWord(ref)
    if (type !== 0) {
      storePayload(words, valueWord, start, isAtomic)
      storePayload(words, record + VALUE_LENGTH, 0, isAtomic)
      storePayload(words, record + META, kept | type, isAtomic)
      return
    }
    const bytes = arena.bytesOf(ref)
    const isAscii = storeSource(words, bytes, valueWord << 2, source, start, length, isAtomic)
    storePayload(words, record + VALUE_LENGTH, length, isAtomic)
    storePayload(words, record + META, isAscii ? kept | ASCII : kept, isAtomic)
  }

  #storeTimes(ref: ArenaRef, expireAt: number, revision: number): void {
    const { isAtomic } = this.#arena
    const words = this.#arena.wordsOf(ref)
    const record = this.#arena.wordOf(ref)
    if (expireAt !== KEEP) storeWide(words, record + EXPIRE_LOW, record + EXPIRE_HIGH, expireAt, isAtomic)
    if (revision !== KEEP) storeWide(words, record + REVISION_LOW, record + REVISION_HIGH, revision, isAtomic)
  }

  #capacityBytes(ref: ArenaRef): number {
    if (this.isChunked(ref)) return this.chunks.capacityBytes(this.pointer(ref), this.valueLength(ref))
    const headerBytes = (this.valueWord(ref) - this.#arena.wordOf(ref)) << 2
    return Math.min(this.#arena.blockBytes(ref), Math.max(headerBytes, this.#inlineBytesMax)) - headerBytes
  }

  /** A record of the same content with room for a value of `length`. The one before is gone. */
  #grow(ref: ArenaRef, length: number): ArenaRef {
    const arena = this.#arena
    const words = arena.wordsOf(ref)
    const record = arena.wordOf(ref)
    const before = this.valueLength(ref)
    const hash = words[record + HASH]!
    const headerBytes = (this.valueWord(ref) - record) << 2
    if (this.isChunked(ref)) {
      const table = this.pointer(ref)
      const larger = this.chunks.grow(table, before, length, hash)
      if (larger === table) return ref
      const stripe = this.#stripes.stripeOf(hash)
      this.#stripes.begin(stripe)
      storePayload(words, this.valueWord(ref), larger, arena.isAtomic)
      this.#stripes.end(stripe)
      this.chunks.freeReplaced(table, larger, before)
      return ref
    }
    const isInline = headerBytes + length <= this.#inlineBytesMax
    const wantedBytes = isInline
      ? Math.min(this.#inlineBytesMax, headerBytes + length * 2)
      : headerBytes + TABLE_BYTES
    const fresh = arena.allocate(KIND_RECORD, wantedBytes)
    const freshWords = arena.wordsOf(fresh)
    const freshRecord = arena.wordOf(fresh)
    const copied = (headerBytes + (isInline ? before : 0) + 3) >> 2
    moveWords(words, record, freshWords, freshRecord, copied, arena.isAtomic)
    if (!isInline) {
      const table = this.chunks.allocate(this.chunks.countFor(length) * this.chunks.chunkBytes, hash)
      const valueAt = (record << 2) + headerBytes
      if (before > 0) {
        this.chunks.store(table, 0, arena.bytesOf(ref), valueAt, before)
      }
      storePayload(freshWords, freshRecord + (headerBytes >> 2), table, arena.isAtomic)
      const meta = (words[record + META]! & ~ASCII) | CHUNKED
      storePayload(freshWords, freshRecord + META, meta, arena.isAtomic)
    }
    this.#stripes.replace(ref, fresh)
    arena.free(ref)
    return fresh
  }

  #storeValue(ref: ArenaRef, at: number, source: ByteSource, start: number, length: number): boolean {
    if (length === 0) return true
    if (this.isChunked(ref)) {
      this.chunks.store(this.pointer(ref), at, source, start, length)
      return false
    }
    const arena = this.#arena
    const offset = (this.valueWord(ref) << 2) + at
    return storeSource(arena.wordsOf(ref), arena.bytesOf(ref), offset, source, start, length, arena.isAtomic)
  }

  #fillValue(ref: ArenaRef, at: number, length: number): void {
    if (this.isChunked(ref)) {
      this.chunks.fill(this.pointer(ref), at, length)
      return
    }
    const arena = this.#arena
    const offset = (this.valueWord(ref) << 2) + at
    fillZeros(arena.wordsOf(ref), arena.bytesOf(ref), offset, length, arena.isAtomic)
  }
}
