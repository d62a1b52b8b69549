/**
 * Verifies a directory: every byte of every log, and what the logs say of each other.
 *
 *     fine      opening would read all of it
 *     tail      opening cuts what was being written when the process or the machine stopped; nobody was ever
 *               told, at the level of the crash, that it is there
 *     damage    something is lost that was there: opening refuses, or would begin without it
 *
 * It only reads, up to where the files end when it begins, and so may run beside an owner. What the owner is
 * writing then looks like a tail.
 *
 * What it cannot see: the newest segment of a log that was removed as a whole. Nothing else speaks of it.
 * Tests: test/keyspace/durability/offline/verify-directory.test.ts
 */
import { join } from 'node:path'
import { type Disk, ShardloomError } from '../../../base/index.ts'
import {
  type KeyRing,
  KIND_CONCLUDED,
  KIND_DECIDED,
  KIND_PREPARED,
  KIND_SEGMENT,
  type LogRecord,
  type LogTail,
  NO_KEYS,
  type SegmentInfo,
} from '../../../storage/index.ts'
import { type Manifest, readManifest } from '../manifest.ts'
import { isGivenUp } from '../part-log.ts'
import { unusable, usable } from '../unusable.ts'
import { KIND_NAMES } from './decoded-record.ts'
import { codeOf, type LogMoment, LogView, shardFolders } from './log-view.ts'
import { type Damage, type ShardSurvey, surveyShard } from './shard-survey.ts'

/** What is known of one shard. */
export interface ShardReport {
  readonly shard: number
  readonly folder: string
  readonly segments: number
  readonly bytes: number
  /** Segments by the id of the key that they are encrypted with; `none`: they are in the clear. */
  readonly keys: Readonly<Record<string, number>>
  /** Valid records by kind. */
  readonly records: Readonly<Record<string, number>>
  readonly first: LogMoment | undefined
  readonly last: LogMoment | undefined
  /** Of the last whole snapshot; undefined: there is none. */
  readonly snapshot: (LogMoment & { readonly keys: number }) | undefined
  readonly tail: LogTail | undefined
  readonly damages: readonly Damage[]
  /** Parts of transactions that are prepared and not concluded here. */
  readonly inDoubt: { readonly decided: number; readonly forgotten: number }
}

/** Of what a directory is a copy: which one, up to which revision, and when that was. */
export interface CopyOrigin {
  readonly directory: string
  readonly revision: number
  readonly at: string
}

/** What is known of a directory. */
export interface VerifyReport {
  readonly dir: string
  readonly manifest: Manifest
  /** Of what it is a copy; undefined: of nothing, or it was never said. */
  readonly copyOf: CopyOrigin | undefined
  readonly verdict: 'fine' | 'tail' | 'damage'
  readonly shards: readonly ShardReport[]
}

/** Told after each shard, and now and then within one. */
export type ProgressListener = (doneBytes: number, totalBytes: number) => void

/** Parts of transactions in one log. */
interface Parts {
  readonly open: Set<number>
  readonly decided: Set<number>
  readonly concluded: Set<number>
}

const PROGRESS_RECORDS = 4096

/**
 * Verifies a directory. @throws SHL_DIRECTORY_UNKNOWN when it is none, SHL_DIRECTORY_UNUSABLE when it cannot
 * be read, SHL_KEY_MISSING
 */
export async function verifyDirectory(
  disk: Disk,
  dir: string,
  onProgress: ProgressListener = () => undefined,
  keys: KeyRing = NO_KEYS,
): Promise<VerifyReport> {
  const manifest = await manifestOf(disk, dir)
  const { copyOf } = (await rawManifest(disk, dir)) as { copyOf?: CopyOrigin }
  return { ...(await usable(dir, () => verifyLogs(disk, dir, manifest, onProgress, keys))), copyOf }
}

/** Verifies the logs of a directory whose manifest is known. */
export async function verifyLogs(
  disk: Disk,
  dir: string,
  manifest: Manifest,
  onProgress: ProgressListener = () => undefined,
  keys: KeyRing = NO_KEYS,
): Promise<VerifyReport> {
  const folders = shardFolders(dir, manifest.shards)
  const view = await LogView.open(disk, folders, 1, keys)
  try {
    const found: Found[] = []
    let doneBytes = 0
    for (const [shard, folder] of folders.entries()) {
      const tally = new Tally()
      const parts: Parts = { open: new Set(), decided: new Set(), concluded: new Set() }
      const owner = { directory: manifest.directory, shard }
      const sizes = new Map(view.segments(folder).map(({ number, sizeBytes }) => [number, sizeBytes]))
      let begun = 0
      const take = (record: LogRecord, info: SegmentInfo): void => {
        tally.add(record)
        tally.addKey(record, info)
        takePart(parts, record)
        if (record.kind === KIND_SEGMENT)
          begun = sum([...sizes].flatMap(([n, size]) => (n < info.number ? size : [])))
        if (tally.count % PROGRESS_RECORDS === 0)
          onProgress(doneBytes + begun + record.offset, view.sizeBytes)
      }
      const takeBehind = (record: LogRecord, info: SegmentInfo): void => tally.addKey(record, info)
      const survey = await surveyShard(view, folder, owner, take, takeBehind)
      doneBytes += sum([...sizes.values()])
      onProgress(doneBytes, view.sizeBytes)
      found.push({ survey, tally, parts })
    }
    const decided = new Set(found.flatMap(({ parts }) => [...parts.decided]))
    const concluded = new Set(found.flatMap(({ parts }) => [...parts.concluded]))
    const shards = found.map((one) => reportOf(one, { decided, concluded }))
    const isDamaged = shards.some(({ damages }) => damages.length > 0)
    const hasTail = shards.some(({ tail }) => tail !== undefined)
    return {
      dir,
      manifest,
      copyOf: undefined,
      verdict: isDamaged ? 'damage' : hasTail ? 'tail' : 'fine',
      shards,
    }
  } finally {
    await view.close()
  }
}

