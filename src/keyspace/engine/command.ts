/**
 * One row of the command table, and what a handler is given.
 *
 * A row is data with a handler: the embedded API, the Redis protocol, the log's replay, routing over shards
 * and the reference page all read the same row. A handler is synchronous and runs to its end: that is what
 * makes a command atomic. It changes values through `Database`, says what it did by `db.changed`, and, where
 * a replay of its arguments would not give the same result (chance, time, floats), logs what it did by
 * `call.effect`.
 *
 * Tests: test/keyspace/commands/table.test.ts
 */
import type { Argument, ByteString } from './byte-string.ts'
import type { Database } from './database.ts'
import type { EngineServices } from './engine-services.ts'
import type { InPlace } from './in-place.ts'
import type { Reply } from './reply.ts'

/** Families of commands, as in Redis' documentation. */
export type CommandGroup =
  | 'string'
  | 'hash'
  | 'list'
  | 'set'
  | 'sorted_set'
  | 'generic'
  | 'lock'
  | 'limit'
  | 'pubsub'
  | 'server'

/**
 * `write` may change data, `readonly` never does; `denyoom` is refused at the ceiling of memory; `fast` is
 * O(1) or O(log n); `blocking` may wait; `rawValues` takes large values as bytes; `all_shards` concerns every
 * key, so that the router asks every shard; `internal` is run by the log's replay and by shards among
 * themselves, never by a client.
 */
export type CommandFlag =
  | 'write'
  | 'readonly'
  | 'denyoom'
  | 'fast'
  | 'blocking'
  | 'rawValues'
  | 'all_shards'
  | 'internal'

/**
 * Where keys stand in `argv`, whose element 0 is the name: `first` to `last` in steps; a negative `last`
 * counts from the end (-1 is the last argument). `keynum`: the index of the argument that counts the keys
 * after it; with `first: 1` as well, the key at 1 is the destination (ZUNIONSTORE).
 */
export interface KeySpec {
  readonly first?: number
  readonly last?: number
  readonly step?: number
  readonly keynum?: number
  /** Which keys are written, where not all are: an index among the keys. */
  readonly written?: 'first' | 'second' | 'none'
}

/** A key of a request. */
export interface KeyUse {
  /** Its index in `argv`. */
  readonly index: number
  readonly isWritten: boolean
  /** The database, where it is not the one that is selected. */
  readonly db?: number
}

/**
 * How a command whose keys lie on several shards is put together from one per shard, where that is simple.
 */
export type SplitRule =
  /** The shards' integers are added: DEL, EXISTS, UNLINK, TOUCH. */
  | 'sum'
  /** The shards' arrays are put in the order of the keys: MGET. */
  | 'gather'
  /** Each shard takes its pairs, or all of it: MSET, FLUSHALL. */
  | 'ok'
  /** The shards' arrays one behind the other: KEYS. */
  | 'concat'
  /** The shards' arrays of names and counts are the same names; the counts are added: PUBSUB NUMSUB. */
  | 'counts'

/** What runs with every command has to know of it: bits, which the table makes of the row. */
export const TRAIT_WRITE = 1
export const TRAIT_READONLY = 2
export const TRAIT_DENYOOM = 4
export const TRAIT_RAW_VALUES = 8
export const TRAIT_FAST = 16
export const TRAIT_SEVERAL_KEYS = 32

/** What is known of a command besides its handler. */
export interface CommandSpec {
  /** In lower case; a subcommand after a bar: `object|encoding`. */
  readonly name: string
  /** The number of arguments with the name; negative: at least so many. As in Redis. */
  readonly arity: number
  readonly flags: readonly CommandFlag[]
  readonly keys?: KeySpec
  /**
   * The keys, where no table of places can say them: they depend on options. Takes the place of `keys`.
   * `keysOfInner` gives those of a request within the request, by their places there.
   */
  keysOf?(
    argv: readonly Argument[],
    keysOfInner: (argv: readonly Argument[]) => readonly KeyUse[],
  ): readonly KeyUse[]
  readonly split?: SplitRule
  /** The index in `argv` of a channel: the command runs on the shard that is its home. */
  readonly channelAt?: number
  readonly group: CommandGroup
  /** One sentence. */
  readonly summary: string
  readonly complexity: string
  /** The arguments, in Redis' notation. */
  readonly syntax: string
  /** The version of Redis that has it, or ours. */
  readonly since: string
  /** How it differs from Redis', and why, where it does. */
  readonly differs?: string
  /** Takes strings; or arguments as they came, when the flags have `rawValues`. */
  readonly handler: (call: Call, argv: readonly ByteString[]) => Reply
  /** What it does to a collection that is there, where that can be told apart. */
  readonly inPlace?: InPlace
  /** Bits of `TRAIT_…`; set in the rows of a table. */
  readonly traits?: number
}

/** The traits of a row. */
export function traitsOf(spec: CommandSpec): number {
  return spec.traits ?? findTraits(spec)
}

/** The same, found out. */
export function findTraits({ flags, keys, keysOf }: CommandSpec): number {
  const hasSeveral =
    keysOf !== undefined ||
    (keys !== undefined && (keys.keynum !== undefined || (keys.last ?? keys.first) !== keys.first))
  return (
    (flags.includes('write') ? TRAIT_WRITE : 0) |
    (flags.includes('readonly') ? TRAIT_READONLY : 0) |
    (flags.includes('denyoom') ? TRAIT_DENYOOM : 0) |
    (flags.includes('rawValues') ? TRAIT_RAW_VALUES : 0) |
    (flags.includes('fast') ? TRAIT_FAST : 0) |
    (hasSeveral ? TRAIT_SEVERAL_KEYS : 0)
  )
}

/** A wait of a blocking command. */
export interface BlockRequest {
  readonly keys: readonly ByteString[]
  /** Further keys that `serve` looks at or changes. */
  readonly touches?: readonly ByteString[]
  /** Milliseconds; 0: for ever. */
  readonly timeoutMs: number
  /** Tries again when one of the keys changed; undefined: still nothing. Runs as a command of its own. */
  serve(call: Call): Reply | undefined
  /** The answer when the time is over. */
  readonly onTimeout: Reply
  /** The caller waits now: takes what answers it, for waits that something else than a key ends. */
  onWaiting?(settle: (reply: Reply) => void): void
  /** The wait has ended, in whatever way; just before the caller is answered. */
  onSettled?(): void
}

/** Who runs commands: what outlives one command. */
export interface Caller {
  /** Unique within the keyspace: the owner of locks that name none. */
  readonly id: string
  readonly resp: 2 | 3
  /** The database that was selected. */
  readonly db: number
  /** Set for the replay of the log, which no fence holds up, and which alone runs what the log alone says. */
  readonly isReplay?: boolean
}

/** What a handler has besides its arguments: one per engine, set up for each command. */
export interface Call {
  readonly engine: EngineServices
  readonly db: Database
  readonly caller: Caller
  /** False within a transaction: a blocking command then answers at once. */
  readonly canBlock: boolean
  /** Another database. @throws ErrorReply when the index is out of range */
  database(index: number): Database
  /** Logs this in the place of the command's arguments. May be called several times. */
  effect(...argv: Argument[]): void
  /**
   * Runs another command in the place of this one: its arguments are logged, and it does not wait. Returned
   * by the handler: `return call.runInstead(…)`.
   *
   * @throws ErrorReply
   */
  runInstead(argv: readonly Argument[]): Reply
  /** Waits; returned by the handler: `return call.block(…)`. */
  block(request: BlockRequest): Reply
}
