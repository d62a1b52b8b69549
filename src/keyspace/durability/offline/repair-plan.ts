/**
 * Plans a repair: where logs are cut that are damaged in the middle, and what that loses.
 *
 *     a whole snapshot behind all damage    what is before it is moved away; nothing is lost
 *     otherwise                             the log is cut at the damage
 *
 * A cut of one log reaches others, since a transaction over several shards is whole or not there. One whose
 * part was in what is lost, or may have been in the bytes that cannot be read, must not be true elsewhere:
 * that log is cut, too, where it says that the transaction is. What a cut takes away may be a part again, so
 * this goes on until nothing changes.
 *
 * Which transactions may have had a part in bytes that cannot be read? A part is logged before its
 * transaction is decided, and time does not go backwards within a keyspace. So those that were decided
 * before the last readable record had theirs before, and the others are suspects: rather one too many. But
 * where a record of a transaction says which shards have a part, none of the others is asked for one.
 *
 * A transaction that some log has concluded, and whose decision was in what is lost, is still true: its
 * decision is written again. What a snapshot of another shard has taken in cannot be told apart any more:
 * `doubts` says so.
 *
 * Tests: test/keyspace/durability/offline/repair-plan.test.ts, repair-directory.test.ts
 */
import { type Disk, ShardloomError } from '../../../base/index.ts'
import {
  findHeaders,
  type KeyRing,
  KIND_CONCLUDED,
  KIND_DECIDED,
  KIND_PREPARED,
  KIND_SLOTS,
  type LogOwner,
  type LogRecord,
  NO_KEYS,
  readSegment,
  type SegmentInfo,
} from '../../../storage/index.ts'
import type { Manifest } from '../manifest.ts'
import { isGivenUp } from '../part-log.ts'
import { usable } from '../unusable.ts'
import { isChangeOfOwner } from './decoded-record.ts'
import { isBefore, type LogPlace } from './log-places.ts'
import { LogView, shardFolders } from './log-view.ts'
import { type Loss, LossTally } from './loss-tally.ts'
import { isOf, lossBehind } from './lost-records.ts'
import { type Damage, type ShardSurvey, surveyShard, type Walk, WalkStart } from './shard-survey.ts'

/** What is done to one log. */
export interface ShardRepair {
  readonly shard: number
  readonly folder: string
  /** `head`: what is before a snapshot goes; `cut`: what is behind a place goes. */
  readonly kind: 'head' | 'cut'
  /** Why: damage of its own, or a transaction that is not whole any more. */
  readonly damage: Damage | undefined
  /** Files that are moved away whole. */
  readonly moved: readonly string[]
  /** The file that is cut, after a copy was put away. */
  readonly cut: { readonly path: string; readonly offset: number } | undefined
  readonly loss: Loss
  /** No segment is left: an empty log is made. */
  readonly isEmptied: boolean
}

/** What a repair would do. No shards and no decisions: there is no damage. */
export interface RepairPlan {
  readonly dir: string
  readonly manifest: Manifest
  readonly shards: readonly ShardRepair[]
  /** Transactions whose decision is written again, into the log of this shard. */
  readonly decisions: { readonly shard: number; readonly revisions: readonly number[]; readonly atMs: number }
  /** Transactions of which nothing will be left, although they were told of. */
  readonly forgotten: number
  /** What could not be found out. */
  readonly doubts: readonly string[]
}

interface PartEvent extends LogPlace {
  readonly kind: number
  readonly revision: number
  readonly atMs: number
  /** Shards that have a part; none: the record does not say. */
  readonly participants: readonly number[]
}

/** One log, as far as a plan has come. */
interface Patient {
  readonly survey: ShardSurvey
  readonly parts: PartEvent[]
  /** Transactions of which a part was in segments behind damage, or is still seen there by its header. */
  readonly lostParts: Set<number>
  /** Its damage is repaired now. */
  readonly isTarget: boolean
  /** When slots have changed hands, as this log says, wherever in it. */
  readonly movesMs: number[]
  /** The time of the last record before the damage. */
  gapMs: number
  /** Everything from here on goes. */
  cut: LogPlace | undefined
  /** Everything before this segment goes. */
  head: Walk | undefined
}

