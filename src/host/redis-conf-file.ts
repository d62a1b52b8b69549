/**
 * A file of Redis, read into settings: `include`, quotes, `user`, `save`, and what has no meaning here.
 *
 * A file of Redis is there to be kept, so it is never refused for what this server does not do: a directive
 * that is unknown is warned about, and those that are known and without effect are named in one line. A value
 * that matters and is wrong is an error, as in a file of ours.
 *
 * Tests: test/host/redis-conf-file.test.ts
 * Source: Redis 7.0, src/config.c (loadServerConfigFromString).
 */
import { basename, dirname, join } from 'node:path'
import { nearestName, ShardloomError } from '../base/index.ts'
import { type ByteString, bytesOfText, globMatcher, textOfBytes } from '../keyspace/engine/index.ts'
import { confWords, PARAMETERS, parameterOfAnyName } from '../server/parameters/index.ts'
import type { ConfigurationFiles } from './configuration-files.ts'
import { SettingsSource } from './setting.ts'
import { unusableFile } from './unusable-file.ts'

const INCLUDES_MAX = 16
/** Directives of Redis that are no parameters: why they have no effect here. */
const DIRECTIVES: Readonly<Record<string, string>> = {
  'rename-command': 'commands keep their names: take them from users with ACL rules',
  loadmodule: 'modules are not loaded',
  sentinel: 'there is no Sentinel',
}

/** What a file of Redis says. */
export interface RedisConf {
  readonly source: SettingsSource
  readonly warnings: readonly string[]
}

/** Reads a file and those it includes. @throws SHL_CONFIGURATION_FILE, SHL_PARAMETER_INVALID */
export function readRedisConf(files: ConfigurationFiles, file: string): RedisConf {
  const reader = new ConfReader(files)
  reader.read(file, 0)
  return { source: reader.source, warnings: reader.end() }
}

class ConfReader {
  readonly source = new SettingsSource()
  readonly #files: ConfigurationFiles
  readonly #warnings: string[] = []

  constructor(files: ConfigurationFiles) {
    this.#files = files
  }

  read(file: string, depth: number): void {
    if (depth > INCLUDES_MAX) throw unusableFile(file, 'files include each other too deeply')
    const text = this.#files.read(file)
    if (text === undefined) throw unusableFile(file, 'there is no such file')
    for (const [index, line] of text.split('\n').entries())
      this.#readLine(line, `${file}:${index + 1}`, depth)
  }

  #readLine(line: ByteString, origin: string, depth: number): void {
    const words = confWords(line)
    if (words === undefined) throw unusableFile(origin, 'quotes are not closed')
    const [word, ...values] = words
    if (word === undefined) return
    const name = word.toLowerCase()
    if (name === 'include') {
      for (const pattern of values) this.#include(textOfBytes(pattern), origin, depth)
      return
    }
    if (name in DIRECTIVES) {
      this.#warnings.push(`${origin}: ${textOfBytes(line.trim())}: ${DIRECTIVES[name]}`)
      return
    }
    const parameter = parameterOfAnyName(name)
    if (parameter === undefined) {
      const nearest = nearestName(
        name,
        PARAMETERS.flatMap((one) => [one.name, ...one.aliases]),
      )
      this.#warnings.push(
        `${origin}: unknown directive ${textOfBytes(word)} is left out; did you mean ${nearest}?`,
      )
      return
    }
    // As Redis: nothing is a list as well, of no times to save at.
    if (values.length === 0 && name === 'save') values.push('')
    if (values.length === 0) throw unusableFile(origin, `${name} needs a value`)
    try {
      this.source.takeWords(name, values, origin)
    } catch (error) {
      // Whatever it says, it changes nothing.
      if (parameter.effect !== 'none' || !(error instanceof ShardloomError)) throw error
      this.#warnings.push(`${origin}: ${error.message}`)
    }
  }

  /** A file, or all whose names match; as in Redis, one that is named must be there. */
  #include(pattern: string, origin: string, depth: number): void {
    if (!/[*?[]/.test(pattern)) {
      this.read(pattern, depth + 1)
      return
    }
    const folder = dirname(pattern)
    if (/[*?[]/.test(folder))
      throw unusableFile(origin, 'only the last part of an include may have wildcards')
    const isMeant = globMatcher(bytesOfText(basename(pattern)))
    for (const name of this.#files.list(folder)) {
      if (isMeant(bytesOfText(name))) this.read(join(folder, name), depth + 1)
    }
  }

  /** All warnings; of what is without effect, only what is not as it is anyway. */
  end(): readonly string[] {
    const idle = [...this.source.settings.values()]
      .filter(({ parameter: { effect, type, default: fallback }, value }) => {
        return effect === 'none' && type.print(value) !== type.print(fallback)
      })
      .map(({ parameter: { name } }) => name)
    if (idle.length > 0) this.#warnings.push(`known from Redis and without effect here: ${idle.join(', ')}`)
    return this.#warnings
  }
}
