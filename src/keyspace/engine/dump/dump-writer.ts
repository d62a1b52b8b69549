/**
 * Writes the value of a key in slices: at most so many bytes at a time, and one entry more.
 *
 * Between two slices the shard may run other commands. When one of them has changed the key, the dump ends
 * early and says so: what was written is then worth nothing. The alternative, a copy of the value when the
 * dump begins, would hold up the shard for as long as a large value takes, which slices are there to avoid.
 *
 * Cost: about 100 ns an entry; no more memory than a slice.
 * Tests: test/keyspace/engine/dump/dump-format.test.ts, dump-reader.prop.test.ts
 */
import { crc32 } from 'node:zlib'
import type { ByteString } from '../byte-string.ts'
import type { CollectionValue } from '../collection.ts'
import type { Database } from '../database.ts'
import type { ValueType } from '../key-records.ts'
import { HashValue } from '../values/hash-value.ts'
import { ListValue } from '../values/list-value.ts'
import { SetValue } from '../values/set-value.ts'
import { SortedSetValue } from '../values/sorted-set-value.ts'
import { CHECKSUM_BYTES, DUMP_TYPES, DUMP_VERSION, HAS_TIMES, IS_RAW } from './dump-format.ts'

/** Entries that are taken from a collection at once. */
const ENTRIES_PER_STEP = 64
const BUFFER_BYTES = 256
const SIZE_BYTES_MAX = 8
/** Bytes of a string per slice when the caller has no limit. */
const STRING_STEP_BYTES = 64 * 1024

/** The payload of a key; undefined when there is none. */
export function dumpValue(db: Database, key: ByteString): Uint8Array<ArrayBuffer> | undefined {
  const slices = [...dumpSlices(db, key, Number.POSITIVE_INFINITY)]
  if (slices.length === 0) return undefined
  const whole = new Uint8Array(slices.reduce((sum, slice) => sum + slice.length, 0))
  let offset = 0
  for (const slice of slices) {
    whole.set(slice, offset)
    offset += slice.length
  }
  return whole
}

/**
 * The payload in slices of at least `bytesMax`, and at most one entry more. Returns whether it is whole:
 * false when the key was changed between two slices, or was never there.
 */
export function* dumpSlices(
  db: Database,
  key: ByteString,
  bytesMax: number,
): Generator<Uint8Array<ArrayBuffer>, boolean, undefined> {
  const type = db.typeOf(key)
  if (type === undefined) return false
  const revision = db.revisionOf(key)
  const writer = new SliceWriter()
  for (const _ of type === 'string'
    ? stringSteps(db, key, writer, bytesMax)
    : collectionSteps(db, key, type, writer)) {
    if (writer.length < bytesMax) continue
    yield writer.take()
    if (db.revisionOf(key) !== revision) return false
  }
  writer.checksum()
  yield writer.take()
  return true
}

function* stringSteps(db: Database, key: ByteString, writer: SliceWriter, bytesMax: number): Generator<void> {
  const length = db.stringLength(key)
  writer.header('string', db.isRawString(key) ? IS_RAW : 0, length)
  const step = Math.max(1, Math.min(bytesMax, STRING_STEP_BYTES))
  for (let start = 0; start < length; start += step) {
    writer.bytes(db.stringSlice(key, start, Math.min(start + step, length)))
    yield
  }
}

function* collectionSteps(
  db: Database,
  key: ByteString,
  type: ValueType,
  writer: SliceWriter,
): Generator<void> {
  const value = db.collection(key)!
  const hasTimes = value.nextExpiry !== Number.POSITIVE_INFINITY
  writer.header(type, hasTimes ? HAS_TIMES : 0, value.size)
  for (let from = 0; from < value.size; from += ENTRIES_PER_STEP) {
    for (const write of entryWriters(value, from)) {
      write(writer, hasTimes)
      yield
    }
  }
}

type EntryWriter = (writer: SliceWriter, hasTimes: boolean) => void

function entryWriters(value: CollectionValue, from: number): readonly EntryWriter[] {
  if (value instanceof ListValue) {
    return value.slice(from, ENTRIES_PER_STEP).map((element) => (writer) => writer.text(element))
  }
  if (value instanceof SetValue) {
    return value.slice(from, ENTRIES_PER_STEP).map((entry) => (writer, hasTimes) => {
      writer.text(entry.member)
      if (hasTimes) writer.size(entry.expireAtMs)
    })
  }
  if (value instanceof SortedSetValue) {
    return value.slice(from, ENTRIES_PER_STEP).map((entry) => (writer, hasTimes) => {
      writer.text(entry.member)
      writer.double(entry.score)
      if (hasTimes) writer.size(entry.expireAtMs)
    })
  }
  if (value instanceof HashValue) {
    return value.slice(from, ENTRIES_PER_STEP).map((entry) => (writer, hasTimes) => {
      writer.text(entry.field)
      writer.text(entry.value)
      if (hasTimes) writer.size(entry.expireAtMs)
    })
  }
  return []
}

/** Collects bytes until they are taken, and the checksum of all that were. */
class SliceWriter {
  #buffer = Buffer.alloc(BUFFER_BYTES)
  #crc = 0
  length = 0

  header(type: ValueType, flags: number, size: number): void {
    this.#room(3)
    this.#buffer[0] = DUMP_VERSION
    this.#buffer[1] = DUMP_TYPES.indexOf(type)
    this.#buffer[2] = flags
    this.length = 3
    this.size(size)
  }

  text(text: ByteString): void {
    this.size(text.length)
    this.bytes(text)
  }

  bytes(text: ByteString): void {
    this.#room(text.length)
    this.length += this.#buffer.write(text, this.length, 'latin1')
  }

  double(value: number): void {
    this.#room(8)
    this.length = this.#buffer.writeDoubleLE(value, this.length)
  }

  size(size: number): void {
    this.#room(SIZE_BYTES_MAX)
    let rest = size
    while (rest > 0x7f) {
      this.#buffer[this.length++] = (rest % 0x80) | 0x80
      rest = Math.floor(rest / 0x80)
    }
    this.#buffer[this.length++] = rest
  }

  /** Of all taken so far, and of what is about to be. */
  checksum(): void {
    const crc = crc32(this.#buffer.subarray(0, this.length), this.#crc)
    this.#room(CHECKSUM_BYTES)
    this.length = this.#buffer.writeUInt32LE(crc, this.length)
  }

  /** A copy of what was collected. */
  take(): Uint8Array<ArrayBuffer> {
    const slice = new Uint8Array(this.length)
    slice.set(this.#buffer.subarray(0, this.length))
    this.#crc = crc32(slice, this.#crc)
    this.length = 0
    return slice
  }

  #room(bytes: number): void {
    if (this.length + bytes <= this.#buffer.length) return
    const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.length + bytes))
    this.#buffer.copy(larger, 0, 0, this.length)
    this.#buffer = larger
  }
}
