/**
 * The count of HRANDFIELD, SRANDMEMBER and ZRANDMEMBER: above zero different members, below zero draws with
 * repetition.
 *
 * Draws with repetition have a limit that Redis has not: as many are made as are asked for, whatever the size
 * of the collection, so that one request could hold the shard for minutes and take all memory.
 *
 * Tests: test/keyspace/commands/hash-walk-commands.test.ts, set-walk-commands.test.ts
 */
import { type ByteString, err } from '../engine/index.ts'
import { integer } from './arguments.ts'

/** Draws with repetition that one command makes at most. */
export const DRAWS_MAX = 1_000_000

const INT64_MIN = '-9223372036854775808'
const OUT_OF_BOUNDS = err(
  'value is out of range, value must between -9223372036854775807 and 9223372036854775807',
)
const PAIRS_MAX = 2 ** 62
const TOO_MANY = err('value is out of range')

/** What differs from Redis, for the rows of the table. */
export const DRAWS_DIFFER: string = `Draws with repetition are at most ${DRAWS_MAX}.`

/** @throws ErrorReply */
export function randomCount(text: ByteString): number {
  const count = integer(text)
  if (text === INT64_MIN) throw OUT_OF_BOUNDS
  if (count < -DRAWS_MAX) throw TOO_MANY
  return count
}

/** A count of pairs, of which a reply can hold half as many. @throws ErrorReply */
export function checkPairCount(count: number): void {
  if (count >= PAIRS_MAX) throw TOO_MANY
}
