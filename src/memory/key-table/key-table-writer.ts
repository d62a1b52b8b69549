/**
 * The key table of one shard: keys, string values and expiries off the JS heap, where any thread reads them.
 *
 * Strings are here and nowhere else. Values of other types live on the heap of the shard; a record holds
 * their type and a number by which the shard finds them. A table off the heap costs the collector nothing,
 * takes some 130 bytes for a key of 16 and a value of 64, and is what `KeyTableReader` looks into from other
 * threads. The layout is in key-table-layout.ts, the parts are in stripes.ts, records.ts, record-chunks.ts.
 *
 * A `RecordRef` is valid until the next call that changes the table: `put…`, `append`, `overwrite` and
 * `compact` may move a record, and the first two return where it is now. All keys and values are byte
 * strings: text of code units up to 255.
 *
 * Writer: the one thread that owns this object. Readers: any number of `KeyTableReader`.
 * Invariants: (1) each method is one change for readers: they see all of it or nothing; `beginUpdate` makes
 * one of several; (2) a put keeps access clock and index flag of the record it replaces, and what its
 * options do not say; (3) what `checkTable` asserts.
 * Publication order: see stripes.ts and records.ts. Cost: 0.1 to 0.3 µs a call, most of it cache misses.
 * Tests: test/memory/key-table/key-table-writer.test.ts, key-table-writer.prop.test.ts
 */
import { assert, numberOption, type Random } from '../../base/index.ts'
import { Arena, type ArenaRef, arenaGeometry, type ByteSource, type NativeBuffer } from '../arena/index.ts'
import { storePayload } from '../seqlock.ts'
import { checkTable } from './check-table.ts'
import { Compaction } from './compaction.ts'
import { HASH_SEED_DEFAULT, type HashSeed } from './key-hash.ts'
import { KeyProbe } from './key-probe.ts'
import {
  CLOCK_BELOW,
  CLOCK_SHIFT,
  DIRECTORY_HEADER_WORDS,
  EXPIRE_HIGH,
  EXPIRE_LOW,
  HASH,
  IN_EXPIRY_INDEX,
  KEY,
  KEY_LENGTH,
  KINDS,
  keyBytesMaxOf,
  MAGIC,
  MAGIC_WORD,
  META,
  NEXT,
  PAGE_SHIFT_WORD,
  RAW,
  REVISION_HIGH,
  REVISION_LOW,
  SEED_WORD,
  SEGMENT_SHIFT_WORD,
  STRIPE_WORDS,
  STRIPES_DEFAULT,
  STRIPES_LOG2_WORD,
  STRIPES_MAX,
  STRIPES_MIN,
  VALUE_LENGTH,
  wideNumber,
} from './key-table-layout.ts'
import { PlainStrings } from './plain-strings.ts'
import { expireOf, type PutOptions, revisionOf } from './put-options.ts'
import { setWide } from './record-times.ts'
import { Records } from './records.ts'
import { Stripes } from './stripes.ts'
import { sampleTable, scanTable } from './table-scan.ts'

/** A record; 0 is none. Valid until the next call that changes the table. */
export type RecordRef = ArenaRef
/** Text whose code units are all 0 to 255: bytes. */
export type ByteString = string

/** How a table is made. */
export interface KeyTableOptions {
  /** Bytes of a memory segment, a power of two. Default 16 MiB: few segments, and little to reserve. */
  readonly segmentBytes?: number
  /** Bytes of a page, a power of two up to 64 KiB, the default. A key fits one. Less is for tests. */
  readonly pageBytes?: number
  /** Stripes, a power of two. Default 4096: short rehashes, and few reads disturbed by a write. */
  readonly stripes?: number
  /** Seed of the hash. Where clients choose keys it has to be random. */
  readonly seed?: HashSeed
  /** Called with each segment before anything in it is published: hand it to the threads that read. */
  onSegment?(id: number, buffer: SharedArrayBuffer): void
  /** Architecture that decides how payload is accessed. Default `process.arch`. */
  readonly arch?: string
}

