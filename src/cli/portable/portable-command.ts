/**
 * `shardloom import` and `shardloom export`: keys into a directory and out of it, from and to a file.
 *
 * Both open the directory as its owner, start a keyspace on it, and go through commands, as any program
 * would. Files are Redis' RDB (read) and lines of JSON (both ways); which one is seen from its first bytes.
 * An export is written beside its place and gets its name when it is whole.
 *
 * Exit codes: 0 done; 1 done, but for what cannot be held; 2 an error, or a wrong argument.
 * Tests: test/cli/portable/portable-command.test.ts
 */
import { createReadStream, createWriteStream } from 'node:fs'
import { open, rename, rm, stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import { parseArgs } from 'node:util'
import { ShardloomError, toError } from '../../base/index.ts'
import type { Keyspace } from '../../keyspace/index.ts'
import {
  EntryLoader,
  type IfExists,
  KeyExporter,
  NdjsonReader,
  type PortableEntry,
  plainReply,
  RdbReader,
  type RunCommands,
  type SkippedItem,
  writeNdjson,
} from '../../keyspace/portable/index.ts'
import { createRuntime } from '../../server/index.ts'
import { countOf, ProgressBar, type StorageOutput, TEXT_CHARS_MAX, wordText } from '../storage/figures.ts'
import {
  type ArgumentValues,
  encryptionOf,
  HELP_ARGUMENT,
  KEY_ARGUMENTS,
  KEY_USAGE,
} from '../storage/key-arguments.ts'

const USAGES: Readonly<Record<string, string>> = {
  import: `import FILE DIR [--replace | --skip] [--json]
    Puts the keys of a file into a data directory, which is made when it is not there. The file is a
    Redis RDB file (versions 1 to 11) or an export of this tool.
    --replace         keys that are there already are replaced
    --skip            they are left as they are; without either, one ends the import${KEY_USAGE}`,
  export: `export DIR FILE [--match PATTERN] [--json]
    Writes the keys of a data directory as lines of JSON, which \`import\` reads; - is standard output.
    --match PATTERN   only keys like this, as in KEYS${KEY_USAGE}
    What is exported is in the clear.`,
}

const MAGIC_RDB = 'REDIS'
const DATABASES = 16
/** Of what cannot be held so many are named. */
const SKIPPED_SHOWN_MAX = 20

type Values = ArgumentValues

/** Runs one of them; the exit code. */
export async function portableCommand(words: readonly string[], output: StorageOutput): Promise<number> {
  const [name = '', ...rest] = words
  const usage = USAGES[name] as string
  const refuse = (text: string): number => {
    output.err(`shardloom: ${text}\nusage: shardloom ${usage}\n`)
    return 2
  }
  const options = {
    replace: { type: 'boolean' },
    skip: { type: 'boolean' },
    match: { type: 'string' },
    json: { type: 'boolean' },
    ...HELP_ARGUMENT,
    ...KEY_ARGUMENTS,
  } as const
  try {
    const parsed = parseArgs({ args: rest, options, allowPositionals: true })
    const values: Values = parsed.values
    const [first = '', second = ''] = parsed.positionals
    if (values['help'] === true) {
      output.out(`usage: shardloom ${usage}\n`)
      return 0
    }
    if (parsed.positionals.length !== 2) return refuse(`${name} takes 2 words`)
    const foreign = (name === 'import' ? ['match'] : ['replace', 'skip']).find(
      (one) => values[one] !== undefined,
    )
    if (foreign !== undefined) return refuse(`--${foreign} is no option of ${name}`)
    if (values['replace'] === true && values['skip'] === true) return refuse('--replace or --skip, not both')
    if (name === 'import') return await importFile(first, second, values, output)
    return await exportTo(first, second, values, output)
  } catch (error) {
    const { code, message } = toError(error) as { code?: string; message: string }
    if (code?.startsWith('ERR_PARSE_ARGS')) return refuse(message)
    if (!(error instanceof ShardloomError) && code === undefined) throw error
    output.err(`shardloom: ${message}\n`)
    return 2
  }
}

async function importFile(path: string, dir: string, values: Values, output: StorageOutput): Promise<number> {
  const { size } = await stat(path)
  const isRdb = (await firstBytes(path)) === MAGIC_RDB
  const skipped = new Skipped(output)
  const bar = new ProgressBar(output, 'import')
  // Whether a file is whole is known at its end: nothing of one that is not is imported.
  for await (const _ of readerOf(path, isRdb).read(createReadStream(path) as AsyncIterable<Uint8Array>));
  return withKeyspace(dir, values, output, async (keyspace) => {
    const reader = readerOf(path, isRdb, skipped.add)
    const ifExists: IfExists =
      values['replace'] === true ? 'replace' : values['skip'] === true ? 'skip' : 'error'
    const loader = new EntryLoader(runOf(keyspace), { ifExists })
    const stream = createReadStream(path)
    const batches = async function* (): AsyncGenerator<readonly PortableEntry[]> {
      for await (const batch of reader.read(stream as AsyncIterable<Uint8Array>)) {
        bar.show(stream.bytesRead, size)
        yield batch
      }
    }
    const summary = await loader.load(batches()).finally(() => bar.clear())
    if (values['json'] === true) {
      output.out(`${JSON.stringify({ ...summary, notHeld: skipped.count })}\n`)
    } else {
      const left = summary.skipped > 0 ? `, ${countOf(summary.skipped, 'key')} left as they were` : ''
      output.out(`${path}: ${countOf(summary.keys, 'key')} imported into ${dir}${left}\n`)
    }
    return skipped.end()
  })
}

async function exportTo(dir: string, path: string, values: Values, output: StorageOutput): Promise<number> {
  // Not made by looking for what it holds.
  await stat(dir)
  const skipped = new Skipped(output)
  return withKeyspace(dir, values, output, async (keyspace) => {
    const { match } = values
    const exporter = new KeyExporter(runOf(keyspace), {
      dbs: Array.from({ length: DATABASES }, (_, db) => db),
      onSkipped: skipped.add,
      ...(typeof match === 'string' && { match }),
    })
    const lines = writeNdjson(exporter.read())
    if (path === '-') {
      for await (const chunk of lines) {
        if (output.isClosed()) break
        output.out(Buffer.from(chunk).toString())
      }
    } else {
      const draft = `${path}.part`
      try {
        await pipeline(lines, createWriteStream(draft, { flags: 'w', flush: true, mode: 0o600 }))
        await rename(draft, path)
      } catch (error) {
        await rm(draft, { force: true })
        throw error
      }
      const { keys } = exporter.summary
      if (values['json'] === true) output.out(`${JSON.stringify({ keys })}\n`)
      else output.out(`${dir}: ${countOf(keys, 'key')} exported to ${path}\n`)
    }
    return skipped.end()
  })
}

/** With the keyspace of a directory, which is closed afterwards. */
async function withKeyspace(
  dir: string,
  values: Values,
  output: StorageOutput,
  run: (keyspace: Keyspace) => Promise<number>,
): Promise<number> {
  const bar = new ProgressBar(output, 'recovery')
  const encryption = encryptionOf(values, process.env)
  const onRecovery = ({ fraction }: { readonly fraction: number }): void => bar.show(fraction, 1)
  const keyspace = { dir, onRecovery, ...(encryption && { encryption }) }
  const runtime = await createRuntime({ keyspace }).finally(() => bar.clear())
  try {
    return await run(runtime.keyspace)
  } finally {
    await runtime.close()
  }
}

/** Commands of several databases, many on their way at once. */
function runOf(keyspace: Keyspace): RunCommands {
  const sessions = new Map<number, ReturnType<Keyspace['session']>>()
  return async (db, commands) => {
    let session = sessions.get(db)
    if (session === undefined) {
      session = keyspace.session()
      await session.call(['SELECT', String(db)])
      sessions.set(db, session)
    }
    const own = session
    return Promise.all(commands.map(async (command) => plainReply(await own.call(command))))
  }
}

function readerOf(
  path: string,
  isRdb: boolean,
  onSkipped: (item: SkippedItem) => void = () => undefined,
): RdbReader | NdjsonReader {
  return isRdb ? new RdbReader({ source: path, onSkipped }) : new NdjsonReader({ source: path })
}

async function firstBytes(path: string): Promise<string> {
  const file = await open(path, 'r')
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC_RDB.length), 0, MAGIC_RDB.length, 0)
    return buffer.toString('latin1', 0, bytesRead)
  } finally {
    await file.close()
  }
}

/** What cannot be held: the first ones by name, all of them by number. */
class Skipped {
  count = 0
  readonly #output: StorageOutput

  constructor(output: StorageOutput) {
    this.#output = output
  }

  readonly add = (item: SkippedItem): void => {
    if (++this.count > SKIPPED_SHOWN_MAX) return
    const words = [
      item.kind,
      item.name,
      item.key === '' ? '' : wordText(item.key, TEXT_CHARS_MAX, item.keyBytes),
    ].filter((word) => word !== '')
    this.#output.err(`not held: ${words.join(' ')}\n`)
  }

  /** The exit code. */
  end(): number {
    if (this.count === 0) return 0
    this.#output.err(`not held in all: ${this.count}\n`)
    return 1
  }
}
