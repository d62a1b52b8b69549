/**
 * Directories for tests: crafted record by record, or made by a real keyspace; and what is done to them.
 */
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRuntime } from '../../../../dist/src/index.js'
import { systemClock } from '../../../../src/base/index.ts'
import { writeCommit } from '../../../../src/keyspace/durability/commit-payload.ts'
import { shardFolder, writeManifest } from '../../../../src/keyspace/durability/manifest.ts'
import { writeClaim } from '../../../../src/keyspace/durability/slot-claims.ts'
import * as storage from '../../../../src/storage/index.ts'

export const DISK = storage.systemDisk()
export const CLOCK = systemClock()
export const DIRECTORY = 'a1'.repeat(16)
export const CREATED_AT = '2026-01-31T12:00:00.000Z'
/** Records of crafted logs are of this time, a second for each revision. */
export const EPOCH_MS: number = Date.parse('2026-02-01T00:00:00Z')

/** One record of a crafted log, or the beginning of another segment. */
export type Step = 'segment' | RecordStep

interface RecordStep {
  readonly kind: number
  readonly revision: number
  readonly key?: string
  readonly value?: string
  readonly atMs?: number
  readonly participants?: readonly number[]
}

type Maker = (revision: number, key?: string, value?: string) => RecordStep

const maker =
  (kind: number): Maker =>
  (revision, key, value) => ({ kind, revision, ...(key !== undefined && { key, value: value ?? 'v' }) })

export const commit: Maker = maker(storage.KIND_COMMIT)
export const prepared: Maker = maker(storage.KIND_PREPARED)
export const decided: Maker = maker(storage.KIND_DECIDED)
export const concluded: Maker = maker(storage.KIND_CONCLUDED)
/** A conclusion that says that the part will never be. */
export const givenUp: Maker = (revision) => ({ ...concluded(revision), value: 'given up' })
/** Slots have changed hands. */
export const taken: Maker = maker(storage.KIND_SLOTS)
export const walkBegin: Maker = maker(storage.KIND_SNAPSHOT_BEGIN)
export const state: Maker = maker(storage.KIND_STATE)
export const walkEnd: Maker = maker(storage.KIND_SNAPSHOT_END)

/** A part or a decision that names the shards of its transaction. */
export function among(participants: readonly number[], step: Step): Step {
  return typeof step === 'string' ? step : { ...step, participants }
}

/** A snapshot, in a segment of its own, as a shard writes it. */
export function walk(revision: number, keys: readonly string[], endRevision: number = revision): Step[] {
  const states = keys.map((key) => state(revision, key))
  return ['segment', walkBegin(revision), commit(revision), ...states, walkEnd(endRevision)]
}

/** How logs are written. */
interface CraftOptions {
  readonly key?: storage.LogKey
  /** Records of a segment are in as few groups as there can be. */
  readonly isGrouped?: boolean
}

/** Makes a directory with these logs. `firstSegments` are removed from a log afterwards. */
export async function craft(
  dir: string,
  logs: readonly (readonly Step[])[],
  removed: readonly number[] = [],
  { key, isGrouped = false }: CraftOptions = {},
): Promise<string> {
  mkdirSync(dir, { recursive: true })
  for (const [shard, steps] of logs.entries()) {
    const folder = shardFolder(dir, shard)
    mkdirSync(folder)
    const log = await openLog(folder, shard, key)
    for (const step of steps) {
      if (step === 'segment') log.nextSegment()
      else append(log, step)
      // One group for each record, unless a test is about what a group holds.
      if (!isGrouped || step === 'segment') await log.reached('fsync', log.appended)
    }
    await log.reached('fsync', log.appended)
    await log.removeBefore(removed[shard] ?? 1)
    await log.close()
  }
  const manifest = { format: 1, directory: DIRECTORY, shards: logs.length, createdAt: CREATED_AT }
  await writeManifest(DISK, dir, manifest)
  return dir
}

function openLog(folder: string, shard: number, key?: storage.LogKey): Promise<storage.LogWriter> {
  const encryption = key && { key }
  const options = { disk: DISK, clock: CLOCK, folder, directory: DIRECTORY, shard, encryption }
  const sizes = { segmentBytes: 2 ** 30, syncEveryMs: 3_600_000, reserveBytes: 0 }
  return storage.LogWriter.open({ ...options, ...sizes }, { segments: [], tail: undefined, synced: 0 })
}

