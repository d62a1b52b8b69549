/**
 * Copies a directory as it was at a revision: a backup, also while the owner goes on; and a restore of one.
 *
 * The records are read, proven, chosen (`copy-plan.ts`) and written again by the writer of logs. Why not the
 * files as they are: they cannot be cut at one revision over all shards, since a log holds revisions a little
 * out of order. So the copy has nothing in doubt, no tail, and an identity of its own: every segment names
 * its directory, so what two copies go on to write is never mixed up. `shardloom.json` says of what it is a
 * copy, and is written last: a copy without one is none.
 *
 * What a copy is of, is read first as a whole: nothing is written when something is wrong with it. At the end
 * the copy is verified, and what is in it is counted against what was written.
 *
 * A log whose first segments are gone begins with segment 2 in the copy: it is known there, too, that it has
 * no beginning.
 *
 * A copy is encrypted with the key that it is given, whatever that of the directory is.
 *
 * Cost: two reads, a write and a read of the logs. Tests:
 * test/keyspace/durability/offline/copy-directory.test.ts, copy-directory.race.test.ts
 */
import { randomBytes } from 'node:crypto'
import { type Clock, type Disk, ShardloomError } from '../../../base/index.ts'
import {
  KeyRing,
  KIND_COMMIT,
  KIND_CONCLUDED,
  KIND_PREPARED,
  KIND_SEGMENT,
  KIND_SNAPSHOT_BEGIN,
  type LogKey,
  type LogRecord,
  LogWriter,
  lockDirectory,
  NO_KEYS,
  type RecordFields,
  readSegment,
  type SegmentInfo,
} from '../../../storage/index.ts'
import { OFFLINE_LOG } from '../grow-directory.ts'
import { FORMAT_VERSION, type Manifest, shardFolder, writeManifest } from '../manifest.ts'
import { usable } from '../unusable.ts'
import {
  COPY_ROUNDS,
  type CopyCut,
  type CopyPlan,
  planCopy,
  RecordChoice,
  type ShardPlan,
} from './copy-plan.ts'
import { KIND_NAMES } from './decoded-record.ts'
import { codeOf, LogView, shardFolders } from './log-view.ts'
import { type CopyOrigin, manifestOf, type ProgressListener, verifyLogs } from './verify-directory.ts'

/** What a copy needs. */
export interface CopyOptions {
  readonly disk: Disk
  readonly clock: Clock
  readonly cut?: CopyCut
  readonly onProgress?: ProgressListener
  /** What the directory may be encrypted with. Default: nothing. */
  readonly keys?: KeyRing
  /** What the copy is encrypted with; undefined within: nothing. Default: the key of the directory. */
  readonly target?: { readonly key: LogKey | undefined }
  /** Keeps others out of the target. Default: the lock that an owner takes. */
  readonly lock?: (dir: string) => Promise<{ release(): Promise<void> }>
}

/** What a copy says of itself in its `shardloom.json`. */
export interface CopyManifest extends Manifest {
  readonly copyOf: CopyOrigin
}

/** What was copied. */
export interface CopyReport {
  readonly from: string
  readonly to: string
  readonly manifest: CopyManifest
  readonly shards: readonly { readonly shard: number; readonly records: number; readonly bytes: number }[]
  /** How often it was begun: a snapshot may remove what is being looked at. */
  readonly attempts: number
  /** Nothing is behind it: the directory ended there. */
  readonly isAll: boolean
}

/** What was written of one shard. */
interface Written {
  readonly shard: number
  readonly records: number
  readonly kinds: Readonly<Record<string, number>>
  /** The time of the newest commit. */
  readonly atMs: number
}

const ATTEMPTS_MAX = 10
const LOCK_FOLDER = 'lock'

/**
 * Copies a directory into a folder that is empty, or not there.
 * @throws SHL_COPY_TARGET, SHL_COPY_TOO_OLD, SHL_DIRECTORY_UNKNOWN, SHL_DIRECTORY_UNUSABLE,
 * SHL_DIRECTORY_IN_USE, SHL_LOG_DAMAGED, SHL_LOG_FOREIGN, SHL_LOG_FAILED, SHL_KEY_MISSING
 */
export async function copyDirectory(from: string, to: string, options: CopyOptions): Promise<CopyReport> {
  const { disk } = options
  const source = await manifestOf(disk, from)
  await checkEmpty(disk, to)
  const { view, plan, attempts } = await usable(from, () => viewOf(from, source, options))
  try {
    const copied = await usable(to, () => writeCopy(view, plan, source, to, options))
    return { from, to, ...copied, attempts, isAll: plan.isAll }
  } finally {
    await view.close()
  }
}

/** Writes the logs, reads them again, and says at last what they are. */
async function writeCopy(
  view: LogView,
  plan: CopyPlan,
  source: Manifest,
  to: string,
  options: CopyOptions,
): Promise<Pick<CopyReport, 'manifest' | 'shards'>> {
  const { disk, clock, lock = lockDirectory } = options
  await disk.makeFolder(to)
  const lease = await lock(to)
  try {
    await checkEmpty(disk, to)
    const directory = randomBytes(16).toString('hex')
    const written: Written[] = []
    for (const shard of plan.shards) {
      written.push(await copyShard(view, plan, shard, directory, to, options, written.length))
    }
    const manifest = {
      format: FORMAT_VERSION,
      directory,
      shards: source.shards,
      createdAt: isoOf(clock.wallMs()),
      ...(source.hashSeed && { hashSeed: source.hashSeed }),
      ...(source.dealt !== undefined && { dealt: source.dealt }),
      ...(source.isSpreading && { isSpreading: source.isSpreading }),
      copyOf: {
        directory: source.directory,
        revision: plan.revision,
        at: isoOf(Math.max(0, ...written.map(({ atMs }) => atMs))),
      },
    }
    const shards = await checkCopy(disk, to, manifest, written, new KeyRing(targetKey(options)))
    await disk.syncFolder(to)
    await writeManifest(disk, to, manifest)
    return { manifest, shards }
  } finally {
    await lease.release()
  }
}

