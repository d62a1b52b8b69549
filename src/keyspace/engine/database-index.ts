/**
 * Databases by their numbers, as SELECT takes them.
 * Tests: test/keyspace/engine/database-index.test.ts
 */
import type { ByteString } from './byte-string.ts'
import { type ErrorReply, err } from './reply.ts'

/** How many there are. */
export const DATABASES = 16

/**
 * The number of a database in text, as Redis reads it: no sign but `-`, no zeros before it. A server may
 * offer less than there are.
 */
export function databaseIndex(text: ByteString, offered: number = DATABASES): number | ErrorReply {
  if (!/^(?:0|-?[1-9]\d*)$/.test(text)) return err('value is not an integer or out of range')
  const index = Number(text)
  return index >= 0 && index < offered ? index : err('DB index is out of range')
}
