/** Where configuration comes from, which of two goes first, and how what is wrong is told. */
import { describe, expect, test } from 'vitest'
import { type Configuration, loadConfiguration } from '../../src/host/load-configuration.ts'
import { bytesOfText } from '../../src/keyspace/engine/index.ts'
import type { ParameterOption } from '../../src/server/parameters/index.ts'
import { filesOf } from '../support/configuration.ts'

function load(
  argv: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
  texts: Readonly<Record<string, string>> = {},
): Configuration {
  return loadConfiguration({ argv, env, files: filesOf(texts) })
}

function originOf(configuration: Configuration, name: string): string | undefined {
  return configuration.settings.get(name)?.origin
}

describe('which goes first', () => {
  const SOURCES = [
    { origin: 'flag --timeout', argv: ['--timeout', '4'] },
    { origin: 'variable SHARDLOOM_TIMEOUT', env: { SHARDLOOM_TIMEOUT: '3' } },
    { origin: 'shardloom.toml:2', texts: { 'shardloom.toml': '# Ours.\ntimeout = 2\n' } },
    {
      origin: 'redis.conf:1',
      argv: ['--redis-conf', 'redis.conf'],
      texts: { 'redis.conf': 'timeout 1\n' },
    },
  ]

  test.each(SOURCES.map((_, i) => i))('source %i goes before those after it', (first) => {
    const given = SOURCES.slice(first)
    const configuration = load(
      given.flatMap(({ argv }) => argv ?? []),
      Object.assign({}, ...given.map(({ env }) => env ?? {})),
      Object.assign({}, ...given.map(({ texts }) => texts ?? {})),
    )
    expect(configuration.store.get('timeout')).toBe(4 - first)
    expect(originOf(configuration, 'timeout')).toBe(SOURCES[first]?.origin)
  })

  test('with none, the table says', () => {
    const { store, settings, warnings, file } = load()
    expect(store.get('timeout')).toBe(0)
    expect([settings.size, warnings, file]).toEqual([0, [], undefined])
  })

  test('a list of lines is taken from one source as a whole', () => {
    const texts = { 'shardloom.toml': 'user = ["alice on", "bob off"]\n' }
    expect(load([], {}, texts).store.get('user')).toEqual(['alice on', 'bob off'])
    expect(load(['--user', 'carol on', '--user', 'dave on'], {}, texts).store.get('user')).toEqual([
      'carol on',
      'dave on',
    ])
    expect(load([], { SHARDLOOM_USER: 'eve on\nfay off' }, texts).store.get('user')).toEqual([
      'eve on',
      'fay off',
    ])
  })
})

describe('flags', () => {
  test.each<[string[], ParameterOption, unknown]>([
    [['--port', '7000'], 'port', 7000],
    [['--port=7000'], 'port', 7000],
    [['--port', '1', '--port', '2'], 'port', 2],
    [['--maxmemory', '100mb'], 'maxMemory', 104_857_600],
    [['--maxMemory', '1k'], 'maxMemory', 1000],
    [['--appendonly', '--dir', '/d'], 'appendOnly', true],
    [['--appendonly', 'no'], 'appendOnly', false],
    [['--appendonly', 'NO'], 'appendOnly', false],
    [['--no-protected-mode'], 'protectedMode', false],
    [['--protected-mode', 'false'], 'protectedMode', false],
    [['--slowlog-log-slower-than', '-1'], 'slowlogLogSlowerThan', -1],
    [['--bind', '127.0.0.1 ::1'], 'bind', ['127.0.0.1', '::1']],
    ...['*', '::*', '-::1', 'fe80::1%eth0', 'my_host-1.local', 'bücher.example'].map(
      (word): [string[], ParameterOption, unknown] => [['--bind', word], 'bind', [word]],
    ),
    [['--tls-cert', 'a.pem'], 'tlsCertFile', 'a.pem'],
    [['--requirepass', 'pässword'], 'requirePass', Buffer.from('pässword').toString('latin1')],
    [['--requirepass', '--port'], 'requirePass', '--port'],
    [['--dir', 'dätä'], 'dir', 'dätä'],
    [['--threads', 'auto'], 'threads', 'auto'],
    [['--threads', '3'], 'threads', 3],
    [
      ['--client-output-buffer-limit', 'normal 1mb 1kb 5'],
      'clientOutputBufferLimit',
      {
        normal: [1_048_576, 1024, 5],
        slave: [268_435_456, 67_108_864, 60],
        pubsub: [33_554_432, 8_388_608, 60],
      },
    ],
  ])('%j', (argv, option, value) => {
    expect(load(argv).store.get(option)).toEqual(value)
  })

  test('what they ask for instead of a server', () => {
    expect(load(['--help', '--port', 'x']).task).toBe('help')
    expect(load(['-h']).task).toBe('help')
    expect(load(['--check-config']).task).toBe('check')
    expect(load().task).toBe('serve')
  })
})

