/**
 * The error of a file that is not what it should be.
 * Tests: test/keyspace/portable/rdb/rdb-reader.test.ts, test/keyspace/portable/ndjson/ndjson-reader.test.ts
 */
import { ShardloomError } from '../../base/index.ts'

/** `offset`: the byte at which it was seen; `reason`: what was found, and what was expected. */
export function invalidImport(source: string, offset: number, reason: string): ShardloomError {
  return new ShardloomError('SHL_IMPORT_INVALID', { source, offset, reason })
}
