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
 * Tests: test/keyspace/durability/snapshotter.test.ts, recovery.prop.test.ts
 */
import type { RecordSink } from '../../storage/index.ts'
import { type ByteString, byteString, type Database, dumpValue, restoreValue } from '../engine/index.ts'

/** Before the bytes of a string. */
export const PLAIN_STRING = 0
const PREFIX = new Uint8Array([PLAIN_STRING])

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
