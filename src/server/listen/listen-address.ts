/**
 * Where a server listens: what is asked for, and what came of it.
 *
 * Words as in `redis.conf`: `*` stands for all addresses of IPv4, `::*` for all of IPv6 and of IPv6 alone,
 * and a `-` before an address for one that may be missing on this machine.
 *
 * Tests: test/server/listen/listen-address.test.ts
 */
import { isIP, isIPv6 } from 'node:net'
import { ShardloomError } from '../../base/index.ts'

/** An address and a port. */
export interface TcpAddress {
  readonly type: 'tcp'
  /** An IP address, `*`, `::*`, or a name, of which the first address is taken. */
  readonly host: string
  /** 0: whichever is free; the same one for all addresses of this label. */
  readonly port: number
  /** Connections that may wait to be accepted. */
  readonly backlog: number
  /** Whether it is passed over where this machine has no such address. */
  readonly isOptional?: boolean
  /** Comes back with each socket: tells a port for TLS from one without. */
  readonly label?: string
}

/** A file that stands for a socket. */
export interface UnixAddress {
  readonly type: 'unix'
  readonly path: string
  /** Permissions of the file, as 0o770. Default: what the umask leaves. */
  readonly mode?: number
  readonly backlog: number
  readonly label?: string
}

export type ListenAddress = TcpAddress | UnixAddress

/** An address that is listened at. */
export type BoundAddress =
  | { readonly type: 'tcp'; readonly host: string; readonly port: number; readonly label: string | undefined }
  | { readonly type: 'unix'; readonly path: string; readonly label: string | undefined }

/** Codes of a family of addresses, or an address, that this machine has not. */
const FAMILY_MISSING = ['EAFNOSUPPORT', 'EPROTONOSUPPORT', 'EPFNOSUPPORT', 'ESOCKTNOSUPPORT', 'ENOPROTOOPT']

/** One address per word of `bind`. A word may begin with `-`: then it may be missing. */
export function tcpAddresses(
  bind: readonly string[],
  port: number,
  backlog: number,
  label?: string,
): TcpAddress[] {
  return bind.map((word) => {
    const isOptional = word.startsWith('-')
    const host = isOptional ? word.slice(1) : word
    return { type: 'tcp', host, port, backlog, isOptional, ...(label === undefined ? {} : { label }) }
  })
}

/** Whether an address is passed over, as Redis does: a missing family always, an address when it may be. */
export function mayBeMissing(address: ListenAddress, code: string): boolean {
  if (address.type === 'unix') return false
  return FAMILY_MISSING.includes(code) || (address.isOptional === true && code === 'EADDRNOTAVAIL')
}

/** The words `*` and `::*` as addresses; others as they are. */
export function hostOf(word: string): string {
  return word === '*' ? '0.0.0.0' : word === '::*' ? '::' : word
}

/** An address as people write it: `127.0.0.1:6379`, `[::1]:6379`, `/run/x.sock`. */
export function addressText(address: ListenAddress | BoundAddress): string {
  if (address.type === 'unix') return address.path
  return isIPv6(address.host) ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/** What is known of a code of the operating system: what happened, and what to do. */
interface Cause {
  readonly reason: string
  readonly hint: string
}

const CAUSES: Readonly<Record<string, Cause>> = {
  EADDRINUSE: {
    reason: 'somebody listens there already (EADDRINUSE)',
    hint: 'stop who listens there, or choose another address or port',
  },
  EACCES: {
    reason: 'this user may not listen there (EACCES)',
    hint: 'a port below 1024 needs a privilege, a path needs a folder that this user may write to',
  },
  EPERM: { reason: 'this user may not listen there (EPERM)', hint: 'choose another address or path' },
  EADDRNOTAVAIL: {
    reason: 'this machine has no such address (EADDRNOTAVAIL)',
    hint: 'choose one that it has, or put a - before it if it may be missing',
  },
  ENOTFOUND: {
    reason: 'no such name (ENOTFOUND)',
    hint: 'give an IP address, or a name that this machine can look up',
  },
  ENOENT: { reason: 'its folder does not exist (ENOENT)', hint: 'make the folder, or choose another path' },
  ENOTDIR: { reason: 'its folder is a file (ENOTDIR)', hint: 'choose another path' },
  ENAMETOOLONG: {
    reason: 'its path is too long (ENAMETOOLONG)',
    hint: 'choose a path of 100 bytes or fewer',
  },
  EMFILE: { reason: 'too many files are open (EMFILE)', hint: 'raise the limit of open files: ulimit -n' },
  ENFILE: {
    reason: 'too many files are open (ENFILE)',
    hint: 'raise the limit of open files of this system',
  },
}

/** The error of an address that cannot be listened at. */
export function listenFailed(
  address: ListenAddress | BoundAddress,
  code: string,
  cause?: unknown,
): ShardloomError {
  const known = CAUSES[code] ?? { reason: code, hint: 'choose another address' }
  const details = { address: addressText(address), code, reason: known.reason, hint: known.hint }
  return new ShardloomError('SHL_LISTEN_FAILED', details, cause === undefined ? undefined : { cause })
}

/** The same, where no code says what is wrong. */
export function listenRefused(
  address: ListenAddress | BoundAddress,
  reason: string,
  hint: string,
): ShardloomError {
  return new ShardloomError('SHL_LISTEN_FAILED', { address: addressText(address), code: '-', reason, hint })
}

/** Whether it needs no look-up. */
export function isLiteral(host: string): boolean {
  return isIP(host) !== 0
}
