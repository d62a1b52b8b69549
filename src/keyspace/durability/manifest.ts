/**
 * What a directory says of itself: `shardloom.json`, written once, when it is made.
 *
 *     { "format": 1, "directory": "4f1c…", "shards": 4, "createdAt": "2026-01-31T12:00:00.000Z",
 *       "hashSeed": [1, 2], "writtenBy": "shardloom 0.2.0", "checksum": "9ae0daaf" }
 *
 * The checksum is the CRC-32 of the rest, as JSON without spaces: one bit, and a directory of three shards
 * would be one of two.
 *
 * Which version has made it is for people: nothing depends on it, and an older manifest does not say so.
 *
 * It is written beside its place, synced, and given its name: there is a whole one or none.
 * Tests: test/keyspace/durability/manifest.test.ts
 */
import { dirname, join } from 'node:path'
import { type Disk, ShardloomError, VERSION } from '../../base/index.ts'
import { crc32Of } from '../../storage/index.ts'

export const FORMAT_VERSION = 1
const NAME = 'shardloom.json'
const SIZE_MAX = 64 * 1024
const SHARDS_MAX = 1024

/** What is the same for as long as a directory lives, but for the shards that are added to it. */
export interface Manifest {
  readonly format: number
  /** Drawn when it was made; every segment carries it. */
  readonly directory: string
  readonly shards: number
  readonly createdAt: string
  /**
   * Of the hash of its tables: a snapshot is in the order of hashes, and a table is filled faster in its own
   * order. Default: another one with each start.
   */
  readonly hashSeed?: readonly [number, number]
  /** Over so many shards its slots were dealt when it was made. Default: all that it has. */
  readonly dealt?: number
  /** Shards were added, and have not got their share of the slots yet. */
  readonly isSpreading?: true
}

/** The manifest of a directory; undefined when it has none. @throws SHL_DIRECTORY_UNKNOWN */
export async function readManifest(disk: Disk, dir: string): Promise<Manifest | undefined> {
  if (!(await disk.list(dir)).includes(NAME)) return undefined
  const file = await disk.open(join(dir, NAME), 'read')
  try {
    const bytes = Buffer.alloc(Math.min(await file.size(), SIZE_MAX))
    await file.read(0, bytes)
    return checked(dir, bytes.toString())
  } finally {
    await file.close()
  }
}

/** Writes the manifest of a new directory. */
export async function writeManifest(disk: Disk, dir: string, manifest: Manifest): Promise<void> {
  const draft = join(dir, `${NAME}.new`)
  if ((await disk.list(dir)).includes(`${NAME}.new`)) await disk.remove(draft)
  const file = await disk.open(draft, 'create')
  try {
    const content = { ...manifest, writtenBy: `shardloom ${VERSION}` }
    const written = { ...content, checksum: checksumOf(content) }
    const bytes = Buffer.from(`${JSON.stringify(written, undefined, 2)}\n`)
    for (let done = 0; done < bytes.length; ) done += await file.write(done, bytes.subarray(done))
    await file.sync()
  } finally {
    await file.close()
  }
  await disk.rename(draft, join(dir, NAME))
  await disk.syncFolder(dir)
  await syncAbove(disk, dir)
}

/** The folder may be as new as what is in it, and those above it, too. */
async function syncAbove(disk: Disk, dir: string): Promise<void> {
  for (let folder = dir; dirname(folder) !== folder; ) {
    folder = dirname(folder)
    try {
      await disk.syncFolder(folder)
    } catch (error) {
      // One that this process may not open was not made by it.
      const { code } = error as { readonly code?: unknown }
      if (code !== 'EACCES' && code !== 'EPERM') throw error
    }
  }
}

const SHARD_FOLDER = /^shard-\d{4}$/

/** Whether a name in a directory is that of a shard's folder. */
export function isShardFolder(name: string): boolean {
  return SHARD_FOLDER.test(name)
}

/** The folder of a shard's log. */
export function shardFolder(dir: string, shard: number): string {
  return join(dir, `shard-${String(shard).padStart(4, '0')}`)
}

function checked(dir: string, text: string): Manifest {
  const unknown = (reason: string): ShardloomError =>
    new ShardloomError('SHL_DIRECTORY_UNKNOWN', { dir, reason })
  let found: Partial<Manifest> & { readonly checksum?: unknown }
  try {
    found = JSON.parse(text) ?? {}
  } catch {
    throw unknown(`${NAME} is no JSON`)
  }
  const { checksum, ...content } = found
  const { format, directory, shards, createdAt, hashSeed, dealt, isSpreading } = found
  // First: another format may have another checksum.
  if (format !== FORMAT_VERSION)
    throw unknown(`its format is ${format}, this version reads ${FORMAT_VERSION}`)
  if (checksum !== undefined && checksum !== checksumOf(content)) {
    throw unknown(`${NAME} was changed: its checksum is wrong. Bring it back from a backup`)
  }
  const hasShards = Number.isInteger(shards) && (shards as number) >= 1 && (shards as number) <= SHARDS_MAX
  const isDealt = dealt === undefined || (Number.isInteger(dealt) && dealt >= 1 && dealt <= (shards ?? 0))
  const isSeeded =
    hashSeed === undefined || (Array.isArray(hashSeed) && hashSeed.length === 2 && hashSeed.every(isWord))
  const isWhole =
    typeof directory === 'string' && hasShards && isDealt && isSeeded && typeof createdAt === 'string'
  if (!isWhole) throw unknown(`${NAME} is not whole`)
  const added = {
    ...(hashSeed && { hashSeed }),
    ...(dealt !== undefined && { dealt }),
    ...(isSpreading === true && { isSpreading }),
  }
  return { format, directory, shards: shards as number, createdAt, ...added }
}

function isWord(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32
}

function checksumOf(content: object): string {
  const bytes = Buffer.from(JSON.stringify(content))
  return crc32Of(bytes, 0, bytes.length, 0).toString(16).padStart(8, '0')
}
