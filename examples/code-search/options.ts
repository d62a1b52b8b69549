/**
 * The command line: what may be given, and what it means. Anything else is one clear line and exit code 2.
 *
 * Tests: test/examples/code-search.test.ts
 */
import { existsSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const THREADS_MAX = 64
const LIMIT_MAX = 10_000
const LIMIT_DEFAULT = 10

export const HELP = `Indexes a source tree with actors on all threads, then answers queries.

  npm start -- [folder] [options]        (default folder: the installed node_modules)

  --query "worker thread"   answer one query on standard output and exit
  --threads N               how many worker threads (default: what the machine has)
  --limit N                 how many hits per query (default: ${LIMIT_DEFAULT})
  --chaos                   kill a thread half-way; the index comes out the same
  --no-baseline             leave out the single-threaded run
  --json                    print one JSON object instead of lines
  --help                    print this`

/** What the program was asked to do. */
export interface SearchOptions {
  readonly folder: string
  readonly query: string | undefined
  readonly threads: number
  readonly limit: number
  readonly chaos: boolean
  readonly baseline: boolean
  readonly json: boolean
  readonly help: boolean
}

/** A command line that makes no sense; its message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Reads the arguments after the program's name. */
export function readOptions(args: readonly string[]): SearchOptions {
  const { values, positionals } = parse(args)
  if (positionals.length > 1) throw new UsageError(`one folder at a time, not ${positionals.length}`)
  const help = values.help ?? false
  return {
    folder: help ? '' : checkFolder(positionals[0] ?? installedModules()),
    query: values.query,
    threads: countOf('threads', values.threads, availableParallelism(), THREADS_MAX),
    limit: countOf('limit', values.limit, LIMIT_DEFAULT, LIMIT_MAX),
    chaos: values.chaos ?? false,
    baseline: !(values['no-baseline'] ?? false),
    json: values.json ?? false,
    help,
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        query: { type: 'string' },
        threads: { type: 'string' },
        limit: { type: 'string' },
        chaos: { type: 'boolean' },
        'no-baseline': { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    // Node adds advice on how to pass such an argument after `--`; the first sentence says what is wrong.
    const [reason] = (error as Error).message.split(/\. |\n/)
    throw new UsageError(`${reason} (see --help)`)
  }
}

function countOf(name: string, text: string | undefined, byDefault: number, max: number): number {
  if (text === undefined) return byDefault
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= max) return count
  throw new UsageError(`--${name} must be a whole number of 1..${max}, not "${text}"`)
}

function checkFolder(path: string): string {
  const folder = resolve(path)
  if (!existsSync(folder)) throw new UsageError(`there is no folder ${folder}`)
  if (!statSync(folder).isDirectory()) throw new UsageError(`${folder} is not a folder`)
  return folder
}

/** The `node_modules` nearest to this file, or else to the current folder. */
function installedModules(): string {
  for (const start of [import.meta.dirname, process.cwd()]) {
    for (let folder = start; folder !== dirname(folder); folder = dirname(folder)) {
      if (existsSync(join(folder, 'node_modules'))) return join(folder, 'node_modules')
    }
  }
  throw new UsageError('there is no node_modules to index; name a folder')
}
