/**
 * The command line of `shardloom cli`, in the words of redis-cli.
 *
 * Tests: test/cli/prompt/options.test.ts
 */
import {
  ADDRESS_ROWS,
  type AddressOptions,
  addressDefaults,
  counts,
  type OptionRow,
  optionLines,
  puts,
  readOptions,
  takes,
  takesSeconds,
} from '../connection/address-options.ts'
import type { OutputForm } from './output-format.ts'

/** What is done: a command or a prompt, unless something else is asked for. */
export type CliMode =
  | 'command'
  | 'pipe'
  | 'scan'
  | 'bigkeys'
  | 'memkeys'
  | 'stat'
  | 'latency'
  | 'latency-history'

/** What somebody asked for. */
export interface CliOptions extends AddressOptions {
  mode: CliMode
  /** undefined: for people on a terminal, raw elsewhere. */
  form: OutputForm | undefined
  elementDelimiter: string
  replyDelimiter: string
  /** Times that the command is run; below 0: for ever. */
  repeat: number
  intervalMs: number | undefined
  isErrorFatal: boolean
  /** The last argument is what stdin holds. */
  isLastFromStdin: boolean
  /** The argument that is replaced by what stdin holds. */
  stdinTag: string | undefined
  isInputQuoted: boolean
  isPushShown: boolean | undefined
  pattern: string | undefined
  count: number | undefined
  type: string | undefined
  pipeTimeoutMs: number
  isHelp: boolean
}

const PIPE_TIMEOUT_MS = 30_000
const INTERVAL_SECONDS_MAX = 86_400

const mode = (name: string, to: CliMode, help: string): OptionRow<CliOptions> => ({
  names: [name],
  help,
  set: puts('mode', to),
})
const form = (name: string, to: OutputForm, help: string): OptionRow<CliOptions> => ({
  names: [name],
  help,
  set: puts('form', to),
})

const CLI_ROWS: readonly OptionRow<CliOptions>[] = [
  {
    names: ['-r'],
    value: 'N',
    help: 'runs the command N times; -1: until it is stopped',
    set: counts('repeat', -1, 2 ** 31 - 1),
  },
  {
    names: ['-i'],
    value: 'SECONDS',
    help: 'waits so long between the runs, as in 0.1; also for --scan, --stat, --latency',
    set: takesSeconds('intervalMs', 0, INTERVAL_SECONDS_MAX),
  },
  {
    names: ['-x'],
    help: 'the last argument is what stdin holds',
    set: puts('isLastFromStdin', true),
  },
  {
    names: ['-X'],
    value: 'TAG',
    help: 'the argument TAG is what stdin holds',
    set: takes('stdinTag'),
  },
  {
    names: ['-e'],
    help: 'an error ends it with exit code 1',
    set: puts('isErrorFatal', true),
  },
  {
    names: ['--quoted-input'],
    help: 'arguments may be quoted, as at the prompt: \'"\\x00"\'',
    set: puts('isInputQuoted', true),
  },
  form('--raw', 'raw', 'prints replies bare; the default where the output is no terminal'),
  form('--no-raw', 'standard', 'prints replies for people, wherever'),
  form('--csv', 'csv', 'prints replies as CSV'),
  form('--json', 'json', 'prints replies as JSON, over RESP3 unless -2 is given'),
  form('--quoted-json', 'quoted-json', 'the same in ASCII, with bytes escaped'),
  {
    names: ['-d'],
    value: 'TEXT',
    help: 'between the elements of a bare reply; default a newline',
    set: takes('elementDelimiter'),
  },
  {
    names: ['-D'],
    value: 'TEXT',
    help: 'behind each bare reply; default a newline',
    set: takes('replyDelimiter'),
  },
  {
    names: ['--show-pushes'],
    value: 'YES|NO',
    help: 'prints what the server pushes; default on a terminal',
    set: (o, value) => {
      if (!/^(?:y|yes|n|no)$/i.test(value)) return 'yes or no'
      o.isPushShown = value.toLowerCase().startsWith('y')
      return undefined
    },
  },
  mode('--pipe', 'pipe', 'sends stdin, which is commands of the protocol, and counts the replies'),
  {
    names: ['--pipe-timeout'],
    value: 'SECONDS',
    help: 'how long --pipe waits for the last reply; default 30; 0: for ever',
    set: counts('pipeTimeoutMs', 0, INTERVAL_SECONDS_MAX, 1_000),
  },
  mode('--scan', 'scan', 'prints all keys'),
  {
    names: ['--pattern'],
    value: 'GLOB',
    help: 'only such keys',
    set: takes('pattern'),
  },
  {
    names: ['--count'],
    value: 'N',
    help: 'keys that SCAN looks at in one call',
    set: counts('count', 1, 2 ** 31 - 1),
  },
  { names: ['--type'], value: 'TYPE', help: 'only keys of it', set: takes('type') },
  mode('--bigkeys', 'bigkeys', 'looks at all keys for those with the most elements'),
  mode('--memkeys', 'memkeys', 'looks at all keys for those with the most memory'),
  mode('--stat', 'stat', 'prints a line of figures each second'),
  mode('--latency', 'latency', 'measures how long PING takes'),
  mode('--latency-history', 'latency-history', 'the same, a line each 15 seconds'),
  {
    names: ['--eval'],
    value: 'FILE',
    help: 'not yet: there are no scripts',
    set: () => 'nothing yet: scripts come with a later version',
  },
  {
    names: ['-c'],
    help: 'as of redis-cli; a server is one node here, so that it changes nothing',
    set: () => undefined,
  },
  { names: ['--help'], help: 'prints this', set: puts('isHelp', true) },
]

const ROWS: readonly OptionRow<CliOptions>[] = [...ADDRESS_ROWS, ...CLI_ROWS]

export const CLI_USAGE: string = `usage: shardloom cli [options] [command [argument ...]]

Without a command it is a prompt, or runs the lines of stdin where that is no terminal.

${optionLines(ROWS)}`

/** Reads the words behind `cli`; a text says what is wrong with them. */
export function cliOptions(
  given: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): { readonly options: CliOptions; readonly words: readonly string[] } | string {
  const options: CliOptions = {
    ...addressDefaults(env),
    mode: 'command',
    form: undefined,
    elementDelimiter: '\n',
    replyDelimiter: '\n',
    repeat: 1,
    intervalMs: undefined,
    isErrorFatal: false,
    isLastFromStdin: false,
    stdinTag: undefined,
    isInputQuoted: false,
    isPushShown: undefined,
    pattern: undefined,
    count: undefined,
    type: undefined,
    pipeTimeoutMs: PIPE_TIMEOUT_MS,
    isHelp: false,
  }
  const read = readOptions(given, ROWS, options)
  if ('refusal' in read) return read.refusal
  if (options.form === 'json' || options.form === 'quoted-json') options.resp ??= 3
  return { options, words: read.words }
}
