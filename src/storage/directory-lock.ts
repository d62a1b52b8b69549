/**
 * A lock on a directory: one process has it open, and the kernel lets go of it when that process dies.
 *
 * Node has no `flock`, and a pid in a file proves nothing: the number may be another process's by now, or one
 * of another container. A listening socket proves it. Whoever connects to its file is answered by the kernel:
 * connected, so the owner lives, also when it is stopped or busy; refused, so it has died, however it did.
 *
 *     dir/lock/process-<pid>-<since>-<unique>.sock   a process that wants the directory listens here
 *              owner-<n>.sock                        the same socket, by a second name: it has it
 *
 *     1. listen as process-…
 *     2. list; the highest number decides: alive → refused; dead, or none → go on
 *     3. link process-… as the next number, which fails when somebody has taken it → again from 1
 *     4. remove the process-… of everybody else, then the lower numbers
 *
 * Why two never have it. A name is listened at before it is seen, so no owner looks dead. Numbers have no
 * gaps, so of two owners somebody would have found the elder dead; the dead stay dead. And no number is taken
 * twice, although numbers are removed: who has listed before the newest owner came has no process-… left to
 * link, since those go first (3 fails, → again); who lists after sees the newest. That holds also where a
 * listing misses what came and went meanwhile. The highest number therefore stays for ever: after a release
 * it is just dead. A process that is killed between any two steps leaves names that nobody listens at.
 *
 * Where Node can open a file for one alone (macOS, Windows) it does that, which is simpler, and looks whether
 * that was obeyed.
 *
 * What it cannot see: a process on another machine. File systems that several machines share are refused,
 * where they can be told; what a virtual machine shares with its host cannot.
 *
 * Invariants: (1) no two owners; (2) if no owner lives, one of those who want it gets it; (3) it holds no
 * process open, and no timer decides. Cost: under 2 ms to take, nothing while it is held.
 * Tests: test/storage/directory-lock.test.ts, directory-lock.model.test.ts, directory-lock.race.test.ts
 */
import { randomBytes } from 'node:crypto'
import { close, constants, open } from 'node:fs'
import * as fs from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { type Clock, ShardloomError, systemClock } from '../base/index.ts'

/** How a directory is locked. */
export interface DirectoryLockOptions {
  /** Says since when. Default: the clock of the machine. */
  readonly clock?: Clock
  /**
   * Locks also on a file system that other machines may have mounted, whose processes are not kept out.
   * Default: false, since that is rarely known for sure.
   */
  readonly allowNetworkFileSystem?: boolean
  /** What the lock takes from the operating system: for tests. */
  readonly system?: LockSystem
}

