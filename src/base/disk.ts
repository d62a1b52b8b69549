/**
 * Files, injected: storage takes a `Disk`, so that tests can crash it at every call, drop what was not
 * synced, fill it up, and fail it once.
 *
 * What a disk promises is what POSIX does, and no more. Bytes that were written are seen by whoever reads,
 * also after this process has died, but survive a power cut only when the file was synced after. A file that
 * was created, renamed or removed is there, or gone, after a power cut only when its folder was synced after.
 * A write may take fewer bytes than it was given, and what it has taken may reach the disk in any order.
 *
 * Errors are Node's, with their `code` (`ENOENT`, `EEXIST`, `ENOSPC`, `EIO`): storage decides what they mean.
 * Tests: test/storage/system-disk.test.ts
 */

/** How a file is opened. `create`: it must not be there; `write`: it must, and may be read, too. */
export type DiskMode = 'create' | 'write' | 'read'

/** An open file. */
export interface DiskFile {
  /** Its length in bytes. */
  size(): Promise<number>
  /** Reads into `bytes` from `position` on; how many: fewer than there is room for only at the end. */
  read(position: number, bytes: Uint8Array): Promise<number>
  /** Writes at `position`; how many bytes were taken: at least one, perhaps not all. */
  write(position: number, bytes: Uint8Array): Promise<number>
  /** Resolves when all that was written before survives a power cut. */
  sync(): Promise<void>
  /** Makes the file so long: cut, or longer by zeros. */
  truncate(sizeBytes: number): Promise<void>
  close(): Promise<void>
}

/** Files and folders. Paths are those of the operating system. */
export interface Disk {
  /** Makes a folder, and those above it; one that is there is left alone. */
  makeFolder(path: string): Promise<void>
  /** Names of what is in a folder, in no order. */
  list(path: string): Promise<string[]>
  open(path: string, mode: DiskMode): Promise<DiskFile>
  /** Gives a file another name, in the place of whatever had it. */
  rename(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
  /** Resolves when what was created, renamed and removed in a folder before survives a power cut. */
  syncFolder(path: string): Promise<void>
}
