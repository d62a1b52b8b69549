/** Whatever is given: a configuration, or an error of ours that hides what is secret. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ShardloomError } from '../../src/base/index.ts'
import { checkText } from '../../src/host/describe-configuration.ts'
import { loadConfiguration } from '../../src/host/load-configuration.ts'
import { PARAMETERS } from '../../src/server/parameters/index.ts'
import { filesOf } from '../support/configuration.ts'

const SECRET = 'sehrgeheim'
const NAME = fc.oneof(
  fc.constantFrom(...PARAMETERS.flatMap(({ name, option, aliases }) => [name, option, ...aliases])),
  fc.constantFrom('help', 'config', 'redis-conf', 'check-config', 'prt', 'x', '', '__proto__', 'constructor'),
)
const VALUE = fc.oneof(
  fc.constantFrom('1', '-1', 'yes', 'no', '100mb', '5%', 'auto', 'shardloom.toml', SECRET, `${SECRET}\0`, ''),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
const WORD = fc.oneof(
  NAME.map((name) => `--${name}`),
  NAME.map((name) => `--no-${name}`),
  fc.tuple(NAME, VALUE).map(([name, value]) => `--${name}=${value}`),
  VALUE,
)
const ENV = fc.dictionary(
  NAME.map((name) => `SHARDLOOM_${name.toUpperCase().replaceAll('-', '_')}`),
  VALUE,
  { maxKeys: 4 },
)
const CONF = fc
  .array(fc.tuple(NAME, VALUE).map(([name, value]) => `${name} ${value}`))
  .map((lines) => lines.join('\n'))
const TOML = fc.oneof(
  fc.string(),
  fc
    .array(fc.tuple(NAME, fc.oneof(VALUE, fc.jsonValue({ maxDepth: 2 }))))
    .map((pairs) => pairs.map(([name, value]) => `"${name}" = ${JSON.stringify(value)}`).join('\n')),
)

test('nothing but an error of ours comes out of it', () => {
  fc.assert(
    fc.property(fc.array(WORD), ENV, TOML, CONF, fc.boolean(), (argv, env, toml, conf, hasToml) => {
      const files = filesOf({ 'redis.conf': conf, ...(hasToml && { 'shardloom.toml': toml }) })
      try {
        const configuration = loadConfiguration({ argv: ['--redis-conf', 'redis.conf', ...argv], env, files })
        expect(checkText(configuration)).toContain('# Server.')
      } catch (error) {
        if (!(error instanceof ShardloomError)) throw error
        expect(error.code).toMatch(/^SHL_(?:PARAMETER|CONFIGURATION)_/)
      }
    }),
    { numRuns: 300 },
  )
})

test.each(['requirepass', 'masterauth', 'tls-key-file-pass', 'user'])(
  'the value of %s is nowhere to be read',
  (name) => {
    for (const given of [
      { argv: [`--${name}`, SECRET] },
      { env: { [`SHARDLOOM_${name.toUpperCase().replaceAll('-', '_')}`]: SECRET } },
      { texts: { 'shardloom.toml': `${name} = ["${SECRET}"]` } },
      { texts: { 'shardloom.toml': `${name} = { a = "${SECRET}", b = 1979-05-27 }` } },
      { texts: { 'r.conf': `${name} ${SECRET}\n` }, argv: ['--redis-conf', 'r.conf'] },
    ]) {
      const files = filesOf(
        'texts' in given && given.texts !== undefined ? ({ ...given.texts } as never) : {},
      )
      let text: string
      try {
        text = checkText(loadConfiguration({ argv: given.argv ?? [], env: given.env ?? {}, files }))
      } catch (error) {
        text = (error as Error).message
      }
      expect(text).not.toContain(SECRET)
    }
  },
)
