/**
 * Puts the steps of one SCAN over several shards together.
 *
 * Each shard has gone to a cursor of its own. The whole has gone only as far as the one that came least far:
 * what others found beyond is left out, and found again by the next step.
 * Tests: test/keyspace/client/scan-merge.test.ts
 */
import type { Reply } from '../engine/index.ts'

/** What one shard found. */
export interface ScanPart {
  /** Where it goes on; 0: at the end. */
  readonly cursor: number
  readonly keys: readonly { readonly key: string; readonly hash: number }[]
}

/** The reply of SCAN. */
export function mergeScans(parts: readonly ScanPart[]): Reply {
  const open = parts.filter(({ cursor }) => cursor !== 0)
  const next = open.length === 0 ? 0 : Math.min(...open.map(({ cursor }) => cursor))
  const keys = parts.flatMap((part) => part.keys)
  const found = next === 0 ? keys : keys.filter(({ hash }) => hash >>> 0 < next)
  return [String(next), found.map(({ key }) => key)]
}
