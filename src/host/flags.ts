/**
 * The command line of `shardloom serve`: a flag for every parameter, by any of its names, and a few more.
 *
 * A flag of yes and no needs no value: `--appendonly`, `--no-protected-mode`. What looks like a flag is a
 * value where one is due, as in `--slowlog-log-slower-than -1`.
 *
 * Tests: test/host/load-configuration.test.ts
 */
import { parseArgs } from 'node:util'
import { ShardloomError } from '../base/index.ts'
import { bytesOfText } from '../keyspace/engine/index.ts'
import { PARAMETERS, parameterOfAnyName } from '../server/parameters/index.ts'
import { invalid, namedParameter, SettingsSource } from './setting.ts'
import { unusableFile } from './unusable-file.ts'

/** What the command line says. */
export interface Flags {
  readonly source: SettingsSource
  /** A file of ours. */
  readonly config: string | undefined
  /** A file of Redis. */
  readonly redisConf: string | undefined
  readonly isHelp: boolean
  readonly isCheck: boolean
}

const OWN = {
  config: { type: 'string' },
  'redis-conf': { type: 'string' },
  'check-config': { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** Reads the words behind `serve`. @throws SHL_PARAMETER_UNKNOWN, SHL_PARAMETER_INVALID */
export function readFlags(argv: readonly string[]): Flags {
  const names = argv.map((word) => /^--([^=]+)/.exec(word)?.[1] ?? '').filter(isParameter)
  const options = Object.fromEntries(names.map((name) => [name, { type: 'string' as const, multiple: true }]))
  const { tokens } = parseArgs({
    args: withYes(argv),
    options: { ...options, ...OWN },
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const source = new SettingsSource()
  const own: { config?: string; 'redis-conf'?: string; 'check-config'?: true } = {}
  const isHelp = tokens.some((token) => token.kind === 'option' && token.name === 'help')
  // Whoever asks for help is not to be told what is wrong.
  if (isHelp) return { source, config: undefined, redisConf: undefined, isHelp, isCheck: false }
  for (const token of tokens) {
    if (token.kind === 'positional') {
      refuseValue(argv[token.index - 1] ?? '', token.value)
      const flag = /^\d+$/.test(token.value) ? '--port' : '--config'
      refuseName(token.value, 'command line', `${flag} ${token.value}`)
    }
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    const origin = `flag ${rawName}`
    if (name === 'check-config') own[name] = true
    else if (name === 'config' || name === 'redis-conf') {
      if (value === undefined || value === '') throw unusableFile(rawName, 'the name of a file is missing')
      own[name] = value
    } else if (rawName.startsWith('--')) takeFlag(source, name, value, origin)
    else refuseName(rawName, origin, longFlag(rawName))
  }
  return {
    source,
    config: own.config,
    redisConf: own['redis-conf'],
    isHelp,
    isCheck: own['check-config'] === true,
  }
}

function isParameter(name: string): boolean {
  return parameterOfAnyName(name) !== undefined
}

/** The same words, with the values that flags of yes and no leave out. */
function withYes(argv: readonly string[]): string[] {
  return argv.map((word, i) => {
    if (!word.startsWith('--') || word.includes('=')) return word
    const name = word.slice(2)
    const parameter = parameterOfAnyName(name)
    if (parameter === undefined) {
      const denied = name.startsWith('no-') ? parameterOfAnyName(name.slice(3)) : undefined
      return denied?.type.isYesNo === true ? `--${denied.name}=no` : word
    }
    const next = argv[i + 1] ?? ''
    const isValue = /^(?:true|false)$/.test(next) || parameter.type.choices?.includes(next.toLowerCase())
    return parameter.type.isYesNo === true && isValue !== true ? `${word}=yes` : word
  })
}

function takeFlag(source: SettingsSource, name: string, value: string | undefined, origin: string): void {
  if (value === undefined) invalid(namedParameter(name, origin), '', origin, 'it needs a value')
  source.takeWords(name, [bytesOfText(value)], origin)
}

/** What somebody may mean by `-p`. */
function longFlag(flag: string): string {
  const letters = flag.replace(/^-+/, '')
  return `--${PARAMETERS.find(({ name }) => name.startsWith(letters))?.name ?? 'help'}`
}

/** What stands behind a flag of yes and no, and is neither, is meant for it. */
function refuseValue(flag: string, word: string): void {
  const parameter = flag.startsWith('--') ? parameterOfAnyName(flag.slice(2)) : undefined
  if (parameter?.type.isYesNo !== true) return
  const parsed = parameter.type.parse([bytesOfText(word)], parameter.default)
  if ('refusal' in parsed) invalid(parameter, word, `flag ${flag}`, parsed.refusal)
}

function refuseName(name: string, origin: string, nearest: string): never {
  throw new ShardloomError('SHL_PARAMETER_UNKNOWN', { name, origin, nearest })
}