/**
 * Plans the repair of a directory, or of one shard. @throws SHL_REPAIR_HOPELESS, SHL_DIRECTORY_UNUSABLE,
 * SHL_KEY_MISSING
 */
export function planRepair(
  disk: Disk,
  dir: string,
  manifest: Manifest,
  shard: number | undefined,
  keys: KeyRing = NO_KEYS,
): Promise<RepairPlan> {
  return usable(dir, () => planFor(disk, dir, manifest, shard, keys))
}

async function planFor(
  disk: Disk,
  dir: string,
  manifest: Manifest,
  shard: number | undefined,
  keys: KeyRing,
): Promise<RepairPlan> {
  const view = await LogView.open(disk, shardFolders(dir, manifest.shards), 1, keys)
  try {
    const patients: Patient[] = []
    for (const [id, folder] of shardFolders(dir, manifest.shards).entries()) {
      const isChosen = shard === undefined || shard === id
      patients.push(await examine(view, folder, { directory: manifest.directory, shard: id }, isChosen))
    }
    checkPresent(patients)
    spread(patients)
    for (const patient of patients) checkUsable(patient)
    const repairs: ShardRepair[] = []
    for (const patient of patients) {
      if (patient.cut !== undefined || patient.head !== undefined)
        repairs.push(await repairOf(view, patient, manifest.directory))
    }
    return { dir, manifest, shards: repairs, doubts: doubtsOf(patients), ...decisionsOf(patients) }
  } finally {
    await view.close()
  }
}

async function examine(view: LogView, folder: string, owner: LogOwner, isChosen: boolean): Promise<Patient> {
  const parts: PartEvent[] = []
  const lostParts = new Set<number>()
  const movesMs: number[] = []
  const times: (LogPlace & { readonly atMs: number })[] = []
  const start = new WalkStart()
  const keep = (record: LogRecord, { number }: SegmentInfo): void => {
    const { kind, revision, atMs, offset, participants } = record
    const isCarried = start.take(record) === 'carried'
    // What is carried over was decided at some time before.
    if (isPart(kind) && !isGivenUp(record))
      parts.push({ kind, revision, atMs: isCarried ? 0 : atMs, number, offset, participants })
    if (kind === KIND_SLOTS && !isCarried && isChangeOfOwner(record)) movesMs.push(atMs)
    const last = times.at(-1)
    if (last === undefined || atMs > last.atMs) times.push({ number, offset, atMs })
  }
  const survey = await surveyShard(view, folder, owner, keep, (record) => {
    const { kind, revision, atMs } = record
    if (kind === KIND_PREPARED) lostParts.add(revision)
    if (kind === KIND_SLOTS && isChangeOfOwner(record)) movesMs.push(atMs)
  })
  const { damages, damagedNumber, isUnread, walks, soundFrom, segments } = survey
  const isTarget = isChosen && damages.length > 0
  const patient: Patient = {
    survey,
    parts,
    lostParts,
    isTarget,
    movesMs,
    gapMs: 0,
    cut: undefined,
    head: undefined,
  }
  if (!isTarget || damagedNumber === undefined) return patient
  patient.head = walks.find(({ number, end }) => end !== undefined && number >= soundFrom)
  if (patient.head !== undefined) return patient
  patient.cut = { number: damagedNumber, offset: isUnread ? 0 : (damages[0]?.offset ?? 0) }
  patient.gapMs = times.findLast((one) => isBefore(one, patient.cut as LogPlace))?.atMs ?? 0
  const damaged = segments.find(({ number }) => number === damagedNumber)
  if (damaged !== undefined)
    await findLostHeaders(view, damaged.path, owner, ({ kind, revision }) => {
      if (kind === KIND_PREPARED) lostParts.add(revision)
    })
  return patient
}

