/**
 * The file of a Unix socket: it outlives its process, and must be removed without removing somebody else's.
 *
 * Whether somebody listens is asked of the kernel, by connecting. A file that nobody answers at is moved
 * aside first and looked at there: if it is not the one that was asked (another server was faster), it is put
 * back. The same holds at the end: the file is removed only while it is still the one that was made.
 *
 * Invariants: (1) a file that is no socket is never removed; (2) nor a socket at which somebody listens.
 * Tests: test/server/listen/unix-path.test.ts
 */
import { linkSync, lstatSync, renameSync, unlinkSync } from 'node:fs'
import { connect } from 'node:net'

/** Bytes of the longest path that a socket may have: the field of `sockaddr_un`, without its end. */
export const UNIX_PATH_BYTES_MAX: number = process.platform === 'linux' ? 107 : 103

/** Which file it is, by whatever name. */
export interface FileIdentity {
  readonly device: bigint
  readonly inode: bigint
}

/** The identity of the socket at a path; undefined when there is none, or it is another kind of file. */
export function socketAt(path: string): FileIdentity | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false })
  return stats?.isSocket() === true ? { device: stats.dev, inode: stats.ino } : undefined
}

/**
 * Removes the file of a socket at which nobody listens. False: somebody does, or it is no socket, or somebody
 * else was faster.
 */
export async function removeStaleSocket(path: string, unique: string): Promise<boolean> {
  const found = socketAt(path)
  if (found === undefined || (await isAnswered(path))) return false
  const aside = `${path}.${unique}`
  try {
    renameSync(path, aside)
  } catch {
    return false
  }
  const moved = socketAt(aside)
  if (moved !== undefined && isSame(moved, found)) {
    unlinkSync(aside)
    return true
  }
  try {
    linkSync(aside, path)
  } catch {
    // Somebody has taken the path by now; the moved one keeps its other name no longer than here.
  }
  unlinkSync(aside)
  return false
}

/** Removes the file, as long as it is the one that is meant. */
export function removeOwnSocket(path: string, own: FileIdentity | undefined): void {
  const found = socketAt(path)
  if (own === undefined || found === undefined || !isSame(own, found)) return
  try {
    unlinkSync(path)
  } catch {
    // Gone already, or its folder is: there is nothing left to remove.
  }
}

function isSame(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode
}

/** Whether somebody accepts, or might: any answer but a refusal counts. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT')
    })
  })
}
