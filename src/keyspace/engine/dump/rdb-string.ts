/**
 * Redis' own payloads, as a server up to 7.2 writes them for DUMP: their frame, and the content of strings.
 *
 *     type     1 byte; 0: a string
 *     content  of a string: see rdb-input.ts
 *     version  2 bytes, little-endian: at most 11
 *     CRC-64   8 bytes, little-endian, of all before
 *
 * Other types have many encodings each: `keyspace/portable` knows them, as they stand in RDB files too.
 *
 * Tests: test/keyspace/engine/dump/rdb-string.test.ts
 * Source: Redis 7.2, src/rdb.c, src/cluster.c (createDumpPayload).
 */
import type { ByteString } from '../byte-string.ts'
import { crc64 } from './crc64.ts'
import { BAD_CHECKSUM, BAD_PAYLOAD } from './dump-format.ts'
import { RdbInput } from './rdb-input.ts'

const TYPE_STRING = 0
const VERSION_MAX = 11
const FOOTER_BYTES = 10

/** Type and content of a payload. @throws ErrorReply when it is damaged or newer */
export function openRdbPayload(payload: Uint8Array): Uint8Array {
  const end = payload.length - FOOTER_BYTES
  if (end < 0) throw BAD_CHECKSUM
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  if (view.getUint16(end, true) > VERSION_MAX) throw BAD_CHECKSUM
  if (crc64(payload.subarray(0, end + 2)) !== view.getBigUint64(end + 2, true)) throw BAD_CHECKSUM
  if (end === 0) throw BAD_PAYLOAD
  return payload.subarray(0, end)
}

/** The string of a payload. @throws ErrorReply when it is damaged, newer, or of another type */
export function readRdbString(payload: Uint8Array): ByteString {
  const opened = openRdbPayload(payload)
  if (opened[0] !== TYPE_STRING) throw BAD_PAYLOAD
  const input = new PayloadInput(opened.subarray(1))
  const value = input.text()
  if (!input.isAtEnd) throw BAD_PAYLOAD
  return value
}

class PayloadInput extends RdbInput {
  get isAtEnd(): boolean {
    return this.position === this.end
  }

  protected override missing(): never {
    throw BAD_PAYLOAD
  }

  protected override damaged(): never {
    throw BAD_PAYLOAD
  }
}
