/**
 * Looks at the log of one shard as a whole: what is in it, how far it is valid, and what is behind damage.
 *
 *     kept        records that opening would read: `visitKept` is called for each
 *     behind      segments behind damage, which are read each for itself: `visitBehind`
 *
 * A log of which the oldest segments are gone is only of use from a whole snapshot on; the survey says where
 * the first and the last one begin. What a payload must not be is damage, too: its checksum is right, so it
 * was written so.
 *
 * Cost: one read of the log. Tests: test/keyspace/durability/offline/shard-survey.test.ts
 */
import { ShardloomError, toError } from '../../../base/index.ts'
import {
  examineLog,
  KIND_COMMIT,
  KIND_DECIDED,
  KIND_SLOTS,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_STATE,
  type LogOwner,
  type LogRecord,
  type LogTail,
  readSegment,
  type SegmentInfo,
} from '../../../storage/index.ts'
import { decodeRecord } from './decoded-record.ts'
import type { LogView, ViewedSegment } from './log-view.ts'

/** Where a log is not what was written. */
export interface Damage {
  readonly file: string
  readonly offset: number
  readonly reason: string
}

/** A walk over all keys of the shard. */
export interface Walk {
  /** The segment that it begins; nothing but its description is before. */
  readonly number: number
  readonly beginRevision: number
  /** Keys that were written by it so far. */
  keys: number
  /** Undefined: it was never ended. */
  end: WalkEnd | undefined
}

/** Where a walk was ended. */
interface WalkEnd {
  readonly revision: number
  readonly atMs: number
  readonly number: number
  /** Of its last record, or of the group that is in. */
  readonly offset: number
}

/** A log, looked at. */
export interface ShardSurvey {
  readonly shard: number
  readonly folder: string
  readonly segments: readonly ViewedSegment[]
  readonly walks: readonly Walk[]
  /** In the order of the log: it is of use up to the first. */
  readonly damages: readonly Damage[]
  readonly tail: LogTail | undefined
  /** The number of the segment that `damages[0]` is in. */
  readonly damagedNumber: number | undefined
  /** Not even its description was read: the whole file is none of this log, as far as is known. */
  readonly isUnread: boolean
  /** From this segment on they are valid, each and in a row, whatever is before. */
  readonly soundFrom: number
}

/** What is told of each record. */
export type RecordVisitor = (record: LogRecord, segment: SegmentInfo) => void

const DAMAGES_MAX = 100
const IGNORED: RecordVisitor = () => undefined

/** Surveys one log. Damage is told, not thrown; what the disk throws is thrown. */
export async function surveyShard(
  view: LogView,
  folder: string,
  owner: LogOwner,
  visitKept: RecordVisitor = IGNORED,
  visitBehind: RecordVisitor = IGNORED,
): Promise<ShardSurvey> {
  const segments = view.segments(folder)
  const walks = new WalkList()
  const damages: Damage[] = []
  const pathOf = (number: number): string => segments.find((one) => one.number === number)?.path ?? folder
  let tail: LogTail | undefined
  let soundFrom = 1
  const described = new Set<number>()
  const visit = (record: LogRecord, segment: SegmentInfo): void => {
    const wrong = damages.length < DAMAGES_MAX ? wrongIn(record) : undefined
    if (wrong !== undefined) {
      damages.push({ file: pathOf(segment.number), offset: record.offset, reason: wrong })
      soundFrom = segment.number + 1
    }
    described.add(segment.number)
    walks.take(record, segment)
    visitKept(record, segment)
  }
  try {
    tail = (await examineLog(view.disk, folder, { ...owner, keys: view.keys }, visit)).tail
    if (isBeheaded(segments, walks.all)) {
      const reason = 'the segments before it are gone, and no whole snapshot is behind it'
      damages.unshift({ file: segments[0]?.path ?? folder, offset: 0, reason })
    }
  } catch (error) {
    const damage = damageOf(error)
    damages.push(damage)
    // One that is only not what was expected there may be valid by itself.
    const behind = segments.filter(
      ({ path, number }) => path > damage.file || (path === damage.file && !described.has(number)),
    )
    const found = await surveyBehind(view, owner, behind, walks, visitBehind)
    soundFrom = found.soundFrom
    damages.push(...found.damages.filter(({ file }) => file !== damage.file))
  }
  const damagedNumber = segments.find(({ path }) => path === damages[0]?.file)?.number
  const isUnread = damagedNumber !== undefined && !described.has(damagedNumber)
  const { shard } = owner
  return { shard, folder, segments, walks: walks.all, damages, tail, damagedNumber, isUnread, soundFrom }
}

