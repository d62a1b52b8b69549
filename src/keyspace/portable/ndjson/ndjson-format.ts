/**
 * The export of a keyspace as lines of JSON: names and limits. The whole of it: docs/formats/ndjson.md.
 *
 *     {"format":"shardloom-export","version":1}
 *     {"key":"user:1","type":"string","value":"Ada"}
 *     {"key":"scores","type":"zset","members":[["a",1.5],["b","inf"]],"more":true}
 *     {"key":"scores","type":"zset","part":1,"members":[["c",2]]}
 *     {"end":true,"keys":2,"lines":3}
 *
 * Tests: test/keyspace/portable/ndjson/ndjson-reader.test.ts
 */
import type { PortableType } from '../portable-entry.ts'

export const FORMAT = 'shardloom-export'
export const VERSION = 1

/** The name under which the members of a type stand. */
export const MEMBER_NAMES: Readonly<Record<PortableType, string>> = {
  string: 'value',
  list: 'elements',
  set: 'members',
  hash: 'fields',
  zset: 'members',
}

/** Bytes of text that a written line has at most. In JSON they may be six times as many. */
export const LINE_TEXT_MAX: number = 256 * 1024

/** Bytes of a line that is read: what a writer of this format makes, and some more. */
export const LINE_BYTES_MAX: number = 16 * 1024 * 1024

/** The highest number of a database. */
export const DATABASE_MAX: number = 2 ** 31 - 1
