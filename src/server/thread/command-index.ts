/**
 * Finds a command from the bytes of its name, without a string.
 *
 * Names are looked up without regard to case, by a hash of their bytes with the bit of lower case set, which
 * no two names of the table share with each other in a slot for long: the table is sparse, and a name is
 * compared in the end.
 *
 * Cost: some 15 ns for `SET`. Tests: test/server/thread/command-index.test.ts
 */
import { assert } from '../../base/index.ts'
import { commandTable } from '../../keyspace/commands/index.ts'
import {
  type Argument,
  byteString,
  type CommandSpec,
  type ErrorReply,
  err,
} from '../../keyspace/engine/index.ts'
import { hasOneKey } from '../../keyspace/serving/index.ts'
import type { CommandCatalog } from '../catalog/index.ts'
import type { CommandEntry, ServerCommand } from '../commands/server-command.ts'

/** What the short way knows by heart. */
export const HOT_NONE = 0
export const HOT_GET = 1
export const HOT_SET = 2
export const HOT_INCR = 3
export const HOT_DECR = 4
export const HOT_IN_PLACE = 5
const HOT: ReadonlyMap<string, number> = new Map([
  ['get', HOT_GET],
  ['set', HOT_SET],
  ['incr', HOT_INCR],
  ['decr', HOT_DECR],
])

/** A command of O(1) for each of its arguments is quick if there are no more. */
export const ARGUMENTS_FEW = 16
const NAME_BYTES_MAX = 64
const LOWER_CASE = 0x20
/** Of a name that is not known, in an error. */
const SHOWN_BYTES = 128

/** Every command of a server, by name. */
export class CommandIndex {
  readonly all: readonly CommandEntry[]
  readonly #byName = new Map<string, CommandEntry>()
  readonly #buckets: (CommandEntry | undefined)[]
  readonly #names: (Uint8Array | undefined)[]
  readonly #mask: number

  constructor(catalog: CommandCatalog, serverCommands: readonly ServerCommand[]) {
    const all: CommandEntry[] = []
    const containers = new Map<string, Map<string, CommandEntry>>()
    const add = (name: string, spec: CommandSpec | undefined, server: ServerCommand | undefined): void => {
      if (spec?.flags.includes('internal') === true) return
      const entry = this.#makeEntry(catalog, name, spec, server)
      all.push(entry)
      const [container, subcommand] = name.split('|')
      if (subcommand === undefined) this.#byName.set(name, entry)
      else {
        const known = containers.get(container!) ?? new Map<string, CommandEntry>()
        known.set(subcommand, entry)
        containers.set(container!, known)
      }
    }
    // What the server does itself comes first: PING is its own, though a shard knows it, too.
    const own = new Set(serverCommands.map(({ name }) => name))
    for (const spec of commandTable.rows) if (!own.has(spec.name)) add(spec.name, spec, undefined)
    for (const command of serverCommands) add(command.name, undefined, command)
    for (const [name, subcommands] of containers) {
      const itself = this.#byName.get(name)
      const made = itself ?? this.#makeEntry(catalog, name, undefined, undefined)
      const entry = { ...made, subcommands }
      this.#byName.set(name, entry)
      all.splice(all.indexOf(made), itself === undefined ? 0 : 1)
      all.push(entry)
    }
    this.all = all
    const names = [...this.#byName.keys()]
    const size = 2 ** Math.ceil(Math.log2(names.length * 8))
    this.#mask = size - 1
    this.#buckets = new Array<CommandEntry | undefined>(size).fill(undefined)
    this.#names = new Array<Uint8Array | undefined>(size).fill(undefined)
    for (const name of names) this.#put(name)
  }

  /** By its name in lower case; a subcommand after a bar. */
  get(name: string): CommandEntry | undefined {
    const [container, subcommand] = name.split('|') as [string, string | undefined]
    const entry = this.#byName.get(container)
    return subcommand === undefined ? entry : entry?.subcommands?.get(subcommand)
  }

  /** The command, or the container, that bytes name. */
  findBytes(bytes: Uint8Array, offset: number, length: number): CommandEntry | undefined {
    if (length > NAME_BYTES_MAX) return undefined
    let hash = length
    for (let i = 0; i < length; i++) hash = (hash * 31 + (bytes[offset + i]! | LOWER_CASE)) | 0
    for (let at = hash & this.#mask; ; at = (at + 1) & this.#mask) {
      const name = this.#names[at]
      if (name === undefined) return undefined
      if (isSame(name, bytes, offset, length)) return this.#buckets[at]
    }
  }

  /** The command that a request names, a subcommand where there is one; or the error to answer. */
  find(argv: readonly Argument[]): CommandEntry | ErrorReply {
    const name = byteString(argv[0] ?? '').toLowerCase()
    const entry = this.#byName.get(name)
    if (entry?.subcommands !== undefined && (argv.length > 1 || entry.server === undefined)) {
      const subcommand = byteString(argv[1] ?? '').toLowerCase()
      const found = entry.subcommands.get(subcommand)
      if (found !== undefined) return found
      if (argv.length === 1) return err(`wrong number of arguments for '${name}' command`)
      const shown = byteString(argv[1]!).slice(0, SHOWN_BYTES)
      return err(`unknown subcommand '${shown}'. Try ${name.toUpperCase()} HELP.`)
    }
    return entry ?? (commandTable.find(argv) as ErrorReply)
  }

  #put(name: string): void {
    const bytes = Buffer.from(name, 'latin1')
    let hash = bytes.length
    for (const byte of bytes) hash = (hash * 31 + (byte | LOWER_CASE)) | 0
    let at = hash & this.#mask
    while (this.#names[at] !== undefined) at = (at + 1) & this.#mask
    this.#names[at] = bytes
    this.#buckets[at] = this.#byName.get(name)
  }

  #makeEntry(
    catalog: CommandCatalog,
    name: string,
    spec: CommandSpec | undefined,
    server: ServerCommand | undefined,
  ): CommandEntry {
    const info = catalog.get(name)
    assert(info !== undefined, `the catalog has the command ${name}`)
    return {
      name,
      info,
      arity: spec?.arity ?? server?.arity ?? -2,
      spec,
      row: spec === undefined ? -1 : commandTable.rowOf(spec),
      isOneKey: spec !== undefined && (hasOneKey(spec) || name === 'set'),
      hot: HOT.get(name) ?? (spec?.inPlace === undefined ? HOT_NONE : HOT_IN_PLACE),
      server,
      subcommands: undefined,
      flags: new Set(info.flags),
      calls: 0,
      failed: 0,
      rejected: 0,
      isAudited: false,
      usec: 0,
      times: undefined,
      isFast: info.flags.includes('fast'),
      shortCalls: 0,
      sampledAt: 0,
      sampleAt: 0,
    }
  }
}

function isSame(name: Uint8Array, bytes: Uint8Array, offset: number, length: number): boolean {
  if (name.length !== length) return false
  for (let i = 0; i < length; i++) {
    const byte = bytes[offset + i]!
    const lower = byte >= 0x41 && byte <= 0x5a ? byte | LOWER_CASE : byte
    if (lower !== name[i]) return false
  }
  return true
}