/** Each segment for itself; and whether they follow each other. */
async function surveyBehind(
  view: LogView,
  owner: LogOwner,
  segments: readonly ViewedSegment[],
  walks: WalkList,
  visit: RecordVisitor,
): Promise<{ damages: Damage[]; soundFrom: number }> {
  const damages: Damage[] = []
  let soundFrom = segments[0]?.number ?? Number.POSITIVE_INFINITY
  let before: { readonly number: number; readonly checksum: number } | undefined
  const isForeign = (info: SegmentInfo, number: number): boolean =>
    info.directory !== owner.directory || info.shard !== owner.shard || info.number !== number
  for (const [i, { number, path }] of segments.entries()) {
    const isLast = i + 1 === segments.length
    const note = (offset: number, reason: string, soundAgain: number): void => {
      damages.push({ file: path, offset, reason })
      soundFrom = soundAgain
    }
    const file = await view.disk.open(path, 'read')
    walks.interruptUnless(before !== undefined && before.number + 1 === number)
    const take: RecordVisitor = (record, segment) => {
      if (isForeign(segment, number)) return
      walks.take(record, segment)
      visit(record, segment)
    }
    const end = await readSegment(file, take, { keys: view.keys, path })
    const { info, reason, offset, checksum } = end
    if (info === undefined) note(0, reason ?? 'the segment is not described', number + 1)
    else if (isForeign(info, number)) note(0, 'the segment belongs elsewhere', number + 1)
    else if (reason !== undefined && (!isLast || end.isForged)) note(offset, reason, number + 1)
    else if (before !== undefined && (before.number + 1 !== number || info.previous !== before.checksum)) {
      note(0, 'the segment does not follow the one before it', number)
    }
    // Whether the next one follows what is damaged is not known.
    before = damages.at(-1)?.file === path && soundFrom > number ? undefined : { number, checksum }
  }
  return { damages, soundFrom }
}

/** Whether a log lacks its beginning, and nothing takes its place. */
export function isBeheaded(segments: readonly ViewedSegment[], walks: readonly Walk[]): boolean {
  const [oldest] = segments
  return oldest !== undefined && oldest.number > 1 && !walks.some(({ end }) => end !== undefined)
}

/** Finds the snapshots among records. */
export class WalkList {
  readonly all: Walk[] = []
  #isOpen = false

  take({ kind, revision, atMs, offset }: LogRecord, { number }: SegmentInfo): void {
    const last = this.all.at(-1)
    if (kind === KIND_SNAPSHOT_BEGIN) {
      this.all.push({ number, beginRevision: revision, keys: 0, end: undefined })
      this.#isOpen = true
    } else if (last !== undefined && this.#isOpen) {
      if (kind === KIND_STATE) last.keys++
      if (kind !== KIND_SNAPSHOT_END) return
      last.end = { revision, atMs, number, offset }
      this.#isOpen = false
    }
  }

  /** What comes does not follow what was. */
  interruptUnless(isNext: boolean): void {
    if (!isNext) this.#isOpen = false
  }
}

function wrongIn(record: LogRecord): string | undefined {
  try {
    decodeRecord(record)
    return undefined
  } catch (error) {
    return `the record cannot be read: ${toError(error).message}`
  }
}

/** The damage that an error speaks of. @throws what speaks of none */
export function damageOf(error: unknown): Damage {
  if (!(error instanceof ShardloomError)) throw error
  const { file, offset, reason, found, wanted } = error.details
  if (error.code === 'SHL_LOG_FOREIGN') {
    return {
      file: String(file),
      offset: 0,
      reason: `the segment belongs elsewhere: found ${found}, wanted ${wanted}`,
    }
  }
  if (error.code !== 'SHL_LOG_DAMAGED') throw error
  return { file: String(file), offset: Number(offset), reason: String(reason) }
}

/**
 * How a snapshot begins: decisions, and what is known of slots, that are carried over from what it takes the
 * place of, then a commit that holds the locks. None of it is an event of its own.
 */
export class WalkStart {
  #isOpen = false

  /** What this record is of it; undefined: it is none of it. */
  take({ kind }: Pick<LogRecord, 'kind'>): 'carried' | 'locks' | undefined {
    const wasOpen = this.#isOpen
    const isCarried = kind === KIND_DECIDED || kind === KIND_SLOTS
    this.#isOpen = kind === KIND_SNAPSHOT_BEGIN || (wasOpen && isCarried)
    if (!wasOpen) return undefined
    return isCarried ? 'carried' : kind === KIND_COMMIT ? 'locks' : undefined
  }
}
