import { describe, expect, test } from 'vitest'
import { ShardloomError } from '../../../src/base/index.ts'
import { firstUsers } from '../../../src/server/commands/first-users.ts'
import { type ParameterOptions, ParameterStore } from '../../../src/server/parameters/index.ts'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import { catalog, makeStore } from '../../support/acl/acl-lab.ts'

async function usersOf(options: ParameterOptions, file?: string): Promise<readonly string[]> {
  const disk = new SimulatedDisk()
  await disk.makeFolder('/data')
  if (file !== undefined) disk.putFile('/data/users.acl', Buffer.from(file, 'latin1'))
  const store = makeStore()
  store.apply((await firstUsers(ParameterStore.of(options), catalog, disk)).line)
  return store.list().map((line) => line.replace(/#[0-9a-f]{64}/g, '#…'))
}

async function failureOf(options: ParameterOptions, file?: string): Promise<string> {
  const failure = await usersOf(options, file).catch((error: unknown) => error)
  if (!(failure instanceof ShardloomError)) throw new TypeError('it did not fail')
  return failure.message
}

test.each([
  [{}, true],
  [{ requirePass: 'x' }, false],
  // As CONFIG REWRITE writes it for a server without passwords.
  [{ user: ['default on nopass ~* &* +@all'] }, true],
  [{ requirePass: 'x', user: ['default on nopass +get ~x'] }, true],
  [{ user: ['a on >b'] }, true],
  [{ user: ['a on >b', 'default off nopass'] }, false],
  [{ user: ['default on >b +@all'] }, false],
] as const)('%j: anybody is served: %j', async (options, isOpen) => {
  expect((await firstUsers(ParameterStore.of(options as ParameterOptions), catalog)).isOpen).toBe(isOpen)
})

describe('a server starts with', () => {
  test('default alone, with a password where there is one', async () => {
    expect(await usersOf({})).toEqual(['user default on nopass ~* &* +@all'])
    expect(await usersOf({ requirePass: 'x y' })).toEqual(['user default on #… ~* &* +@all'])
  })

  test('the users of its parameters, who begin with nothing', async () => {
    const user = ['alice on >x ~a (+get ~b)', 'default on nopass +get ~x']
    expect(await usersOf({ requirePass: 'x', user })).toEqual([
      'user alice on #… ~a resetchannels -@all (~b resetchannels -@all +get)',
      'user default on nopass sanitize-payload ~x resetchannels -@all +get',
    ])
    expect(await usersOf({ user: ['a'], aclPubsubDefault: 'allchannels' })).toContain('user a off &* -@all')
  })

  test('the users of a file, and the password of default where that does not say', async () => {
    const options = { aclFile: '/data/users.acl', requirePass: 'x' }
    expect(await usersOf(options, 'user a on')).toEqual([
      'user a on resetchannels -@all',
      'user default on #… ~* &* +@all',
    ])
    expect(await usersOf(options, 'user default off')).toEqual(['user default off resetchannels -@all'])
  })

  test('nothing, where users are not what they may be', async () => {
    expect(await failureOf({ user: ['a >secret frob'] })).toMatch(/user=a .*modifier 'frob': Syntax error/)
    expect(await failureOf({ user: ['a <secret'] })).not.toContain('secret')
    expect(await failureOf({ user: ['a on', 'a off'] })).toMatch(/each user once/)
    expect(await failureOf({ user: ['a on'], aclFile: '/data/users.acl' }, '')).toMatch(
      /either users or a file/,
    )
    expect(await failureOf({ aclFile: '/data/users.acl' })).toMatch(/SHL_ACL_FILE|ENOENT/)
    expect(await failureOf({ aclFile: '/data/users.acl' }, 'user a +nosuch')).toMatch(
      /users\.acl:1: Error in app/,
    )
  })
})
