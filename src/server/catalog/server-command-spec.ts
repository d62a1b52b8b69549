/**
 * What a row of the server's own commands says of itself, as far as the catalog reads it.
 *
 * The rows of the keyspace use words of ours for their flags; those of the server use Redis' own, since they
 * are nothing but what Redis' clients expect: `admin`, `noscript`, `loading`, `stale`, `no_auth`. A row with
 * a handler has more members; the catalog takes any object that has these.
 *
 * Tests: test/server/catalog/command-catalog.test.ts
 */
import type { Argument, KeySpec, KeyUse } from '../../keyspace/engine/index.ts'

/** Flags of a command in the words and the order of Redis' `COMMAND INFO`. */
export const SERVER_FLAGS = [
  'write',
  'readonly',
  'denyoom',
  'admin',
  'pubsub',
  'noscript',
  'blocking',
  'loading',
  'stale',
  'skip_monitor',
  'skip_slowlog',
  'asking',
  'fast',
  'no_auth',
  'may_replicate',
  'no_mandatory_keys',
  'no_async_loading',
  'no_multi',
  'movablekeys',
  'allow_busy',
] as const

/** One of them. */
export type ServerFlag = (typeof SERVER_FLAGS)[number]

/** A command of the server, without its handler. */
export interface ServerCommandSpec {
  /** In lower case; a subcommand after a bar: `client|list`. */
  readonly name: string
  /** The number of arguments with the name, and with the subcommand; negative: at least so many. */
  readonly arity: number
  /** Words of `SERVER_FLAGS`; others are not told. `movablekeys` is derived from the keys. */
  readonly flags: readonly string[]
  /** As in Redis' documentation: `connection`, `server`, `transactions`, `pubsub`, `cluster`, … */
  readonly group: string
  /** One sentence. */
  readonly summary: string
  readonly complexity: string
  /** The arguments, in Redis' notation. */
  readonly syntax: string
  /** The version of Redis that has it, or ours. */
  readonly since: string
  readonly keys?: KeySpec
  /** The keys, where no table of places can say them. */
  keysOf?(
    argv: readonly Argument[],
    keysOfInner: (argv: readonly Argument[]) => readonly KeyUse[],
  ): readonly KeyUse[]
  /** How it differs from Redis', where it does. */
  readonly differs?: string
  /** Categories besides those that follow from the flags and the group, without `@`. */
  readonly categories?: readonly string[]
}