/** The manifest of a directory that must have one. @throws SHL_DIRECTORY_UNKNOWN, SHL_DIRECTORY_UNUSABLE */
export async function manifestOf(disk: Disk, dir: string): Promise<Manifest> {
  const unknown = (reason: string): ShardloomError =>
    new ShardloomError('SHL_DIRECTORY_UNKNOWN', { dir, reason })
  try {
    const manifest = await readManifest(disk, dir)
    if (manifest !== undefined) return manifest
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw unknown('it does not exist')
    if (codeOf(error) === 'ENOTDIR') throw unknown('it is no directory')
    throw unusable(dir, error)
  }
  throw unknown('it has no shardloom.json, so it is no data directory')
}

/** All that a manifest says, also what this version does not know; nothing when it cannot be read. */
export async function rawManifest(disk: Disk, dir: string): Promise<Readonly<Record<string, unknown>>> {
  try {
    const file = await disk.open(join(dir, 'shardloom.json'), 'read')
    try {
      const bytes = Buffer.alloc(await file.size())
      await file.read(0, bytes)
      return Object(JSON.parse(bytes.toString()))
    } finally {
      await file.close()
    }
  } catch {
    // Whatever is wrong with it: `manifestOf` says so.
    return {}
  }
}

/** Counts records. */
class Tally {
  readonly records: Record<string, number> = {}
  readonly keys: Record<string, number> = {}
  count = 0
  first: LogMoment | undefined
  last: LogMoment | undefined

  add({ kind, revision, atMs }: LogRecord): void {
    const name = KIND_NAMES[kind] ?? String(kind)
    this.records[name] = (this.records[name] ?? 0) + 1
    this.count++
    if (kind === KIND_SEGMENT) return
    this.first ??= { revision, atMs }
    // Parts of transactions tell of revisions that were drawn before.
    this.last = {
      revision: Math.max(this.last?.revision ?? 0, revision),
      atMs: Math.max(this.last?.atMs ?? 0, atMs),
    }
  }

  addKey({ kind }: LogRecord, { sealing }: SegmentInfo): void {
    if (kind !== KIND_SEGMENT) return
    const id = sealing?.key ?? 'none'
    this.keys[id] = (this.keys[id] ?? 0) + 1
  }
}

function takePart({ open, decided, concluded }: Parts, record: LogRecord): void {
  const { kind, revision } = record
  if (kind === KIND_PREPARED) open.add(revision)
  else if (kind === KIND_DECIDED) decided.add(revision)
  else if (kind === KIND_CONCLUDED) {
    open.delete(revision)
    if (!isGivenUp(record)) concluded.add(revision)
  }
}

/** One shard, looked at. */
interface Found {
  readonly survey: ShardSurvey
  readonly tally: Tally
  readonly parts: Parts
}

/** What is known of all of them. */
interface Together {
  readonly decided: ReadonlySet<number>
  readonly concluded: ReadonlySet<number>
}

function reportOf(
  { survey, tally: { records, keys, first, last }, parts: { open } }: Found,
  { decided, concluded }: Together,
): ShardReport {
  const { shard, folder, segments, tail, walks } = survey
  const damages = [...survey.damages]
  // One that was cut short in its description is as good as none: it was there when the manifest was written.
  const isMissing = segments.length === (tail?.isWholeFile === true ? 1 : 0)
  if (isMissing) damages.push({ file: folder, offset: 0, reason: 'the log is missing' })
  const torn = [...open].find((revision) => concluded.has(revision) && !decided.has(revision))
  if (torn !== undefined) {
    const reason = `another shard has concluded transaction ${torn}, and its decision is missing`
    damages.push({ file: folder, offset: 0, reason })
  }
  const walk = walks.findLast(({ end }) => end !== undefined)
  const toCome = [...open].filter((revision) => decided.has(revision)).length
  return {
    shard,
    folder,
    segments: segments.length,
    bytes: sum(segments.map(({ sizeBytes }) => sizeBytes)),
    keys,
    records,
    first,
    last,
    snapshot: walk?.end && { keys: walk.keys, revision: walk.end.revision, atMs: walk.end.atMs },
    tail,
    damages,
    inDoubt: { decided: toCome, forgotten: open.size - toCome },
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
