/**
 * `keyspace.watch` and `keyspace.events`: their options, checked, and the items that they give. A keyspace
 * over the network takes the same rules, and has another way to its shards.
 * Tests: test/keyspace/watch/keyspace-watch.test.ts, test/keyspace/watch/watch.race.test.ts,
 * test/client/remote-watch.test.ts
 */
import { checkKnownOptions, choiceOption, invalidOption, numberOption } from '../../base/index.ts'
import { arrayOfBytes, bytesOfText, textOfBytes, type ValueType } from '../engine/index.ts'
import { eventClasses, type KeyEventClassName } from './event-classes.ts'
import { KeyspaceWatch, type WatchParts } from './keyspace-watch.ts'
import type { StreamClient } from './shard-streams.ts'
import type { LostRange, SlowPolicy } from './watch-messages.ts'

/** What is done with a watcher that is too slow, or whose shard was started again. */
export interface SlowOptions {
  /**
   * `cut`, the default: it ends with an error, and may go on with `since`. `drop`: it goes on, and an item of
   * type `lost` says which revisions are missing.
   */
  readonly whenSlow?: SlowPolicy
  /** Revisions that may wait at each shard, within the keyspace's `historyMax`. Default 65,536. */
  readonly queueMax?: number
  /** Aborting it ends the watch; that is no error. */
  readonly signal?: AbortSignal
  /** The database. Default 0. */
  readonly db?: number
}

/** Options of `keyspace.watch`. */
export interface WatchOptions extends SlowOptions {
  /** Begins with the changes above this revision. Default: from now on. */
  readonly since?: number
  /** Whether changes of strings have the new value: as text, or as bytes with `'buffer'`. Default false. */
  readonly values?: boolean | 'buffer'
}

/** Options of `keyspace.events`. */
export interface EventsOptions extends SlowOptions {
  /** Letters as in Redis' `notify-keyspace-events` (`'Kgx'`, `'A'`), or words. Default: all. */
  readonly classes?: string | readonly KeyEventClassName[]
  /** Keys or patterns. Default: all keys. */
  readonly pattern?: string | readonly string[]
}

/** One thing that happened to a key. */
export interface KeyspaceChange {
  /** Empty when any key of the database may have changed: `flushdb`, `swapdb`. */
  readonly key: string
  /** By Redis' names: `set`, `del`, `expired`, `hset` … */
  readonly event: string
  /** What the key holds afterwards. */
  readonly type: ValueType | 'none'
  /** Of a string, when values were asked for. */
  readonly value?: string | Uint8Array
}

/** All that a command, or a transaction, changed. */
export interface KeyspaceChanges {
  readonly type: 'changes'
  readonly revision: number
  /** In the order in which it happened, shard by shard. */
  readonly changes: readonly KeyspaceChange[]
}

/** Changes are missing. What comes within these revisions may be incomplete. */
export interface KeyspaceChangesLost {
  readonly type: 'lost'
  readonly from: number
  readonly to: number
}

/** A keyspace event. */
export interface KeyspaceEvent extends Pick<KeyspaceChange, 'key' | 'event'> {
  readonly type: 'event'
  readonly revision: number
}

/** Items of a watch, as its options say. */
export type WatchedItem<Options> = Options extends { readonly whenSlow: 'drop' }
  ? KeyspaceChanges | KeyspaceChangesLost
  : KeyspaceChanges
/** Items of `events`, as its options say. */
export type EventItem<Options> = Options extends { readonly whenSlow: 'drop' }
  ? KeyspaceEvent | KeyspaceChangesLost
  : KeyspaceEvent

const COMMON = ['whenSlow', 'queueMax', 'signal', 'db']
const QUEUE_MAX = 65_536

/** What both need of their thread. */
export interface WatchClient extends StreamClient {
  readonly memory: { readonly shardCount: number }
}

/** What a watch is made with besides the way to its shards, all checked. */
export type WatchRules<Item> = Omit<WatchParts<Item>, 'client' | 'shardCount'>

/** Watches keys. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function watchKeys(
  client: WatchClient,
  pattern: string | readonly string[],
  options: WatchOptions,
): KeyspaceWatch<KeyspaceChanges | KeyspaceChangesLost> {
  const { shardCount } = client.memory
  return new KeyspaceWatch({ client, shardCount, ...watchRules(pattern, options, 0) })
}

/** Watches events, one by one. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function watchEvents(
  client: WatchClient,
  options: EventsOptions,
): KeyspaceWatch<KeyspaceEvent | KeyspaceChangesLost> {
  const { shardCount } = client.memory
  return new KeyspaceWatch({ client, shardCount, ...eventRules(options, 0) })
}

/** Of `watch`. `db` is the database where none is named. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
export function watchRules(
  pattern: string | readonly string[],
  options: WatchOptions,
  db: number,
): WatchRules<KeyspaceChanges | KeyspaceChangesLost> {
  checkKnownOptions('watch', options, [...COMMON, 'since', 'values'])
  const { values = false, since } = options
  if (typeof values !== 'boolean' && values !== 'buffer')
    invalidOption('values', values, "true | false | 'buffer'")
  const formOf = values === 'buffer' ? arrayOfBytes : textOfBytes
  const range = { min: 0, max: Number.MAX_SAFE_INTEGER, integer: true }
  return {
    ...commonRules(pattern, options, db),
    since: since === undefined ? undefined : numberOption('since', since, 0, range),
    values: values !== false,
    shape: (revision, changes) => [
      {
        type: 'changes',
        revision,
        changes: changes.map(({ key, event, type, value }) => ({
          key: textOfBytes(key),
          event,
          type,
          ...(value !== undefined && { value: formOf(value) }),
        })),
      },
    ],
  }
}

/** The same of `events`. */
export function eventRules(
  options: EventsOptions,
  db: number,
): WatchRules<KeyspaceEvent | KeyspaceChangesLost> {
  checkKnownOptions('events', options, [...COMMON, 'classes', 'pattern'])
  const { classes, pattern = '*' } = options
  const rules = commonRules(pattern, options, db)
  const letters = classes === undefined ? undefined : eventClasses('classes', classes)
  return {
    ...rules,
    filter: { ...rules.filter, ...(letters && { classes: letters }) },
    since: undefined,
    values: false,
    shape: (revision, changes) =>
      changes.map(({ key, event }) => ({ type: 'event', key: textOfBytes(key), event, revision })),
  }
}

function commonRules(
  pattern: string | readonly string[],
  { whenSlow, queueMax, signal, db }: SlowOptions,
  dbDefault: number,
): Omit<WatchRules<KeyspaceChangesLost>, 'since' | 'values' | 'shape'> {
  const patterns = typeof pattern === 'string' ? [pattern] : pattern
  if (patterns.length === 0 || patterns.some((one) => typeof one !== 'string')) {
    invalidOption('pattern', pattern, 'a key or pattern, or a list of at least one')
  }
  const range = { min: 1, max: 2 ** 31 - 1, integer: true }
  return {
    filter: {
      db: numberOption('db', db, dbDefault, { min: 0, max: 65_535, integer: true }),
      patterns: patterns.map(bytesOfText),
    },
    queueMax: numberOption('queueMax', queueMax, QUEUE_MAX, range),
    whenSlow: choiceOption('whenSlow', whenSlow, 'cut', ['cut', 'drop']),
    signal,
    lost: ({ from, to }: LostRange) => ({ type: 'lost', from, to }),
  }
}
