#!/usr/bin/env node
/**
 * The command `shardloom`: whether this machine can run the runtime, how the keyspace scales on it, and what
 * is in its files.
 *
 * `doctor` starts a real runtime with one worker thread, asks it, loses it and closes it, and says what it
 * found; its exit code is 0 when all of it worked. `bench` measures and draws. `verify`, `inspect`, `repair`,
 * `backup`, `restore` and `upgrade` work on the files of a keyspace, each with options of its own. What a
 * command needs is loaded only then.
 *
 * Tests: test/cli/cli.test.ts, test/cli/bench.test.ts
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { examine } from './doctor.ts'

const USAGE = `usage: shardloom <command> [options]

  doctor [--json]   starts a runtime on this machine, tries it and says what it found
  bench [options]   shows how the keyspace scales with threads and shards, on this machine
    --seconds N     how long each measurement takes; default 1
    --rounds N      how often each is repeated; default 3
    --threads N     the most threads; default twice the cores
    --json          prints one JSON object instead of a chart
    --svg FILE      also writes the chart as an SVG
  verify DIR        reads every byte of a data directory and says what is there
  inspect log DIR   prints the records of its logs
  repair DIR        cuts logs that are damaged, after it said what that loses
  backup DIR TO     copies a directory, also while it is in use
  restore FROM DIR  makes a directory from a backup, as of a revision or a time
  upgrade DIR       brings a directory to the format of this version
  import FILE DIR   puts the keys of a Redis RDB file, or of an export, into a directory
  export DIR FILE   writes the keys of a directory as lines of JSON
                    <command> --help says more of each
  --version         prints the version
  --help            prints this`

/** Commands on files; their options are in their own help. */
const STORAGE_COMMANDS: readonly string[] = ['verify', 'inspect', 'repair', 'backup', 'restore', 'upgrade']

/** Options that only `bench` knows. */
const BENCH_OPTIONS = ['seconds', 'rounds', 'threads', 'svg'] as const

/** Runs the command line; resolves with the exit code. */
async function main(words: readonly string[]): Promise<number> {
  if (words[0] === 'import' || words[0] === 'export') {
    const { portableCommand } = await import('./portable/portable-command.ts')
    const { processOutput } = await import('./storage/storage-command.ts')
    return await portableCommand(words, processOutput())
  }
  if (STORAGE_COMMANDS.includes(words[0] ?? '')) {
    const { processOutput, storageCommand } = await import('./storage/storage-command.ts')
    return await storageCommand(words, processOutput())
  }
  const options = {
    json: { type: 'boolean' },
    seconds: { type: 'string' },
    rounds: { type: 'string' },
    threads: { type: 'string' },
    svg: { type: 'string' },
    version: { type: 'boolean' },
    help: { type: 'boolean' },
  } as const
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: true })
  } catch (error) {
    process.stderr.write(`shardloom: ${(error as Error).message}\n${USAGE}\n`)
    return 2
  }
  const { values, positionals } = parsed
  if (values.version === true) {
    process.stdout.write(`${packageVersion()}\n`)
    return 0
  }
  const [command, ...rest] = positionals
  if (values.help === true || command === undefined) {
    process.stdout.write(`${USAGE}\n`)
    return values.help === true ? 0 : 2
  }
  if ((command !== 'doctor' && command !== 'bench') || rest.length > 0) {
    process.stderr.write(`shardloom: unknown command: ${positionals.join(' ')}\n${USAGE}\n`)
    return 2
  }
  if (command === 'bench') {
    const { benchCommand } = await import('./bench/bench-command.ts')
    return benchCommand(values, {
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
      isTerminal: process.stderr.isTTY === true,
    })
  }
  const foreign = BENCH_OPTIONS.find((name) => values[name] !== undefined)
  if (foreign !== undefined) {
    process.stderr.write(`shardloom: --${foreign} is an option of bench, not of ${command}\n${USAGE}\n`)
    return 2
  }
  return doctor(values.json === true)
}

async function doctor(isJson: boolean): Promise<number> {
  const report = await examine()
  if (isJson) {
    process.stdout.write(`${JSON.stringify(report)}\n`)
  } else {
    for (const { name, isFine, found } of report.checks) {
      process.stdout.write(`${isFine ? 'ok  ' : 'FAIL'}  ${name.padEnd(24)} ${found}\n`)
    }
  }
  return report.isFine ? 0 : 1
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

process.exitCode = await main(process.argv.slice(2))