/** A directory that nobody else may open. */
export interface DirectoryLock {
  /** The absolute path. */
  readonly dir: string
  readonly pid: number
  /** When it was asked for, in ISO 8601. */
  readonly since: string
  /** Lets others have it: the last thing to do, when all its files are closed. Twice is fine. */
  release(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Something that is held until it is closed, or until its process dies. */
export interface Held {
  close(): Promise<void>
}

/** A socket: somebody listens, nobody does any more, there is no such name, or not for long: look again. */
export type SocketState = 'alive' | 'dead' | 'gone'

/** What a lock takes from the operating system. Errors are Node's, with their `code`. */
export interface LockSystem {
  makeFolder(path: string): Promise<void>
  list(path: string): Promise<string[]>
  link(from: string, to: string): Promise<void>
  unlink(path: string): Promise<void>
  /** Makes an empty file. */
  touch(path: string): Promise<void>
  /** Text that no other process comes up with. */
  unique(): string
  /** Listens at a new name. */
  listen(path: string): Promise<Held>
  connect(path: string): Promise<SocketState>
  /** The same for all names of one file, within a folder. */
  identity(path: string): Promise<string>
  /** The kind of a file system that several machines may have mounted. */
  networkFileSystem(path: string): Promise<string | undefined>
  /** Opens or makes a file that nobody else can open so; undefined when somebody has. In place of sockets. */
  readonly openAlone?: (path: string) => Promise<Held | undefined>
}

/** Who has it, as far as that is known. */
type Owner = Partial<Pick<DirectoryLock, 'pid' | 'since'>>

/** How an attempt ends. */
type Attempt = { readonly held: Held } | { readonly owner: Owner } | 'again'

const FOLDER = 'lock'
const ALONE_NAME = 'owner.lock'
const OWNER_NAME = /^owner-([1-9]\d{0,14})\.sock$/
const PROCESS_NAME = /^process-(\d{1,10})-(\d{1,15})-\w+\.sock$/
/** Each further attempt means that somebody else was faster: this many cannot be. */
const ATTEMPTS_MAX = 100

/**
 * Locks a directory, which is made when it is not there, for this process: also this process cannot lock it
 * twice, by whatever path. Any thread may; when that thread ends, so does the lock.
 * @throws SHL_DIRECTORY_IN_USE when a process that lives has it, SHL_DIRECTORY_UNUSABLE
 */
export async function lockDirectory(
  path: string,
  options: DirectoryLockOptions = {},
): Promise<DirectoryLock> {
  const { clock = systemClock(), system = lockSystemOf(process.platform) } = options
  const dir = resolve(path)
  const folder = join(dir, FOLDER)
  const sinceMs = Math.round(clock.wallMs())
  const attempt = system.openAlone ? openFile : ownSocket
  try {
    for (let count = 0; count < ATTEMPTS_MAX; count++) {
      await system.makeFolder(folder)
      const kind = options.allowNetworkFileSystem ? undefined : await system.networkFileSystem(folder)
      if (kind !== undefined) throw unusable(folder, `other machines may have mounted it, too: ${kind}`)
      const name = `process-${process.pid}-${sinceMs}-${system.unique()}.sock`
      const outcome = await attempt(system, folder, name)
      if (outcome === 'again') continue
      if ('owner' in outcome) throw inUse(dir, outcome.owner)
      return lockOf(dir, sinceMs, outcome.held)
    }
  } catch (error) {
    throw error instanceof ShardloomError ? error : unusable(folder, (error as Error).message, error)
  }
  throw inUse(dir, {})
}

function lockOf(dir: string, sinceMs: number, held: Held): DirectoryLock {
  let released: Promise<void> | undefined
  const release = (): Promise<void> => {
    released ??= held.close()
    return released
  }
  return { dir, pid: process.pid, since: isoOf(sinceMs), release, [Symbol.asyncDispose]: release }
}

/** One attempt with sockets: the four steps of the head. */
async function ownSocket(system: LockSystem, folder: string, name: string): Promise<Attempt> {
  const socket = await system.listen(join(folder, name))
  let isOwner = false
  try {
    const names = await system.list(folder)
    const last = Math.max(0, ...names.map(numberOf))
    if (last > 0) {
      const state = await system.connect(join(folder, ownerName(last)))
      if (state === 'alive') return { owner: await ownerOf(system, folder, last) }
      // Whoever has removed it has a higher number.
      if (state === 'gone') return 'again'
    }
    const ownName = join(folder, ownerName(last + 1))
    if (!(await linkNew(system, join(folder, name), ownName))) return 'again'
    // Some file systems give each name a life of its own: nobody would ever find the owner alive.
    if ((await system.connect(ownName)) !== 'alive') {
      throw unusable(folder, 'its file system does not lead from the second name of a socket to the socket')
    }
    await removeOthers(system, folder, name, last + 1)
    isOwner = true
    return { held: socket }
  } finally {
    if (!isOwner) await socket.close()
  }
}

/** Gives a socket a second name; false when that is taken, or an owner has removed the first. */
async function linkNew(system: LockSystem, from: string, to: string): Promise<boolean> {
  try {
    await system.link(from, to)
    return true
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EEXIST' || code === 'ENOENT') return false
    throw unusable(dirname(to), `its file system gives sockets no second name: ${code}`, error)
  }
}

/** What an owner clears away. The order is what keeps numbers from being taken twice. */
async function removeOthers(system: LockSystem, folder: string, name: string, number: number): Promise<void> {
  const names = await system.list(folder)
  const processes = names.filter((other) => PROCESS_NAME.test(other) && other !== name)
  const numbers = names.filter((other) => numberOf(other) > 0 && numberOf(other) < number)
  try {
    for (const other of [...processes, ...numbers]) await removeIfThere(system, join(folder, other))
  } catch {
    // Not ours to remove. What stays does no harm, but no number may go before every process-… has.
  }
}

async function removeIfThere(system: LockSystem, path: string): Promise<void> {
  try {
    await system.unlink(path)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
  }
}

/** Who owns a number, by the other name of its socket. For people: whatever goes wrong is "unknown". */
async function ownerOf(system: LockSystem, folder: string, number: number): Promise<Owner> {
  try {
    const identity = await system.identity(join(folder, ownerName(number)))
    for (const name of (await system.list(folder)).filter((other) => PROCESS_NAME.test(other))) {
      // The name of another process may go at any time.
      const other = await system.identity(join(folder, name)).catch(() => undefined)
      if (other === identity) return processOf(name)
    }
  } catch {
    // The owner is going, or we may not look.
  }
  return {}
}

/** One attempt where the system opens a file for one alone. */
async function openFile(system: LockSystem, folder: string, name: string): Promise<Attempt> {
  const path = join(folder, ALONE_NAME)
  const file = await system.openAlone?.(path)
  const others = (await system.list(folder)).filter((other) => PROCESS_NAME.test(other))
  if (file === undefined) {
    // One that has just come may not have put its name there yet: then the one before is named.
    return { owner: others.map(processOf)[0] ?? {} }
  }
  let isOwner = false
  try {
    const second = await system.openAlone?.(path)
    if (second !== undefined) {
      await second.close()
      throw unusable(folder, 'its file system, or this version of Node, opens no file for one alone')
    }
    for (const other of others) await removeIfThere(system, join(folder, other))
    await system.touch(join(folder, name))
    isOwner = true
    return { held: file }
  } finally {
    if (!isOwner) await file.close()
  }
}

function ownerName(number: number): string {
  return `owner-${number}.sock`
}

/** 0 for other names. */
function numberOf(name: string): number {
  return Number(OWNER_NAME.exec(name)?.[1] ?? 0)
}

function processOf(name: string): Owner {
  const [, pid, sinceMs] = PROCESS_NAME.exec(name) ?? []
  return { pid: Number(pid), since: isoOf(Number(sinceMs)) }
}

function inUse(dir: string, { pid, since }: Owner): ShardloomError {
  return new ShardloomError('SHL_DIRECTORY_IN_USE', { dir, pid, since })
}

function unusable(folder: string, reason: string, cause?: unknown): ShardloomError {
  return new ShardloomError('SHL_DIRECTORY_UNUSABLE', { dir: dirname(folder), reason }, { cause })
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

/** Flags of `open` that ask for the file alone: `O_EXLOCK`, and what libuv has for it on Windows. */
const ALONE_FLAGS: Partial<Record<NodeJS.Platform, number>> = { darwin: 0x20, win32: 0x10000000 }
/** Nobody else needs to look into the folder, nor to connect. */
const FOLDER_MODE = 0o700
const FILE_MODE = 0o600
/** By the number that `statfs` gives them. */
const NETWORK_FILE_SYSTEMS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0x00c36400, 'Ceph'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
])
/** What the kernel says of a socket by refusing to connect. */
const STATES: Readonly<Record<string, SocketState>> = {
  ECONNREFUSED: 'dead',
  // What a backup has made of it, on some systems.
  ENOTSOCK: 'dead',
  ENOENT: 'gone',
  // It was closed while the connection waited.
  ECONNRESET: 'gone',
  // More have asked than its owner, which may be stopped, has answered.
  EAGAIN: 'alive',
}

const openFd = promisify(open)
const closeFd = promisify(close)

/** What a lock takes from an operating system, by Node. */
export function lockSystemOf(platform: NodeJS.Platform): LockSystem {
  const aloneFlag = ALONE_FLAGS[platform]
  return {
    async makeFolder(path) {
      await fs.mkdir(path, { recursive: true, mode: FOLDER_MODE })
    },
    list: (path) => fs.readdir(path),
    link: fs.link,
    unlink: fs.unlink,
    touch: (path) => fs.writeFile(path, '', { mode: FILE_MODE }),
    unique: () => randomBytes(8).toString('hex'),
    listen,
    connect: connectTo,
    identity: async (path) => String((await fs.lstat(path)).ino),
    // Where files can be opened alone, their server sees to it.
    networkFileSystem: async (path) =>
      aloneFlag === undefined ? NETWORK_FILE_SYSTEMS.get((await fs.statfs(path)).type) : undefined,
    ...(aloneFlag === undefined ? {} : { openAlone: (path) => openAlone(path, aloneFlag) }),
  }
}

async function listen(path: string): Promise<Held> {
  const address = await addressOf(path)
  const server = createServer((socket) => socket.destroy())
  try {
    await new Promise<void>((resolve, reject) => {
      // Also later, and in vain: a connection that cannot be accepted (EMFILE) has said all there was to say.
      server.on('error', reject)
      // Exclusive: in a worker of node:cluster the primary would listen instead, and outlive it.
      server.listen({ path: address.path, exclusive: true }, resolve)
    })
  } catch (error) {
    await address.close()
    throw error
  }
  server.unref()
  return {
    async close() {
      // Removes the name that it has listened at, too.
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await address.close()
    },
  }
}

async function connectTo(path: string): Promise<SocketState> {
  const address = await addressOf(path)
  try {
    return await new Promise<SocketState>((resolve, reject) => {
      const socket = connect({ path: address.path }, () => {
        resolve('alive')
        socket.destroy()
      })
      socket.on('error', (error) => {
        const state = STATES[codeOf(error) ?? '']
        if (state === undefined) reject(error)
        else resolve(state)
      })
    })
  } finally {
    await address.close()
  }
}

/** The bytes that a socket's address has room for. Node cuts a longer one off, or says EINVAL. */
const BYTES_MAX = process.platform === 'linux' ? 107 : 103

/** A path that fits. Where the real one does not, Linux has a short one for any folder that is open. */
async function addressOf(path: string): Promise<Held & { readonly path: string }> {
  const sizeBytes = Buffer.byteLength(path)
  if (sizeBytes <= BYTES_MAX) return { path, close: async () => undefined }
  const folder = dirname(path)
  if (process.platform !== 'linux') {
    throw unusable(folder, `its path is too long for a socket: bytes=${sizeBytes} allowed=${BYTES_MAX}`)
  }
  // Not a FileHandle, which is closed when nobody refers to it any more.
  const fd = await openFd(folder, constants.O_RDONLY | constants.O_DIRECTORY)
  return { path: `/proc/self/fd/${fd}/${basename(path)}`, close: () => closeFd(fd) }
}

async function openAlone(path: string, flag: number): Promise<Held | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NONBLOCK ?? 0) | flag
  try {
    // Not a FileHandle: see above.
    const fd = await openFd(path, flags, FILE_MODE)
    return { close: () => closeFd(fd) }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'EAGAIN' || code === 'EBUSY') return undefined
    throw error
  }
}
