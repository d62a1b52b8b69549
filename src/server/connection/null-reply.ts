/**
 * What a command that waited in vain answers: Redis' commands lack an array, whatever they answer otherwise.
 * Tests: test/server/connection/error-reply.test.ts
 */
import { NULL_ARRAY, type Reply } from '../../keyspace/engine/index.ts'

/** Our own. */
const OF_OURS: ReadonlySet<string> = new Set(['lock.acquire', 'lock.acquireall', 'sem.acquire', 'lease.get'])

/** The reply of a wait that is over. */
export function nullOf(command: string): Reply {
  return OF_OURS.has(command) ? null : NULL_ARRAY
}
