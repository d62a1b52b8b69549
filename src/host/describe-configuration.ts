/**
 * Configuration as people read it: `shardloom serve --help`, `--check-config`, and the reference page.
 *
 * What `--check-config` prints is a file of ours: it may be kept as one, once secrets are put back.
 *
 * Tests: test/host/describe-configuration.test.ts
 */
import { isOfRuntime, PARAMETERS, type Parameter, type ParameterPart } from '../server/parameters/index.ts'
import type { Configuration } from './load-configuration.ts'
import { HIDDEN } from './setting.ts'
import { tomlValue } from './toml-file.ts'

const WIDTH = 100
const PARTS: readonly (readonly [part: ParameterPart, title: string])[] = [
  ['server', 'Server'],
  ['keyspace', 'Keyspace'],
  ['host', 'Process'],
]

/** What `serve --help` prints. */
export function serveHelp(): string {
  const lines = [
    'usage: shardloom serve [options]',
    '',
    'Serves a keyspace to clients of the Redis protocol. Options are given, in the order of their weight, as',
    'flags, as variables (SHARDLOOM_PORT for --port), in shardloom.toml of the working directory or --config',
    'FILE, and in a redis.conf. `--name value` and `--name=value` are the same; `--name` is `--name yes`.',
    '',
    '  --config FILE        a file of ours, TOML; also SHARDLOOM_CONFIG',
    '  --redis-conf FILE    a file of Redis; also SHARDLOOM_REDIS_CONF',
    '  --check-config       prints what would be used, and ends',
    '  -h, --help           prints this',
  ]
  for (const [part, title] of PARTS) {
    lines.push('', `${title}:`)
    for (const parameter of effective(part)) lines.push(...helpLines(parameter))
  }
  lines.push('', 'Other parameters of Redis are known, shown by CONFIG GET, and without effect.')
  return `${lines.join('\n')}\n`
}

function effective(part: ParameterPart): Parameter[] {
  return PARAMETERS.filter((parameter) => parameter.part === part && parameter.effect !== 'none')
}

function helpLines(parameter: Parameter): string[] {
  const { name, type, summary } = parameter
  const flag = `  --${name} ${type.placeholder}`
  const fallback = defaultText(parameter)
  const isListed = type.choices !== undefined && !type.placeholder.includes('|')
  const about = [
    summary,
    isListed ? `One of: ${type.choices?.join(', ')}.` : '',
    fallback === '' ? '' : `(default ${fallback})`,
  ]
  const rows = wrapped(about.filter((text) => text !== '').join(' '), WIDTH - 8)
  return [flag, ...rows.map((row) => `        ${row}`)]
}

/** The default as it would be written in a file; empty: nothing. */
function defaultText({ type, default: fallback }: Parameter): string {
  const lines = type.lines?.(fallback) ?? [[type.print(fallback)]]
  return lines.map((words) => words.join(' ')).join(', ')
}

function wrapped(text: string, width: number): string[] {
  const rows: string[] = []
  let row = ''
  for (const word of text.split(' ')) {
    if (row !== '' && row.length + word.length + 1 > width) {
      rows.push(row)
      row = ''
    }
    row = row === '' ? word : `${row} ${word}`
  }
  return [...rows, row]
}

/** What `serve --check-config` prints: all that has an effect, and where it comes from. */
export function checkText({ store, settings, files }: Configuration): string {
  const lines = [`# Read: ${files.length === 0 ? 'no files' : files.join(', ')}.`]
  for (const [part, title] of PARTS) {
    lines.push('', `# ${title}.`)
    for (const parameter of effective(part)) {
      const value = store.valueOf(parameter)
      const origin = settings.get(parameter.name)?.origin
      const isSet = parameter.type.print(value) !== ''
      const shown = parameter.isSecret && isSet ? JSON.stringify(HIDDEN) : tomlValue(parameter, value)
      const follows = store.isChanged(parameter) ? 'follows from others' : 'default'
      lines.push(`${parameter.name} = ${shown}  # ${origin ?? follows}`)
    }
  }
  return `${lines.join('\n')}\n`
}

