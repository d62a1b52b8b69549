/**
 * The command line: what may be given, and what it means. Anything else is one clear line and exit code 2.
 *
 * Tests: test/examples/supervised-pipeline.test.ts
 */
import { existsSync, mkdirSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

export const RESULTS = 'results.jsonl'

export const HELP = `A pipeline of supervised subsystems under load: HTTP intake, scheduler, workers, writer.
At the end it proves that every accepted job is in the output exactly once, with the right result.

  --seconds N    how long the load lasts (default: 10)
  --clients N    how many clients post jobs (default: 8)
  --workers N    how many workers compute (default: 2)
  --chaos        end, block and bloat subsystems at random
  --seed N       of jobs and chaos (default: 1)
  --reload       replace the workers by another version half-way
  --out FOLDER   where ${RESULTS} goes (default: a temporary folder, removed at the end)
  --port N       where to listen on 127.0.0.1 (default: any free port)
  --json         print lines of JSON
  --help         print this`

/** What the program was asked to do. */
export interface PipelineCommand {
  readonly seconds: number
  readonly clients: number
  readonly workers: number
  readonly chaos: boolean
  readonly seed: number
  readonly reload: boolean
  /** Undefined: a temporary one. */
  readonly out: string | undefined
  readonly port: number
  readonly json: boolean
  readonly help: boolean
}

/** A command line that makes no sense; its message is for the user. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Reads the arguments after the program's name; makes the folder. */
export function readOptions(args: readonly string[]): PipelineCommand {
  const values = parse(args)
  const help = values.help ?? false
  const seconds = Number(values.seconds ?? 10)
  if (!(seconds > 0 && seconds <= 3600)) {
    throw new UsageError(`--seconds must be a number up to 3600, not "${values.seconds}"`)
  }
  return {
    seconds,
    clients: wholeOf('clients', values.clients, 8, 1, 256),
    workers: wholeOf('workers', values.workers, 2, 1, 32),
    chaos: values.chaos ?? false,
    seed: wholeOf('seed', values.seed, 1, 0, 2 ** 31 - 1),
    reload: values.reload ?? false,
    out: values.out === undefined || help ? undefined : folderOf(values.out),
    port: wholeOf('port', values.port, 0, 0, 65_535),
    json: values.json ?? false,
    help,
  }
}

function parse(args: readonly string[]) {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean' } as const
  try {
    return parseArgs({
      args: [...args],
      options: {
        seconds: text,
        clients: text,
        workers: text,
        chaos: flag,
        seed: text,
        reload: flag,
        out: text,
        port: text,
        json: flag,
        help: flag,
      },
    }).values
  } catch (error) {
    // Node adds advice on how to pass such an argument after `--`; the first sentence says what is wrong.
    const [reason] = (error as Error).message.split(/\. |\n/)
    throw new UsageError(`${reason} (see --help)`)
  }
}

function wholeOf(name: string, text: string | undefined, byDefault: number, min: number, max: number) {
  if (text === undefined) return byDefault
  const value = Number(text)
  if (text !== '' && Number.isInteger(value) && value >= min && value <= max) return value
  throw new UsageError(`--${name} must be a whole number of ${min} to ${max}, not "${text}"`)
}

function folderOf(path: string): string {
  const folder = resolve(path)
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new UsageError(`--out: ${folder} cannot be made: ${(error as Error).message}`)
  }
  if (!statSync(folder).isDirectory()) throw new UsageError(`--out: ${folder} is not a folder`)
  // The proof is about this run; the results of another one would be uninvited.
  if (existsSync(join(folder, RESULTS))) throw new UsageError(`--out: there is a ${RESULTS} in ${folder}`)
  return folder
}
