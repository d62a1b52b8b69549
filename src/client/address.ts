/**
 * Where a server is, from a URL, and who asks.
 *
 *     shardloom://user:password@host:6379/0?timeoutMs=2000     TCP; 0 is the database
 *     shardlooms://host                                        the same over TLS
 *     unix:/run/shardloom.sock?db=0                            a socket of this machine
 *     unix://user:password@/run/shardloom.sock
 *
 * `redis://` and `rediss://` mean the same, so that a URL that a platform hands out can be used as it is.
 * What stands behind the question mark are options of `connect`, by their names. A password is never shown:
 * errors and events name an address without it.
 *
 * Tests: test/client/address.test.ts
 */
import { invalidOption, ShardloomError } from '../base/index.ts'

/** A server, and who asks. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
  /** Of a Unix socket; undefined: TCP. */
  readonly path: string | undefined
  readonly isTls: boolean
  readonly username: string | undefined
  readonly password: string | undefined
  readonly db: number
  /** For people to read. */
  readonly shown: string
}

const PORT = 6379
const DB_MAX = 65_535
const SCHEMES: Readonly<Record<string, { readonly isTls: boolean }>> = {
  'shardloom:': { isTls: false },
  'shardlooms:': { isTls: true },
  'redis:': { isTls: false },
  'rediss:': { isTls: true },
}
const ALLOWED = 'shardloom://[user:password@]host[:port][/db], shardlooms://…, or unix:/path'
/** `unix:` without an authority, or with one and no host. */
const UNIX = /^unix:(?:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?)?(\/[^?#]+)(?:\?([^#]*))?$/

/** What a URL says. @throws SHL_OPTION_INVALID */
export function parseAddress(given: string | URL): {
  readonly address: ServerAddress
  readonly options: Readonly<Record<string, string>>
} {
  const url = given instanceof URL ? given.href : given
  if (typeof url !== 'string') return invalidOption('url', url, ALLOWED)
  return url.startsWith('unix:') ? parseUnix(url) : parseTcp(url)
}

function parseTcp(url: string): ReturnType<typeof parseAddress> {
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    return refuse(url)
  }
  const scheme = SCHEMES[parsed.protocol]
  if (scheme === undefined || parsed.hostname === '' || parsed.hash !== '') return refuse(url)
  const host = decode(url, parsed.hostname).replace(/^\[(.*)\]$/, '$1')
  const port = parsed.port === '' ? PORT : Number(parsed.port)
  const { db, rest } = querySplit(parsed.search)
  const address: ServerAddress = {
    host,
    port,
    path: undefined,
    isTls: scheme.isTls,
    username: decode(url, parsed.username) || undefined,
    password: decode(url, parsed.password) || undefined,
    db: databaseOf(parsed.pathname.length > 1 ? parsed.pathname.slice(1) : (db ?? '0')),
    shown: `${host.includes(':') ? `[${host}]` : host}:${port}`,
  }
  return { address, options: rest }
}

function parseUnix(url: string): ReturnType<typeof parseAddress> {
  const match = UNIX.exec(url)
  if (match === null) return refuse(url)
  const [, username = '', password = '', rawPath = '', query = ''] = match
  const path = decode(url, rawPath)
  const { db, rest } = querySplit(query)
  const address: ServerAddress = {
    host: 'localhost',
    port: 0,
    path,
    isTls: false,
    username: decode(url, username) || undefined,
    password: decode(url, password) || undefined,
    db: databaseOf(db ?? '0'),
    shown: `unix:${path}`,
  }
  return { address, options: rest }
}

function querySplit(query: string): {
  readonly db: string | undefined
  readonly rest: Record<string, string>
} {
  const { db, ...rest } = Object.fromEntries(new URLSearchParams(query))
  return { db, rest }
}

function databaseOf(text: string): number {
  const db = /^\d+$/.test(text) ? Number(text) : Number.NaN
  return db <= DB_MAX ? db : invalidOption('url database', text, `0..${DB_MAX}`)
}

function decode(url: string, text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse(url)
  }
}

/** What stands before an @ may be a password, and is left out. */
function refuse(url: string): never {
  const value = url.replace(/\/\/.*@/, '//…@')
  throw new ShardloomError('SHL_OPTION_INVALID', { option: 'url', value, allowed: ALLOWED })
}
