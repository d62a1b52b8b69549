/**
 * Options of calls to a keyspace, as words of commands and numbers of levels.
 * Tests: test/keyspace/keyspace.race.test.ts, test/keyspace/durability/durable-keyspace.race.test.ts
 */
import { checkKnownOptions, choiceOption, numberOption } from '../../base/index.ts'
import { DURABILITIES, type Durability } from '../../storage/index.ts'
import { levelNumber } from '../durability/index.ts'
import type { KeyspaceInput } from './caller.ts'

/** How a string is set. */
export interface SetOptions {
  /** Milliseconds until the key expires. Default: never. */
  readonly ttl?: number
  /** Keeps the expiry that the key has. */
  readonly keepTtl?: boolean
  /** Sets only a key that is new, or only one that is there. */
  readonly only?: 'new' | 'existing'
  /** Sets only when this is the revision of the key's last change; see `keyspace.revision`. */
  readonly ifRevision?: number
  /** A lock that must still be held when the write takes effect. */
  readonly fence?: { readonly name: string; readonly token: bigint }
  /** What the acknowledgement means. Default: that of the keyspace. See `durably`. */
  readonly durability?: Durability
}

/** How long commands wait until they may run together. */
export interface BatchOptions {
  /** Milliseconds. Default: the keyspace's `timeoutMs`. What has not begun by then never runs. */
  readonly timeoutMs?: number
  /** Gives the wait up. What has begun is done to its end. */
  readonly signal?: AbortSignal
}

/** How long a transaction may wait, and hold its keys. */
export interface TransactionOptions extends BatchOptions {
  /** Milliseconds, of which the callback may use what messages leave. Default 5000. */
  readonly holdMs?: number
}

const SET_OPTIONS = ['ttl', 'keepTtl', 'only', 'ifRevision', 'fence', 'durability']
const ONLY = ['new', 'existing'] as const
const TTL_MS_MAX = 2 ** 53 - 1

/** The number of a level, which must be one that there is. @throws SHL_OPTION_INVALID */
export function levelOf(option: string, durability: Durability, isDurable: boolean): number {
  const allowed = isDurable ? DURABILITIES : DURABILITIES.slice(0, 1)
  return levelNumber(choiceOption(option, durability, 'memory', allowed))
}

/** The words of SET behind its value. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function setFlags(options: SetOptions): KeyspaceInput[] {
  checkKnownOptions('set', options, SET_OPTIONS)
  const { ttl, keepTtl, only, ifRevision, fence } = options
  if (ttl !== undefined) numberOption('ttl', ttl, 1, { min: 1, max: TTL_MS_MAX, integer: true })
  if (only !== undefined) choiceOption('only', only, 'new', ONLY)
  return [
    ...(ttl === undefined ? [] : ['PX', ttl]),
    ...(keepTtl === true ? ['KEEPTTL'] : []),
    ...(only === undefined ? [] : [only === 'new' ? 'NX' : 'XX']),
    ...(ifRevision === undefined ? [] : ['IFREV', ifRevision]),
    ...(fence === undefined ? [] : ['FENCE', fence.name, fence.token]),
  ]
}