function append(
  log: storage.LogWriter,
  {
    kind,
    revision,
    key,
    value = '',
    atMs = EPOCH_MS + 1000 * revision,
    participants = [],
  }: Exclude<Step, 'segment'>,
): void {
  const sink = log.begin(participants.length)
  const isCommit = kind === storage.KIND_COMMIT || kind === storage.KIND_PREPARED
  if (isCommit) {
    const effects = key === undefined ? [] : [{ db: 0, argv: ['SET', key, value] }]
    const changes = key === undefined ? [] : [{ db: 0, key, event: 'set' }]
    writeCommit(sink, { effects, changes })
  } else if (kind === storage.KIND_CONCLUDED) {
    if (value !== '') sink.number(1)
  } else if (kind === storage.KIND_SLOTS) {
    writeClaim(sink, { type: 'taken', shard: 0, epoch: revision, slots: [7] }, false)
  } else if (kind === storage.KIND_STATE) {
    sink.number(0)
    sink.block(key ?? '')
    sink.number(0)
    sink.number(revision)
    sink.block(value)
  }
  log.append({ kind, revision, atMs, participants })
}

/** The records of a directory, as short texts by shard: what a test compares. */
export async function recordsIn(dir: string, shards: number, directory?: string): Promise<string[][]> {
  const id =
    directory ??
    (JSON.parse(readFileSync(join(dir, 'shardloom.json'), 'utf8')) as { directory: string }).directory
  const found: string[][] = []
  for (let shard = 0; shard < shards; shard++) {
    const texts: string[] = []
    await storage.examineLog(
      DISK,
      shardFolder(dir, shard),
      { directory: id, shard },
      (record, { number }) => {
        const name = NAMES[record.kind] ?? ''
        if (name !== '') texts.push(`${number}:${name}${record.revision}`)
      },
    )
    found.push(texts)
  }
  return found
}

const NAMES: Readonly<Record<number, string>> = {
  [storage.KIND_COMMIT]: 'c',
  [storage.KIND_PREPARED]: 'p',
  [storage.KIND_DECIDED]: 'd',
  [storage.KIND_CONCLUDED]: 'e',
  [storage.KIND_SNAPSHOT_BEGIN]: '[',
  [storage.KIND_STATE]: 's',
  [storage.KIND_SNAPSHOT_END]: ']',
}

/** Where each record of a segment begins, but those that only tell of syncs. */
export async function offsetsIn(path: string): Promise<number[]> {
  const offsets: number[] = []
  const file = await DISK.open(path, 'read')
  await storage.readSegment(file, ({ offset }) => void offsets.push(offset))
  await file.close()
  return offsets
}

/** Flips one bit of a file. */
export function flip(path: string, offset: number, bit = 0): void {
  const bytes = readFileSync(path)
  bytes[offset] = (bytes[offset] as number) ^ (1 << bit)
  writeFileSync(path, bytes)
}

export function segmentPath(dir: string, shard: number, number: number): string {
  return join(shardFolder(dir, shard), `${String(number).padStart(8, '0')}.log`)
}

/** Every file below a folder with its size, but the lock and the reserves. */
export function filesIn(dir: string): Record<string, number> {
  const paths = readdirSync(dir, { recursive: true, encoding: 'utf8' }).sort()
  const files = paths.filter((path) => !path.startsWith('lock') && !path.endsWith('reserve'))
  return Object.fromEntries(
    files.flatMap((path) => {
      const stat = statSync(join(dir, path))
      return stat.isFile() ? [[path.replaceAll('\\', '/'), stat.size]] : []
    }),
  )
}

type Runtime = Awaited<ReturnType<typeof createRuntime>>

/** A real keyspace on a directory. */
export async function openKeyspace(dir: string, shards = 2): Promise<Runtime> {
  const keyspace = { shards, dir, logSegmentBytes: 64 * 1024, diskReserveBytes: 0, snapshotEveryMs: 0 }
  return await createRuntime({ threads: 1, keyspace })
}

/** Some of everything: plain commits, transactions over both shards, a snapshot, more of both. */
export async function makeReal(dir: string, rounds = 40): Promise<void> {
  const runtime = await openKeyspace(dir)
  const { keyspace } = runtime
  const write = async (from: number): Promise<void> => {
    for (let i = from; i < from + rounds; i++) {
      await keyspace.set(`key:${i % 25}`, `value ${i}`)
      await keyspace.hash('hash').set({ [`field${i}`]: `${i}` })
      if (i % 5 === 0) await keyspace.mset({ 'all:a': `${i}`, 'all:b': `${i}`, 'all:c': `${i}` })
    }
  }
  await write(0)
  await keyspace.snapshot()
  await write(rounds)
  await runtime.close()
}

/** Everything that a keyspace on a directory holds. */
export async function contentOf(dir: string, shards = 2): Promise<Record<string, unknown>> {
  const runtime = await openKeyspace(dir, shards)
  try {
    const content: Record<string, unknown> = {}
    const keys = (await runtime.keyspace.command('KEYS', '*')) as string[]
    for (const key of [...keys].sort()) {
      const type = await runtime.keyspace.command('TYPE', key)
      const reading = type === 'hash' ? 'HGETALL' : 'GET'
      content[key] = await runtime.keyspace.command(reading, key)
    }
    return content
  } finally {
    await runtime.close()
  }
}
