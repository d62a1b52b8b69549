/**
 * A disk for one life of a shard: when the shard was started anew, elsewhere or here, this one writes nothing
 * any more.
 *
 * A shard whose thread hangs is given up and replaced, and may wake up later, with commits that it has not
 * written yet. Two writers in one file would be the end of the log; so each call that changes something asks
 * first whether this life is still the last one. (A call that is on its way at that moment is not taken back;
 * it was made before the new life has read the log, or it belongs to a thread that is gone.)
 *
 * Tests: test/keyspace/durability/fenced-disk.test.ts
 */
import { type Disk, type DiskFile, ShardloomError } from '../../base/index.ts'

/** The disk as long as `isCurrent` says so. */
export function fencedDisk(disk: Disk, shard: number, isCurrent: () => boolean): Disk {
  const guard = async <T>(call: () => Promise<T>): Promise<T> => {
    if (!isCurrent()) throw new ShardloomError('SHL_SHARD_DOWN', { shard, reason: 'it was started anew' })
    return call()
  }
  return {
    makeFolder: (path) => guard(() => disk.makeFolder(path)),
    list: (path) => disk.list(path),
    open: (path, mode) => guard(async () => fencedFile(await disk.open(path, mode), guard)),
    rename: (from, to) => guard(() => disk.rename(from, to)),
    remove: (path) => guard(() => disk.remove(path)),
    syncFolder: (path) => guard(() => disk.syncFolder(path)),
  }
}

function fencedFile(file: DiskFile, guard: <T>(call: () => Promise<T>) => Promise<T>): DiskFile {
  return {
    size: () => file.size(),
    read: (position, bytes) => file.read(position, bytes),
    write: (position, bytes) => guard(() => file.write(position, bytes)),
    sync: () => guard(() => file.sync()),
    truncate: (sizeBytes) => guard(() => file.truncate(sizeBytes)),
    close: () => file.close(),
  }
}
