/**
 * The segment that is written to.
 *
 * It is made in this order: its description is written and synced, then its folder is. Only then anything
 * follows. So a segment that holds more than its description has one, and its name survives a power cut.
 *
 * A segment that is gone on with is written once more from the last place that is known to be synced, with
 * what is in it already. The process before may have seen a sync fail: then the system takes what it did not
 * write for written, and a sync of this process would find nothing to do.
 *
 * A short write. What is written ends with a record, or with a sector; so a sector that is lost leaves zeros
 * from a record on, by which it is known (`log-examination.ts`). After a write that ended elsewhere its
 * sector is completed and synced before anything is written behind it.
 *
 * Writer: one. Invariants: (1) one sync is under way at a time; (2) after one that failed there is no other.
 * Tests: test/storage/segment-file.test.ts, log-writer.crash.test.ts
 */
import { join } from 'node:path'
import { assert, type Disk, type DiskFile } from '../base/index.ts'
import { type ExaminedSegment, segmentNumbers } from './log-examination.ts'
import { LOG_MAGIC, SECTOR_BYTES } from './log-format.ts'
import type { LogRoom } from './log-room.ts'
import { segmentName } from './segment-info.ts'

const COPY_BYTES = 1024 * 1024

/** One open segment. */
export class SegmentFile {
  readonly path: string
  readonly #file: DiskFile
  readonly #room: LogRoom
  #syncs: Promise<void> = Promise.resolve()

  private constructor(path: string, file: DiskFile, room: LogRoom) {
    this.path = path
    this.#file = file
    this.#room = room
  }

  /** Makes a segment; `description` is its first record. When it resolves, that survives a power cut. */
  static async create(
    disk: Disk,
    folder: string,
    number: number,
    description: Uint8Array,
    room: LogRoom,
  ): Promise<SegmentFile> {
    const path = join(folder, segmentName(number))
    const file = await room.whenFree(() => disk.open(path, 'create'))
    return await closedUnless(file, async () => {
      const segment = new SegmentFile(path, file, room)
      await segment.write(0, Buffer.concat([Buffer.from(LOG_MAGIC), description]))
      await segment.sync()
      await disk.syncFolder(folder)
      return segment
    })
  }

  /**
   * Goes on with a segment: cuts what is behind its end, and makes all of it survive a power cut. Up to
   * `syncedOffset` it does already.
   */
  static async reopen(
    disk: Disk,
    { path, offset, sizeBytes }: ExaminedSegment,
    syncedOffset: number,
    room: LogRoom,
  ): Promise<SegmentFile> {
    const file = await disk.open(path, 'write')
    return await closedUnless(file, async () => {
      const segment = new SegmentFile(path, file, room)
      if (offset < sizeBytes) await file.truncate(offset)
      const bytes = new Uint8Array(Math.min(COPY_BYTES, Math.max(0, offset - syncedOffset)))
      for (let at = syncedOffset; at < offset; ) {
        const count = await file.read(at, bytes.subarray(0, Math.min(bytes.length, offset - at)))
        assert(count > 0, 'what was examined is there')
        await segment.write(at, bytes.subarray(0, count))
        at += count
      }
      await segment.sync()
      return segment
    })
  }

  /** Writes all of it, however many calls that takes. */
  async write(offset: number, bytes: Uint8Array): Promise<void> {
    let isTorn = false
    for (let done = 0; done < bytes.length; ) {
      const at = offset + done
      const end = isTorn ? Math.min(bytes.length, done + SECTOR_BYTES - (at % SECTOR_BYTES)) : bytes.length
      const part = bytes.subarray(done, end)
      const count = await this.#room.whenFree(() => this.#file.write(at, part))
      assert(count > 0 && count <= part.length, 'a write takes something, and no more than there is')
      done += count
      if (done < bytes.length && (offset + done) % SECTOR_BYTES !== 0) {
        isTorn = true
      } else if (isTorn) {
        await this.sync()
        isTorn = false
      }
    }
  }

  /** Resolves when all that was written before survives a power cut. */
  sync(): Promise<void> {
    this.#syncs = this.#syncs.then(() => this.#file.sync())
    return this.#syncs
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}

/** Removes the segments before a number, from the oldest on, until it is told to stop: how many. */
export async function removeSegments(
  disk: Disk,
  folder: string,
  before: number,
  isStopped: () => boolean,
): Promise<number> {
  let removed = 0
  for (const number of await segmentNumbers(disk, folder)) {
    if (number >= before || isStopped()) break
    await disk.remove(join(folder, segmentName(number)))
    // Before the next: what a power cut leaves has no gap.
    await disk.syncFolder(folder)
    removed++
  }
  return removed
}

async function closedUnless<T>(file: DiskFile, use: () => Promise<T>): Promise<T> {
  try {
    return await use()
  } catch (error) {
    await file.close()
    throw error
  }
}
