/** Files of ours: read, with the places of what is in them, and written again around what is kept. */
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { readToml, rewriteToml, tomlValue } from '../../src/host/toml-file.ts'
import { tomlOutline } from '../../src/host/toml-statements.ts'
import { PARAMETERS, ParameterStore, parseOption } from '../../src/server/parameters/index.ts'

const FILE = `# Ours.
port = 6380 # for the old clients
bind = [
  "127.0.0.1", # here
  '::1',
]
"max-clients" = 5
maxmemory = '1gb'
requirePass = """
a\\"b"""
client-output-buffer-limit = { normal = [0, 0, 0], "pubsub" = ["1mb", 1024, 5] }

[tls]   # all of it
port = 0
auth-clients = "no"
  cert-file = "a#b.pem"

[slowlog]
max-len = 7
`

test('values are read by any of their names, with their lines', () => {
  const { settings } = readToml(FILE, 'f.toml')
  const found = [...settings.values()].map(({ parameter, value, origin }) => [parameter.name, value, origin])
  expect(found).toEqual([
    ['port', 6380, 'f.toml:2'],
    ['bind', ['127.0.0.1', '::1'], 'f.toml:3'],
    ['maxclients', 5, 'f.toml:7'],
    ['maxmemory', 2 ** 30, 'f.toml:8'],
    ['requirepass', 'a"b', 'f.toml:9'],
    [
      'client-output-buffer-limit',
      { normal: [0, 0, 0], slave: [268_435_456, 67_108_864, 60], pubsub: [1_048_576, 1024, 5] },
      'f.toml:11',
    ],
    ['tls-port', 0, 'f.toml:14'],
    ['tls-auth-clients', 'no', 'f.toml:15'],
    ['tls-cert-file', 'a#b.pem', 'f.toml:16'],
    ['slowlog-max-len', 7, 'f.toml:19'],
  ])
})

test('a rewrite changes values in their places and keeps the rest, to the byte', () => {
  const { settings } = readToml(FILE, 'f.toml')
  const store = new ParameterStore([...settings].map(([name, { value }]) => [name, value] as const))
  expect(rewriteToml(FILE, 'f.toml', { store })).toBe(FILE)
  store.set([
    ['port', '6381'],
    ['bind', '*'],
    ['tls-auth-clients', 'optional'],
    ['requirepass', 'x"y\\z\x01'],
    ['slowlog-max-len', '128'],
    ['maxmemory', '1000'],
    ['timeout', '9'],
    ['notify-keyspace-events', 'KEA'],
  ])
  const rewritten = rewriteToml(FILE, 'f.toml', { store, users: ['alice on >x'] })
  expect(rewritten).toBe(`# Ours.
port = 6381 # for the old clients
bind = ["*"]
"max-clients" = 5
maxmemory = 1000
requirePass = "x\\"y\\\\z\\u0001"
client-output-buffer-limit = { normal = [0, 0, 0], "pubsub" = ["1mb", 1024, 5] }

# Added by CONFIG REWRITE.
timeout = 9
user = ["alice on >x"]
notify-keyspace-events = "AKE"

[tls]   # all of it
port = 0
auth-clients = "optional"
  cert-file = "a#b.pem"

[slowlog]
max-len = 128
`)
  expect(rewriteToml(rewritten, 'f.toml', { store, users: ['alice on >x'] })).toBe(rewritten)
})

test('a secret that is no text is refused, not spoilt', () => {
  const store = new ParameterStore()
  store.set([['requirepass', '\xff']])
  expect(() => rewriteToml('', 'f.toml', { store })).toThrow(/the value of requirepass is no UTF-8/)
})

test('every default is written so that it is read again', () => {
  for (const parameter of PARAMETERS) {
    const { type, default: value } = parameter
    const { x } = parse(`x = ${tomlValue(parameter, value)}`)
    const read = parseOption(type, x, value)
    expect(read && 'value' in read && type.print(read.value)).toBe(type.print(value))
  }
})

test('the places of values are right, whatever they are', () => {
  const bare = fc.constantFrom('1', '-7', '0x1f', '1_000', '3.5', 'true', 'inf', '2000-01-01', '07:32:00')
  const text = fc.string({ maxLength: 6 })
  const quoted = fc.oneof(
    text.map((one) => JSON.stringify(one)),
    fc.constantFrom(
      `''`,
      `'a"#]b'`,
      `"""a"b""c\n#]"""`,
      `'''it's\n''x'''`,
      `"""x\\"""" `.trim(),
      `"""a"""""`,
    ),
  )
  const { value } = fc.letrec<{ value: string; list: string; table: string }>((tie) => ({
    value: fc.oneof({ maxDepth: 3 }, bare, quoted, tie('list'), tie('table')),
    list: fc.array(tie('value'), { maxLength: 3 }).map((items) => `[ # a ] comment\n${items.join(' ,\n')}]`),
    table: fc
      .array(tie('value'), { maxLength: 2 })
      .map((items) => `{ ${items.map((one, i) => `k${i} = ${one}`).join(', ')} }`),
  }))
  const comment = fc.constantFrom('', ' # it\'s "one', '\t')
  fc.assert(
    fc.property(fc.array(fc.tuple(value, comment), { minLength: 1, maxLength: 4 }), (entries) => {
      const file = entries.map(([one, tail], i) => `[t${i}."x.y"]\n  k${i} . z = ${one}${tail}\n`).join('\n')
      parse(file)
      const { statements, tablesStart } = tomlOutline(file)
      expect(statements.map(({ path }) => path.join('/'))).toEqual(entries.map((_, i) => `t${i}/x.y/k${i}/z`))
      expect(statements.map(({ valueStart, valueEnd }) => file.slice(valueStart, valueEnd))).toEqual(
        entries.map(([one]) => one),
      )
      for (const { line, valueStart } of statements) {
        expect(file.slice(0, valueStart).split('\n').length).toBe(line)
      }
      expect(tablesStart).toBe(0)
    }),
    { numRuns: 200 },
  )
})
