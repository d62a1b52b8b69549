/**
 * Where a server is and who we are there: options, URL and environment, in the words of redis-cli.
 *
 * What stands later on the command line wins. A password comes, in this order, from `-a`, from the URL, from
 * SHARDLOOM_AUTH, from REDISCLI_AUTH; the two on the command line can be read by everybody on the machine, so
 * that somebody is warned.
 *
 * Tests: test/cli/prompt/options.test.ts
 */

/** How to reach a server, and as whom. */
export interface AddressOptions {
  host: string
  port: number
  /** A Unix socket, in place of host and port. */
  path: string | undefined
  user: string | undefined
  password: string | undefined
  /** The password was on the command line. */
  isPasswordExposed: boolean
  isWarned: boolean
  db: number
  resp: 2 | 3 | undefined
  isTls: boolean
  isInsecure: boolean
  certFile: string | undefined
  keyFile: string | undefined
  caFile: string | undefined
  serverName: string | undefined
}

const PORT_DEFAULT = 6379
const PROTOCOLS: Readonly<Record<string, boolean>> = {
  redis: false,
  shardloom: false,
  rediss: true,
  shardlooms: true,
}

/** What an option does with its value; it gives back what is allowed, when the value is not. */
export type SetOption<O> = (options: O, value: string) => string | undefined

/** One option of a command line. */
export interface OptionRow<O> {
  readonly names: readonly string[]
  /** What its value is called; undefined: it takes none. */
  readonly value?: string
  readonly help: string
  readonly set: SetOption<O>
}

/** The options that all who connect have. */
export const ADDRESS_ROWS: readonly OptionRow<AddressOptions>[] = [
  {
    names: ['-h', '--host'],
    value: 'HOST',
    help: 'default 127.0.0.1',
    set: (o, value) => {
      o.host = value
      o.path = undefined
    },
  },
  {
    names: ['-p', '--port'],
    value: 'PORT',
    help: `default ${PORT_DEFAULT}`,
    set: counts('port', 0, 65_535),
  },
  {
    names: ['-s', '--socket'],
    value: 'PATH',
    help: 'a Unix socket, in place of host and port',
    set: takes('path'),
  },
  {
    names: ['-u', '--url'],
    value: 'URL',
    help: 'shardloom[s]:// or redis[s]://[[USER:]PASSWORD@]HOST[:PORT][/DB], or unix:/PATH[?db=DB]',
    set: setUrl,
  },
  {
    names: ['-a', '--pass'],
    value: 'PASSWORD',
    help: 'better in SHARDLOOM_AUTH or REDISCLI_AUTH, where others do not see it',
    set: (o, value) => {
      o.password = value
      o.isPasswordExposed = true
    },
  },
  {
    names: ['--user'],
    value: 'NAME',
    help: 'whose password it is',
    set: takes('user'),
  },
  {
    names: ['--no-auth-warning'],
    help: 'does not warn of a password on the command line',
    set: puts('isWarned', false),
  },
  {
    names: ['-n', '--db'],
    value: 'DB',
    help: 'number of the database',
    set: counts('db', 0, 2 ** 31 - 1),
  },
  { names: ['-2'], help: 'speaks RESP2', set: puts('resp', 2) },
  { names: ['-3'], help: 'speaks RESP3', set: puts('resp', 3) },
  { names: ['--tls'], help: 'over TLS', set: puts('isTls', true) },
  { names: ['--cert'], value: 'FILE', help: 'our certificate', set: takes('certFile') },
  { names: ['--key'], value: 'FILE', help: 'its private key', set: takes('keyFile') },
  {
    names: ['--cacert'],
    value: 'FILE',
    help: "the authority that signs the server's",
    set: takes('caFile'),
  },
  {
    names: ['--sni'],
    value: 'NAME',
    help: 'the name that is asked for over TLS',
    set: takes('serverName'),
  },
  {
    names: ['--insecure'],
    help: "does not check the server's certificate",
    set: puts('isInsecure', true),
  },
]

/** What holds when nothing is said. */
export function addressDefaults(env: Readonly<Record<string, string | undefined>>): AddressOptions {
  return {
    host: '127.0.0.1',
    port: PORT_DEFAULT,
    path: undefined,
    user: undefined,
    password: env['SHARDLOOM_AUTH'] ?? env['REDISCLI_AUTH'],
    isPasswordExposed: false,
    isWarned: true,
    db: 0,
    resp: undefined,
    isTls: false,
    isInsecure: false,
    certFile: undefined,
    keyFile: undefined,
    caFile: undefined,
    serverName: undefined,
  }
}

/** What was read from a command line. */
export type ReadOptions = { readonly refusal: string } | { readonly words: readonly string[] }

/**
 * Reads options up to the first word that is none, into `options`; that word and all behind it are given
 * back, since a command may have words that begin with a hyphen. As with redis-cli, a lone -h asks for help.
 */
