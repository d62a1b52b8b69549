/**
 * How long a blocking command waits: seconds with decimals, 0 for ever.
 *
 * Tests: test/keyspace/commands/list-blocking-commands.test.ts
 * Source: Redis 7.2, src/timeout.c (getTimeoutFromObjectOrReply).
 */
import { type ByteString, err } from '../engine/index.ts'
import { float } from './arguments.ts'

const NOT_A_TIMEOUT = err('timeout is not a float or out of range')
const TOO_LONG = err('timeout is out of range')
const NEGATIVE = err('timeout is negative')

/** Milliseconds that fit 64 bits. */
const TIMEOUT_MS_MAX = 2 ** 63

/** Milliseconds, rounded up; 0: for ever. @throws ErrorReply */
export function blockTimeoutMs(text: ByteString): number {
  const seconds = float(text, NOT_A_TIMEOUT)
  const timeoutMs = Math.ceil(seconds * 1000)
  if (timeoutMs >= TIMEOUT_MS_MAX) throw TOO_LONG
  if (timeoutMs < 0) throw NEGATIVE
  // What is above minus a millisecond is rounded to minus zero.
  return timeoutMs === 0 ? 0 : timeoutMs
}
