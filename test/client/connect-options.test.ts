import { expect, test } from 'vitest'
import { clientSettings } from '../../src/client/connect-options.ts'

test('nothing is left open', () => {
  expect(clientSettings('shardloom://h')).toMatchObject({
    name: 'shardloom',
    timeoutMs: 5000,
    connectTimeoutMs: 3000,
    connections: 2,
    exclusiveMax: 32,
    pendingMax: 65_536,
    retriesMax: 5,
    backoff: { minMs: 50, maxMs: 5000 },
    breaker: { failures: 5, halfOpenMs: 1000, maxMs: 10_000 },
    cache: undefined,
  })
  expect(clientSettings('shardloom://h', { cache: { maxBytes: 2048 } }).cache).toEqual({
    ...{ maxBytes: 2048, maxEntries: 100_000, maxAgeMs: 60_000, silentMs: 5000 },
  })
})

test('options count before what the URL says', () => {
  const url = 'shardloom://ann:one@h?timeoutMs=100&connections=3&name=url'
  expect(clientSettings(url)).toMatchObject({ timeoutMs: 100, connections: 3, name: 'url' })
  const settings = clientSettings(url, { timeoutMs: 200, password: 'two', name: 'mine' })
  expect(settings).toMatchObject({ timeoutMs: 200, connections: 3, name: 'mine' })
  expect(settings.address).toMatchObject({ username: 'ann', password: 'two' })
})

test.each([
  ['shardloom://h?timeoutMs=soon', {}, 'SHL_OPTION_INVALID'],
  ['shardloom://h?timeout=1', {}, 'SHL_OPTION_UNKNOWN'],
  ['shardloom://h', { conections: 2 }, 'SHL_OPTION_UNKNOWN'],
  ['shardloom://h', { connections: 0 }, 'SHL_OPTION_INVALID'],
  ['shardloom://h', { name: 'two words' }, 'SHL_OPTION_INVALID'],
  ['shardloom://h', { cache: { bytes: 1 } }, 'SHL_OPTION_UNKNOWN'],
  ['shardloom://h', { backoff: { minMs: 0 } }, 'SHL_OPTION_INVALID'],
  ['shardloom://h', { breaker: { failures: 0 } }, 'SHL_OPTION_INVALID'],
  ['shardloom://h', { tls: {} }, 'SHL_OPTION_INVALID'],
  ['shardloom://h', { onEvent: 'log' }, 'SHL_OPTION_INVALID'],
  ['shardloom://h', null, 'SHL_OPTION_INVALID'],
  ['shardloom://h', 'fast', 'SHL_OPTION_INVALID'],
  ['shardloom://h', { cache: null }, 'SHL_OPTION_INVALID'],
  ['shardloom://h', { breaker: 3 }, 'SHL_OPTION_INVALID'],
  ['shardlooms://h', { tls: true }, 'SHL_OPTION_INVALID'],
  [null, {}, 'SHL_OPTION_INVALID'],
])('%s with %o is refused', (url, options, code) => {
  expect(() => clientSettings(url as string, options as never)).toThrowError(
    expect.objectContaining({ code }),
  )
})
