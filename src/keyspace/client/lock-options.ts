/**
 * The options of locks and semaphores, checked, with every default and limit in one place.
 * Tests: test/keyspace/client/lock-options.test.ts
 */
import { checkKnownOptions, invalidOption, numberOption } from '../../base/index.ts'

/** How a lock is taken without waiting for it. */
export interface TryLockOptions {
  /**
   * The lease, in milliseconds: how long others wait when the holder, or its thread, is no more. A heartbeat
   * renews it. Default 10,000; at most 24 hours.
   */
  readonly ttl?: number
  /** Shared with others who ask for it so, instead of exclusive. Default false. */
  readonly shared?: boolean
  /**
   * Who asks: the same owner enters again what it holds already, and must release as often. Default: somebody
   * else each time.
   */
  readonly owner?: string
  /** Whether the lease is renewed by itself, each third of `ttl`. Default true. */
  readonly heartbeat?: boolean
}

/** How a lock is waited for. */
export interface LockOptions extends TryLockOptions {
  /**
   * The longest wait, in milliseconds; 0: none. Default one hour: longer than anybody means to wait, and
   * short enough that a wait for what will never come is noticed.
   */
  readonly waitMs?: number
  /** Ends the wait. Once the lock is held, it means nothing any more. */
  readonly signal?: AbortSignal
}

/** The same for a semaphore, whose places are not shared. */
export type SemaphoreOptions = Omit<LockOptions, 'shared'>
export type TrySemaphoreOptions = Omit<TryLockOptions, 'shared'>

/** What is wanted, with nothing left open. */
export interface LockWant {
  /** Each once. */
  readonly names: readonly string[]
  readonly shared: boolean
  /** Of a semaphore; 0: a lock. */
  readonly limit: number
  readonly ttl: number
  /** 0: not at all. */
  readonly waitMs: number
  readonly owner: string | undefined
  readonly heartbeat: boolean
  readonly signal: AbortSignal | undefined
}

const TTL_MS = 10_000
/** As the commands have it. */
const TTL_MS_MAX = 24 * 60 * 60 * 1000
const WAIT_MS = 60 * 60 * 1000
const WAIT_MS_MAX = 2 ** 31 - 1
const LIMIT_MAX = 1_000_000
const NAMES_MAX = 1000

const TRY_OPTIONS = ['ttl', 'shared', 'owner', 'heartbeat']
const OPTIONS = [...TRY_OPTIONS, 'waitMs', 'signal']

/** Reads the options. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function lockWant(
  method: string,
  name: string | readonly string[],
  limit: number,
  options: LockOptions,
  isTry: boolean,
): LockWant {
  const known = (isTry ? TRY_OPTIONS : OPTIONS).filter((option) => limit === 0 || option !== 'shared')
  checkKnownOptions(method, options, known)
  const { ttl, shared = false, owner, heartbeat = true, waitMs, signal } = options
  return {
    names: namesOf(name),
    shared,
    limit,
    ttl: numberOption('ttl', ttl, TTL_MS, { min: 1, max: TTL_MS_MAX, integer: true }),
    waitMs: isTry ? 0 : numberOption('waitMs', waitMs, WAIT_MS, { min: 0, max: WAIT_MS_MAX }),
    owner,
    heartbeat,
    signal,
  }
}

/** The number of places. @throws SHL_OPTION_INVALID */
export function placesOf(limit: number): number {
  return numberOption('limit', limit, 1, { min: 1, max: LIMIT_MAX, integer: true })
}

/** A new time to live. @throws SHL_OPTION_INVALID */
export function newTtl(ttl: number): number {
  return numberOption('ttl', ttl, TTL_MS, { min: 1, max: TTL_MS_MAX, integer: true })
}

function namesOf(name: string | readonly string[]): readonly string[] {
  const names = typeof name === 'string' ? [name] : [...new Set(name)]
  if (names.length === 0 || names.length > NAMES_MAX) {
    invalidOption('name', `${names.length} names`, `a name, or 1 to ${NAMES_MAX} of them`)
  }
  return names
}
