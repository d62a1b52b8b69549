/**
 * GET and SET of plain strings, from the bytes of a batch to those of the table: most of what shards do, and
 * without a string in between.
 *
 * Cost: a SET of 64 bytes takes some 300 ns in a batch (bench/set-memory.ts).
 * Tests: test/keyspace/keyspace.race.test.ts, test/keyspace/engine/shard-engine.test.ts
 */
import { commandTable } from '../commands/index.ts'
import type { ShardEngine } from '../engine/index.ts'
import type { ReplyWriter, RequestReader } from '../wire/index.ts'

/** The database whose table readers see without a message. */
export const MEMORY_DATABASE = 0

const ROW_GET = commandTable.rows.findIndex((row) => row.name === 'get')
const ROW_SET = commandTable.rows.findIndex((row) => row.name === 'set')

/** Runs the command that the reader is at, and writes its reply; false: it is not so simple. */
export function runHot(
  engine: ShardEngine,
  reader: RequestReader,
  row: number,
  writer: ReplyWriter,
): boolean {
  if (reader.db !== MEMORY_DATABASE) return false
  if (row === ROW_GET && reader.argumentCount === 1) {
    const { bytes, firstOffset, firstLength } = reader
    return engine.hotGet(bytes, firstOffset, firstLength, writer)
  }
  if (row === ROW_SET && reader.argumentCount === 2) {
    const { bytes, firstOffset, firstLength, secondOffset, secondLength } = reader
    if (!engine.hotSet(bytes, firstOffset, firstLength, secondOffset, secondLength)) return false
    writer.ok()
    return true
  }
  return false
}