describe('variables', () => {
  test('dashes and underscores', () => {
    const { store } = load([], {
      SHARDLOOM_TLS_AUTH_CLIENTS: 'no',
      SHARDLOOM_SERVER_CPULIST: '0-3',
      OTHER: 'x',
    })
    expect(store.get('tlsAuthClients')).toBe('no')
    expect(store.text('server_cpulist')).toBe('0-3')
  })

  test('those of a service of Kubernetes, and of other commands, are left alone', () => {
    const { settings } = load([], {
      SHARDLOOM_PORT: 'tcp://10.0.0.1:6379',
      SHARDLOOM_SERVICE_HOST: '10.0.0.1',
      SHARDLOOM_SERVICE_PORT_REDIS: '6379',
      SHARDLOOM_PORT_6379_TCP_ADDR: '10.0.0.1',
      SHARDLOOM_AUTH: 'x',
      SHARDLOOM_KEY: 'x',
    })
    expect(settings.size).toBe(0)
  })

  test('may name the files', () => {
    const texts = { 'a.toml': 'port = 1', 'b.conf': 'timeout 2' }
    const { store } = load([], { SHARDLOOM_CONFIG: 'a.toml', SHARDLOOM_REDIS_CONF: 'b.conf' }, texts)
    expect([store.get('port'), store.get('timeout')]).toEqual([1, 2])
  })
})

describe('what is wrong is told with its place, what is allowed, and what is meant perhaps', () => {
  const FILE = { 'shardloom.toml': 'port = 1\n[tls]\ncert-fil = "x"\n' }
  test.each<[string, string[], Record<string, string>, Record<string, string>, RegExp]>([
    ['a flag', ['--prot', '1'], {}, {}, /unknown parameter: prot \(flag --prot\); did you mean port\?/],
    ['an option', ['--maxClient', '1'], {}, {}, /maxClient \(flag --maxClient\); did you mean maxClients\?/],
    ['a short flag', ['-p', '1'], {}, {}, /unknown parameter: -p \(flag -p\); did you mean --port\?/],
    ['a port', ['6380'], {}, {}, /6380 \(command line\); did you mean --port 6380\?/],
    ['a word', ['redis.conf'], {}, {}, /redis.conf \(command line\); did you mean --config redis.conf\?/],
    [
      'a variable',
      [],
      { SHARDLOOM_MAXMEMRY: '1' },
      {},
      /maxmemry \(variable SHARDLOOM_MAXMEMRY\); did you mean maxmemory\?/,
    ],
    ['a key', [], {}, FILE, /tls-cert-fil \(shardloom.toml:3\); did you mean tls-cert\?|tls-cert-file\?/],
    [
      'a value of a flag',
      ['--port', '70000'],
      {},
      {},
      /port=70000 \(flag --port\): argument must be between 0 and 65535 inclusive; allowed: integer 0..65535/,
    ],
    [
      'neither yes nor no',
      ['--appendonly', 'maybe'],
      {},
      {},
      /appendonly=maybe \(flag --appendonly\): argument must be 'yes' or 'no'; allowed: yes \| no/,
    ],
    ['no number', [], {}, { 'shardloom.toml': 'port = inf' }, /port=inf \(shardloom.toml:1\)/],
    ['no numbers', [], {}, { 'shardloom.toml': 'save = [-inf, nan]' }, /save=\["-inf","nan"\] /],
    [
      'the same port twice',
      ['--port', '7', '--tls-port', '7'],
      {},
      {},
      /tls-port=7 \(flag --tls-port\): port is the same: choose another, or set port 0/,
    ],
    [
      'what cannot be listened at',
      [],
      { SHARDLOOM_BIND: "'" },
      {},
      /bind=' \(variable SHARDLOOM_BIND\): ' is no address; allowed: addresses/,
    ],
    ['quotes around one', ['--bind', '127.0.0.1 "::1"'], {}, {}, /bind=.*: "::1" is no address/],
    ['no value of a flag', ['--port'], {}, {}, /port= \(flag --port\): it needs a value/],
    [
      'a word of few',
      ['--durability', 'disk'],
      {},
      {},
      /durability=disk .*allowed: auto \| memory \| os \| fsync/,
    ],
    [
      'a value of a variable',
      [],
      { SHARDLOOM_HZ: 'x' },
      {},
      /hz=x \(variable SHARDLOOM_HZ\): argument couldn't be parsed into an integer/,
    ],
    [
      'a value of a key',
      [],
      {},
      { 'shardloom.toml': '\nmaxmemory = "1x"' },
      /maxmemory=1x \(shardloom.toml:2\): argument must be a memory value/,
    ],
    ['a kind of value', [], {}, { 'shardloom.toml': 'port = 2000-01-01' }, /port=.*\(shardloom.toml:1\)/],
    [
      'a key twice',
      [],
      {},
      { 'shardloom.toml': 'tls-port = 1\n[tls]\nport = 2' },
      /tls-port=2 \(shardloom.toml:3\): it stands at shardloom.toml:1 as well/,
    ],
    ['no TOML', [], {}, { 'shardloom.toml': 'port = 1\nport 2\n' }, /cannot be used: shardloom.toml:2: /],
    ['a file', ['--config', 'no.toml'], {}, {}, /cannot be used: no.toml: there is no such file/],
    [
      'a file of Redis',
      ['--redis-conf', 'no.conf'],
      {},
      {},
      /cannot be used: no.conf: there is no such file/,
    ],
    ['no name of a file', ['--config'], {}, {}, /cannot be used: --config: the name of a file is missing/],
    [
      'a level without files',
      ['--durability', 'fsync'],
      {},
      {},
      /durability=fsync \(flag --durability\): it needs dir as well/,
    ],
    [
      'TLS without certificate',
      ['--tls-port', '1'],
      {},
      {},
      /tls-port=1 \(flag --tls-port\): it needs tls-cert-file as well/,
    ],
    [
      'TLS without authorities',
      ['--tls-port', '1', '--tls-cert', 'a', '--tls-key', 'b'],
      {},
      {},
      /it needs tls-ca-cert-file, or tls-auth-clients no/,
    ],
  ])('%s', (_, argv, env, texts, message) => {
    expect(() => load(argv, env, texts)).toThrow(message)
  })

  test('bytes in a file of ours that are no text', () => {
    const bytes = '# \xc3\xa9\nrequirepass = "\xff\xfe"\n'
    const files = { ...filesOf({}), read: (file: string) => (file === 'shardloom.toml' ? bytes : undefined) }
    expect(() => loadConfiguration({ argv: [], env: {}, files })).toThrow(
      /cannot be used: shardloom.toml:2: it is no UTF-8/,
    )
  })

  test('the value of a secret is not told', () => {
    expect(() => load(['--user', 'a\0 geheim', '--requirepass'])).toThrow(/requirepass=\(hidden\)/)
    expect(() => load([], {}, { 'shardloom.toml': 'requirepass = 2000-01-01T00:00:00Z' })).toThrow(
      /requirepass=\(hidden\)/,
    )
  })
})

