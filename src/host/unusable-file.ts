/**
 * How it is told that a file of this process cannot be used, and what somebody may do.
 * Tests: test/host/configuration-files.test.ts, test/host/host-log.test.ts, test/host/pid-file.test.ts
 */
import { ShardloomError, toError } from '../base/index.ts'

const OF_CONFIGURATION = 'correct it, or choose another with --config or --redis-conf'

/** The error; `reason` is what was thrown, or a text. */
export function unusableFile(file: string, reason: unknown, hint: string = OF_CONFIGURATION): ShardloomError {
  const cause = typeof reason === 'string' ? undefined : toError(reason)
  const details = { file, reason: cause?.message ?? reason, hint }
  return new ShardloomError('SHL_CONFIGURATION_FILE', details, { cause })
}
