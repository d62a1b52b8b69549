/**
 * What is known of one command: what `COMMAND INFO` and `COMMAND DOCS` answer, and what the check of a user's
 * rights reads.
 *
 * Derived from a row of the keyspace's table or of the server's, and from the facts about Redis where a row
 * cannot say as much. So a row is written once, and what it says cannot differ from what the server tells.
 *
 * Tests: test/server/catalog/command-catalog.test.ts, test/server/catalog/redis-facts.test.ts
 */
import type { CommandSpec, KeySpec } from '../../keyspace/engine/index.ts'
import { isMovable, type KeySpecification, legacyRange, specificationsOf } from './key-specification.ts'
import { factsOf, type RedisFacts } from './redis-facts.ts'
import { SERVER_FLAGS, type ServerCommandSpec } from './server-command-spec.ts'

/** Every category, in the order in which Redis names them, without `@`; ours at the end. */
export const CATEGORIES: readonly string[] = [
  ...['keyspace', 'read', 'write', 'set', 'sortedset', 'list', 'hash', 'string', 'bitmap', 'hyperloglog'],
  ...['geo', 'stream', 'pubsub', 'admin', 'fast', 'slow', 'blocking', 'dangerous', 'connection'],
  ...['transaction', 'scripting', 'lock', 'limit'],
]

/** A group of the documentation → its category. Others have none. */
const CATEGORY_OF_GROUP: Readonly<Record<string, string>> = {
  string: 'string',
  hash: 'hash',
  list: 'list',
  set: 'set',
  'sorted-set': 'sortedset',
  generic: 'keyspace',
  connection: 'connection',
  transactions: 'transaction',
  scripting: 'scripting',
  lock: 'lock',
  limit: 'limit',
}

/** A flag → the categories that follow from it. */
const CATEGORIES_OF_FLAG: Readonly<Record<string, readonly string[]>> = {
  write: ['write'],
  readonly: ['read'],
  admin: ['admin', 'dangerous'],
  pubsub: ['pubsub'],
  fast: ['fast'],
  blocking: ['blocking'],
}

/** One command, or one subcommand, or the container of subcommands. */
export interface CommandInfo {
  /** In lower case: `set`, `client`, `client|list`. */
  readonly name: string
  /** Its place among `CommandCatalog.all`: sets of commands are bits. */
  readonly index: number
  readonly arity: number
  /** In Redis' words and order. */
  readonly flags: readonly string[]
  /** Without `@`. */
  readonly categories: readonly string[]
  readonly firstKey: number
  readonly lastKey: number
  readonly step: number
  readonly keySpecs: readonly KeySpecification[]
  readonly tips: readonly string[]
  readonly summary: string
  readonly since: string
  /** In Redis' spelling: `sorted-set`. */
  readonly group: string
  readonly complexity: string
  readonly syntax: string
  readonly differs: string | undefined
  /** The server runs it, no shard. */
  readonly isServer: boolean
  /** It has subcommands. */
  readonly isContainer: boolean
  /** The name of the container of a subcommand. */
  readonly container: string | undefined
  /** The keys, where the row has a function for them and the specifications do not say them. */
  readonly keysOf: CommandSpec['keysOf'] | undefined
}

/** All but what the catalog knows. */
export type CommandFacts = Omit<CommandInfo, 'index' | 'isContainer'>

/** What is known of a command of the keyspace. */
export function infoOfData(row: CommandSpec): CommandFacts {
  const flags = row.flags.filter((flag) => isRedisFlag(flag))
  return infoOf({ ...row, flags }, row.group.replace('_', '-'), false)
}

/** What is known of a command of the server. */
export function infoOfServer(row: ServerCommandSpec): CommandFacts {
  return infoOf(row, row.group, true, row.categories)
}

/** What is known of a container that has no row of its own: its subcommands have. */
export function infoOfContainer(name: string, subcommands: readonly CommandFacts[]): CommandFacts {
  const [first] = subcommands as [CommandFacts]
  return {
    ...infoOf(
      {
        name,
        arity: -2,
        flags: [],
        summary: `Contains the subcommands of ${name.toUpperCase()}.`,
        complexity: 'Depends on the subcommand.',
        syntax: '',
        since: subcommands.map(({ since }) => since).sort(byVersion)[0] as string,
      },
      first.group,
      first.isServer,
    ),
    // As in Redis: what a subcommand belongs to is said of the subcommand alone.
    categories: ['slow'],
  }
}

function infoOf(
  row: Pick<CommandSpec, 'name' | 'arity' | 'summary' | 'complexity' | 'syntax' | 'since'> & {
    readonly flags: readonly string[]
    readonly keys?: KeySpec
    readonly keysOf?: CommandSpec['keysOf']
    readonly differs?: string
  },
  groupOfRow: string,
  isServer: boolean,
  categories: readonly string[] = [],
): CommandFacts {
  const { name } = row
  const facts = factsOf(name)
  const keySpecs = keySpecsOf(row, facts)
  const [firstKey, lastKey, step] = legacyRange(keySpecs)
  const movable = keySpecs.some(isMovable) ? ['movablekeys'] : []
  const flags = inOrder([...row.flags, ...facts.flags, ...movable], SERVER_FLAGS)
  const group = facts.group ?? groupOfRow
  const bar = name.indexOf('|')
  return {
    name,
    arity: row.arity,
    flags,
    categories: categoriesOf(flags, facts.isOfGroup ? group : '', [...facts.categories, ...categories]),
    firstKey,
    lastKey,
    step,
    keySpecs,
    tips: facts.tips,
    summary: row.summary,
    since: row.since,
    group,
    complexity: row.complexity,
    syntax: row.syntax,
    differs: row.differs,
    isServer,
    container: bar < 0 ? undefined : name.slice(0, bar),
    keysOf: facts.keyPlaces === undefined ? row.keysOf : undefined,
  }
}

function keySpecsOf(
  row: { readonly flags: readonly string[]; readonly keys?: KeySpec },
  facts: RedisFacts,
): readonly KeySpecification[] {
  if (facts.keySpecifications !== undefined) return facts.keySpecifications
  const places = row.keys ?? facts.keyPlaces
  if (places === undefined) return []
  const isWrite = row.flags.includes('write')
  const uses = facts.keyUses ?? [isWrite ? 'RW update' : row.flags.includes('readonly') ? 'RO access' : 'RO']
  const specs = specificationsOf(places, uses)
  return facts.keyNotes === undefined
    ? specs
    : specs.map((spec) => ({ ...spec, notes: facts.keyNotes ?? '' }))
}

function categoriesOf(flags: readonly string[], group: string, others: readonly string[]): readonly string[] {
  const found = [...others, ...flags.flatMap((flag) => CATEGORIES_OF_FLAG[flag] ?? [])]
  if (!flags.includes('fast')) found.push('slow')
  const ofGroup = CATEGORY_OF_GROUP[group]
  if (ofGroup !== undefined) found.push(ofGroup)
  return inOrder(found, CATEGORIES)
}

/** Each once, in an order that is given. */
function inOrder(words: readonly string[], order: readonly string[]): readonly string[] {
  return order.filter((word) => words.includes(word))
}

function isRedisFlag(flag: string): boolean {
  return SERVER_FLAGS.some((known) => known === flag)
}

function byVersion(one: string, other: string): number {
  return one.localeCompare(other, 'en', { numeric: true })
}
