/**
 * Parameters from the environment: `SHARDLOOM_` and a name in capitals, with `_` for `-`.
 *
 * An unknown one is an error, since a limit that is misspelt is no limit. Two kinds are left alone: those
 * that other commands read, and those that Kubernetes makes for a service that is called `shardloom`, of
 * which one is `SHARDLOOM_PORT=tcp://10.0.0.1:6379`.
 *
 * Tests: test/host/load-configuration.test.ts
 */
import { bytesOfText } from '../keyspace/engine/index.ts'
import { parameterOfAnyName } from '../server/parameters/index.ts'
import { SettingsSource } from './setting.ts'

const PREFIX = 'SHARDLOOM_'
/** Of clients, and of commands on files. */
const FOREIGN = /^(?:AUTH|KEY|URL|HISTORY|REPLY_.*)$/
const KUBERNETES = /^(?:SERVICE_(?:HOST|PORT.*)|PORT_\d+_(?:TCP|UDP).*)$/

/** What the environment says. */
export interface Environment {
  readonly source: SettingsSource
  readonly config: string | undefined
  readonly redisConf: string | undefined
  /** A key itself, as the commands on files take it. */
  readonly encryptionKey: string | undefined
}

/** Reads variables. @throws SHL_PARAMETER_UNKNOWN, SHL_PARAMETER_INVALID */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Environment {
  const source = new SettingsSource()
  for (const variable of Object.keys(env).sort()) {
    const value = env[variable]
    if (!variable.startsWith(PREFIX) || value === undefined) continue
    const word = variable.slice(PREFIX.length)
    const isForeign = FOREIGN.test(word) || KUBERNETES.test(word) || /^(?:tcp|udp):\/\//.test(value)
    if (isForeign || word === 'CONFIG' || word === 'REDIS_CONF') continue
    const name = word.toLowerCase().replaceAll('_', '-')
    const lines = parameterOfAnyName(name)?.type.isCumulative === true ? value.split('\n') : [value]
    for (const line of lines) source.takeWords(name, [bytesOfText(line)], `variable ${variable}`)
  }
  return {
    source,
    config: env[`${PREFIX}CONFIG`] || undefined,
    redisConf: env[`${PREFIX}REDIS_CONF`] || undefined,
    encryptionKey: env[`${PREFIX}KEY`] || undefined,
  }
}