/** The writing end of a key table. */
export class KeyTableWriter {
  /** @internal */
  readonly arena: Arena
  /** @internal */
  readonly stripes: Stripes
  /** @internal */
  readonly records: Records
  readonly keyBytesMax: number
  readonly valueBytesMax: number
  readonly #plain: PlainStrings
  readonly #probe: KeyProbe
  readonly #compaction: Compaction

  /** @throws SHL_OPTION_INVALID */
  constructor(options: KeyTableOptions = {}) {
    const range = { min: STRIPES_MIN, max: STRIPES_MAX, integer: true }
    const stripeBits = Math.ceil(Math.log2(numberOption('stripes', options.stripes, STRIPES_DEFAULT, range)))
    const geometry = arenaGeometry(options.segmentBytes, options.pageBytes)
    this.arena = new Arena({
      geometry,
      kinds: KINDS,
      reservedBytes: (DIRECTORY_HEADER_WORDS + (STRIPE_WORDS << stripeBits)) * 4,
      arch: options.arch ?? process.arch,
      onSegment: options.onSegment,
    })
    const seed = options.seed ?? HASH_SEED_DEFAULT
    const directory = this.arena.words[0]!
    directory[MAGIC_WORD] = MAGIC
    directory[STRIPES_LOG2_WORD] = stripeBits
    directory[SEGMENT_SHIFT_WORD] = geometry.segmentShift
    directory[PAGE_SHIFT_WORD] = geometry.pageShift
    directory[SEED_WORD] = seed[0]
    directory[SEED_WORD + 1] = seed[1]
    this.stripes = new Stripes(this.arena, stripeBits)
    this.records = new Records(this.stripes)
    this.#plain = new PlainStrings(this.stripes, this.records)
    this.keyBytesMax = keyBytesMaxOf(geometry.pageBytes)
    this.valueBytesMax = this.records.valueBytesMax
    this.#probe = new KeyProbe(this.keyBytesMax, seed)
    this.#compaction = new Compaction(this.stripes, this.records)
  }

  /** The buffer that a `KeyTableReader` is made of. */
  get directory(): SharedArrayBuffer {
    return this.arena.buffers[0]!
  }

  /** All segments so far; the first is the directory. */
  get segments(): readonly SharedArrayBuffer[] {
    return this.arena.buffers
  }

  /** Keys in the table, expired ones included. */
  get count(): number {
    return this.stripes.count
  }

  /** Bytes of all blocks in use, and of the directory. */
  get usedBytes(): number {
    return this.arena.usedBytes
  }

  /** Bytes of all segments. */
  get reservedBytes(): number {
    return this.arena.reservedBytes
  }

  /** Pages that hold something: what compaction makes fewer. */
  get pagesUsed(): number {
    return this.arena.pagesUsed
  }

  find(key: ByteString): RecordRef {
    return this.#probe.takeText(key) ? this.stripes.find(this.#probe) : 0
  }

  findBytes(bytes: Uint8Array, offset: number, length: number): RecordRef {
    return this.#probe.takeBytes(bytes, offset, length) ? this.stripes.find(this.#probe) : 0
  }

