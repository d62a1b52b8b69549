/**
 * The configuration of a server: flags go before the environment, that before a file of ours, that before a
 * file of Redis, that before the table. The names are the same everywhere.
 *
 * A file of ours is the one that is named, or `shardloom.toml` in the working directory where there is one.
 * Both files may be given: a redis.conf with what Redis does not know beside it. `CONFIG REWRITE` writes to
 * the one that was named on purpose, or else to ours.
 *
 * Tests: test/host/load-configuration.test.ts
 */
import { bytesOfText, textOfBytes } from '../keyspace/engine/index.ts'
import {
  type ParameterOption,
  ParameterStore,
  type Rewritten,
  rewriteConf,
} from '../server/parameters/index.ts'
import { type ConfigurationFiles, systemFiles } from './configuration-files.ts'
import { readEnvironment } from './environment.ts'
import { readFlags } from './flags.ts'
import { readRedisConf } from './redis-conf-file.ts'
import { invalid, namedParameter, type Setting, type SettingsSource } from './setting.ts'
import { readToml, rewriteToml, tomlText } from './toml-file.ts'
import { unusableFile } from './unusable-file.ts'

/** What stands in the working directory is taken without being named. */
const OWN_FILE = 'shardloom.toml'

/** Where configuration comes from. */
export interface ConfigurationSources {
  /** The words behind `serve`. */
  readonly argv: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  /** Default: those of this machine. */
  readonly files?: ConfigurationFiles
}

/** A file that `CONFIG REWRITE` writes. */
export interface ConfigurationFile {
  readonly path: string
  /** Writes the present values into it. @throws SHL_CONFIGURATION_FILE */
  rewrite(rewritten: Rewritten): void
}

/** What a server starts with. */
export interface Configuration {
  readonly store: ParameterStore
  /** What was given, by names of parameters. */
  readonly settings: ReadonlyMap<string, Setting>
  readonly warnings: readonly string[]
  /** Undefined: no file was read. */
  readonly file: ConfigurationFile | undefined
  /** Files that were read, in the order of their weight. */
  readonly files: readonly string[]
  /** The key of files, where it was given itself. */
  readonly encryptionKey: string | undefined
  /** What was asked for instead of a server. */
  readonly task: 'serve' | 'check' | 'help'
}

/**
 * Reads it from all sources.
 *
 * @throws SHL_PARAMETER_UNKNOWN, SHL_PARAMETER_INVALID, SHL_CONFIGURATION_FILE
 */
export function loadConfiguration({ argv, env, files = systemFiles }: ConfigurationSources): Configuration {
  const flags = readFlags(argv)
  if (flags.isHelp) return { ...NOTHING, store: new ParameterStore(), task: 'help' }
  const environment = readEnvironment(env)
  const own = ownFile(files, flags.config ?? environment.config)
  const redisConf = flags.redisConf ?? environment.redisConf
  const theirs = redisConf === undefined ? undefined : readRedisConf(files, redisConf)
  const settings = new Map<string, Setting>()
  const sources = [theirs?.source, own?.source, environment.source, flags.source]
  for (const source of sources) {
    for (const [name, setting] of source?.settings ?? []) settings.set(name, setting)
  }
  const warnings = [...(theirs?.warnings ?? []), ...completeFromRedis(settings, theirs?.source)]
  const store = new ParameterStore([...settings].map(([name, { value }]) => [name, value] as const))
  checkTogether(store, settings)
  return {
    store,
    settings,
    warnings,
    file: rewritable(files, own?.path, redisConf, flags.config !== undefined),
    files: [own?.path, redisConf].filter((path) => path !== undefined),
    encryptionKey: environment.encryptionKey,
    task: flags.isCheck ? 'check' : 'serve',
  }
}

const NOTHING = {
  settings: new Map<string, Setting>(),
  warnings: [],
  file: undefined,
  files: [],
  encryptionKey: undefined,
}

