/**
 * Looking at a key without using it: its age and its use stay what they were.
 * Tests: test/keyspace/commands/key-commands.test.ts
 */
import type { Database } from '../engine/index.ts'

export function quietly<T>(db: Database, look: () => T): T {
  const { touches } = db
  db.touches = false
  try {
    return look()
  } finally {
    db.touches = touches
  }
}