  /** The hash of a key in this table, as a uint32. */
  hashOfKey(key: ByteString): number {
    assert(this.#probe.takeText(key), 'a key is at most keyBytesMax long')
    return this.#probe.hash >>> 0
  }

  /**
   * Sets a string. A key longer than `keyBytesMax` or a value longer than `valueBytesMax` fails an assertion.
   */
  putString(key: ByteString, value: ByteSource, options?: PutOptions): RecordRef {
    assert(this.#probe.takeText(key), 'a key is at most keyBytesMax long')
    return this.records.putString(this.#probe, value, 0, value.length, expireOf(options), revisionOf(options))
  }

  /** The same from bytes: no text is made of the key. */
  putStringBytes(
    keyBytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    valueBytes: Uint8Array,
    valueOffset: number,
    valueLength: number,
    options?: PutOptions,
  ): RecordRef {
    const probe = this.#probe
    assert(probe.takeBytes(keyBytes, keyOffset, keyLength), 'a key is at most keyBytesMax long')
    const expireAt = expireOf(options)
    return this.records.putString(probe, valueBytes, valueOffset, valueLength, expireAt, revisionOf(options))
  }

  /**
   * Sets a string, with revision and access clock, all as one change, if the key is new, or a string that
   * never expires; 0: it is something else, or too long to be a key, and nothing was done.
   */
  putPlainBytes(
    bytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    valueOffset: number,
    valueLength: number,
    revision: number,
    accessClock: number,
  ): RecordRef {
    const probe = this.#probe
    if (!probe.takeBytes(bytes, keyOffset, keyLength)) return 0
    return this.#plain.put(probe, bytes, valueOffset, valueLength, revision, accessClock)
  }

  /** Adds to an integer, or to 0, on the same terms: the sum; NaN: it is none, or not exact as a number. */
  addPlainBytes(
    bytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    step: number,
    revision: number,
    accessClock: number,
  ): number {
    const probe = this.#probe
    if (!probe.takeBytes(bytes, keyOffset, keyLength)) return Number.NaN
    return this.#plain.add(probe, step, revision, accessClock)
  }

  /** Sets a key to an object of `type`, 1 to 15, that the shard keeps under a uint32. */
  putObject(key: ByteString, type: number, objectId: number, options?: PutOptions): RecordRef {
    assert(this.#probe.takeText(key), 'a key is at most keyBytesMax long')
    return this.records.putObject(this.#probe, type, objectId, expireOf(options), revisionOf(options))
  }

  /** Appends to a string and marks it as raw. */
  append(ref: RecordRef, value: ByteSource): RecordRef {
    return this.records.overwrite(ref, this.records.valueLength(ref), value)
  }

  /** Puts bytes at `offset`, zeros before it where the string ends earlier, and marks it as raw. */
  overwrite(ref: RecordRef, offset: number, value: ByteSource): RecordRef {
    return this.records.overwrite(ref, offset, value)
  }

  /** So many keys will be here, roughly; 0: all are. What is expected is cheaper to put. */
  expectKeys(count: number): void {
    this.stripes.expect(count)
  }

  remove(ref: RecordRef): void {
    this.records.remove(ref)
  }

  /** Removes everything. Segments stay. */
  clear(): void {
    this.stripes.clear()
    this.arena.reset()
  }

  /**
   * Makes all changes of keys with this hash up to `endUpdate` one change for readers. They wait meanwhile:
   * be short, and call `endUpdate` whatever happens.
   */
  beginUpdate(hash: number): void {
    this.stripes.hold(hash)
  }

  endUpdate(): void {
    this.stripes.release()
  }

  keyOf(ref: RecordRef): ByteString {
    const record = this.arena.wordOf(ref)
    const start = (record + KEY) << 2
    const length = this.arena.wordsOf(ref)[record + KEY_LENGTH]!
    return (this.arena.bytesOf(ref) as NativeBuffer).latin1Slice(start, start + length)
  }

  /** 0 is a string. */
  typeOf(ref: RecordRef): number {
    return this.records.typeOf(ref)
  }

  objectOf(ref: RecordRef): number {
    return this.records.pointer(ref) >>> 0
  }

  /** Whether the string was appended to or overwritten since it was set. */
  isRaw(ref: RecordRef): boolean {
    return (this.#wordAt(ref, META) & RAW) !== 0
  }

  valueLength(ref: RecordRef): number {
    return this.#wordAt(ref, VALUE_LENGTH)
  }

  valueString(ref: RecordRef): ByteString {
    return this.valueSlice(ref, 0, this.valueLength(ref))
  }

  /** The bytes from `start` up to `end`, which lie within the value. */
  valueSlice(ref: RecordRef, start: number, end: number): ByteString {
    if (this.records.isChunked(ref)) {
      const copy = Buffer.allocUnsafe(end - start) as NativeBuffer
      this.records.chunks.load(this.records.pointer(ref), start, end - start, copy, 0)
      return copy.latin1Slice(0, end - start)
    }
    const offset = this.records.valueWord(ref) << 2
    return (this.arena.bytesOf(ref) as NativeBuffer).latin1Slice(offset + start, offset + end)
  }

  /** A copy of the value that nobody else has. */
  valueBytes(ref: RecordRef): Uint8Array<ArrayBuffer> {
    const copy = new Uint8Array(this.valueLength(ref))
    this.copyValue(ref, copy, 0)
    return copy
  }

  /** Copies the value to `target`, which has room for it. Returns its length. */
  copyValue(ref: RecordRef, target: Uint8Array, offset: number): number {
    return this.records.copyValue(ref, target, offset)
  }

  /** Milliseconds since the epoch; 0 is never. */
  expireAt(ref: RecordRef): number {
    return wideNumber(this.#wordAt(ref, EXPIRE_LOW), this.#wordAt(ref, EXPIRE_HIGH))
  }

  setExpireAt(ref: RecordRef, ms: number): void {
    setWide(this.stripes, ref, EXPIRE_LOW, EXPIRE_HIGH, ms)
  }

  revision(ref: RecordRef): number {
    return wideNumber(this.#wordAt(ref, REVISION_LOW), this.#wordAt(ref, REVISION_HIGH))
  }

  setRevision(ref: RecordRef, revision: number): void {
    setWide(this.stripes, ref, REVISION_LOW, REVISION_HIGH, revision)
  }

  inExpiryIndex(ref: RecordRef): boolean {
    return (this.#wordAt(ref, META) & IN_EXPIRY_INDEX) !== 0
  }

  setInExpiryIndex(ref: RecordRef, isIn: boolean): void {
    const meta = this.#wordAt(ref, META)
    this.#storeMeta(ref, isIn ? meta | IN_EXPIRY_INDEX : meta & ~IN_EXPIRY_INDEX)
  }

  accessClock(ref: RecordRef): number {
    return this.#wordAt(ref, META) >>> CLOCK_SHIFT
  }

  /** 24 bits; readers do not see it. */
  setAccessClock(ref: RecordRef, clock: number): void {
    this.#storeMeta(ref, (this.#wordAt(ref, META) & CLOCK_BELOW) | (clock << CLOCK_SHIFT))
  }

  hashOf(ref: RecordRef): number {
    return this.#wordAt(ref, HASH) >>> 0
  }

  /** Visits the records whose keys have this hash: one, but for collisions. `visit` changes nothing. */
  findByHash(hash: number, visit: (ref: RecordRef) => void): void {
    for (let ref = this.stripes.headOf(hash | 0); ref !== 0; ref = this.#wordAt(ref, NEXT)) {
      if (this.#wordAt(ref, HASH) === (hash | 0)) visit(ref)
    }
  }

  /** Visits some `count` records from `cursor` on. Returns the next cursor; 0 begins and ends. */
  scan(cursor: number, count: number, visit: (ref: RecordRef) => void): number {
    return scanTable(this.stripes, cursor, count, visit)
  }

  /** A random record, each as likely as any other; 0 when the table is empty. */
  sample(random: Random): RecordRef {
    return sampleTable(this.stripes, random)
  }

  /**
   * Moves up to `budgetBlocks` blocks out of the sparsest pages, so that those become free. Returns how many
   * it has moved: less than the budget when there is no page left to gain.
   */
  compact(budgetBlocks: number): number {
    return this.#compaction.run(budgetBlocks)
  }

  /** Asserts everything that must hold. Walks all of the table: for tests. */
  checkTable(): void {
    checkTable(this.stripes, this.records)
  }

  #wordAt(ref: RecordRef, word: number): number {
    return this.arena.wordsOf(ref)[this.arena.wordOf(ref) + word]!
  }

  /** No write section: a reader takes the same from either meta. */
  #storeMeta(ref: RecordRef, meta: number): void {
    storePayload(this.arena.wordsOf(ref), this.arena.wordOf(ref) + META, meta, this.arena.isAtomic)
  }
}
