/**
 * The commands that work on the files of a keyspace: their arguments, their help, their errors.
 *
 * Exit codes: 0 done; 1 something to know (a tail; nobody agreed); 2 damage, an error, or a wrong argument.
 * Tests: test/cli/storage/storage-command.test.ts
 */
import { parseArgs } from 'node:util'
import { type Clock, type Disk, ShardloomError, systemClock, toError } from '../../base/index.ts'
import {
  type CopyCut,
  globMatcher,
  type KeyRing,
  KIND_NAMES,
  systemDisk,
  upgradeDirectory,
} from '../../keyspace/durability/offline/index.ts'
import { copyCommand } from './copy-command.ts'
import { countOf, type StorageOutput } from './figures.ts'
import { inspectCommand } from './inspect-command.ts'
import {
  type ArgumentValues,
  HELP_ARGUMENT,
  KEY_ARGUMENTS,
  KEY_USAGE,
  NEW_KEY_ARGUMENTS,
  NEW_KEY_USAGE,
  ringOf,
  targetOf,
} from './key-arguments.ts'
import { repairCommand } from './repair-command.ts'
import { verifyCommand } from './verify-command.ts'

const ISO_TIME = /^(\d{4})-(\d\d)-(\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)?)?$/

/** Kinds that can be asked for: readers take in the others themselves, so that none is ever printed. */
const KINDS = Object.values(KIND_NAMES).filter((name) => name !== 'synced' && name !== 'sealed')

/** What every command is given. */
interface Call {
  readonly disk: Disk
  readonly clock: Clock
  readonly paths: readonly string[]
  readonly values: ArgumentValues
  /** For what is encrypted. */
  readonly keys: KeyRing
  readonly output: StorageOutput
}

/** One command. */
interface StorageCommand {
  readonly usage: string
  /** How many paths it takes. */
  readonly paths: number
  readonly options: Readonly<Record<string, 'string' | 'boolean'>>
  /** It writes a copy, which may have another key. */
  readonly hasNewKey?: true
  run(call: Call): Promise<number>
}

/** An argument that is not allowed. */
class ArgumentError {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  static of(option: string, value: unknown, allowed: string): ArgumentError {
    return new ArgumentError(`--${option} ${String(value)}: allowed is ${allowed}`)
  }
}

const COMMANDS: Readonly<Record<string, StorageCommand>> = {
  verify: {
    usage: `verify DIR [--json]
    Reads every byte of a directory and says what is there. May run beside an owner.
    Exit code: 0 fine, 1 a tail that opening cuts, 2 damage.`,
    paths: 1,
    options: { json: 'boolean' },
    run: ({ disk, paths: [dir = ''], values, output, keys }) =>
      verifyCommand(disk, dir, values['json'] === true, output, keys),
  },
  inspect: {
    usage: `inspect log DIR|FILE [options]
    Prints the records of a directory, or of one segment. May run beside an owner.
    --shard N         only this shard
    --from REVISION   the lowest revision
    --to REVISION     the highest revision
    --key PATTERN     only what changes a key like this, as in KEYS
    --kind KIND,…     only these: ${KINDS.join(', ')}
    --limit N         no more than so many
    --json            one JSON object a line`,
    paths: 2,
    options: {
      shard: 'string',
      from: 'string',
      to: 'string',
      key: 'string',
      kind: 'string',
      limit: 'string',
      json: 'boolean',
    },
    run: inspect,
  },
  repair: {
    usage: `repair DIR [--shard N] [--yes]
    Says what is lost by damage in the middle of a log, asks, and cuts there. Nothing is deleted.
    --shard N         only this shard's damage
    --yes             does not ask`,
    paths: 1,
    options: { shard: 'string', yes: 'boolean' },
    run: ({ disk, clock, paths: [dir = ''], values, output, keys }) => {
      const asked = { shard: numberOf(values, 'shard'), isAgreed: values['yes'] === true }
      return repairCommand(disk, clock, dir, asked, output, keys)
    },
  },
  backup: {
    usage: `backup DIR TO [--json]
    Copies a directory into an empty folder, as it is at one revision over all shards, and verifies
    the copy. The owner may go on.`,
    paths: 2,
    options: { json: 'boolean' },
    hasNewKey: true,
    run: (call) => copy(call, 'backup', {}),
  },
  restore: {
    usage: `restore FROM DIR [--to-revision N | --to-time TIME] [--json]
    Makes a directory from a backup, or from a directory, as it was at a revision or a time.
    TIME is in ISO 8601, or in milliseconds since 1970.`,
    paths: 2,
    options: { 'to-revision': 'string', 'to-time': 'string', json: 'boolean' },
    hasNewKey: true,
    run: restore,
  },
  upgrade: {
    usage: `upgrade DIR
    Brings a directory to the format of this version.`,
    paths: 1,
    options: {},
    run: upgrade,
  },
}

