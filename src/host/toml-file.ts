/**
 * A file of ours, `shardloom.toml`: read into settings, and written again by `CONFIG REWRITE`.
 *
 * Keys are names of parameters, in either way of writing, at the top or in tables: `tls-port`, `tlsPort`, and
 * `port` in `[tls]` are one. A rewrite replaces values in their places and leaves comments, order and all
 * else.
 *
 * Tests: test/host/toml-file.test.ts
 */
import { parse, TomlError } from 'smol-toml'
import { type ByteString, bytesOfText, textOfBytes } from '../keyspace/engine/index.ts'
import {
  isWorthAdding,
  PARAMETERS,
  type Parameter,
  type ParameterValue,
  parameterOfAnyName,
  parseOption,
  type Rewritten,
} from '../server/parameters/index.ts'
import { SettingsSource } from './setting.ts'
import { type TomlStatement, tomlOutline } from './toml-statements.ts'
import { unusableFile } from './unusable-file.ts'

const ADDED = '# Added by CONFIG REWRITE.'
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The text of a file; TOML is UTF-8, and a secret must not become another. @throws SHL_CONFIGURATION_FILE */
export function tomlText(bytes: ByteString, file: string): string {
  const lines = bytes.split('\n')
  for (const [index, line] of lines.entries()) {
    try {
      UTF8.decode(Buffer.from(line, 'latin1'))
    } catch {
      throw unusableFile(`${file}:${index + 1}`, 'it is no UTF-8: a redis.conf can hold any bytes')
    }
  }
  return textOfBytes(bytes)
}

/** Reads a file. @throws SHL_CONFIGURATION_FILE, SHL_PARAMETER_UNKNOWN, SHL_PARAMETER_INVALID */
export function readToml(text: string, file: string): SettingsSource {
  const source = new SettingsSource()
  for (const { path, line, value } of entriesOf(text, file)) {
    source.takeOption(path.join('-'), value, `${file}:${line}`)
  }
  return source
}

interface Entry extends TomlStatement {
  readonly value: unknown
}

/** Statements with their values. @throws SHL_CONFIGURATION_FILE */
function entriesOf(text: string, file: string): Entry[] {
  let root: unknown
  try {
    root = parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    const [reason = ''] = error.message.replace('Invalid TOML document: ', '').split('\n')
    throw unusableFile(`${file}:${error.line}`, reason)
  }
  return tomlOutline(text).statements.map((statement) => {
    let value = root
    for (const name of statement.path)
      value = (value as Readonly<Record<string, unknown>> | undefined)?.[name]
    return { ...statement, value }
  })
}

/** The text of the file with the present values. @throws SHL_CONFIGURATION_FILE */
export function rewriteToml(text: string, file: string, rewritten: Rewritten): string {
  const own = new Map<Parameter, Entry>()
  for (const entry of entriesOf(text, file)) {
    const parameter = parameterOfAnyName(entry.path.join('-'))
    if (parameter !== undefined) own.set(parameter, entry)
  }
  const replaced: { readonly entry: Entry; readonly text: string }[] = []
  const added: string[] = []
  for (const parameter of PARAMETERS) {
    const { type, name, isDirective, default: fallback } = parameter
    const { users, store } = rewritten
    const value = name === 'user' ? users : isDirective ? undefined : store.valueOf(parameter)
    if (value === undefined) continue
    const entry = own.get(parameter)
    if (entry === undefined) {
      if (isWorthAdding(parameter, rewritten, value)) added.push(`${name} = ${tomlValue(parameter, value)}`)
      continue
    }
    const parsed = parseOption(type, entry.value, fallback)
    const isSame = parsed !== undefined && 'value' in parsed && type.print(parsed.value) === type.print(value)
    if (!isSame) replaced.push({ entry, text: tomlValue(parameter, value) })
  }
  return withAdded(withReplaced(text, replaced), added)
}

function withReplaced(
  text: string,
  replaced: readonly { readonly entry: Entry; readonly text: string }[],
): string {
  let result = text
  // From the end, so that places before stay where they are.
  for (const { entry, text: value } of [...replaced].sort(
    (a, b) => b.entry.valueStart - a.entry.valueStart,
  )) {
    result = result.slice(0, entry.valueStart) + value + result.slice(entry.valueEnd)
  }
  return result
}

/** What is added stands before the first table, of which it would be a part. */
function withAdded(text: string, lines: readonly string[]): string {
  if (lines.length === 0) return text
  const { tablesStart } = tomlOutline(text)
  const [head, tail] = [text.slice(0, tablesStart), text.slice(tablesStart)]
  const gap = head === '' || head.endsWith('\n') ? '' : '\n'
  const block = [...(head.includes(ADDED) ? [] : [ADDED]), ...lines].map((line) => `${line}\n`).join('')
  return `${head}${gap}${block}${tail === '' ? '' : '\n'}${tail}`
}

/** A value as it is written in such a file. @throws SHL_CONFIGURATION_FILE when its bytes are no text */
export function tomlValue({ type, name }: Parameter, value: ParameterValue): string {
  if (typeof value === 'boolean') return String(value)
  const printed = type.print(value)
  if (typeof value === 'number') {
    const [[word] = [printed]] = type.lines?.(value) ?? [[printed]]
    return word === String(value) && Number.isSafeInteger(value) ? word : quoted(name, word!)
  }
  if (type.isCumulative === true) {
    const lines = (type.lines?.(value) ?? []).map((words) => words.join(' ')).filter((line) => line !== '')
    return `[${lines.map((line) => quoted(name, line)).join(', ')}]`
  }
  if (Array.isArray(value)) {
    const items: readonly (string | number)[] = value
    const shown = items.map((item) =>
      typeof item === 'number' ? `${item}` : quoted(name, bytesOfText(item)),
    )
    return `[${shown.join(', ')}]`
  }
  return quoted(name, printed)
}

function quoted(name: string, bytes: ByteString): string {
  const text = textOfBytes(bytes)
  if (bytesOfText(text) !== bytes) {
    throw unusableFile('shardloom.toml', `the value of ${name} is no UTF-8: a redis.conf can hold it`)
  }
  // What JSON escapes, TOML reads; of what JSON leaves alone, TOML takes all but one.
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f')
}
