/**
 * The logs of a directory as they were at a moment, while their owner may go on writing.
 *
 * Segments only grow, and are removed from the oldest on. So a view opens all of them and reads each no
 * further than it was long then: what is written later is not seen, and what a snapshot removes later is
 * still read, since an open file outlives its name.
 *
 * The sizes are asked for in rounds, one after the other, each over all shards. What some log had in a round
 * was written before the next one began: that is how several logs are cut as one (`copy-plan.ts`).
 *
 * What is read may be encrypted; the view has the keys.
 *
 * Cost: an open file for each segment. Tests: test/keyspace/durability/offline/log-view.test.ts
 */
import { basename, join } from 'node:path'
import type { Disk, DiskFile } from '../../../base/index.ts'
import { type KeyRing, NO_KEYS, segmentName, segmentNumber } from '../../../storage/index.ts'
import { shardFolder } from '../manifest.ts'

/** A place in time, by revision and by clock. */
export interface LogMoment {
  readonly revision: number
  readonly atMs: number
}

interface Entry {
  readonly file: DiskFile
  /** By round; 0: it was not there. */
  readonly sizes: number[]
}

/** A segment that is to be read. */
export interface ViewedSegment {
  readonly number: number
  readonly path: string
  readonly sizeBytes: number
}

/** Logs at a moment; `disk` reads them. */
export class LogView {
  readonly disk: Disk
  readonly keys: KeyRing
  readonly #entries = new Map<string, Entry>()
  #rounds = 0

  private constructor(disk: Disk, keys: KeyRing) {
    this.keys = keys
    this.disk = {
      ...disk,
      list: async (folder) => this.segments(folder).map(({ number }) => segmentName(number)),
      open: async (path) => this.#bounded(path),
    }
  }

  /** Opens the logs of all shards, or of some folders. What the disk throws is thrown. */
  static async open(
    disk: Disk,
    folders: readonly string[],
    rounds = 1,
    keys: KeyRing = NO_KEYS,
  ): Promise<LogView> {
    const view = new LogView(disk, keys)
    try {
      for (let round = 0; round < rounds; round++) {
        for (const folder of folders) await view.#measure(disk, folder)
        view.#rounds++
      }
    } catch (error) {
      await view.close()
      throw error
    }
    return view
  }

  /** Segments of a folder, in order. */
  segments(folder: string): ViewedSegment[] {
    return [...this.#entries]
      .filter(([path]) => join(folder, segmentName(numberIn(path))) === path)
      .map(([path, { sizes }]) => ({ number: numberIn(path), path, sizeBytes: Math.max(...sizes) }))
      .sort((a, b) => a.number - b.number)
  }

  /** Whether what ends at `endOffset` of a segment was there in a round. */
  hadIn(round: number, folder: string, number: number, endOffset: number): boolean {
    return endOffset <= (this.#entries.get(join(folder, segmentName(number)))?.sizes[round] ?? 0)
  }

  /** Bytes of all segments. */
  get sizeBytes(): number {
    return [...this.#entries.values()].reduce((sum, { sizes }) => sum + Math.max(...sizes), 0)
  }

  async close(): Promise<void> {
    for (const { file } of this.#entries.values()) await file.close()
    this.#entries.clear()
  }

  async #measure(disk: Disk, folder: string): Promise<void> {
    const numbers = (await namesIn(disk, folder)).flatMap((name) => segmentNumber(name) ?? [])
    for (const number of numbers.sort((a, b) => a - b)) {
      const path = join(folder, segmentName(number))
      const entry = this.#entries.get(path) ?? (await this.#add(disk, folder, path))
      if (entry !== undefined) entry.sizes[this.#rounds] = await entry.file.size()
    }
    // Removed meanwhile, and as long as it will ever be.
    for (const { sizes, file } of this.#entries.values()) {
      if (sizes.length === this.#rounds) sizes[this.#rounds] = await file.size()
    }
  }

  async #add(disk: Disk, folder: string, path: string): Promise<Entry | undefined> {
    try {
      const file = await disk.open(path, 'read')
      const entry: Entry = { file, sizes: Array.from({ length: this.#rounds }, () => 0) }
      this.#entries.set(path, entry)
      return entry
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
    }
    // A snapshot has removed it, and so all that are older: those that are open already would leave a gap.
    for (const { path: older, number } of this.segments(folder)) {
      if (number > numberIn(path)) continue
      await this.#entries.get(older)?.file.close()
      this.#entries.delete(older)
    }
    return undefined
  }

  #bounded(path: string): DiskFile {
    const { file, sizes } = this.#entries.get(path) as Entry
    const sizeBytes = Math.max(...sizes)
    return {
      ...file,
      size: async () => sizeBytes,
      read: (position, bytes) =>
        file.read(position, bytes.subarray(0, Math.max(0, Math.min(bytes.length, sizeBytes - position)))),
      close: async () => undefined,
    }
  }
}

/** The folders of all shards. */
export function shardFolders(dir: string, shards: number): string[] {
  return Array.from({ length: shards }, (_, shard) => shardFolder(dir, shard))
}

/** The code of an error of Node. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null ? (error as { code?: unknown }).code : undefined
}

async function namesIn(disk: Disk, folder: string): Promise<string[]> {
  try {
    return await disk.list(folder)
  } catch (error) {
    // No folder, no log: whoever looks at it says what that means.
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

function numberIn(path: string): number {
  return segmentNumber(basename(path)) ?? 0
}
