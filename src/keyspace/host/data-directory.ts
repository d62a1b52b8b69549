/**
 * The directory of a keyspace: who may open it, what it says of itself, where its shards' files are.
 *
 *     dir/  shardloom.json         what it is (`durability/manifest.ts`)
 *           lock/                  who has it open (`storage/directory-lock.ts`)
 *           shard-0000/            one folder for each shard: its log
 *
 * Tests: test/keyspace/host/data-directory.test.ts
 */
import { assert, type Clock, type Disk, type Random, ShardloomError } from '../../base/index.ts'
import {
  type DirectoryLock,
  type KeyRing,
  loadKeys,
  lockDirectory,
  NO_KEYS,
  systemDisk,
} from '../../storage/index.ts'
import {
  FORMAT_VERSION,
  growDirectory,
  type Manifest,
  makeLogs,
  readManifest,
  removeUnfinished,
  type StoreSettings,
  shardFolder,
  unusable,
  writeManifest,
} from '../durability/index.ts'
import type { FileSettings, KeyspaceSettings } from './keyspace-options.ts'

/** A directory that this process has opened. */
export class DataDirectory {
  readonly #disk: Disk
  #manifest: Manifest
  #writing: Promise<void> = Promise.resolve()
  readonly #settings: FileSettings
  readonly #lock: DirectoryLock
  readonly #keys: KeyRing

  private constructor(
    disk: Disk,
    manifest: Manifest,
    settings: FileSettings,
    lock: DirectoryLock,
    keys: KeyRing,
  ) {
    this.#disk = disk
    this.#manifest = manifest
    this.#settings = settings
    this.#lock = lock
    this.#keys = keys
  }

  /**
   * Opens it, or makes it. `shards` is how many are asked for, at least as many as it has; undefined: as many
   * as it has, or `fallback`.
   * `warn` is told of a key that others can read. @throws SHL_DIRECTORY_IN_USE, SHL_DIRECTORY_UNUSABLE,
   * SHL_DIRECTORY_UNKNOWN, SHL_OPTION_INVALID, SHL_KEY_UNAVAILABLE
   */
  static async open(
    disk: Disk,
    clock: Clock,
    random: Random,
    settings: FileSettings,
    shards: number | undefined,
    fallback: number,
    warn?: (text: string) => void,
  ): Promise<DataDirectory> {
    const { dir, encryption } = settings
    // First: without them nothing is made.
    const keys = encryption === undefined ? NO_KEYS : await loadKeys(encryption, warn, clock)
    await disk.makeFolder(dir).catch((cause: Error & { readonly code?: unknown }) => {
      const reason = cause.code === 'EEXIST' ? 'it is not a directory' : cause.message
      throw new ShardloomError('SHL_DIRECTORY_UNUSABLE', { dir, reason }, { cause })
    })
    const lock = await lockDirectory(dir)
    try {
      const found = await readManifest(disk, dir)
      if (found !== undefined && shards !== undefined && shards < found.shards) {
        throw new ShardloomError('SHL_OPTION_INVALID', {
          option: 'keyspace.shards',
          value: shards,
          allowed: `${found.shards}, as many as the directory ${dir} has, or more, or nothing`,
        })
      }
      let manifest = found ?? newManifest(clock, random, shards ?? fallback)
      if (found === undefined) {
        const all = Array.from({ length: manifest.shards }, (_, shard) => shard)
        await removeUnfinished(disk, dir, keys)
        await makeLogs(disk, clock, dir, manifest.directory, all, keys)
        await writeManifest(disk, dir, manifest)
      } else if (shards !== undefined && shards > found.shards) {
        manifest = await growDirectory(disk, clock, dir, found, shards, keys)
      }
      return new DataDirectory(disk, manifest, settings, lock, keys)
    } catch (error) {
      await lock.release()
      throw unusable(dir, error)
    }
  }

  get manifest(): Manifest {
    return this.#manifest
  }

  /** What a shard is told of its files. */
  storeOf(shard: number): StoreSettings {
    const { dir, onRecovery: _, encryption, ...settings } = this.#settings
    const keys = encryption && this.#keys.reveal()
    const { directory } = this.manifest
    return { ...settings, folder: shardFolder(dir, shard), directory, keys, mustExist: true }
  }

  /** Told how far a recovery is. */
  get onRecovery(): FileSettings['onRecovery'] {
    return this.#settings.onRecovery
  }

  /** Shards that were added have their share of the slots. */
  async endSpreading(): Promise<void> {
    const { isSpreading: _, ...manifest } = this.#manifest
    this.#manifest = manifest
    this.#writing = writeManifest(this.#disk, this.#settings.dir, manifest)
    await this.#writing
  }

  /** Lets others open it. */
  async close(): Promise<void> {
    // Whoever began it is told when it failed; it is written again the next time.
    await this.#writing.catch(() => undefined)
    await this.#lock.release()
  }
}

function newManifest(clock: Clock, random: Random, shards: number): Manifest {
  const directory = Array.from({ length: 4 }, () =>
    random
      .below(2 ** 32)
      .toString(16)
      .padStart(8, '0'),
  ).join('')
  const createdAt = new Date(clock.wallMs()).toISOString()
  const hashSeed = [random.below(2 ** 32), random.below(2 ** 32)] as const
  return { format: FORMAT_VERSION, directory, shards, createdAt, hashSeed }
}

/** Opens the directory that the settings name. */
export function openDirectory(
  clock: Clock,
  random: Random,
  { files, shards, hasShardCount }: KeyspaceSettings,
  warn?: (text: string) => void,
): Promise<DataDirectory> {
  assert(files !== undefined, 'there is a directory to open')
  const asked = hasShardCount ? shards : undefined
  return DataDirectory.open(systemDisk(), clock, random, files, asked, shards, warn)
}
