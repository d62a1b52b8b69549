/**
 * Decides what of several logs is one state: the keyspace as it was at a revision, over all shards.
 *
 * The logs are read by a view of three rounds (`log-view.ts`), while their owner may go on:
 *
 *     round 0    the newest revision in it, R, is as far as a copy may go
 *     round 1    a transaction that was decided by then may be in the copy
 *     round 2    what is read
 *
 * Revisions are drawn in one order over all shards, so a copy holds what has a revision up to R, and nothing
 * else. It has all of that: what was acknowledged before something else was asked for is in its file before
 * that draws its revision; so if R is in round 0, what R may know of is in round 1, and in round 2. (A write
 * that was acknowledged as `memory` may be in no file yet, as after a crash.)
 *
 * A transaction over several shards is in it when its revision is, and it was decided by round 1. Then its
 * parts are in round 2, since all are synced before it is decided. So is one whose decision is behind round
 * 1, and before something in the same log that is taken: that may depend on it, and was drawn before R, so
 * the transaction was decided before R, too.
 *
 * A snapshot is in it whole or not at all. Its records have the newest revision of the time, which they did
 * not draw: behind round 0 only those below R are from before R was drawn.
 *
 * Tests: test/keyspace/durability/offline/copy-plan.test.ts, copy-directory.race.test.ts
 */
import { ShardloomError } from '../../../base/index.ts'
import {
  examineLog,
  KIND_COMMIT,
  KIND_CONCLUDED,
  KIND_DECIDED,
  KIND_PREPARED,
  KIND_SEGMENT,
  KIND_SLOTS,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_STATE,
  type LogRecord,
  type SegmentInfo,
} from '../../../storage/index.ts'
import type { Manifest } from '../manifest.ts'
import { isGivenUp } from '../part-log.ts'
import { isChangeOfOwner } from './decoded-record.ts'
import { type LogMoment, type LogView, shardFolders } from './log-view.ts'
import { type Walk, WalkList, WalkStart } from './shard-survey.ts'

/** Rounds that a view needs. */
export const COPY_ROUNDS = 3

/** Up to where a copy goes; neither: as far as it can. */
export interface CopyCut {
  readonly toRevision?: number
  /** Wall-clock milliseconds: nothing that happened later is in it. */
  readonly toMs?: number
}

/** What a copy takes of one log. */
export interface ShardPlan {
  readonly shard: number
  readonly folder: string
  /** Where it begins; 1: with the first record that there ever was. */
  readonly firstNumber: number
  /** Segments that begin a snapshot which is taken. */
  readonly walks: ReadonlySet<number>
  /** Parts that are prepared and decided, and not concluded in this log: to be concluded in the copy. */
  readonly open: readonly number[]
}

/** What a copy takes. */
export interface CopyPlan {
  readonly shards: readonly ShardPlan[]
  /** Nothing above it is taken. */
  readonly revision: number
  /** Nothing was there that is not. */
  readonly isAll: boolean
  /** Transactions over several shards that are. */
  readonly decided: ReadonlySet<number>
}

/** A record behind round 1. */
interface LateRecord {
  readonly kind: number
  readonly revision: number
}

interface ShardFinding {
  readonly shard: number
  readonly folder: string
  readonly walks: readonly Walk[]
  readonly prepared: ReadonlySet<number>
  readonly concluded: ReadonlySet<number>
  readonly late: readonly LateRecord[]
}

/** Facts of all logs together. */
class Findings {
  /** The newest revision in round 0. */
  newest = 0
  /** The first event that is told of, by revision. */
  oldest = { revision: Number.POSITIVE_INFINITY, atMs: 0 }
  /** Transactions that were decided by round 1. */
  readonly decided = new Set<number>()
  /** Ends of snapshots that were there in round 0. */
  readonly ended = new Set<Walk>()
  /** The oldest revision of something that happened after the time that was asked for. */
  tooLate = Number.POSITIVE_INFINITY
  readonly shards: ShardFinding[] = []
}

/** Plans a copy. @throws SHL_LOG_DAMAGED, SHL_LOG_FOREIGN, SHL_COPY_TOO_OLD */
export async function planCopy(
  view: LogView,
  dir: string,
  manifest: Manifest,
  cut: CopyCut,
): Promise<CopyPlan> {
  const findings = new Findings()
  for (const [shard, folder] of shardFolders(dir, manifest.shards).entries()) {
    findings.shards.push(await findIn(view, folder, { directory: manifest.directory, shard }, cut, findings))
  }
  const empty = findings.shards.find(({ folder }) => view.segments(folder).length === 0)
  if (empty !== undefined) {
    const reason = 'the log is missing'
    throw new ShardloomError('SHL_LOG_DAMAGED', { file: empty.folder, offset: 0, reason })
  }
  const revision = Math.min(findings.newest, cut.toRevision ?? findings.newest, findings.tooLate - 1)
  const decided = new Set([...findings.decided].filter((one) => one <= revision))
  decideLate(findings.shards, revision, decided)
  const oldest: Walk[] = []
  const shards = findings.shards.map(({ shard, folder, walks, prepared, concluded }) => {
    const isTaken = (walk: Walk): boolean =>
      walk.end !== undefined &&
      walk.end.revision <= revision &&
      // It has no revisions of its own: it may hold what happened after a time, and nothing has since.
      walk.end.atMs <= (cut.toMs ?? walk.end.atMs) &&
      (findings.ended.has(walk) || walk.end.revision < findings.newest)
    const [firstSegment] = view.segments(folder)
    const taken = walks.filter(isTaken)
    const firstNumber = firstSegment === undefined || firstSegment.number === 1 ? 1 : taken[0]?.number
    if (firstNumber === undefined) {
      const whole = walks.find(({ end }) => end !== undefined)
      if (whole !== undefined) oldest.push(whole)
    }
    return {
      shard,
      folder,
      firstNumber: firstNumber ?? 0,
      walks: new Set(taken.map(({ number }) => number)),
      open: [...prepared].filter((one) => decided.has(one) && !concluded.has(one)).sort((a, b) => a - b),
    }
  })
  const isLost = shards.some(({ firstNumber }) => firstNumber === 0)
  if (isLost) throw tooOld(dir, cut, revision, newestOf(oldest))
  const isEmpty = revision < findings.oldest.revision && shards.every(({ walks }) => walks.size === 0)
  if (isEmpty && revision < findings.newest) throw tooOld(dir, cut, revision, findings.oldest)
  return { shards, revision, isAll: revision === findings.newest, decided }
}

