/**
 * The files of one shard: opens its log, replays it, and goes on writing behind it.
 *
 * One pass over the log, which proves each record and runs it at once (`log-run.ts`).
 *
 * Tests: test/keyspace/durability/shard-store.test.ts, recovery.prop.test.ts
 */
import { join } from 'node:path'
import { type Clock, type Disk, ShardloomError } from '../../base/index.ts'
import {
  type Durability,
  type ExaminedLog,
  examineLog,
  KeyRing,
  LogWriter,
  type RevealedKeys,
  segmentNumber,
} from '../../storage/index.ts'
import { LogRun } from './log-run.ts'
import type { PastCommits, Replay, ReplayReport, ReplayTarget } from './replay.ts'
import { ShardJournal } from './shard-journal.ts'
import type { ClaimedSlots } from './slot-claims.ts'
import { unusable, usable } from './unusable.ts'

/** Where the log of a shard is, and how it is written. */
export interface StoreSettings {
  readonly folder: string
  /** Of which directory it is; see `SegmentInfo`. */
  readonly directory: string
  readonly level: Durability
  readonly segmentBytes: number
  readonly syncEveryMs: number
  readonly reserveBytes: number
  /** A snapshot is made when the log has grown by so much since the last, and by as much as that took. */
  readonly snapshotBytes: number
  /** And when so much time has passed in which something was written; 0: never. */
  readonly snapshotEveryMs: number
  /** The log has been made: if there is none, it was lost. */
  readonly mustExist?: boolean
  /** What it is encrypted with. Default: nothing. */
  readonly keys?: RevealedKeys | undefined
}

/** What a recovery has done. */
export interface RecoveryReport extends ReplayReport {
  /** Transactions over several shards that are decided in this log. */
  readonly decided: readonly number[]
  /** Those of which this shard has a part, and does not know what became of them. */
  readonly inDoubt: readonly number[]
  /** What it says of slots that were moved. */
  readonly slots: readonly ClaimedSlots[]
  readonly ms: number
  readonly bytes: number
  /** What was cut off: it was being written when the process or the machine stopped. */
  readonly tail:
    | { readonly file: string; readonly offset: number; readonly bytes: number; readonly reason: string }
    | undefined
}

/** A log that was replayed. */
export interface OpenedStore {
  readonly journal: ShardJournal
  readonly replay: Replay
  readonly report: RecoveryReport
  /** Some of it is encrypted with another key than what is written, or not: a snapshot would end that. */
  readonly hasOtherKeys: boolean
}

/**
 * Replays the log of a shard and opens it. @throws SHL_LOG_DAMAGED, SHL_LOG_FOREIGN, SHL_LOG_FAILED,
 * SHL_KEY_MISSING, SHL_DIRECTORY_UNUSABLE
 */
export async function openStore(
  disk: Disk,
  clock: Clock,
  shard: number,
  settings: StoreSettings,
  target: ReplayTarget,
  onProgress: (fraction: number) => void = () => undefined,
  past?: PastCommits,
): Promise<OpenedStore> {
  const { folder, directory, level, segmentBytes, syncEveryMs, reserveBytes } = settings
  const startMs = clock.nowMs()
  const keys = KeyRing.of(settings.keys)
  const owner = { directory, shard, keys }
  const run = new LogRun(target, await usable(folder, () => bytesOf(disk, folder)), onProgress, past)
  let examined: ExaminedLog
  try {
    examined = await examineLog(disk, folder, owner, (record, info) => run.take(record, info))
    run.end(examined)
    if (examined.segments.length === 0 && settings.mustExist === true) {
      const reason = 'the log is missing'
      throw new ShardloomError('SHL_LOG_DAMAGED', { file: folder, offset: 0, reason })
    }
  } catch (error) {
    run.forget()
    throw unusable(folder, error)
  }
  const { replay } = run
  const encryption = keys.current && { key: keys.current }
  const options = {
    disk,
    clock,
    folder,
    directory,
    shard,
    segmentBytes,
    syncEveryMs,
    reserveBytes,
    encryption,
  }
  const log = await LogWriter.open(options, examined)
  const { tail } = examined
  return {
    journal: new ShardJournal(log, level),
    replay,
    hasOtherKeys: examined.segments.some(({ info }) => info.sealing?.key !== keys.current?.id),
    report: {
      ...replay.end(),
      decided: replay.decided,
      inDoubt: replay.inDoubt,
      slots: replay.slots.all(),
      ms: clock.nowMs() - startMs,
      bytes: run.bytesIn(examined),
      tail: tail && { file: tail.path, offset: tail.offset, bytes: tail.lostBytes, reason: tail.reason },
    },
  }
}

/** Bytes of all segments, whatever is in them. The folder is made if it is not there. */
async function bytesOf(disk: Disk, folder: string): Promise<number> {
  await disk.makeFolder(folder)
  let bytes = 0
  for (const name of await disk.list(folder)) {
    if (segmentNumber(name) === undefined) continue
    const file = await disk.open(join(folder, name), 'read')
    try {
      bytes += await file.size()
    } finally {
      await file.close()
    }
  }
  return bytes
}