const PAGE_WIDTH = 108
const INTRODUCTION: readonly string[] = [
  'One name everywhere. The parameter `maxmemory` is the flag `--maxmemory 1gb`, the variable ' +
    "`SHARDLOOM_MAXMEMORY=1gb`, the key `maxmemory = '1gb'` of `shardloom.toml`, the line `maxmemory 1gb` " +
    'of a redis.conf, the argument of `CONFIG GET` and `CONFIG SET`, and the option `maxMemory` of ' +
    '`runtime.serve()`.',
  'Flags go before variables, those before `shardloom.toml` of the working directory (or `--config FILE`), ' +
    'that before a redis.conf (`--redis-conf FILE`), that before the default. A name that is unknown, or a ' +
    'value that is not allowed, is an error that says where it stands, what is allowed, and which name is ' +
    'meant perhaps; in a redis.conf, an unknown name is a warning. `shardloom serve --check-config` prints ' +
    'what would be used, with where it comes from, and starts nothing.',
  'In a file of ours, tables are parts of names, and either way of writing is read: `tls-port = 6380`, ' +
    '`tlsPort = 6380`, and `port = 6380` in `[tls]` are one. Sizes are numbers of bytes, or text: `1k` is ' +
    '1000, `1kb` is 1024.',
  'Changed by `CONFIG SET`: **yes** at once; **no** it is read when the server starts; **protected** where ' +
    '`enable-protected-configs` allows it. `CONFIG REWRITE` writes what has changed into the file that was ' +
    'read, and leaves its comments and its order as they are.',
]

/** The reference page. */
export function configurationPage(): string {
  const lines = [
    '# Configuration',
    '',
    '<!-- Generated from the tables of src/server/parameters: change those, then run',
    'UPDATE=1 npx vitest run test/host/describe-configuration.test.ts -->',
    '',
    ...INTRODUCTION.flatMap((paragraph) => [...wrapped(paragraph, PAGE_WIDTH), '']).slice(0, -1),
  ]
  for (const [part, title] of PARTS) {
    lines.push('', `## ${title}`)
    for (const parameter of effective(part)) lines.push('', ...pageLines(parameter))
  }
  const idle = PARAMETERS.filter(({ effect }) => effect === 'none')
  lines.push(
    '',
    '## Known from Redis, and without effect',
    '',
    'They are read, checked, kept, and shown by `CONFIG GET`, since tools and files of Redis have them.',
    '',
    ...wrapped(
      idle
        .flatMap(({ name, aliases }) => [name, ...aliases])
        .map((name) => `\`${name}\``)
        .join(', '),
      108,
    ),
  )
  return `${lines.join('\n')}\n`
}

function pageLines(parameter: Parameter): string[] {
  const { name, option, aliases, shortNames, type, summary, effect, isMutable, isDirective } = parameter
  const fallback = defaultText(parameter)
  const others = [...aliases, ...shortNames].map((other) => `\`${other}\``).join(', ')
  const changed = isDirective
    ? 'no'
    : isMutable === 'protected'
      ? 'protected'
      : effect === 'live'
        ? 'yes'
        : 'no'
  // Of `runtime.serve()`; what a runtime has settled before is no option of it.
  const kind = isOfRuntime(parameter) ? 'Name in a file' : 'Option'
  const kept = effect === 'start' && isMutable === true ? ' (it is taken, and used at the next start)' : ''
  return [
    `### ${name}`,
    '',
    ...wrapped(summary, PAGE_WIDTH),
    '',
    `- Allowed: \`${type.allowed}\``,
    `- Default: ${fallback === '' ? 'nothing' : `\`${fallback}\``}`,
    `- ${kind}: \`${option}\`${others === '' ? '' : `; other names: ${others}`}`,
    `- Changed by \`CONFIG SET\`: ${changed}${kept}`,
  ]
}