/** Adds transactions that were decided behind round 1, and before something that is taken; all there are. */
function decideLate(shards: readonly ShardFinding[], revision: number, decided: Set<number>): void {
  for (let size = -1; size !== decided.size; ) {
    size = decided.size
    for (const { late } of shards) {
      const last = late.findLastIndex(
        (one) =>
          one.revision <= revision &&
          (one.kind === KIND_COMMIT || (one.kind === KIND_PREPARED && decided.has(one.revision))),
      )
      for (const one of late.slice(0, last + 1)) {
        const isDecided = one.kind === KIND_DECIDED || one.kind === KIND_CONCLUDED
        if (isDecided && one.revision <= revision) decided.add(one.revision)
      }
    }
  }
}

/** From where on all shards can be had. */
function newestOf(walks: readonly Walk[]): LogMoment {
  return walks.reduce(
    (max, { end }) => ({
      revision: Math.max(max.revision, end?.revision ?? 0),
      atMs: Math.max(max.atMs, end?.atMs ?? 0),
    }),
    { revision: 0, atMs: 0 },
  )
}

function tooOld(dir: string, cut: CopyCut, revision: number, oldest: LogMoment): ShardloomError {
  const asked = cut.toMs === undefined ? `revision ${cut.toRevision ?? revision}` : isoOf(cut.toMs)
  return new ShardloomError('SHL_COPY_TOO_OLD', {
    dir,
    asked,
    oldest: oldest.revision === 0 ? 'none' : `revision ${oldest.revision}, of ${isoOf(oldest.atMs)}`,
  })
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

async function findIn(
  view: LogView,
  folder: string,
  owner: { readonly directory: string; readonly shard: number },
  { toMs = Number.POSITIVE_INFINITY }: CopyCut,
  findings: Findings,
): Promise<ShardFinding> {
  const walks = new WalkList()
  const start = new WalkStart()
  const prepared = new Set<number>()
  const concluded = new Set<number>()
  const late: LateRecord[] = []
  await examineLog(view.disk, folder, { ...owner, keys: view.keys }, (record, { number }) => {
    const { kind, revision, atMs, endOffset } = record
    const isLocks = start.take(record) === 'locks'
    walks.take(record, { number } as SegmentInfo)
    if (kind === KIND_SEGMENT || isGivenUp(record)) return
    const hadIn = (round: number): boolean => view.hadIn(round, folder, number, endOffset)
    if (revision > findings.newest && hadIn(0)) findings.newest = revision
    if (kind === KIND_SNAPSHOT_END && hadIn(0)) {
      const ended = walks.all.at(-1)
      if (ended !== undefined) findings.ended.add(ended)
    }
    if (kind === KIND_PREPARED) prepared.add(revision)
    else if (kind === KIND_CONCLUDED) concluded.add(revision)
    if ((kind === KIND_DECIDED || kind === KIND_CONCLUDED) && hadIn(1)) findings.decided.add(revision)
    if (!isLocks && !hadIn(1)) late.push({ kind, revision })
    // Keys that come in with their slots have happened elsewhere, and before.
    const isMove = kind === KIND_SLOTS && isChangeOfOwner(record)
    const isEvent = kind === KIND_PREPARED || isMove || (kind === KIND_COMMIT && !isLocks)
    if (isEvent && revision < findings.oldest.revision) findings.oldest = { revision, atMs }
    if (isEvent && atMs > toMs) findings.tooLate = Math.min(findings.tooLate, revision)
  })
  return { shard: owner.shard, folder, walks: walks.all, prepared, concluded, late }
}

/** Says of each record of a log, in order, whether a copy takes it. */
export class RecordChoice {
  readonly #plan: CopyPlan
  readonly #shard: ShardPlan
  readonly #start = new WalkStart()
  /** Within a snapshot, or behind one that was never ended. */
  #walk: number | undefined

  constructor(plan: CopyPlan, shard: ShardPlan) {
    this.#plan = plan
    this.#shard = shard
  }

  takes(record: LogRecord, { number }: SegmentInfo): boolean {
    const { kind, revision } = record
    const isLocks = this.#start.take(record) === 'locks'
    if (kind === KIND_SNAPSHOT_BEGIN) this.#walk = number
    if (kind === KIND_SEGMENT || number < this.#shard.firstNumber) return false
    const isOfWalk =
      isLocks || kind === KIND_SNAPSHOT_BEGIN || kind === KIND_STATE || kind === KIND_SNAPSHOT_END
    if (isOfWalk) return this.#walk !== undefined && this.#shard.walks.has(this.#walk)
    if (kind === KIND_PREPARED || kind === KIND_DECIDED || kind === KIND_CONCLUDED) {
      return this.#plan.decided.has(revision)
    }
    return revision <= this.#plan.revision
  }
}