/** Runs one of them; the exit code. */
export async function storageCommand(words: readonly string[], output: StorageOutput): Promise<number> {
  const [name = '', ...rest] = words
  const command = COMMANDS[name]
  const refuse = (text: string): number => {
    output.err(`shardloom: ${text}\n`)
    if (command !== undefined) output.err(usageOf(command))
    return 2
  }
  if (command === undefined) return refuse(`unknown command: ${name}`)
  try {
    const own = Object.fromEntries(Object.entries(command.options).map(([key, type]) => [key, { type }]))
    const newKey = command.hasNewKey === true ? NEW_KEY_ARGUMENTS : {}
    const options = { ...own, ...HELP_ARGUMENT, ...KEY_ARGUMENTS, ...newKey }
    const parsed = parseArgs({ args: rest, options, allowPositionals: true })
    const values = parsed.values as ArgumentValues
    const paths = parsed.positionals
    if (values['help'] === true) {
      output.out(usageOf(command))
      return 0
    }
    if (paths.length !== command.paths) return refuse(`${name} takes ${countOf(command.paths, 'word')}`)
    const keys = await ringOf(values, process.env, output)
    return await command.run({ disk: systemDisk(), clock: systemClock(), paths, values, keys, output })
  } catch (error) {
    if (error instanceof ArgumentError) return refuse(error.text)
    const { code, message } = toError(error) as { code?: string; message: string }
    if (code?.startsWith('ERR_PARSE_ARGS')) return refuse(message)
    // What the system says names the file.
    const isKnown = error instanceof ShardloomError || code !== undefined
    if (!isKnown) throw error
    output.err(`shardloom: ${message}\n`)
    return 2
  }
}

function usageOf({ usage, hasNewKey }: StorageCommand): string {
  return `usage: shardloom ${usage}${KEY_USAGE}${hasNewKey === true ? NEW_KEY_USAGE : ''}\n`
}

function inspect({ disk, paths: [log, path = ''], values, output, keys }: Call): Promise<number> {
  if (log !== 'log') throw new ArgumentError(`inspect ${log}: only \`inspect log\` is known`)
  const { key, kind } = values
  const shard = numberOf(values, 'shard')
  if (shard !== undefined && path.endsWith('.log')) {
    throw new ArgumentError(`--shard ${shard}: ${path} is a segment, which is of one shard`)
  }
  const kinds = typeof kind === 'string' ? kind.split(',') : undefined
  const unknown = kinds?.find((one) => !KINDS.includes(one))
  if (unknown !== undefined) throw ArgumentError.of('kind', unknown, KINDS.join(', '))
  const options = {
    shard,
    from: numberOf(values, 'from') ?? 0,
    to: numberOf(values, 'to') ?? Number.POSITIVE_INFINITY,
    isKey: typeof key === 'string' ? globMatcher(Buffer.from(key).toString('latin1')) : undefined,
    kinds: kinds && new Set(kinds),
    limit: numberOf(values, 'limit') ?? Number.POSITIVE_INFINITY,
    isJson: values['json'] === true,
  }
  return inspectCommand(disk, path, options, output, keys)
}

async function copy(
  { disk, clock, paths: [from = '', to = ''], values, keys, output }: Call,
  what: string,
  cut: CopyCut,
): Promise<number> {
  const isNew = values['new-key-file'] !== undefined || values['new-key-command'] !== undefined
  if (isNew && values['decrypt'] === true) throw new ArgumentError('--decrypt or a new key, not both')
  const target = await targetOf(values, output)
  const call = { what, from, to, cut, keys, ...(target && { target }) }
  return copyCommand(disk, clock, call, values['json'] === true, output)
}

function restore(call: Call): Promise<number> {
  const { values } = call
  const toRevision = numberOf(values, 'to-revision')
  const time = values['to-time']
  const toMs = typeof time === 'string' ? timeOf(time) : undefined
  if (Number.isNaN(toMs)) {
    const allowed =
      'a time in ISO 8601, e.g. 2026-01-31T12:00:00Z, or milliseconds since 1970, of 12 digits or more'
    throw ArgumentError.of('to-time', time, allowed)
  }
  if (toRevision !== undefined && toMs !== undefined) {
    throw ArgumentError.of('to-time', time, '--to-revision or --to-time, not both')
  }
  const cut = { ...(toRevision !== undefined && { toRevision }), ...(toMs !== undefined && { toMs }) }
  return copy(call, 'restore', cut)
}

async function upgrade({ disk, paths: [dir = ''], output }: Call): Promise<number> {
  const { manifest, from } = await upgradeDirectory(disk, dir)
  const before = from.length === 0 ? 'there is nothing to do' : `it was ${from[0]}`
  output.out(`${dir}: format ${manifest.format}, that of this version: ${before}\n`)
  return 0
}

/**
 * Milliseconds since 1970; NaN: it is no time. A number of few digits may be a year, or seconds, or a day.
 */
function timeOf(text: string): number {
  if (/^\d{12,16}$/.test(text)) return Number(text)
  const [, year, month, day] = ISO_TIME.exec(text) ?? []
  // JavaScript makes the 2nd of March of the 30th of February.
  const isDay = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day)
  return isDay ? Date.parse(text) : Number.NaN
}

/** A whole number that is not negative. */
function numberOf(values: Call['values'], option: string): number | undefined {
  const text = values[option]
  if (typeof text !== 'string') return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw ArgumentError.of(option, text, 'a whole number')
  return value
}