function ownFile(files: ConfigurationFiles, named: string | undefined) {
  const path = named ?? OWN_FILE
  const text = files.read(path)
  if (text !== undefined) return { path, source: readToml(tomlText(text, path), path) }
  if (named === undefined) return undefined
  throw unusableFile(path, 'there is no such file')
}

/** Redis appends to files in its working directory, where it is told of no other. */
function completeFromRedis(settings: Map<string, Setting>, theirs: SettingsSource | undefined): string[] {
  const append = settings.get('appendonly')
  const isTheirs = append !== undefined && append === theirs?.settings.get('appendonly')
  if (!isTheirs || append.value === false || settings.has('dir')) return []
  settings.set('dir', { parameter: namedParameter('dir', append.origin), value: '.', origin: append.origin })
  return [`${append.origin}: appendonly without dir: the data is in the working directory`]
}

/** What can only be said of several values. @throws SHL_PARAMETER_INVALID */
function checkTogether(store: ParameterStore, settings: ReadonlyMap<string, Setting>): void {
  const refuse = (option: ParameterOption, isWrong: boolean, reason: string): void => {
    const setting = [...settings.values()].find(({ parameter }) => parameter.option === option)
    if (setting === undefined || !isWrong) return
    const { parameter, value, origin } = setting
    invalid(parameter, textOfBytes(parameter.type.print(value)), origin, reason)
  }
  const needs = (option: ParameterOption, isMissing: boolean, what: string): void =>
    refuse(option, isMissing, `it needs ${what} as well`)
  const strange = store.get('bind').find((word) => !isAddress(word))
  refuse('bind', strange !== undefined, `${strange} is no address`)
  const hasFiles = store.get('dir') !== ''
  const level = store.get('durability')
  needs('durability', !hasFiles && level !== 'memory', 'dir')
  needs('appendOnly', !hasFiles && store.get('appendOnly'), 'dir')
  needs('encryptionKeyFile', !hasFiles && store.get('encryptionKeyFile') !== '', 'dir')
  needs('encryptionKeyCommand', !hasFiles && store.get('encryptionKeyCommand') !== '', 'dir')
  const hasBothKeys = store.get('encryptionKeyFile') !== '' && store.get('encryptionKeyCommand') !== ''
  if (hasBothKeys) needs('encryptionKeyCommand', true, 'no encryption-key-file, or else not itself,')
  if (store.get('tlsPort') === 0) return
  const isSamePort = store.get('tlsPort') === store.get('port')
  refuse('tlsPort', isSamePort, 'port is the same: choose another, or set port 0')
  needs('tlsPort', store.get('tlsCertFile') === '', 'tls-cert-file')
  needs('tlsPort', store.get('tlsKeyFile') === '', 'tls-key-file')
  const hasAuthorities = store.get('tlsCaCertFile') !== '' || store.get('tlsCaCertDir') !== ''
  needs('tlsAuthClients', store.get('tlsAuthClients') !== 'no' && !hasAuthorities, 'tls-ca-cert-file')
  needs(
    'tlsPort',
    store.get('tlsAuthClients') !== 'no' && !hasAuthorities,
    'tls-ca-cert-file, or tls-auth-clients no,',
  )
}

/** Whether it may be one: an IP address, all of a family, or a name. Quotes of a shell are in none. */
function isAddress(word: string): boolean {
  return /^-?(?:\*|::\*|[\p{L}\p{N}_.:%-]+)$/u.test(word)
}

function rewritable(
  files: ConfigurationFiles,
  own: string | undefined,
  redisConf: string | undefined,
  isOwnNamed: boolean,
): ConfigurationFile | undefined {
  const isOwn = own !== undefined && (isOwnNamed || redisConf === undefined)
  const path = isOwn ? own : redisConf
  if (path === undefined) return undefined
  return {
    path,
    rewrite(rewritten) {
      const bytes = files.read(path) ?? ''
      const text = isOwn
        ? bytesOfText(rewriteToml(tomlText(bytes, path), path, rewritten))
        : rewriteConf(bytes, rewritten)
      if (text !== bytes) files.write(path, text)
    },
  }
}
