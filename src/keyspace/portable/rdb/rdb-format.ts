/**
 * RDB files, versions 1 to 11: what stands in them, by number. The whole of it: docs/formats/rdb.md.
 *
 *     "REDIS" version                    four digits
 *     [attribute …] type key value …     type and attribute: a byte
 *     EOF checksum                       8 bytes, little-endian, from version 5 on; 0: none was made
 *
 * Tests: test/keyspace/portable/rdb/rdb-reader.test.ts, rdb-skip.test.ts. Source: Redis 7.2, src/rdb.h.
 */

export const MAGIC = 'REDIS'
export const VERSION_DIGITS = 4
export const VERSION_MAX = 11
/** From this version on there is a checksum. */
export const CHECKSUM_VERSION = 5
export const CHECKSUM_BYTES = 8

/** Bytes where a type may stand, that begin something else. */
export const SLOT_INFO = 244
export const FUNCTION2 = 245
export const FUNCTION_PRE_GA = 246
export const MODULE_AUX = 247
export const IDLE = 248
export const FREQ = 249
export const AUX = 250
export const RESIZEDB = 251
export const EXPIRETIME_MS = 252
export const EXPIRETIME = 253
export const SELECTDB = 254
export const EOF = 255

/** Types of values, each an encoding of one. */
export const STRING = 0
export const LIST = 1
export const SET = 2
export const ZSET = 3
export const HASH = 4
export const ZSET_2 = 5
export const MODULE_PRE_GA = 6
export const MODULE_2 = 7
export const HASH_ZIPMAP = 9
export const LIST_ZIPLIST = 10
export const SET_INTSET = 11
export const ZSET_ZIPLIST = 12
export const HASH_ZIPLIST = 13
export const LIST_QUICKLIST = 14
export const STREAM_LISTPACKS = 15
export const HASH_LISTPACK = 16
export const ZSET_LISTPACK = 17
export const LIST_QUICKLIST_2 = 18
export const STREAM_LISTPACKS_2 = 19
export const SET_LISTPACK = 20
export const STREAM_LISTPACKS_3 = 21

/** Nodes of a quicklist of the second kind. */
export const NODE_PLAIN = 1
export const NODE_PACKED = 2

/** What a value of a module is made of. */
export const MODULE_END = 0
export const MODULE_INTEGER = 1
export const MODULE_UNSIGNED = 2
export const MODULE_FLOAT = 3
export const MODULE_DOUBLE = 4
export const MODULE_STRING = 5

const MODULE_LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const MODULE_NAME_LETTERS = 9

/** The name of a module's type: nine letters of six bits each, and ten bits of a version. */
export function moduleName(id: bigint): string {
  let name = ''
  for (let i = 0, rest = id >> 10n; i < MODULE_NAME_LETTERS; i++, rest >>= 6n) {
    name = MODULE_LETTERS[Number(rest & 63n)]! + name
  }
  return name
}
