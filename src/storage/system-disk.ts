/**
 * The disk of the machine, by `node:fs`.
 *
 * Everything runs on the thread pool of the process, so that a thread that waits for its disk goes on
 * serving; but for short writes, which go into the cache of the operating system in 4 µs, where the way to
 * the pool and back takes five times as long, and more when the thread has nothing else to do. While a sync
 * is under way they take that way, too: there they might have to wait for it. (Redis does the same, for the
 * same reasons.)
 *
 * A sync is `fdatasync`: the length of a file is part of what it makes durable, its times are not.
 * Tests: test/storage/system-disk.test.ts
 */
import { writeSync } from 'node:fs'
import * as fs from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Disk, DiskFile, DiskMode } from '../base/index.ts'

const FLAGS: Readonly<Record<DiskMode, string>> = { create: 'wx+', write: 'r+', read: 'r' }
/** Data are nobody else's business. */
const FILE_MODE = 0o600
const FOLDER_MODE = 0o700
/** Node refuses to read or write more than 2 GiB at once, and Linux does a little less. */
const CALL_BYTES_MAX = 1024 ** 3
/** Writes up to here are done at once. */
const SHORT_BYTES = 32 * 1024

/** The disk of the machine. */
export function systemDisk(): Disk {
  return {
    makeFolder,
    list: (path) => fs.readdir(path),
    async open(path, mode) {
      return fileOf(await fs.open(path, FLAGS[mode], FILE_MODE), path)
    },
    rename: (from, to) => fs.rename(from, to),
    remove: (path) => fs.unlink(path),
    async syncFolder(path) {
      // Windows opens no folders; its file system keeps the order of such changes by itself.
      if (process.platform === 'win32') return
      const folder = await fs.open(path, 'r')
      try {
        await folder.sync()
      } finally {
        await folder.close()
      }
    },
  }
}

/**
 * Folder by folder: Node's own recursion never ends where a folder that is there takes no entries, as
 * `/proc`.
 */
async function makeFolder(path: string): Promise<void> {
  try {
    await fs.mkdir(path, { mode: FOLDER_MODE })
    return
  } catch (error) {
    const { code } = error as { readonly code?: unknown }
    const isThere = code === 'EEXIST' && (await fs.stat(path)).isDirectory()
    if (isThere) return
    if (code !== 'ENOENT' || dirname(path) === path) throw error
  }
  await makeFolder(dirname(path))
  await fs.mkdir(path, { mode: FOLDER_MODE }).catch((error: { readonly code?: unknown }) => {
    // Somebody else was faster.
    if (error.code !== 'EEXIST') throw error
  })
}

function fileOf(handle: fs.FileHandle, path: string): DiskFile {
  let syncs = 0
  // Node says of what file an error is only when that is opened.
  const named = (error: object): never => {
    throw Object.assign(error, { path })
  }
  return {
    size: async () => (await handle.stat()).size,
    async read(position, bytes) {
      let count = 0
      while (count < bytes.length) {
        const wanted = Math.min(bytes.length - count, CALL_BYTES_MAX)
        const { bytesRead } = await handle.read(bytes, count, wanted, position + count).catch(named)
        if (bytesRead === 0) break
        count += bytesRead
      }
      return count
    },
    async write(position, bytes) {
      if (bytes.length <= SHORT_BYTES && syncs === 0 && handle.fd >= 0) {
        return writeSync(handle.fd, bytes, 0, bytes.length, position)
      }
      const wanted = Math.min(bytes.length, CALL_BYTES_MAX)
      return (await handle.write(bytes, 0, wanted, position)).bytesWritten
    },
    async sync() {
      syncs++
      try {
        await handle.datasync()
      } finally {
        syncs--
      }
    },
    truncate: (sizeBytes) => handle.truncate(sizeBytes),
    close: () => handle.close(),
  }
}
