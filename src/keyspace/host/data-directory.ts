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
import { type DirectoryLock, lockDirectory, systemDisk } from '../../storage/index.ts'
import {
  FORMAT_VERSION,
  type Manifest,
  readManifest,
  type StoreSettings,
  shardFolder,
  writeManifest,
} from '../durability/index.ts'
import type { FileSettings, KeyspaceSettings } from './keyspace-options.ts'

/** A directory that this process has opened. */
export class DataDirectory {
  readonly manifest: Manifest
  readonly #settings: FileSettings
  readonly #lock: DirectoryLock

  private constructor(manifest: Manifest, settings: FileSettings, lock: DirectoryLock) {
    this.manifest = manifest
    this.#settings = settings
    this.#lock = lock
  }

  /**
   * Opens it, or makes it. `shards` is how many are asked for; undefined: as many as it has, or `fallback`.
   * @throws SHL_DIRECTORY_IN_USE, SHL_DIRECTORY_UNUSABLE, SHL_DIRECTORY_UNKNOWN, SHL_OPTION_INVALID
   */
  static async open(
    disk: Disk,
    clock: Clock,
    random: Random,
    settings: FileSettings,
    shards: number | undefined,
    fallback: number,
  ): Promise<DataDirectory> {
    const { dir } = settings
    await disk.makeFolder(dir).catch((cause: Error) => {
      throw new ShardloomError('SHL_DIRECTORY_UNUSABLE', { dir, reason: cause.message }, { cause })
    })
    const lock = await lockDirectory(dir)
    try {
      const found = await readManifest(disk, dir)
      if (found !== undefined && shards !== undefined && shards !== found.shards) {
        throw new ShardloomError('SHL_OPTION_INVALID', {
          option: 'keyspace.shards',
          value: shards,
          allowed: `${found.shards}, as many as the directory ${dir} was made with, or nothing`,
        })
      }
      const manifest = found ?? newManifest(clock, random, shards ?? fallback)
      if (found === undefined) await writeManifest(disk, dir, manifest)
      return new DataDirectory(manifest, settings, lock)
    } catch (error) {
      await lock.release()
      throw error
    }
  }

  /** What a shard is told of its files. */
  storeOf(shard: number): StoreSettings {
    const { dir, onRecovery: _, ...settings } = this.#settings
    return { ...settings, folder: shardFolder(dir, shard), directory: this.manifest.directory }
  }

  /** Told how far a recovery is. */
  get onRecovery(): FileSettings['onRecovery'] {
    return this.#settings.onRecovery
  }

  /** Lets others open it. */
  async close(): Promise<void> {
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
  return { format: FORMAT_VERSION, directory, shards, createdAt }
}

/** Opens the directory that the settings name. */
export function openDirectory(
  clock: Clock,
  random: Random,
  { files, shards, hasShardCount }: KeyspaceSettings,
): Promise<DataDirectory> {
  assert(files !== undefined, 'there is a directory to open')
  return DataDirectory.open(systemDisk(), clock, random, files, hasShardCount ? shards : undefined, shards)
}