test('CONFIG REWRITE writes to the file that was named, or to ours', () => {
  const texts = { 'shardloom.toml': 'port = 1\n', 'my.toml': 'port = 2\n', 'redis.conf': 'port 3\n' }
  const fileOf = (...argv: string[]) => load(argv, {}, texts).file?.path
  expect(fileOf()).toBe('shardloom.toml')
  expect(fileOf('--redis-conf', 'redis.conf')).toBe('redis.conf')
  expect(fileOf('--config', 'my.toml', '--redis-conf', 'redis.conf')).toBe('my.toml')
})

test.each(['shardloom.toml', 'redis.conf'])('what was changed is in %s, and is read again', (path) => {
  const files = filesOf({
    'redis.conf': '# Theirs.\ntimeout 5\n',
    'shardloom.toml': '# Ours.\ntimeout = 5\n',
  })
  const argv = path === 'redis.conf' ? ['--redis-conf', 'redis.conf'] : []
  const only = { ...files, read: (file: string) => (file === path ? files.read(file) : undefined) }
  const first = loadConfiguration({ argv, env: {}, files: only })
  first.store.set([
    ['timeout', '6'],
    ['requirepass', bytesOfText('sé"cr\'et #1')],
    ['save', '900 1 300 10'],
    ['maxmemory', '1gb'],
  ])
  first.file?.rewrite({ store: first.store })
  const second = loadConfiguration({ argv, env: {}, files: only })
  expect(second.store.snapshot().values).toEqual(first.store.snapshot().values)
  expect(files.read(path)).toMatch(/^# (Ours|Theirs)\./)
})

test('appendonly of a redis.conf without dir means the working directory', () => {
  const { store, warnings } = load(
    ['--redis-conf', 'r.conf'],
    {},
    { 'r.conf': 'appendonly yes\nappendfsync always\n' },
  )
  expect([store.get('dir'), store.get('durability')]).toEqual(['.', 'fsync'])
  expect(warnings.join()).toContain('working directory')
  expect(() => load(['--appendonly'])).toThrow(/it needs dir/)
})
