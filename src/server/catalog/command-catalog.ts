/**
 * The catalog: every command that this server has, of the keyspace and of its own, by its name.
 *
 * One per process and never changed: the rows are known when the program starts. What is internal to the log
 * is left out. A container such as `object` has an entry of its own, made from its subcommands where no row
 * is named so.
 *
 * Tests: test/server/catalog/command-catalog.test.ts, test/server/catalog/request-keys.test.ts
 */
import { assert } from '../../base/index.ts'
import { type Argument, byteString, type CommandSpec } from '../../keyspace/engine/index.ts'
import {
  type CommandFacts,
  type CommandInfo,
  infoOfContainer,
  infoOfData,
  infoOfServer,
} from './command-info.ts'
import type { KeyAccess, RequestKey } from './key-specification.ts'
import {
  everyRequestKey,
  innerRequest,
  type RequestChannel,
  requestChannels,
  requestKeys,
} from './request-keys.ts'
import type { ServerCommandSpec } from './server-command-spec.ts'
import { type WatchedName, watchedNames } from './watched-names.ts'

/** What is known of all commands. */
export class CommandCatalog {
  /** Commands, containers and subcommands, by name. */
  readonly all: readonly CommandInfo[]
  /** The same without subcommands: what `COMMAND COUNT` counts. */
  readonly commands: readonly CommandInfo[]
  readonly #byName = new Map<string, CommandInfo>()
  readonly #subcommands = new Map<string, CommandInfo[]>()
  readonly #byCategory = new Map<string, CommandInfo[]>()
  readonly #find = (argv: readonly Argument[]): CommandInfo | undefined => this.find(argv)

  constructor(dataRows: readonly CommandSpec[], serverRows: readonly ServerCommandSpec[]) {
    // What the server does itself comes first: PING is its own, though a shard answers it, too.
    const own = new Set(serverRows.map(({ name }) => name))
    const known = [
      ...dataRows.filter(({ name, flags }) => !own.has(name) && !flags.includes('internal')).map(infoOfData),
      ...serverRows.map(infoOfServer),
    ]
    const rows = [...known, ...containersOf(known)].sort((one, other) => (one.name < other.name ? -1 : 1))
    const containers = new Set(rows.map(({ container }) => container))
    this.all = rows.map((row, index) => ({ ...row, index, isContainer: containers.has(row.name) }))
    this.commands = this.all.filter(({ container }) => container === undefined)
    for (const info of this.all) this.#add(info)
  }

  /** By name, in lower or upper case, or any: `get`, `client|list`. */
  get(name: string): CommandInfo | undefined {
    return this.#byName.get(name) ?? this.#byName.get(name.toLowerCase())
  }

  /** That of a request. A container's first argument must name a subcommand; a container alone is itself. */
  find(argv: readonly Argument[]): CommandInfo | undefined {
    const info = this.get(byteString(argv[0] ?? ''))
    if (info === undefined || info.container !== undefined) return undefined
    if (!info.isContainer || argv.length === 1) return info
    return this.get(`${info.name}|${byteString(argv[1] as Argument)}`)
  }

  /** Those of a container, by name; else none. */
  subcommandsOf(name: string): readonly CommandInfo[] {
    return this.#subcommands.get(name) ?? []
  }

  /** Those of a category, whose name is without `@`, by name. */
  inCategory(category: string): readonly CommandInfo[] {
    return this.#byCategory.get(category) ?? []
  }

  /** The keys of a request, and what is done to them; none where the arguments are wrong. */
  keysOf(info: CommandInfo, argv: readonly Argument[]): readonly RequestKey[] {
    return requestKeys(info, argv, this.#find)
  }

  /** Whether `test` holds for all keys of a request. Makes no objects for most commands. */
  everyKey(
    info: CommandInfo,
    argv: readonly Argument[],
    test: (index: number, access: KeyAccess) => boolean,
  ): boolean {
    return everyRequestKey(info, argv, this.#find, test)
  }

  /**
   * The request that this one runs, as FENCED does: who may make this one must be allowed that one, too. Its
   * keys are among those of `keysOf`.
   */
  innerOf(info: CommandInfo, argv: readonly Argument[]): readonly Argument[] | undefined {
    return innerRequest(info, argv)
  }

  /** The channels of a request: of PUBLISH, SUBSCRIBE and their kin. */
  channelsOf(info: CommandInfo, argv: readonly Argument[]): readonly RequestChannel[] {
    return requestChannels(info, argv)
  }

  /** Keys and patterns of keys that a request watches or lists: it may be sent every key that fits. */
  watchedBy(info: CommandInfo, argv: readonly Argument[]): readonly WatchedName[] {
    return watchedNames(info.name, argv)
  }

  #add(info: CommandInfo): void {
    const { name, container, categories } = info
    assert(!this.#byName.has(name), `${name} stands once in the catalog`)
    this.#byName.set(name, info)
    this.#byName.set(name.toUpperCase(), info)
    if (container !== undefined) into(this.#subcommands, container, info)
    for (const category of categories) into(this.#byCategory, category, info)
  }
}

/** Containers that no row is named after. */
function containersOf(rows: readonly CommandFacts[]): readonly CommandFacts[] {
  const names = new Set(rows.map(({ name }) => name))
  const parts = new Map<string, CommandFacts[]>()
  for (const row of rows) {
    if (row.container !== undefined && !names.has(row.container)) into(parts, row.container, row)
  }
  return [...parts].map(([name, subcommands]) => infoOfContainer(name, subcommands))
}

function into<V>(map: Map<string, V[]>, name: string, value: V): void {
  const values = map.get(name)
  if (values === undefined) map.set(name, [value])
  else values.push(value)
}
