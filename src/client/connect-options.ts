/**
 * The options of `connect`, checked, with every default and limit in one place.
 * Tests: test/client/connect-options.test.ts
 */
import type { ConnectionOptions } from 'node:tls'
import { checkKnownOptions, invalidOption, numberOption } from '../base/index.ts'
import { parseAddress, type ServerAddress } from './address.ts'
import type { ClientEvent } from './client-event.ts'

/** What of TLS may be said; see `node:tls`. */
export type ClientTlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'pfx' | 'servername' | 'rejectUnauthorized' | 'minVersion'
>

/** What is kept here of what was read, until the server says that it has changed. */
export interface CacheOptions {
  /** Bytes of keys and values, roughly. Default 16 MiB. */
  readonly maxBytes?: number
  /** Default 100,000. */
  readonly maxEntries?: number
  /** The oldest that is given out, in milliseconds. Default 60,000. */
  readonly maxAgeMs?: number
  /**
   * How long the server may be silent before what is kept is not given out any more. Default 5000: so long at
   * most is a value old that a broken network keeps.
   */
  readonly silentMs?: number
}

/** How lost connections are made again. */
export interface BackoffOptions {
  /** About the first pause, in milliseconds. Default 50. */
  readonly minMs?: number
  /** The longest. Default 5000. */
  readonly maxMs?: number
}

/** When calls are refused at once, since the server cannot be reached. */
export interface BreakerOptions {
  /** Attempts to connect that failed one after the other. Default 5. */
  readonly failures?: number
  /** Until one attempt is made to see whether it is back; doubled each time. Default 1000. */
  readonly halfOpenMs?: number
  /** The longest such pause. Default 10,000. */
  readonly maxMs?: number
}

/** How a server is reached. */
export interface ConnectOptions {
  readonly username?: string
  readonly password?: string
  /** For `shardlooms://`. */
  readonly tls?: ClientTlsOptions
  /** As CLIENT LIST shows it. Default `shardloom`. */
  readonly name?: string
  /** How long a call may take altogether, with all that is tried again. Default 5000. */
  readonly timeoutMs?: number
  /** How long one attempt to connect may take. Default 3000. */
  readonly connectTimeoutMs?: number
  /** Connections for commands that do not wait. Default 2. Calls keep their order over them. */
  readonly connections?: number
  /** Further ones, for what needs one of its own: waits, transactions, sessions, streams. Default 32. */
  readonly exclusiveMax?: number
  /** Calls that may be under way, or wait for a connection. Default 65,536. */
  readonly pendingMax?: number
  /** How often a call that may be sent again is sent again. Default 5. */
  readonly retriesMax?: number
  readonly backoff?: BackoffOptions
  readonly breaker?: BreakerOptions
  /** Keeps what was read. Default: nothing. */
  readonly cache?: CacheOptions
  /** Is told when connections come and go. */
  readonly onEvent?: (event: ClientEvent) => void
}

/** The same with nothing left open. */
export interface ClientSettings {
  readonly address: ServerAddress
  readonly tls: ClientTlsOptions
  readonly name: string
  readonly timeoutMs: number
  readonly connectTimeoutMs: number
  readonly connections: number
  readonly exclusiveMax: number
  readonly pendingMax: number
  readonly retriesMax: number
  readonly backoff: Required<BackoffOptions>
  readonly breaker: Required<BreakerOptions>
  readonly cache: Required<CacheOptions> | undefined
  readonly onEvent: (event: ClientEvent) => void
}

const MS_MAX = 2 ** 31 - 1
const NUMBERS = ['timeoutMs', 'connectTimeoutMs', 'connections', 'exclusiveMax', 'pendingMax', 'retriesMax']
const KNOWN = [...NUMBERS, 'username', 'password', 'tls', 'name', 'backoff', 'breaker', 'cache', 'onEvent']

