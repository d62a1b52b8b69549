/** Which clients are on this machine. */
import { expect, test } from 'vitest'
import { isLocalClient } from '../../../src/server/commands/local-client.ts'

test.each([
  ['127.0.0.1:5', true],
  ['127.9.0.1:5', true],
  ['::1:5', true],
  ['[::1]:5', true],
  ['::ffff:127.0.0.1:5', true],
  ['10.127.0.1:5', false],
  ['::ffff:10.0.0.1:5', false],
  ['[2001:db8::1]:5', false],
] as const)('%s: %s', (address, isLocal) => {
  expect(isLocalClient({ address, isUnix: false })).toBe(isLocal)
})

test('a Unix socket is of this machine, wherever it is', () => {
  expect(isLocalClient({ address: '/tmp/x.sock:0', isUnix: true })).toBe(true)
})
