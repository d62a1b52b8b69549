#!/usr/bin/env node
/**
 * The command `shardloom`: whether this machine can run the runtime, how the keyspace scales on it, and what
 * is in its files.
 *
 * `doctor` starts a real runtime with one worker thread, asks it, loses it and closes it, and says what it
 * found; its exit code is 0 when all of it worked. `bench` measures and draws. `verify`, `inspect`, `repair`,
 * `backup`, `restore` and `upgrade` work on the files of a keyspace, each with options of its own; `cli` and
 * `top` talk to a server. What a command needs is loaded only then.
 *
 * Tests: test/cli/cli.test.ts, test/cli/bench.test.ts
 */
import { parseArgs } from 'node:util'
import { VERSION } from '../base/index.ts'
import { ProcessOutput } from './process-output.ts'
import type { CliStreams } from './prompt/context.ts'
import type { StorageOutput } from './storage/figures.ts'

const USAGE = `usage: shardloom <command> [options]

  doctor [options]  starts a runtime on this machine, tries it and says what it found
  bench [options]   shows how the keyspace scales with threads and shards, on this machine
  serve [options]   serves a keyspace to clients of the Redis protocol
  cli [COMMAND]     a prompt for a server, or one command
  top [options]     shows live what a server does
  verify DIR        reads every byte of a data directory and says what is there
  inspect log DIR   prints the records of its logs
  repair DIR        cuts logs that are damaged, after it said what that loses
  backup DIR TO     copies a directory, also while it is in use
  restore FROM DIR  makes a directory from a backup, as of a revision or a time
  upgrade DIR       brings a directory to the format of this version
  import FILE DIR   puts the keys of a Redis RDB file, or of an export, into a directory
  export DIR FILE   writes the keys of a directory as lines of JSON
                    <command> --help, or help <command>, says more of each
  -v, --version     prints the version
  -h, --help        prints this`

/** Commands on files; their options are in their own help. */
const STORAGE_COMMANDS: readonly string[] = ['verify', 'inspect', 'repair', 'backup', 'restore', 'upgrade']

/** Commands whose options are read here. */
const OWN_USAGES: ReadonlyMap<string, string> = new Map([
  [
    'doctor',
    `usage: shardloom doctor [--json]
    Starts a runtime with one worker thread on this machine, asks it, loses the thread, closes it, and
    says what it found. Exit code: 0 all of it worked, 1 something did not.
    --json            prints one JSON object`,
  ],
  [
    'bench',
    `usage: shardloom bench [options]
    Shows how the keyspace scales with threads and shards on this machine, with a chart.
    --seconds N       how long each measurement takes; default 1
    --rounds N        how often each is repeated; default 3
    --threads N       the most threads; default twice the cores
    --json            prints one JSON object instead of a chart
    --svg FILE        also writes the chart as an SVG`,
  ],
])

/** Options that only `bench` knows. */
const BENCH_OPTIONS = ['seconds', 'rounds', 'threads', 'svg'] as const

/** Runs the command line; resolves with the exit code. */
async function main(given: readonly string[], output: StorageOutput): Promise<number> {
  const words = given[0] === 'help' ? helpWords(given.slice(1)) : given
  if (words[0] === 'import' || words[0] === 'export') {
    const { portableCommand } = await import('./portable/portable-command.ts')
    return await portableCommand(words, output)
  }
  if (words[0] === 'serve') {
    const { serveCommand } = await import('./serve/serve-command.ts')
    return await serveCommand(words.slice(1), output)
  }
  if (words[0] === 'cli') {
    const { cliCommand } = await import('./prompt/cli-command.ts')
    return await cliCommand(words.slice(1), streamsOf(output))
  }
  if (words[0] === 'top') {
    const { topCommand } = await import('./top/top-command.ts')
    return await topCommand(words.slice(1), streamsOf(output))
  }
  if (STORAGE_COMMANDS.includes(words[0] ?? '')) {
    const { storageCommand } = await import('./storage/storage-command.ts')
    return await storageCommand(words, output)
  }
  const options = {
    json: { type: 'boolean' },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    threads: { type: 'string' },
    svg: { type: 'string' },
    version: { type: 'boolean', short: 'v' },
    help: { type: 'boolean', short: 'h' },
  } as const
  const refuse = (text: string): number => {
    output.err(`shardloom: ${text}\n${usageOf(words[0])}\n`)
    return 2
  }
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: true })
  } catch (error) {
    return refuse((error as Error).message)
  }
  const { values, positionals } = parsed
  if (values.version === true) {
    output.out(`${VERSION}\n`)
    return 0
  }
  const [command, ...rest] = positionals
  const isKnown = command === undefined || OWN_USAGES.has(command)
  if (!isKnown || rest.length > 0) return refuse(`unknown command: ${positionals.join(' ')}`)
  if (values.help === true || command === undefined) {
    output.out(`${usageOf(command)}\n`)
    return values.help === true ? 0 : 2
  }
  if (command === 'bench') {
    const { benchCommand } = await import('./bench/bench-command.ts')
    return benchCommand(values, output)
  }
  const foreign = BENCH_OPTIONS.find((name) => values[name] !== undefined)
  if (foreign !== undefined) return refuse(`--${foreign} is an option of bench, not of ${command}`)
  return doctor(values.json === true, output)
}

/** What those who talk to a server read and write. */
function streamsOf({ err, isTerminal, isClosed }: StorageOutput): CliStreams {
  const { stdin, stdout, env } = process
  return { input: stdin, output: stdout, err, isErrTerminal: isTerminal, isClosed, env }
}

/** How a command is used; without one of ours, the whole. */
function usageOf(command = ''): string {
  return OWN_USAGES.get(command) ?? USAGE
}

/** `help` and `help COMMAND` are `--help` and `COMMAND --help`. */
function helpWords(words: readonly string[]): readonly string[] {
  return words[0] === 'help' ? ['--help'] : [...words, '--help']
}

async function doctor(isJson: boolean, output: StorageOutput): Promise<number> {
  const { examine } = await import('./doctor.ts')
  const report = await examine()
  if (isJson) {
    output.out(`${JSON.stringify(report)}\n`)
  } else {
    for (const { name, isFine, found } of report.checks) {
      output.out(`${isFine ? 'ok  ' : 'FAIL'}  ${name.padEnd(24)} ${found}\n`)
    }
  }
  return report.isFine ? 0 : 1
}

const output = new ProcessOutput()
process.exitCode = output.exitCodeOf(await main(process.argv.slice(2), output))
