/**
 * `shardloom cli`: reads the command line and does what it asks for.
 *
 * Exit codes: 0 done; 1 the server cannot be reached, or said an error and `-e` was given; 2 the command line
 * is wrong.
 *
 * Tests: test/cli/prompt/cli-command.test.ts
 */
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { systemClock } from '../../base/index.ts'
import { colourPaint, plainPaint, wantsColour } from '../connection/paint.ts'
import { bytesOf } from '../connection/resp-connection.ts'
import { bigKeysMode } from './big-keys-mode.ts'
import { type CliContext, type CliStreams, pause } from './context.ts'
import { Interactive } from './interactive.ts'
import { latencyMode } from './latency-mode.ts'
import { CLI_USAGE, type CliOptions, cliOptions } from './options.ts'
import type { OutputForm, OutputFormat } from './output-format.ts'
import { pipeMode } from './pipe-mode.ts'
import { Runner } from './runner.ts'
import { scanMode } from './scan-mode.ts'
import { Session, type SessionEvents } from './session.ts'
import { splitLine } from './split-line.ts'
import { statMode } from './stat-mode.ts'

const EXPOSED =
  "Warning: Using a password with '-a' or '-u' option on the command line interface may not be safe.\n"

/** Runs the words behind `cli`; resolves with the exit code. */
export async function cliCommand(given: readonly string[], streams: CliStreams): Promise<number> {
  const read = cliOptions(given, streams.env)
  if (typeof read === 'string') {
    streams.err(`shardloom cli: ${read}\nshardloom cli --help says what there is\n`)
    return 2
  }
  const { options, words } = read
  if (options.isHelp) {
    streams.output.write(`${CLI_USAGE}\n`)
    return 0
  }
  if (options.isPasswordExposed && options.isWarned) streams.err(EXPOSED)
  const isInteractive =
    options.mode === 'command' &&
    words.length === 0 &&
    streams.input.isTTY === true &&
    streams.output.isTTY === true
  const clock = systemClock()
  const makeSession = (events: SessionEvents): Session => new Session(options, events)
  if (isInteractive) {
    const isColoured = wantsColour(true, streams.env)
    await new Interactive({
      terminal: streams,
      clock,
      paint: isColoured ? colourPaint : plainPaint,
      format: formatOf(options, streams),
      historyPath: historyPath(streams.env),
      isPushShown: options.isPushShown !== false,
      makeSession,
    }).run()
    return 0
  }
  const write = (bytes: string): void => {
    if (!streams.isClosed()) streams.output.write(Buffer.from(bytes, 'latin1'))
  }
  const format = formatOf(options, streams)
  const session = makeSession({
    say: (line) => streams.err(`${line}\n`),
    onPush: (value) => {
      if (options.isPushShown ?? streams.output.isTTY === true) runner.show(value, [])
    },
    onIdleLoss: () => undefined,
  })
  const runner = new Runner({ session, format, write, streams, isErrorFatal: options.isErrorFatal })
  try {
    return await runMode({ options, streams, clock, session, write }, runner, words)
  } finally {
    session.close()
  }
}

async function runMode(context: CliContext, runner: Runner, words: readonly string[]): Promise<number> {
  if (!(await context.session.connect())) return 1
  switch (context.options.mode) {
    case 'pipe':
      return await pipeMode(context)
    case 'scan':
      return await scanMode(context, runner)
    case 'bigkeys':
    case 'memkeys':
      return await bigKeysMode(context)
    case 'stat':
      return await statMode(context)
    case 'latency':
    case 'latency-history':
      return await latencyMode(context)
    case 'command':
      return words.length === 0 ? await runLines(context, runner) : await runWords(context, runner, words)
  }
}

/** One command, as often as it was asked for. */
async function runWords(context: CliContext, runner: Runner, words: readonly string[]): Promise<number> {
  const { options, streams, clock } = context
  let argv = words.map(bytesOf)
  if (options.isInputQuoted) {
    const unquoted = argv.map((word) => splitLine(word))
    const wrong = unquoted.findIndex(({ words: [, more], openQuote, isInvalid }) => {
      return more !== undefined || openQuote !== undefined || isInvalid
    })
    if (wrong >= 0) {
      streams.err(`shardloom cli: the argument is not quoted well: ${words[wrong]}\n`)
      return 2
    }
    argv = unquoted.map(({ words: [word] }) => word ?? '')
  }
  if (options.isLastFromStdin) argv = [...argv, await inputBytes(streams)]
  const tag = options.stdinTag === undefined ? -1 : argv.indexOf(bytesOf(options.stdinTag))
  if (options.stdinTag !== undefined) {
    if (tag < 0) {
      streams.err(`shardloom cli: no argument is ${options.stdinTag}\n`)
      return 2
    }
    argv = argv.with(tag, await inputBytes(streams))
  }
  for (let run = 0; options.repeat < 0 || run < options.repeat; run++) {
    if (run > 0 && options.intervalMs !== undefined) await pause(clock, options.intervalMs)
    if (streams.isClosed()) return 0
    const code = await runner.run(argv)
    if (code !== 0) return code
  }
  return 0
}

/** The lines of stdin, each a command. */
async function runLines({ streams }: CliContext, runner: Runner): Promise<number> {
  // Bytes as Latin-1, so that a line may hold any.
  streams.input.setEncoding('latin1')
  const lines = createInterface({ input: streams.input, crlfDelay: Number.POSITIVE_INFINITY })
  let code = 0
  for await (const line of lines) {
    code = await runner.runLine(line)
    if (code !== 0 || runner.isDone || streams.isClosed()) break
  }
  lines.close()
  return code
}

async function inputBytes({ input }: CliStreams): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of input) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('latin1')
}

function formatOf(options: CliOptions, { output, env }: CliStreams): OutputFormat {
  const isTerminal = output.isTTY === true
  const form: OutputForm = options.form ?? (isTerminal ? 'standard' : 'raw')
  const isColoured = form === 'standard' && wantsColour(isTerminal, env)
  const { elementDelimiter, replyDelimiter } = options
  return { form, paint: isColoured ? colourPaint : plainPaint, elementDelimiter, replyDelimiter }
}

/** SHARDLOOM_HISTORY, or a file in the home directory; an empty one keeps none. */
function historyPath(env: Readonly<Record<string, string | undefined>>): string | undefined {
  const path = env['SHARDLOOM_HISTORY']
  return path === '' ? undefined : (path ?? join(env['HOME'] ?? homedir(), '.shardloom_history'))
}
