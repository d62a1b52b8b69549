/**
 * What a key holds, as a `state` record says it.
 *
 *     value     length · nothing              there is no such key
 *                      · 0x00, bytes          a string
 *                      · a payload of DUMP    anything else; it begins with 0xd1
 *
 * Most keys are strings, and the record has a checksum already: the form of DUMP would cost another one, and
 * a copy, for each.
 *
 * Tests: test/keyspace/durability/state-value.test.ts, snapshotter.test.ts
 */
import type { RecordSink } from '../../storage/index.ts'
import { type ByteString, byteString, type Database, dumpValue, restoreValue } from '../engine/index.ts'
import type { PlainSetPlace } from './commit-payload.ts'

/** Before the bytes of a string. */
export const PLAIN_STRING = 0
const PREFIX = new Uint8Array([PLAIN_STRING])

/** Where key and value of a plain string are in a `state` record, and the revision of the key. */
export interface PlainStatePlace extends PlainSetPlace {
  revision: number
}

/**
 * Finds them in the payload of a record; false when that is of another kind, or of a key of another database
 * or one that expires.
 */
export function findPlainState(
  bytes: Uint8Array,
  start: number,
  end: number,
  place: PlainStatePlace,
): boolean {
  if (start === end || bytes[start] !== 0) return false
  let at = start + 1
  for (let field = 0; field < 4; field++) {
    let value = 0
    for (let unit = 1; ; unit *= 0x80) {
      if (at >= end) return false
      const byte = bytes[at++]!
      value += (byte & 0x7f) * unit
      if (byte < 0x80) break
    }
    if (field === 0) {
      place.keyOffset = at
      place.keyLength = value
      at += value
    } else if (field === 1) {
      if (value !== 0) return false
    } else if (field === 2) {
      place.revision = value
    } else {
      place.valueOffset = at + 1
      place.valueLength = value - 1
    }
  }
  if (place.valueLength < 0 || at + 1 + place.valueLength > end) return false
  return bytes[at] === PLAIN_STRING
}

/** Writes what a key holds now. */
export function writeStateValue(sink: RecordSink, database: Database, key: ByteString): void {
  if (database.typeOf(key) !== 'string' || database.isRawString(key)) {
    sink.block(dumpValue(database, key) ?? '')
    return
  }
  const bytes = database.stringBytes(key) as Uint8Array
  sink.number(bytes.length + 1)
  sink.raw(PREFIX)
  sink.raw(bytes)
}

/** Makes a key hold what `writeStateValue` has written. */
export function putStateValue(
  database: Database,
  key: ByteString,
  value: Uint8Array,
  expireAt: number,
  revision: number,
): void {
  if (value.length === 0) {
    database.delete(key)
    return
  }
  if (value[0] === PLAIN_STRING) database.setString(key, byteString(value.subarray(1)), { expireAt })
  else restoreValue(database, key, value, { expireAt })
  database.stampRevision(key, revision)
}
