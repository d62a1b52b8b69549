/**
 * The files of one shard: opens its log, replays it, and goes on writing behind it.
 *
 * Two passes over the log: the first finds out how far it is valid and where the last whole snapshot begins;
 * the second runs from there. What is read twice comes from the cache of the operating system.
 *
 * Tests: test/keyspace/durability/shard-store.test.ts, recovery.prop.test.ts
 */
import { type Clock, type Disk, ShardloomError } from '../../base/index.ts'
import {
  type Durability,
  type ExaminedLog,
  examineLog,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  LogWriter,
} from '../../storage/index.ts'
import { type PastCommits, Replay, type ReplayReport, type ReplayTarget } from './replay.ts'
import { ShardJournal } from './shard-journal.ts'

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
}

/** What a recovery has done. */
export interface RecoveryReport extends ReplayReport {
  /** Transactions over several shards that are decided in this log. */
  readonly decided: readonly number[]
  /** Those of which this shard has a part, and does not know what became of them. */
  readonly inDoubt: readonly number[]
  readonly ms: number
  readonly bytes: number
  /** What was cut off: it was being written when the process or the machine stopped. */
  readonly tail:
    | { readonly file: string; readonly offset: number; readonly bytes: number; readonly reason: string }
    | undefined
}

/** Progress is told in steps of a hundredth. */
const PROGRESS_STEP = 0.01
/** What is nearer to the end of a log is kept for watchers, within the limits of their history. */
const PAST_BYTES = 32 * 1024 * 1024

/** A log that was replayed. */
export interface OpenedStore {
  readonly journal: ShardJournal
  readonly replay: Replay
  readonly report: RecoveryReport
}

/** Replays the log of a shard and opens it. @throws SHL_LOG_DAMAGED, SHL_LOG_FOREIGN, SHL_LOG_FAILED */
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
  await disk.makeFolder(folder)
  let begun = 0
  let first = 0
  const examined = await examineLog(disk, folder, { directory, shard }, (record, { number }) => {
    if (record.kind === KIND_SNAPSHOT_BEGIN) begun = number
    else if (record.kind === KIND_SNAPSHOT_END) first = begun
  })
  const replay = new Replay(target)
  const bytes = await replayFrom(
    disk,
    folder,
    { directory, shard },
    examined,
    first,
    replay,
    onProgress,
    past,
  )
  const options = { disk, clock, folder, directory, shard, segmentBytes, syncEveryMs, reserveBytes }
  const log = await LogWriter.open(options, examined)
  const { tail } = examined
  return {
    journal: new ShardJournal(log, level),
    replay,
    report: {
      ...replay.end(),
      decided: replay.decided,
      inDoubt: replay.inDoubt,
      ms: clock.nowMs() - startMs,
      bytes,
      tail: tail && { file: tail.path, offset: tail.offset, bytes: tail.lostBytes, reason: tail.reason },
    },
  }
}

/** Runs what is in the log from a segment on. */
async function replayFrom(
  disk: Disk,
  folder: string,
  owner: { readonly directory: string; readonly shard: number },
  examined: ExaminedLog,
  first: number,
  replay: Replay,
  onProgress: (fraction: number) => void,
  past: PastCommits | undefined,
): Promise<number> {
  const [oldest] = examined.segments
  if (oldest !== undefined && oldest.info.number > 1 && first === 0) {
    const reason = 'the segments before it are gone, and no whole snapshot is behind it'
    throw new ShardloomError('SHL_LOG_DAMAGED', { file: oldest.path, offset: 0, reason })
  }
  const read = examined.segments.filter(({ info }) => info.number >= first)
  const bytes = read.reduce((sum, { offset }) => sum + offset, 0)
  const base = read[0]?.info.base ?? 0
  let told = 0
  let isRemembering = false
  await examineLog(disk, folder, owner, (record, info) => {
    if (info.number < first) return
    const done = info.base + record.endOffset - base
    // Watchers come back to what is near the end, if to anything.
    if (past !== undefined && !isRemembering && bytes - done <= PAST_BYTES) {
      isRemembering = true
      replay.remember(past)
    }
    replay.take(record)
    const fraction = done / bytes
    if (fraction < told + PROGRESS_STEP) return
    told = fraction
    onProgress(fraction)
  })
  onProgress(1)
  return bytes
}
