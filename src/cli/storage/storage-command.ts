/**
 * The commands that work on the files of a keyspace: their arguments, their help, their errors.
 *
 * Exit codes: 0 done; 1 something to know (a tail; nobody agreed); 2 damage, an error, or a wrong argument.
 * Tests: test/cli/storage/storage-command.test.ts
 */
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { type Clock, type Disk, ShardloomError, systemClock, toError } from '../../base/index.ts'
import {
  globMatcher,
  KIND_NAMES,
  systemDisk,
  upgradeDirectory,
} from '../../keyspace/durability/offline/index.ts'
import { copyCommand } from './copy-command.ts'
import type { StorageOutput } from './figures.ts'
import { inspectCommand } from './inspect-command.ts'
import { repairCommand } from './repair-command.ts'
import { verifyCommand } from './verify-command.ts'

/** What every command is given. */
interface Call {
  readonly disk: Disk
  readonly clock: Clock
  readonly paths: readonly string[]
  readonly values: Readonly<Record<string, string | boolean | undefined>>
  readonly output: StorageOutput
}

/** One command. */
interface StorageCommand {
  readonly usage: string
  /** How many paths it takes. */
  readonly paths: number
  readonly options: Readonly<Record<string, 'string' | 'boolean'>>
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
    run: ({ disk, paths: [dir = ''], values, output }) =>
      verifyCommand(disk, dir, values['json'] === true, output),
  },
  inspect: {
    usage: `inspect log DIR|FILE [options]
    Prints the records of a directory, or of one segment. May run beside an owner.
    --shard N         only this shard
    --from REVISION   the lowest revision
    --to REVISION     the highest revision
    --key PATTERN     only what changes a key like this, as in KEYS
    --kind KIND,…     only these: ${Object.values(KIND_NAMES)
      .filter((name) => name !== 'synced')
      .join(', ')}
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
    run: ({ disk, clock, paths: [dir = ''], values, output }) => {
      const asked = { shard: numberOf(values, 'shard'), isAgreed: values['yes'] === true }
      return repairCommand(disk, clock, dir, asked, output)
    },
  },
  backup: {
    usage: `backup DIR TO [--json]
    Copies a directory into an empty folder, as it is at one revision over all shards, and verifies
    the copy. The owner may go on.`,
    paths: 2,
    options: { json: 'boolean' },
    run: ({ disk, clock, paths: [from = '', to = ''], values, output }) =>
      copyCommand(disk, clock, { what: 'backup', from, to, cut: {} }, values['json'] === true, output),
  },
  restore: {
    usage: `restore FROM DIR [--to-revision N | --to-time ISO] [--json]
    Makes a directory from a backup, or from a directory, as it was at a revision or a time.`,
    paths: 2,
    options: { 'to-revision': 'string', 'to-time': 'string', json: 'boolean' },
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
    if (command !== undefined) output.err(`usage: shardloom ${command.usage}\n`)
    return 2
  }
  if (command === undefined) return refuse(`unknown command: ${name}`)
  try {
    const options = Object.fromEntries(
      Object.entries({ ...command.options, help: 'boolean' as const }).map(([key, type]) => [key, { type }]),
    )
    const { values, positionals } = parseArgs({ args: rest, options, allowPositionals: true })
    if (values['help'] === true) {
      output.out(`usage: shardloom ${command.usage}\n`)
      return 0
    }
    if (positionals.length !== command.paths) return refuse(`${name} takes ${command.paths} words`)
    const call = { disk: systemDisk(), clock: systemClock(), paths: positionals, values, output }
    return await command.run(call as Call)
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

function inspect({ disk, paths: [log, path = ''], values, output }: Call): Promise<number> {
  if (log !== 'log') throw new ArgumentError(`inspect ${log}: only \`inspect log\` is known`)
  const { key, kind } = values
  const kinds = typeof kind === 'string' ? kind.split(',') : undefined
  const known = Object.values(KIND_NAMES)
  const unknown = kinds?.find((one) => !known.includes(one))
  if (unknown !== undefined) throw ArgumentError.of('kind', unknown, known.join(', '))
  const options = {
    shard: numberOf(values, 'shard'),
    from: numberOf(values, 'from') ?? 0,
    to: numberOf(values, 'to') ?? Number.POSITIVE_INFINITY,
    isKey: typeof key === 'string' ? globMatcher(Buffer.from(key).toString('latin1')) : undefined,
    kinds: kinds && new Set(kinds),
    limit: numberOf(values, 'limit') ?? Number.POSITIVE_INFINITY,
    isJson: values['json'] === true,
  }
  return inspectCommand(disk, path, options, output)
}

function restore({ disk, clock, paths: [from = '', to = ''], values, output }: Call): Promise<number> {
  const toRevision = numberOf(values, 'to-revision')
  const time = values['to-time']
  const toMs = typeof time === 'string' ? Date.parse(time) : undefined
  if (Number.isNaN(toMs))
    throw ArgumentError.of('to-time', time, 'a time in ISO 8601, e.g. 2026-01-31T12:00:00Z')
  if (toRevision !== undefined && toMs !== undefined) {
    throw ArgumentError.of('to-time', time, '--to-revision or --to-time, not both')
  }
  const cut = { ...(toRevision !== undefined && { toRevision }), ...(toMs !== undefined && { toMs }) }
  return copyCommand(disk, clock, { what: 'restore', from, to, cut }, values['json'] === true, output)
}

async function upgrade({ disk, paths: [dir = ''], output }: Call): Promise<number> {
  const { manifest, from } = await upgradeDirectory(disk, dir)
  const before = from.length === 0 ? 'there is nothing to do' : `it was ${from[0]}`
  output.out(`${dir}: format ${manifest.format}, that of this version: ${before}\n`)
  return 0
}

/** A whole number that is not negative. */
function numberOf(values: Call['values'], option: string): number | undefined {
  const text = values[option]
  if (typeof text !== 'string') return undefined
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw ArgumentError.of(option, text, 'a whole number')
  return value
}

/** The streams of this process. */
export function processOutput(): StorageOutput {
  let isClosed = false
  // Whoever has seen enough closes the pipe: no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
    isClosed = true
  })
  return {
    out: (text) => void (isClosed || process.stdout.write(text)),
    err: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    isClosed: () => isClosed,
    ask: askOnTerminal,
  }
}

/** An answer, also from a pipe; undefined when there is none. */
function askOnTerminal(question: string): Promise<string | undefined> {
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  return new Promise((resolve) => {
    lines.once('close', () => resolve(undefined))
    lines.question(question, (answer) => {
      resolve(answer)
      lines.close()
    })
  })
}
