/**
 * The format of DUMP: the value of one key as bytes, for RESTORE, snapshots and the move of a key.
 *
 *     offset    bytes   field
 *     0         1       0xd1: this format, version 1. Redis' own payloads begin with a type, below 0x40
 *     1         1       type: 0 string, 1 list, 2 set, 3 sorted set, 4 hash
 *     2         1       flags: 1, members are followed by a time; 2, the string was written into
 *     3         1-8     size: bytes of a string, or members of a collection
 *     …         …       content
 *     end - 4   4       CRC-32 of all that is before, little-endian
 *
 *     content   string       its bytes
 *               list         element …
 *               set          member [time] …
 *               sorted set   member score [time] …     a score is a double, little-endian
 *               hash         field value [time] …
 *     element, member, field, value: length, bytes
 *     time: wall-clock milliseconds of the member's expiry, 0 for none
 *     size, length, time: LEB128, seven bits a byte, the lowest first, below 2^53
 *
 * Redis' format is not used for writing: it has one encoding per internal representation, none of which we
 * have, and no expiry of members. The time to live of the key itself is no part of the payload, as in Redis.
 *
 * Limits: one string of VALUE_BYTES_MAX; no count and no length is believed before as many bytes are there.
 * Tests: test/keyspace/engine/dump/dump-format.test.ts, dump-reader.prop.test.ts
 */
import type { ValueType } from '../key-records.ts'
import { type ErrorReply, err } from '../reply.ts'

/** The first byte. The format changes: the next number. */
export const DUMP_VERSION = 0xd1

/** Types by their number in a payload. Stored: never change one. */
export const DUMP_TYPES: readonly ValueType[] = ['string', 'list', 'set', 'zset', 'hash']

export const HAS_TIMES = 1
export const IS_RAW = 2

export const HEADER_BYTES = 3
export const CHECKSUM_BYTES = 4

/** Redis' two refusals of a payload. */
export const BAD_CHECKSUM: ErrorReply = err('DUMP payload version or checksum are wrong')
export const BAD_PAYLOAD: ErrorReply = err('Bad data format')
