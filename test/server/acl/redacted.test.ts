import { describe, expect, test } from 'vitest'
import { redactedRequest } from '../../../src/server/acl/index.ts'

const isSecret = (name: string): boolean => name === 'requirepass'

function redacted(request: string): string {
  return redactedRequest(request.split(' '), isSecret)
    .map((argument) => (argument === '(redacted)' ? '?' : argument))
    .join(' ')
}

describe('a request that is written down', () => {
  test.each([
    ['AUTH x', 'AUTH ?'],
    ['auth a b', 'auth ? ?'],
    ['auth a b c', 'auth ? ? ?'],
    ['HELLO 3 AUTH a b SETNAME c', 'HELLO 3 AUTH ? ? SETNAME c'],
    ['hello 3 setname c auth a', 'hello 3 setname c auth ?'],
    ['hello 3', 'hello 3'],
    ['ACL SETUSER alice on >x', 'ACL SETUSER ? ? ?'],
    ['acl getuser alice', 'acl getuser alice'],
    ['config set maxmemory 1 RequirePass x', 'config set maxmemory 1 RequirePass ?'],
    ['config set x requirepass', 'config set x requirepass'],
    ['config get requirepass', 'config get requirepass'],
    ['set auth x', 'set auth x'],
    ['lpush auth x', 'lpush auth x'],
    ['auth', 'auth'],
    ['', ''],
  ])('%s: %s', (request, expected) => {
    expect(redacted(request)).toBe(expected)
  })

  test('is the same array where it holds no secret, and may hold bytes', () => {
    const argv = ['get', 'x']
    expect(redactedRequest(argv, isSecret)).toBe(argv)
    expect(redactedRequest([Buffer.from('AUTH'), new Uint8Array(100)], isSecret)[1]).toBe('(redacted)')
    expect(redactedRequest([], isSecret)).toEqual([])
  })
})
