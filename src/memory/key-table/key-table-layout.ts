/**
 * The layout of a key table in shared memory.
 *
 *     directory: the beginning of segment 0 of its arena
 *     word 0     magic | stripes log2 | segment shift | page shift | seed low | seed high | spare to 16
 *     word 16    stripe 0: | sequence | buckets | buckets log2 | key count |
 *     word 20    stripe 1: …
 *
 *     hash, 32 bits:   | stripe | bucket in the stripe |   rest   |
 *
 *     bucket array     a block of 2^n words, each the first record of a chain, or 0
 *     record           | next | hash | meta | key length | value length | expiry, 2 | revision, 2 |
 *                      | key, filled with zeros to a word | value |
 *     meta             type 4 bits | ASCII | chunked | raw | in expiry index | access clock 24 bits
 *     value            type 0: its bytes; chunked: one word, the chunk table. Other types: one word, an id
 *     chunk table      a block of references to chunks of half a page each, the last of what is left.
 *                      Its last word is the hash of its key, unless the block is a whole page
 *
 * The directory lies in segment 0, so that a reader needs one buffer to begin with, and a small table is
 * that one buffer. Stripes are small hash tables of their own: each grows alone, so no write waits for the
 * rehash of everything, and a sequence word guards few keys. Buckets follow the hash from its top bits, so
 * the order of buckets is the order of hashes whatever their number: a scan is a walk in that order.
 *
 * Two words that belong to one number (expiry, revision) are low word first; there is no Float64, because a
 * location must be accessed as words alone to be atomic anywhere.
 *
 * Writer: the shard's thread, all of it. Readers: any thread, directory and records.
 * Invariants: (1) all stripes of `buckets` 0 are empty; (2) a record is in the bucket of its hash; (3) no
 * key is there twice; (4) a key with its header fits a page; (5) expiry and revision are below 2^53.
 * Tests: test/memory/key-table/key-table-writer.test.ts, key-table-writer.prop.test.ts
 */
import { assert } from '../../base/index.ts'
import { PAGE_BYTES_DEFAULT } from '../arena/index.ts'

export const MAGIC = 0x5348_4b54
export const MAGIC_WORD = 0
export const STRIPES_LOG2_WORD = 1
export const SEGMENT_SHIFT_WORD = 2
export const PAGE_SHIFT_WORD = 3
export const SEED_WORD = 4
export const DIRECTORY_HEADER_WORDS = 16

/** Words of a stripe. */
export const STRIPE_WORDS = 4
export const STRIPE_SHIFT = 2
export const SEQUENCE = 0
export const BUCKETS = 1
export const BUCKETS_LOG2 = 2
export const KEY_COUNT = 3

/** Words of a record. */
export const NEXT = 0
export const HASH = 1
export const META = 2
export const KEY_LENGTH = 3
export const VALUE_LENGTH = 4
export const EXPIRE_LOW = 5
export const EXPIRE_HIGH = 6
export const REVISION_LOW = 7
export const REVISION_HIGH = 8
export const KEY = 9
export const RECORD_HEADER_BYTES = 36

/** Bits of meta. */
export const TYPE_MASK = 15
export const ASCII = 1 << 4
export const CHUNKED = 1 << 5
export const RAW = 1 << 6
export const IN_EXPIRY_INDEX = 1 << 7
export const CLOCK_SHIFT = 8
/** All of meta but the access clock. */
export const CLOCK_BELOW: number = 2 ** CLOCK_SHIFT - 1
export const ACCESS_CLOCK_MAX: number = 2 ** 24 - 1

/** What a block of the arena holds. */
export const KIND_RECORD = 0
export const KIND_BUCKETS = 1
export const KIND_TABLE = 2
export const KIND_CHUNK = 3
export const KINDS = 4

export const STRIPES_DEFAULT = 4096
export const STRIPES_MIN = 2
export const STRIPES_MAX = 65_536
/** The longest text that V8 makes; Redis allows 24 bytes more. */
export const VALUE_BYTES_MAX: number = 2 ** 29 - 24

const WORD_SPAN = 2 ** 32

assert(STRIPE_WORDS === 1 << STRIPE_SHIFT, 'the shift is that of a stripe')
assert(KEY * 4 === RECORD_HEADER_BYTES, 'the key is behind the header')

/** The longest key: with header, and a word for the value, it fits a page. */
export function keyBytesMaxOf(pageBytes: number): number {
  return pageBytes - RECORD_HEADER_BYTES - 4
}

/** The longest key of a keyspace: 65,496 bytes. */
export const KEY_BYTES_MAX: number = keyBytesMaxOf(PAGE_BYTES_DEFAULT)

/** The longest value: one table of chunks. */
export function valueBytesMaxOf(pageBytes: number): number {
  return Math.min(VALUE_BYTES_MAX, (pageBytes >> 2) * (pageBytes >> 1))
}

/** The words of a whole number below 2^53. */
export function lowWord(value: number): number {
  return value | 0
}

export function highWord(value: number): number {
  return Math.floor(value / WORD_SPAN) | 0
}

/** The number of two words. */
export function wideNumber(low: number, high: number): number {
  return (high >>> 0) * WORD_SPAN + (low >>> 0)
}