/** Reads URL and options; what the options say counts. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function clientSettings(url: string | URL, options: ConnectOptions = {}): ClientSettings {
  const parsed = parseAddress(url)
  checkKnownOptions('connect', checkedObject('options', options), KNOWN)
  checkKnownOptions('url', parsed.options, [...NUMBERS, 'name'])
  const { name, ...numbers } = parsed.options
  const fromUrl = Object.fromEntries(Object.entries(numbers).map(([key, text]) => [key, Number(text)]))
  const all: ConnectOptions = { ...(name !== undefined && { name }), ...fromUrl, ...options }
  const { username, password, onEvent = () => undefined } = all
  if (typeof onEvent !== 'function') invalidOption('onEvent', onEvent, 'a function')
  const address = {
    ...parsed.address,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
  }
  if (all.tls !== undefined && !address.isTls) invalidOption('tls', 'given', 'with a URL of shardlooms://')
  return {
    address,
    tls: checkedObject('tls', all.tls ?? {}),
    name: nameOf(all.name),
    timeoutMs: milliseconds('timeoutMs', all.timeoutMs, 5000),
    connectTimeoutMs: milliseconds('connectTimeoutMs', all.connectTimeoutMs, 3000),
    connections: count('connections', all.connections, 2, 64),
    exclusiveMax: count('exclusiveMax', all.exclusiveMax, 32, 10_000),
    pendingMax: count('pendingMax', all.pendingMax, 65_536, MS_MAX),
    retriesMax: numberOption('retriesMax', all.retriesMax, 5, { min: 0, max: 1000, integer: true }),
    backoff: backoffOf(all.backoff ?? {}),
    breaker: breakerOf(all.breaker ?? {}),
    cache: all.cache === undefined ? undefined : cacheOf(all.cache),
    onEvent,
  }
}

/** Options as an object. @throws SHL_OPTION_INVALID */
export function checkedObject<T extends object>(option: string, given: T): T {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given)
  return isObject ? given : invalidOption(option, given, 'an object with options')
}

function backoffOf(options: BackoffOptions): Required<BackoffOptions> {
  checkKnownOptions('connect backoff', checkedObject('backoff', options), ['minMs', 'maxMs'])
  return {
    minMs: milliseconds('backoff.minMs', options.minMs, 50),
    maxMs: milliseconds('backoff.maxMs', options.maxMs, 5000),
  }
}

function breakerOf(options: BreakerOptions): Required<BreakerOptions> {
  checkKnownOptions('connect breaker', checkedObject('breaker', options), ['failures', 'halfOpenMs', 'maxMs'])
  return {
    failures: count('breaker.failures', options.failures, 5, 1000),
    halfOpenMs: milliseconds('breaker.halfOpenMs', options.halfOpenMs, 1000),
    maxMs: milliseconds('breaker.maxMs', options.maxMs, 10_000),
  }
}

function cacheOf(options: CacheOptions): Required<CacheOptions> {
  const known = ['maxBytes', 'maxEntries', 'maxAgeMs', 'silentMs']
  checkKnownOptions('connect cache', checkedObject('cache', options), known)
  const bytes = { min: 1024, max: 2 ** 40, integer: true }
  return {
    maxBytes: numberOption('cache.maxBytes', options.maxBytes, 16 * 1024 * 1024, bytes),
    maxEntries: count('cache.maxEntries', options.maxEntries, 100_000, 10_000_000),
    maxAgeMs: milliseconds('cache.maxAgeMs', options.maxAgeMs, 60_000),
    silentMs: milliseconds('cache.silentMs', options.silentMs, 5000),
  }
}

function milliseconds(option: string, value: number | undefined, fallback: number): number {
  return numberOption(option, value, fallback, { min: 1, max: MS_MAX })
}

function count(option: string, value: number | undefined, fallback: number, max: number): number {
  return numberOption(option, value, fallback, { min: 1, max, integer: true })
}

/** The protocol has no blanks in it. */
function nameOf(name = 'shardloom'): string {
  return /^[!-~]{1,64}$/.test(name) ? name : invalidOption('name', name, '1 to 64 visible ASCII characters')
}
