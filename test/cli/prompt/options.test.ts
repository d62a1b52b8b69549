/** The command line of `shardloom cli`. */
import { describe, expect, test } from 'vitest'
import { type CliOptions, cliOptions } from '../../../src/cli/prompt/options.ts'

function parsed(words: readonly string[], env = {}): CliOptions {
  const read = cliOptions(words, env)
  if (typeof read === 'string') throw new Error(read)
  return read.options
}

test('without options it is the server of this machine', () => {
  expect(parsed([])).toMatchObject({
    host: '127.0.0.1',
    port: 6379,
    path: undefined,
    user: undefined,
    password: undefined,
    db: 0,
    resp: undefined,
    isTls: false,
    mode: 'command',
    repeat: 1,
  })
})

test('options end where the command begins', () => {
  expect(cliOptions(['-p', '7000', '-n', '2', 'lrange', 'a', '0', '-1'], {})).toMatchObject({
    options: { port: 7000, db: 2 },
    words: ['lrange', 'a', '0', '-1'],
  })
  expect(cliOptions(['--', '-x'], {})).toMatchObject({ options: { isLastFromStdin: false }, words: ['-x'] })
})

test('a password comes from the command line, else from the environment', () => {
  const env = { SHARDLOOM_AUTH: 'ours', REDISCLI_AUTH: 'theirs' }
  expect(parsed([], env)).toMatchObject({ password: 'ours', isPasswordExposed: false })
  expect(parsed([], { REDISCLI_AUTH: 'theirs' })).toMatchObject({ password: 'theirs' })
  expect(parsed(['-a', 'mine', '--user', 'me'], env)).toMatchObject({
    password: 'mine',
    user: 'me',
    isPasswordExposed: true,
  })
})

describe('a URL', () => {
  test.each([
    ['redis://example.org', { host: 'example.org', port: 6379, isTls: false }],
    ['rediss://example.org:7000/3', { host: 'example.org', port: 7000, db: 3, isTls: true }],
    ['shardloom://me:se%40cret@h/1', { user: 'me', password: 'se@cret', host: 'h', db: 1 }],
    ['shardlooms://[::1]:7', { host: '::1', port: 7, isTls: true }],
    ['redis://secret@h', { user: undefined, password: 'secret' }],
    ['redis://:secret@h', { user: undefined, password: 'secret' }],
    ['redis://', { host: '127.0.0.1' }],
    ['redis://%3Aodd:%C3%A4@h', { user: ':odd', password: 'ä' }],
    ['unix:/run/a%20b.sock?db=2', { path: '/run/a b.sock', db: 2, user: undefined }],
    ['unix://ann:secret@/run/s.sock', { path: '/run/s.sock', user: 'ann', password: 'secret', db: 0 }],
  ])('%s', (url, expected) => {
    expect(parsed(['-u', url])).toMatchObject(expected)
  })

  test('that is none is refused, and its password is not repeated', () => {
    for (const url of [
      'http://secret@h',
      'redis://secret@h:99999',
      'secret',
      'redis://secret@h/x',
      'unix:secret',
    ]) {
      const refusal = cliOptions(['-u', url], {})
      expect(refusal).toMatch(/^-u \(the URL\): allowed is /)
      expect(refusal).not.toContain('secret')
    }
  })
})

test('what is wrong is named with what is allowed', () => {
  expect(cliOptions(['--nope'], {})).toBe('unknown option: --nope')
  expect(cliOptions(['-p'], {})).toBe('-p takes a value: PORT')
  expect(cliOptions(['-p', 'x'], {})).toBe('-p x: allowed is a whole number from 0 to 65535')
  expect(cliOptions(['-i', 'x'], {})).toBe('-i x: allowed is seconds from 0 to 86400')
  expect(cliOptions(['--eval', 'f.lua'], {})).toContain('scripts come with a later version')
  expect(cliOptions(['--tls=yes'], {})).toBe('--tls takes no value')
})

test('the other options', () => {
  expect(parsed(['-r', '-1', '-i', '0.5', '-e', '-x', '--csv'])).toMatchObject({
    repeat: -1,
    intervalMs: 500,
    isErrorFatal: true,
    isLastFromStdin: true,
    form: 'csv',
  })
  expect(parsed(['--json'])).toMatchObject({ form: 'json', resp: 3 })
  expect(parsed(['-2', '--json'])).toMatchObject({ form: 'json', resp: 2 })
  expect(parsed(['--scan', '--pattern=a*', '--count', '10', '--type', 'set'])).toMatchObject({
    mode: 'scan',
    pattern: 'a*',
    count: 10,
    type: 'set',
  })
  expect(parsed(['--pipe', '--pipe-timeout', '5'])).toMatchObject({ mode: 'pipe', pipeTimeoutMs: 5000 })
  expect(parsed(['--show-pushes', 'no']).isPushShown).toBe(false)
  expect(parsed(['-h'])).toMatchObject({ isHelp: true })
})
