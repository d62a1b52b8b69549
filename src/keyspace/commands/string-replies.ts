/**
 * Replies that several families give: a string, large or not, and 64-bit integers.
 * Tests: test/keyspace/commands/string-commands.test.ts
 */
import { type ByteString, type Database, LARGE_VALUE_BYTES, type Reply } from '../engine/index.ts'

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** What GET answers: a large value as bytes, so that no string is made of it. @throws WRONG_TYPE */
export function stringReply(db: Database, key: ByteString): Reply {
  if (db.stringLength(key) >= LARGE_VALUE_BYTES) return db.stringBytes(key) ?? null
  return db.string(key) ?? null
}

/** A number where one is exact. */
export function integerReply(value: bigint): number | bigint {
  return value <= SAFE_MAX && value >= -SAFE_MAX ? Number(value) : value
}
