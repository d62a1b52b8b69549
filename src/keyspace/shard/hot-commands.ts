/**
 * The short ways of commands that come in a batch: GET and SET of plain strings and INCR, from its bytes to
 * those of the table, without a string in between, and what adds to a collection that is there.
 *
 * The callers of this thread have the same in `inline-run.ts`.
 *
 * Cost: a SET of 64 bytes takes some 300 ns in a batch (bench/set-memory.ts).
 * Tests: test/keyspace/keyspace.race.test.ts, test/keyspace/engine/shard-engine.test.ts
 */
import { commandTable } from '../commands/index.ts'
import {
  type ByteString,
  hotAdd,
  hotChange,
  hotFind,
  hotGet,
  hotSet,
  LARGE_VALUE_BYTES,
  type ShardEngine,
} from '../engine/index.ts'
import type { ReplyWriter, RequestReader } from '../wire/index.ts'

/** The database whose table readers see without a message. */
export const MEMORY_DATABASE = 0

const [ROW_GET, ROW_SET, ROW_INCR, ROW_DECR] = (['get', 'set', 'incr', 'decr'] as const).map((name) =>
  commandTable.rowOf(commandTable.get(name)!),
) as [number, number, number, number]
const IN_PLACE = commandTable.rows.map(({ inPlace }) => inPlace)
/** What has more arguments is not worth a short way. */
const ARGUMENTS_FEW = 16

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
    return hotGet(engine, bytes, firstOffset, firstLength, writer)
  }
  if (row === ROW_SET && reader.argumentCount === 2) {
    const { bytes, firstOffset, firstLength, secondOffset, secondLength } = reader
    if (!hotSet(engine, bytes, firstOffset, firstLength, secondOffset, secondLength)) return false
    writer.ok()
    return true
  }
  let reply = Number.NaN
  if (row !== ROW_INCR && row !== ROW_DECR) reply = changeInPlace(engine, reader, row)
  else if (reader.argumentCount === 1) {
    const { bytes, firstOffset, firstLength } = reader
    reply = hotAdd(engine, bytes, firstOffset, firstLength, row === ROW_INCR ? 1 : -1)
  }
  if (Number.isNaN(reply)) return false
  writer.number(reply)
  return true
}

/** What a command adds to a collection that is there: its reply; NaN: it is not so simple. */
function changeInPlace(engine: ShardEngine, reader: RequestReader, row: number): number {
  const inPlace = IN_PLACE[row]
  if (inPlace === undefined) return Number.NaN
  const { bytes, argumentCount, firstOffset, firstLength } = reader
  if (argumentCount > ARGUMENTS_FEW || argumentCount + 1 < -commandTable.rows[row]!.arity) return Number.NaN
  if (!hotFind(engine, bytes, firstOffset, firstLength, inPlace)) return Number.NaN
  const argv = reader.arguments('', LARGE_VALUE_BYTES)
  for (let i = 2; i < argv.length; i++) if (typeof argv[i] !== 'string') return Number.NaN
  return hotChange(engine, inPlace, argv as readonly ByteString[])
}