/** Headers behind damage in a file: what was there, even if it cannot be read. */
async function findLostHeaders(
  view: LogView,
  path: string,
  owner: LogOwner,
  visit: (header: { readonly kind: number; readonly revision: number }) => void,
): Promise<void> {
  const file = await view.disk.open(path, 'read')
  const reading = { keys: view.keys, path }
  const { info, mark, reason, resumeOffset } = await readSegment(file, () => undefined, reading)
  if (info === undefined || reason === undefined || !isOf(info, owner)) return
  await findHeaders(file, mark, resumeOffset, visit)
}

/** Cuts until no transaction is true in part. */
function spread(patients: readonly Patient[]): void {
  const participants = participantsIn(patients)
  for (let isChanged = true; isChanged; ) {
    isChanged = false
    const isTorn = tornBy(patients, participants)
    for (const patient of patients) {
      const found = kept(patient).find(
        ({ kind, revision, atMs }) => kind !== KIND_PREPARED && isTorn(revision, atMs),
      )
      if (found === undefined) continue
      patient.cut = { number: found.number, offset: found.offset }
      isChanged = true
    }
  }
}

/** The shards of each transaction of which some record names them. */
function participantsIn(patients: readonly Patient[]): ReadonlyMap<number, ReadonlySet<number>> {
  const found = new Map<number, Set<number>>()
  for (const { parts } of patients) {
    for (const { revision, participants } of parts) {
      if (participants.length === 0) continue
      const shards = found.get(revision) ?? new Set()
      for (const shard of participants) shards.add(shard)
      found.set(revision, shards)
    }
  }
  return found
}

/** Whether a transaction that was true at a time may lack a part, with the cuts as they are. */
function tornBy(
  patients: readonly Patient[],
  participants: ReadonlyMap<number, ReadonlySet<number>>,
): (revision: number, atMs: number) => boolean {
  const cut = patients.flatMap((patient) => {
    const place = patient.cut
    if (place === undefined) return []
    const there = new Set(kept(patient).map(({ revision }) => revision))
    const lost = new Set([...patient.lostParts].filter((revision) => !there.has(revision)))
    for (const { kind, revision, ...at } of patient.parts) {
      if (kind === KIND_PREPARED && !isBefore(at, place) && !there.has(revision)) lost.add(revision)
    }
    const { shard } = patient.survey
    return [{ shard, there, lost, blindMs: patient.isTarget ? patient.gapMs : Number.POSITIVE_INFINITY }]
  })
  return (revision, atMs) =>
    cut.some(({ shard, there, lost, blindMs }) => {
      if (lost.has(revision)) return true
      return !there.has(revision) && atMs >= blindMs && participants.get(revision)?.has(shard) !== false
    })
}

/** Parts in what stays of a log, in its order. */
function kept({ parts, cut, head }: Patient): PartEvent[] {
  return parts.filter((part) => {
    if (head !== undefined && part.number < head.number) return false
    return cut === undefined || isBefore(part, cut)
  })
}

/** @throws SHL_REPAIR_HOPELESS when a log is missing as a whole */
function checkPresent(patients: readonly Patient[]): void {
  const missing = patients.find(
    ({ survey: { segments, tail } }) => segments.length === (tail?.isWholeFile === true ? 1 : 0),
  )
  if (missing === undefined) return
  const reason = 'the log is missing'
  throw new ShardloomError('SHL_REPAIR_HOPELESS', { file: missing.survey.folder, offset: 0, reason })
}

/** @throws SHL_REPAIR_HOPELESS when what stays has no beginning */
function checkUsable({ survey, cut, head }: Patient): void {
  if (cut === undefined) return
  const { segments, walks, damages, folder } = survey
  const oldest = head?.number ?? segments[0]?.number ?? 1
  const isWhole = walks.some(({ number, end }) => number >= oldest && end !== undefined && isBefore(end, cut))
  if (oldest === 1 || isWhole) return
  const [{ file, offset } = { file: folder, offset: 0 }] = damages
  const reason = 'the segments before it are gone, and no whole snapshot would be left'
  throw new ShardloomError('SHL_REPAIR_HOPELESS', { file, offset, reason })
}

