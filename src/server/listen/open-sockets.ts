/**
 * Opens all sockets of a listener, or none.
 *
 * Addresses whose port the system chooses share one, by label: the first gets whichever is free, and when
 * that is taken at the second, all begin anew. An address that this machine has not is passed over as Redis
 * does.
 *
 * Tests: test/server/listen/listener.test.ts
 */
import { randomUUID } from 'node:crypto'
import { lookup } from 'node:dns/promises'
import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { SocketHandle } from './descriptor-helper.ts'
import {
  addressText,
  type BoundAddress,
  hostOf,
  isLiteral,
  type ListenAddress,
  listenFailed,
  listenRefused,
  mayBeMissing,
  type TcpAddress,
  type UnixAddress,
} from './listen-address.ts'
import type { Opener } from './socket-openers.ts'
import {
  type FileIdentity,
  removeOwnSocket,
  removeStaleSocket,
  socketAt,
  UNIX_PATH_BYTES_MAX,
} from './unix-path.ts'

/** A socket that the main thread holds; without a handle where a thread is to open it. */
export interface HeldSocket {
  readonly fd: number
  readonly handle: SocketHandle | undefined
  readonly address: BoundAddress
  readonly backlog: number
  /** Permissions of the file, where a thread is to make it. */
  readonly mode: number | undefined
  readonly file: FileIdentity | undefined
}

/** A port that the system chose for one address may be taken at another: then anew, so many times. */
const PORT_ATTEMPTS = 10

/**
 * Opens them, and notes which were passed over. The opener is closed in any case.
 * @throws SHL_LISTEN_FAILED
 */
export async function openAll(
  opener: Opener,
  wanted: readonly ListenAddress[],
  notes: string[],
): Promise<HeldSocket[]> {
  const held: HeldSocket[] = []
  try {
    for (const group of groups(wanted)) {
      if (group[0]?.type === 'unix') held.push(await openUnix(opener, group[0]))
      else held.push(...(await openTcp(opener, group as readonly TcpAddress[], notes)))
    }
    const [first] = wanted
    if (held.length === 0 && first !== undefined) throw listenFailed(first, 'EADDRNOTAVAIL')
    return held
  } catch (error) {
    letGo(held)
    throw error
  } finally {
    await opener.close()
  }
}

/** Addresses whose port the system chooses get the same one, by label; others stand for themselves. */
function groups(wanted: readonly ListenAddress[]): ListenAddress[][] {
  const free = new Map<string | undefined, ListenAddress[]>()
  const all: ListenAddress[][] = []
  for (const address of wanted) {
    const isFree = address.type === 'tcp' && address.port === 0
    const group = isFree ? (free.get(address.label) ?? []) : []
    if (group.length === 0) all.push(group)
    if (isFree) free.set(address.label, group)
    group.push(address)
  }
  return all
}

async function openTcp(opener: Opener, group: readonly TcpAddress[], notes: string[]): Promise<HeldSocket[]> {
  for (let attempt = 1; ; attempt++) {
    const held: HeldSocket[] = []
    const skipped: string[] = []
    let port = 0
    let failed: { address: TcpAddress; code: string } | undefined
    for (const address of group) {
      const wantedPort = address.port === 0 ? port : address.port
      const opened = await openOneTcp(opener, address, wantedPort)
      if (!('code' in opened)) {
        port = opened.port
        const { label } = address
        const bound: BoundAddress = { type: 'tcp', host: opened.host, port, label }
        const { handle } = opened
        const backlog = backlogOf(address)
        held.push({ fd: handle?.fd ?? -1, handle, address: bound, backlog, mode: undefined, file: undefined })
      } else if (mayBeMissing(address, opened.code)) {
        skipped.push(`passed over: ${addressText(address)}: ${opened.code}`)
      } else {
        failed = { address, code: opened.code }
        break
      }
    }
    if (failed === undefined) {
      notes.push(...skipped)
      return held
    }
    letGo(held)
    const mayRetry = failed.address.port === 0 && failed.code === 'EADDRINUSE' && attempt < PORT_ATTEMPTS
    if (!mayRetry) throw listenFailed(failed.address, failed.code)
  }
}

type OpenedTcp = { handle: SocketHandle | undefined; port: number; host: string } | { code: string }

async function openOneTcp(opener: Opener, address: TcpAddress, port: number): Promise<OpenedTcp> {
  let host = hostOf(address.host)
  if (!isLiteral(host)) {
    try {
      host = (await lookup(host)).address
    } catch (error) {
      return { code: (error as NodeJS.ErrnoException).code ?? 'ENOTFOUND' }
    }
  }
  // Always for one family alone: otherwise `::` would take what `0.0.0.0` is meant for.
  const opened = await opener.tcp({ host, port, ipv6Only: true, backlog: backlogOf(address) })
  return 'code' in opened ? opened : { ...opened, host }
}

async function openUnix(opener: Opener, address: UnixAddress): Promise<HeldSocket> {
  const { path, mode, label } = address
  if (Buffer.byteLength(path) > UNIX_PATH_BYTES_MAX) throw listenFailed(address, 'ENAMETOOLONG')
  // Made with its permissions, so that there is no moment in which others could connect.
  const umask = mode === undefined ? {} : { umask: ~mode & 0o777 }
  const request = { path, backlog: backlogOf(address), ...umask }
  let opened = await opener.unix(request)
  if ('code' in opened && opened.code === 'EADDRINUSE') {
    if (await removeStaleSocket(path, randomUUID().slice(0, 8))) opened = await opener.unix(request)
    else if (socketAt(path) === undefined) {
      throw listenRefused(address, 'there is a file that is no socket', 'remove it, or choose another path')
    }
  }
  if ('code' in opened) {
    // libuv says EACCES for both, since Windows does.
    const isFolderMissing = opened.code === 'EACCES' && !existsSync(dirname(path))
    throw listenFailed(address, isFolderMissing ? 'ENOENT' : opened.code)
  }
  const bound: BoundAddress = { type: 'unix', path, label }
  const { handle } = opened
  const file = handle === undefined ? undefined : socketAt(path)
  return { fd: handle?.fd ?? -1, handle, address: bound, backlog: backlogOf(address), mode, file }
}

/** Zero would leave it to Node, which takes 511. */
function backlogOf({ backlog }: ListenAddress): number {
  return Math.max(backlog, 1)
}

/** Closes them, and removes their files. */
export function letGo(held: readonly HeldSocket[]): void {
  removeFiles(held)
  for (const { handle } of held) handle?.close()
}

/** Removes the files of Unix sockets that are still the ones that were made. */
export function removeFiles(held: readonly HeldSocket[]): void {
  for (const { address, file } of held) {
    if (address.type === 'unix') removeOwnSocket(address.path, file)
  }
}
