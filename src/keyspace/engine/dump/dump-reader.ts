/**
 * Reads a payload of DUMP back: ours, or Redis' for a string.
 *
 * A payload comes from outside and may be anything. It is read whole, checksum first, before the database is
 * touched; no length is believed before so many bytes are there, no member may come twice, no collection may
 * be empty, and nothing may be left over.
 *
 * Tests: test/keyspace/engine/dump/dump-format.test.ts, dump-reader.prop.test.ts
 */
import { crc32 } from 'node:zlib'
import { assert } from '../../../base/index.ts'
import { type ByteString, byteString } from '../byte-string.ts'
import { type CollectionType, type CollectionValue, makeCollection } from '../collection.ts'
import type { Database } from '../database.ts'
import { HashValue } from '../values/hash-value.ts'
import { ListValue } from '../values/list-value.ts'
import { SetValue } from '../values/set-value.ts'
import { SortedSetValue } from '../values/sorted-set-value.ts'
import {
  BAD_CHECKSUM,
  BAD_PAYLOAD,
  CHECKSUM_BYTES,
  DUMP_TYPES,
  DUMP_VERSION,
  HAS_TIMES,
  HEADER_BYTES,
  IS_RAW,
} from './dump-format.ts'
import { readRdbString } from './rdb-string.ts'

/** What a payload holds. */
export type RestoredValue =
  | { readonly type: 'string'; readonly value: ByteString; readonly isRaw: boolean }
  | { readonly type: CollectionType; readonly value: CollectionValue }

/** Puts the value of a payload in the place of whatever the key holds. @throws ErrorReply */
export function restoreValue(
  db: Database,
  key: ByteString,
  payload: Uint8Array,
  options: { readonly expireAt?: number } = {},
): void {
  putRestored(db, key, readPayload(db, payload), options.expireAt ?? 0)
}

/** The value of a payload, which is not in the database yet. @throws ErrorReply */
export function readPayload(db: Database, payload: Uint8Array): RestoredValue {
  if (payload[0] !== DUMP_VERSION) {
    return { type: 'string', value: readRdbString(payload), isRaw: false }
  }
  const end = payload.length - CHECKSUM_BYTES
  if (end <= HEADER_BYTES) throw BAD_CHECKSUM
  const reader = new PayloadReader(payload, HEADER_BYTES, end)
  if (crc32(payload.subarray(0, end)) !== reader.view.getUint32(end, true)) throw BAD_CHECKSUM
  const type = DUMP_TYPES[payload[1]!]
  const flags = payload[2]!
  if (type === undefined || flags > (HAS_TIMES | IS_RAW)) throw BAD_PAYLOAD
  const size = reader.size()
  if (type === 'string') {
    const value = reader.bytes(size)
    if (!reader.isAtEnd) throw BAD_PAYLOAD
    return { type, value, isRaw: (flags & IS_RAW) !== 0 }
  }
  // Each member takes a byte at least.
  if (size === 0 || size > reader.left) throw BAD_PAYLOAD
  const value = makeCollection(type, db.limits)
  for (let i = 0; i < size; i++) readEntry(value, reader, (flags & HAS_TIMES) !== 0)
  // A member that came twice leaves it too small.
  if (!reader.isAtEnd || value.size !== size) throw BAD_PAYLOAD
  return { type, value }
}

/** Puts what `readPayload` gave. */
export function putRestored(db: Database, key: ByteString, restored: RestoredValue, expireAt: number): void {
  if (restored.type !== 'string') {
    db.putCollection(key, restored.type, restored.value, expireAt)
    return
  }
  db.setString(key, restored.value, { expireAt })
  if (restored.isRaw) db.markRaw(key)
}

function readEntry(value: CollectionValue, reader: PayloadReader, hasTimes: boolean): void {
  const text = reader.text()
  if (value instanceof ListValue) {
    value.pushRight(text)
    return
  }
  if (value instanceof SortedSetValue) {
    const score = reader.double()
    if (Number.isNaN(score)) throw BAD_PAYLOAD
    value.set(text, score)
    const expireAt = hasTimes ? reader.size() : 0
    if (expireAt !== 0) value.setExpireAt(text, expireAt)
    return
  }
  if (value instanceof HashValue) value.set(text, reader.text(), 0)
  else {
    assert(value instanceof SetValue, 'there are four types of collections')
    value.add(text, 0)
  }
  const expireAt = hasTimes ? reader.size() : 0
  // At time 0 nothing is over yet: what has expired is taken when the collection is first looked at.
  if (expireAt !== 0) value.setExpireAt(text, expireAt, 0)
}

/** Walks a payload and refuses what lies behind its end. */
class PayloadReader {
  readonly view: DataView
  readonly #buffer: Buffer
  readonly #end: number
  #at: number

  constructor(payload: Uint8Array, start: number, end: number) {
    this.#buffer = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
    this.view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
    this.#at = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end
  }

  get left(): number {
    return this.#end - this.#at
  }

  size(): number {
    let size = 0
    for (let unit = 1; unit <= 2 ** 49; unit *= 0x80) {
      if (this.left === 0) throw BAD_PAYLOAD
      const byte = this.#buffer[this.#at++]!
      size += (byte & 0x7f) * unit
      if (byte > 0x7f) continue
      if (!Number.isSafeInteger(size)) throw BAD_PAYLOAD
      return size
    }
    throw BAD_PAYLOAD
  }

  text(): ByteString {
    return this.bytes(this.size())
  }

  bytes(length: number): ByteString {
    if (length > this.left) throw BAD_PAYLOAD
    const start = this.#at
    this.#at += length
    return byteString(this.#buffer.subarray(start, this.#at))
  }

  double(): number {
    if (this.left < 8) throw BAD_PAYLOAD
    this.#at += 8
    return this.view.getFloat64(this.#at - 8, true)
  }
}
