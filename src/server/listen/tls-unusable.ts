/**
 * How it is told that TLS cannot be used as it is set.
 * Tests: test/server/listen/tls-files.test.ts
 */
import { ShardloomError } from '../../base/index.ts'

/** The error: a parameter, its value, what is wrong with it, and what to do. */
export function unusable(option: string, value: string, reason: string, hint: string): ShardloomError {
  return new ShardloomError('SHL_TLS_UNUSABLE', { option, value, reason, hint })
}
