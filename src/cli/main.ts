#!/usr/bin/env node
/**
 * The command `shardloom`: today it answers one question, whether this machine can run the runtime, and how
 * well.
 *
 * `doctor` starts a real runtime with one worker thread, asks it, loses it and closes it, and says what it
 * found; its exit code is 0 when all of it worked. Tests: test/cli/cli.test.ts
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { examine } from './doctor.ts'

const USAGE = `usage: shardloom <command> [options]

  doctor [--json]   starts a runtime on this machine, tries it and says what it found
  --version         prints the version
  --help            prints this`

/** Runs the command line; resolves with the exit code. */
async function main(words: readonly string[]): Promise<number> {
  const options = {
    json: { type: 'boolean' },
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
  if (command !== 'doctor' || rest.length > 0) {
    process.stderr.write(`shardloom: unknown command: ${positionals.join(' ')}\n${USAGE}\n`)
    return 2
  }
  const report = await examine()
  if (values.json === true) {
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