export function readOptions<O>(
  words: readonly string[],
  rows: readonly OptionRow<O>[],
  options: O,
): ReadOptions {
  const given = words.length === 1 && words[0] === '-h' ? ['--help'] : words
  for (let at = 0; at < given.length; at++) {
    const word = given[at] as string
    if (word === '--') return { words: given.slice(at + 1) }
    if (!word.startsWith('-') || word === '-') return { words: given.slice(at) }
    const split = word.startsWith('--') ? word.indexOf('=') : -1
    const name = split < 0 ? word : word.slice(0, split)
    const row = rows.find(({ names }) => names.includes(name))
    if (row === undefined) return { refusal: `unknown option: ${name}` }
    if (row.value === undefined) {
      if (split >= 0) return { refusal: `${name} takes no value` }
      row.set(options, '')
      continue
    }
    const value = split < 0 ? given[++at] : word.slice(split + 1)
    if (value === undefined) return { refusal: `${name} takes a value: ${row.value}` }
    const allowed = row.set(options, value)
    if (typeof allowed === 'string')
      return { refusal: `${name} ${shown(name, value)}: allowed is ${allowed}` }
  }
  return { words: [] }
}

/** The lines of a help text. */
export function optionLines<O>(rows: readonly OptionRow<O>[]): string {
  return rows
    .map(({ names, value, help }) => {
      const left = `${names.join(', ')}${value === undefined ? '' : ` ${value}`}`
      return `  ${left.padEnd(22)} ${help}`
    })
    .join('\n')
}

/** An option that puts a value. */
export function puts<O, K extends keyof O>(key: K, value: O[K]): SetOption<O> {
  return (options) => {
    options[key] = value
    return undefined
  }
}

/** An option that takes its text as it is. */
export function takes<K extends string>(key: K): SetOption<Record<K, string | undefined>> {
  return (options, value) => {
    options[key] = value
    return undefined
  }
}

/** An option that takes a whole number of a range, times `factor`. */
export function counts<K extends string>(
  key: K,
  min: number,
  max: number,
  factor = 1,
): SetOption<Record<K, number | undefined>> {
  return (options, value) => {
    const number = /^-?\d+$/.test(value) ? Number(value) : Number.NaN
    if (!(number >= min && number <= max)) return `a whole number from ${min} to ${max}`
    options[key] = number * factor
    return undefined
  }
}

/** An option that takes seconds of a range, and keeps milliseconds. */
export function takesSeconds<K extends string>(
  key: K,
  min: number,
  max: number,
): SetOption<Record<K, number | undefined>> {
  return (options, value) => {
    const seconds = /^\d*\.?\d+$/.test(value) ? Number(value) : Number.NaN
    if (!(seconds >= min && seconds <= max)) return `seconds from ${min} to ${max}`
    options[key] = seconds * 1000
    return undefined
  }
}

/** What is shown of a value that was refused: nothing of a URL, which may hold a password. */
function shown(name: string, value: string): string {
  return name === '-u' || name === '--url' ? '(the URL)' : value
}

function setUrl(options: AddressOptions, value: string): string | undefined {
  return value.startsWith('unix:') ? setUnixUrl(options, value) : setTcpUrl(options, value)
}

/** As the client of programs has them: `unix:/path`, or `unix://user:password@/path`. */
function setUnixUrl(options: AddressOptions, value: string): string | undefined {
  const match = /^unix:(?:\/\/(?:([^@/]*)@)?)?(\/[^?#]+)(?:\?db=(\d+))?$/.exec(value)
  if (match === null) return urlForm()
  const [, credentials, path = '', db] = match
  options.path = percentDecoded(path)
  if (db !== undefined) options.db = Number(db)
  setCredentials(options, credentials)
  return undefined
}

function setTcpUrl(options: AddressOptions, value: string): string | undefined {
  const match = /^([a-z]+):\/\/(?:([^@/]*)@)?(\[[^\]]+\]|[^:/?#]*)(?::(\d+))?(?:\/(\d*))?$/i.exec(value)
  const isTls = PROTOCOLS[match?.[1]?.toLowerCase() ?? '']
  const decoded = match?.slice(2).map((part) => (part === undefined ? undefined : percentDecoded(part)))
  if (match === null || isTls === undefined || decoded === undefined) return urlForm()
  const [, host, port, db] = decoded
  if (Number(port ?? 0) > 65_535) return urlForm()
  options.isTls ||= isTls
  options.path = undefined
  if (host !== undefined && host !== '') options.host = host.replace(/^\[|\]$/g, '')
  if (port !== undefined) options.port = Number(port)
  if (db !== undefined && db !== '') options.db = Number(db)
  setCredentials(options, match[2])
  return undefined
}

function setCredentials(options: AddressOptions, credentials: string | undefined): void {
  if (credentials === undefined) return
  const colon = credentials.indexOf(':')
  if (colon > 0) options.user = percentDecoded(credentials.slice(0, colon))
  options.password = percentDecoded(credentials.slice(colon + 1))
  options.isPasswordExposed = true
}

function urlForm(): string {
  return `${Object.keys(PROTOCOLS).join('|')}://[[USER:]PASSWORD@]HOST[:PORT][/DB], or unix:/PATH[?db=DB]`
}

/** Escapes of a URL resolved; what is no escape stays. */
function percentDecoded(text: string): string {
  return /%(?![0-9a-f]{2})/i.test(text) ? text : bytesDecoded(text)
}

function bytesDecoded(text: string): string {
  const bytes = text.split(/(%[0-9a-f]{2})/i).map((part, index) => {
    return index % 2 === 1 ? Buffer.from(part.slice(1), 'hex') : Buffer.from(part)
  })
  return Buffer.concat(bytes).toString()
}
