/**
 * The short ways of an engine: commands on one key of database 0, from the bytes of a request, without what
 * most callers do not need.
 *
 * GET and SET of plain strings, INCR and its kin, and what adds to a collection. They are for a batch in
 * which `beginHot` allows them; what changes something is closed while somebody wants commits, or to know of
 * keys that are touched. What they do not do is left, untouched, to the engine's long way.
 *
 * Tests: test/keyspace/engine/shard-engine-reads.test.ts, test/keyspace/engine/in-place.test.ts
 */
import type { ByteString } from './byte-string.ts'
import type { BulkSink } from './engine-options.ts'
import { type InPlace, replyOf } from './in-place.ts'
import type { ShardEngine } from './shard-engine.ts'

/** GET of a key that holds a string and never expires, or is missing; false: not so. */
export function hotGet(
  engine: ShardEngine,
  bytes: Uint8Array,
  offset: number,
  length: number,
  sink: BulkSink,
): boolean {
  const db = engine.database(0)
  const { stats } = engine
  const ref = db.findPlain(bytes, offset, length)
  if (ref < 0) return false
  stats.commands++
  if (ref === 0) {
    stats.keyMisses++
    sink.null()
    return true
  }
  stats.keyHits++
  const place = sink.bulk(db.table.valueLength(ref))
  db.table.copyValue(ref, place.bytes, place.offset)
  return true
}

/**
 * SET of a key that is missing, or holds a string and never expires; false: not so. The revision is given in
 * a replay. It is told to `onPlainSet` where that stands for commits.
 */
export function hotSet(
  engine: ShardEngine,
  bytes: Uint8Array,
  keyOffset: number,
  keyLength: number,
  valueOffset: number,
  valueLength: number,
  given = 0,
): boolean {
  const { onPlainSet, stats } = engine
  if (onPlainSet === undefined ? isHeard(engine) : engine.onTouched !== undefined) return false
  const revision = given === 0 ? engine.drawRevision() : given
  const db = engine.database(0)
  if (!db.putPlain(bytes, keyOffset, keyLength, valueOffset, valueLength, revision)) return false
  onPlainSet?.(bytes, keyOffset, keyLength, valueOffset, valueLength, revision)
  stats.commands++
  stats.changes++
  return true
}

/** INCR and its kin, of a key that is missing, or holds a string and never expires: the sum; NaN: not so. */
export function hotAdd(
  engine: ShardEngine,
  bytes: Uint8Array,
  keyOffset: number,
  keyLength: number,
  step: number,
): number {
  if (isHeard(engine)) return Number.NaN
  const { stats } = engine
  const sum = engine.database(0).addPlain(bytes, keyOffset, keyLength, step, engine.drawRevision())
  if (Number.isNaN(sum)) return sum
  stats.commands++
  stats.changes++
  return sum
}

/**
 * Whether a command may be run by `hotChange`, which is to be called next: its key holds a collection of the
 * type, nothing of it expires, and nobody waits for a key.
 */
export function hotFind(
  engine: ShardEngine,
  bytes: Uint8Array,
  keyOffset: number,
  keyLength: number,
  { type }: InPlace,
): boolean {
  if (isHeard(engine) || engine.blocked.count > 0) return false
  return engine.database(0).findInPlace(bytes, keyOffset, keyLength, type)
}

/** Runs it on what was found: the reply; NaN: it wants the long way, and nothing was done. */
export function hotChange(engine: ShardEngine, inPlace: InPlace, argv: readonly ByteString[]): number {
  const { stats } = engine
  const done = engine.database(0).changeFound(inPlace, argv)
  if (Number.isNaN(done)) return done
  stats.commands++
  if (done >= 0) stats.changes++
  return replyOf(done)
}

/**
 * So many commands do with the time that was taken last, before it is taken anew: while commands are run in
 * one go. A look at the clock costs a tenth of a command. 0: each takes it.
 */
export function keepTime(engine: ShardEngine, commands: number): void {
  engine.steady = commands
  engine.steadyMax = commands
}

/** Something took long: the next command takes the time. */
export function timePassed(engine: ShardEngine): void {
  engine.steady = 0
}

function isHeard({ onCommit, onTouched }: ShardEngine): boolean {
  return onCommit !== undefined || onTouched !== undefined
}
