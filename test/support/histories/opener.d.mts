/** The types of opener.mjs. */
import type { Line } from '../consistency/notes.mjs'
import type { AnyKeyspace, ClientNotes } from '../consistency/workload.mjs'

export function readAll(
  keyspace: AnyKeyspace,
  process: number,
  now: () => number,
  onLine?: (line: Line) => void,
): Promise<ClientNotes>
