/**
 * The command table: every command by its name, and where the keys of a request stand.
 *
 * Built once from the rows of all families. A request is looked up without making strings when its name is
 * spelled as in the table or in upper case.
 *
 * Tests: test/keyspace/commands/table.test.ts
 */
import { assert } from '../../base/index.ts'
import { type Argument, byteString } from './byte-string.ts'
import { type CommandSpec, findTraits, type KeyUse, TRAIT_WRITE, traitsOf } from './command.ts'
import { ErrorReply, err } from './reply.ts'

/** An unknown command is shown up to here. */
const SHOWN_BYTES = 128

/** All commands. */
export class CommandTable {
  readonly rows: readonly CommandSpec[]
  readonly #byName = new Map<string, CommandSpec>()
  readonly #places: ReadonlyMap<CommandSpec, number>
  readonly #containers = new Set<string>()

  constructor(rows: readonly CommandSpec[]) {
    this.rows = rows.map(inShape)
    this.#places = new Map(this.rows.map((row, place) => [row, place]))
    for (const row of this.rows) {
      assert(!this.#byName.has(row.name), `${row.name} stands once in the command table`)
      this.#byName.set(row.name, row)
      this.#byName.set(row.name.toUpperCase(), row)
      const [container, subcommand] = row.name.split('|')
      if (subcommand !== undefined) this.#containers.add(container as string)
    }
  }

  get(name: string): CommandSpec | undefined {
    return this.#byName.get(name)
  }

  /** Which of the rows it is: commands go to shards by this number. */
  rowOf(spec: CommandSpec): number {
    return this.#places.get(spec)!
  }

  /** The row of a request, whose arguments are as many as it takes; else the error to answer. */
  find(argv: readonly Argument[]): CommandSpec | ErrorReply {
    const name = byteString(argv[0] ?? '')
    const spec = this.#byName.get(name) ?? this.#byName.get(name.toLowerCase()) ?? this.#sub(name, argv)
    if (spec === undefined) return unknownCommand(name, argv)
    if ('text' in spec) return spec
    const isRight = spec.arity >= 0 ? argv.length === spec.arity : argv.length >= -spec.arity
    return isRight ? spec : err(`wrong number of arguments for '${spec.name}' command`)
  }

  /** The keys of a request that fits the row. Those of a wrong count are left out: the handler refuses it. */
  keysOf(spec: CommandSpec, argv: readonly Argument[]): readonly KeyUse[] {
    if (spec.keysOf !== undefined) return spec.keysOf(argv, (inner) => this.#keysOfInner(inner))
    const { keys } = spec
    if (keys === undefined) return []
    const indexes: number[] = []
    if (keys.first !== undefined) {
      const last = keys.keynum === undefined ? (keys.last ?? keys.first) : keys.first
      const end = last < 0 ? argv.length + last : last
      const step = keys.step ?? 1
      // A pair that is not whole: no shard may set those that are.
      if ((end - keys.first + 1) % step !== 0) return []
      for (let i = keys.first; i <= end && i < argv.length; i += step) indexes.push(i)
    }
    if (keys.keynum !== undefined) {
      const count = Number(byteString(argv[keys.keynum] ?? ''))
      if (Number.isInteger(count)) {
        for (let i = 1; i <= count && keys.keynum + i < argv.length; i++) indexes.push(keys.keynum + i)
      }
    }
    const isWrite = (traitsOf(spec) & TRAIT_WRITE) !== 0
    return indexes.map((index, position) => ({ index, isWritten: isWrite && isWritten(position) }))

    function isWritten(position: number): boolean {
      switch (keys?.written) {
        case 'first':
          return position === 0
        case 'second':
          return position === 1
        case 'none':
          return false
        default:
          return true
      }
    }
  }

  #keysOfInner(argv: readonly Argument[]): readonly KeyUse[] {
    const spec = this.find(argv)
    return spec instanceof ErrorReply ? [] : this.keysOf(spec, argv)
  }

  #sub(name: string, argv: readonly Argument[]): CommandSpec | ErrorReply | undefined {
    const container = name.toLowerCase()
    if (!this.#containers.has(container)) return undefined
    if (argv.length < 2) return err(`wrong number of arguments for '${container}' command`)
    const subcommand = byteString(argv[1] as Argument)
    const spec = this.#byName.get(`${container}|${subcommand.toLowerCase()}`)
    return (
      spec ??
      err(`unknown subcommand '${subcommand.slice(0, SHOWN_BYTES)}'. Try ${container.toUpperCase()} HELP.`)
    )
  }
}

/**
 * Rows of one shape, whatever they leave out: what runs every command reads them, and knows where to look.
 */
function inShape(row: CommandSpec): CommandSpec {
  return {
    name: row.name,
    arity: row.arity,
    traits: findTraits(row),
    handler: row.handler,
    inPlace: row.inPlace,
    flags: row.flags,
    keys: row.keys,
    keysOf: row.keysOf,
    channelAt: row.channelAt,
    split: row.split,
    group: row.group,
    summary: row.summary,
    complexity: row.complexity,
    syntax: row.syntax,
    since: row.since,
    differs: row.differs,
  } as CommandSpec
}

/** As Redis words it, the blank at the end included: arguments are shown up to some 128 bytes. */
function unknownCommand(name: string, argv: readonly Argument[]): ErrorReply {
  let shown = ''
  for (let i = 1; i < argv.length && shown.length < SHOWN_BYTES; i++) {
    shown += `'${byteString(argv[i]!).slice(0, SHOWN_BYTES - shown.length)}' `
  }
  const text = `unknown command '${name.slice(0, SHOWN_BYTES)}', with args beginning with: ${shown}`
  return err(text.replace(/[\r\n]/g, ' '))
}