/**
 * Opens the logs and plans. Without a cut that was asked for it can only fail because the owner is faster.
 */
async function viewOf(
  from: string,
  manifest: Manifest,
  { disk, cut = {}, keys }: CopyOptions,
): Promise<{ view: LogView; plan: CopyPlan; attempts: number }> {
  const folders = shardFolders(from, manifest.shards)
  for (let attempts = 1; ; attempts++) {
    const view = await LogView.open(disk, folders, COPY_ROUNDS, keys)
    try {
      return { view, plan: await planCopy(view, from, manifest, cut), attempts }
    } catch (error) {
      await view.close()
      const isRace =
        codeOf(error) === 'SHL_COPY_TOO_OLD' && cut.toRevision === undefined && cut.toMs === undefined
      if (!isRace || attempts === ATTEMPTS_MAX) throw error
    }
  }
}

async function copyShard(
  view: LogView,
  plan: CopyPlan,
  shardPlan: ShardPlan,
  directory: string,
  to: string,
  options: CopyOptions,
  done: number,
): Promise<Written> {
  const { disk, clock, onProgress = () => undefined } = options
  const key = targetKey(options)
  const { shard, firstNumber, open } = shardPlan
  const folder = shardFolder(to, shard)
  await disk.makeFolder(folder)
  const log = await LogWriter.open(
    {
      disk,
      clock,
      folder,
      directory,
      shard,
      ...OFFLINE_LOG,
      encryption: key && { key },
    },
    { segments: [], tail: undefined, synced: 0 },
  )
  const choice = new RecordChoice(plan, shardPlan)
  const kinds: Record<string, number> = {}
  let records = 0
  let atMs = 0
  const write = (fields: RecordFields, payload: Uint8Array): void => {
    const { kind } = fields
    // A snapshot is replayed from the beginning of its segment.
    if (kind === KIND_SNAPSHOT_BEGIN) log.nextSegment()
    log.begin(fields.participants.length).raw(payload)
    log.append(fields)
    const name = KIND_NAMES[kind] ?? String(kind)
    kinds[name] = (kinds[name] ?? 0) + 1
    records++
    if (kind === KIND_COMMIT || kind === KIND_PREPARED) atMs = Math.max(atMs, fields.atMs)
  }
  try {
    const segments = view.segments(shardPlan.folder)
    for (const [i, { path }] of segments.entries()) {
      const file = await view.disk.open(path, 'read')
      const take = (record: LogRecord, info: SegmentInfo): void => {
        if (choice.takes(record, info)) write(fieldsOf(record), record.payload)
      }
      await readSegment(file, take, { keys: view.keys, path })
      // The disk sets the pace: what waits to be written stays small.
      await log.reached('os', log.appended)
      onProgress(done + (i + 1) / segments.length, plan.shards.length)
    }
    for (const revision of open) {
      write({ kind: KIND_CONCLUDED, revision, atMs, participants: [] }, new Uint8Array())
    }
    await log.reached('fsync', log.appended)
    if (firstNumber > 1) await log.removeBefore(2)
  } finally {
    await log.close()
  }
  return { shard, records, kinds, atMs }
}

function targetKey({ keys = NO_KEYS, target = { key: keys.current } }: CopyOptions): LogKey | undefined {
  return target.key
}

function fieldsOf({ kind, revision, atMs, participants }: LogRecord): RecordFields {
  return { kind, revision, atMs, participants }
}

/** Reads the copy, and counts. @throws SHL_LOG_DAMAGED unless it is what was written */
async function checkCopy(
  disk: Disk,
  to: string,
  manifest: Manifest,
  written: readonly Written[],
  keys: KeyRing,
): Promise<CopyReport['shards']> {
  const { shards } = await verifyLogs(disk, to, manifest, undefined, keys)
  return shards.map(({ shard, folder, bytes, records: found, damages, tail, inDoubt }, i) => {
    const { kinds, records } = written[i] as Written
    const [damage = tail && { file: tail.path, offset: tail.offset, reason: tail.reason }] = damages
    if (damage !== undefined) throw new ShardloomError('SHL_LOG_DAMAGED', { ...damage })
    const segment = KIND_NAMES[KIND_SEGMENT] as string
    const names = new Set([...Object.keys(found), ...Object.keys(kinds)].filter((name) => name !== segment))
    const differs = [...names].find((name) => found[name] !== kinds[name])
    const isInDoubt = inDoubt.decided + inDoubt.forgotten > 0
    if (differs === undefined && !isInDoubt) return { shard, records, bytes }
    const reason = `of what was written to it, something is missing: ${differs ?? 'the end of a transaction'}`
    throw new ShardloomError('SHL_LOG_DAMAGED', { file: folder, offset: 0, reason })
  })
}

/** @throws SHL_COPY_TARGET when there is something in it, but for the lock of a directory */
async function checkEmpty(disk: Disk, to: string): Promise<void> {
  let names: string[]
  try {
    names = await disk.list(to)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw new ShardloomError('SHL_COPY_TARGET', { to, found: 'no folder' }, { cause: error })
  }
  const [found] = names.filter((name) => name !== LOCK_FOLDER).sort()
  if (found !== undefined) throw new ShardloomError('SHL_COPY_TARGET', { to, found })
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}