async function repairOf(
  view: LogView,
  { survey, cut, head, isTarget }: Patient,
  directory: string,
): Promise<ShardRepair> {
  const { shard, folder, segments, damages } = survey
  const loss =
    cut === undefined ? new LossTally().loss : await lossBehind(view, segments, cut, { directory, shard })
  const isMoved = (number: number): boolean =>
    (head !== undefined && number < head.number) ||
    (cut !== undefined && (number > cut.number || (number === cut.number && cut.offset === 0)))
  const moved = segments.filter(({ number }) => isMoved(number)).map(({ path }) => path)
  const damaged = segments.find(({ number }) => number === cut?.number)
  return {
    shard,
    folder,
    kind: cut === undefined ? 'head' : 'cut',
    damage: isTarget ? damages[0] : undefined,
    moved,
    cut:
      cut === undefined || cut.offset === 0 || damaged === undefined
        ? undefined
        : { path: damaged.path, offset: cut.offset },
    loss,
    isEmptied: moved.length === segments.length,
  }
}

/** Decisions to be written again, and transactions that are forgotten. */
function decisionsOf(patients: readonly Patient[]): Pick<RepairPlan, 'decisions' | 'forgotten'> {
  const stays = patients.map(kept)
  const revisionsOf = (kind: number): Set<number> =>
    new Set(stays.flat().flatMap((part) => (part.kind === kind ? part.revision : [])))
  const decided = revisionsOf(KIND_DECIDED)
  const concluded = revisionsOf(KIND_CONCLUDED)
  const wasDecided = new Set(
    patients.flatMap(({ parts }) =>
      parts.flatMap(({ kind, revision }) => (kind === KIND_PREPARED ? [] : revision)),
    ),
  )
  const open = stays.flatMap((parts) => {
    const ended = new Set(parts.flatMap(({ kind, revision }) => (kind === KIND_CONCLUDED ? revision : [])))
    return parts.filter(({ kind, revision }) => kind === KIND_PREPARED && !ended.has(revision))
  })
  const undecided = open.filter(({ revision }) => !decided.has(revision))
  const again = undecided.filter(({ revision }) => concluded.has(revision))
  const gone = undecided.filter(({ revision }) => !concluded.has(revision) && wasDecided.has(revision))
  const first = patients.findIndex(({ cut, head }) => cut !== undefined || head !== undefined)
  return {
    decisions: {
      shard: Math.max(0, first),
      revisions: [...new Set(again.map(({ revision }) => revision))].sort((a, b) => a - b),
      atMs: Math.max(0, ...again.map(({ atMs }) => atMs)),
    },
    forgotten: new Set(gone.map(({ revision }) => revision)).size,
  }
}

function doubtsOf(patients: readonly Patient[]): string[] {
  const gapMs = Math.min(...patients.map(({ cut, isTarget, gapMs }) => (cut && isTarget ? gapMs : Infinity)))
  const moves = patients.flatMap(({ movesMs }) => movesMs.filter((atMs) => atMs >= gapMs))
  const ofMoves =
    moves.length === 0
      ? []
      : [
          `slots have changed hands since ${new Date(Math.min(...moves)).toISOString()}: ` +
            'what a shard was given may be lost, or be as it was before',
        ]
  const ofSnapshots = patients.flatMap(({ survey: { shard, segments, walks } }) => {
    const start = walks.find(({ end }) => end !== undefined)?.end
    if (segments[0] === undefined || segments[0].number === 1 || start === undefined) return []
    if (start.atMs <= gapMs) return []
    const since = new Date(start.atMs).toISOString()
    return `shard ${shard} begins with a snapshot of ${since}: what transactions did there before stays`
  })
  return [...ofSnapshots, ...ofMoves]
}

function isPart(kind: number): boolean {
  return kind === KIND_PREPARED || kind === KIND_DECIDED || kind === KIND_CONCLUDED
}
