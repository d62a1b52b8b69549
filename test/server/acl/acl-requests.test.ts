import { describe, expect, test } from 'vitest'
import { MapReply, OK, SetReply } from '../../../src/keyspace/engine/index.ts'
import { type AclFile, aclGenPass, aclWhoAmI } from '../../../src/server/acl/index.ts'
import { aclCall, errorText, makeHost, makeStore } from '../../support/acl/acl-lab.ts'

function fileWith(text: string): AclFile & { text: string } {
  return {
    name: 'users.acl',
    text,
    async read() {
      return this.text
    },
    async write(written) {
      this.text = written
    },
  }
}

describe('ACL', () => {
  test('GETUSER is a map, with a set of flags, and the rate where there is one', async () => {
    const host = makeHost(makeStore())
    await aclCall(host, 'SETUSER', 'a', 'on', 'nopass', '~k', '&c', '+get', '(%W~w)', 'rate:10/2')
    expect(await aclCall(host, 'GETUSER', 'a')).toEqual(
      new MapReply([
        ...['flags', new SetReply(['on', 'nopass']), 'passwords', []],
        ...['commands', '-@all +get', 'keys', '~k', 'channels', '&c'],
        ...['selectors', [new MapReply(['commands', '-@all', 'keys', '%W~w', 'channels', ''])]],
        ...['rate', 'rate:10/2'],
      ]),
    )
  })

  test('CAT tells the commands of a category, subcommands included', async () => {
    const host = makeHost(makeStore())
    expect(await aclCall(host, 'CAT', 'PUBSUB')).toEqual(expect.arrayContaining(['publish', 'ssubscribe']))
    expect(await aclCall(host, 'CAT', 'admin')).toEqual(expect.arrayContaining(['config|get', 'acl|setuser']))
  })

  test('GENPASS gives as many digits as the bits need', () => {
    const random = (count: number): Uint8Array => new Uint8Array(count).fill(0xab)
    const pass = (...words: string[]): unknown => aclGenPass(['ACL', 'GENPASS', ...words], random)
    expect(pass()).toBe('ab'.repeat(32))
    expect([pass('1'), pass('5'), pass('8'), pass('9')]).toEqual(['a', 'ab', 'ab', 'aba'])
    expect(pass('4096')).toHaveLength(1024)
    expect(aclGenPass(['ACL', 'GENPASS'])).not.toBe(aclGenPass(['ACL', 'GENPASS']))
  })

  test('WHOAMI tells the name', () => {
    expect(aclWhoAmI(makeStore().defaultUser)).toBe('default')
    expect(aclWhoAmI(undefined)).toBe(null)
  })

  test('SAVE writes the file and LOAD reads it', async () => {
    const file = fileWith('')
    const host = makeHost(makeStore(), file)
    await aclCall(host, 'SETUSER', 'a', 'on')
    expect(await aclCall(host, 'SAVE')).toBe(OK)
    expect(file.text).toBe('user a on resetchannels -@all\nuser default on nopass ~* &* +@all\n')
    file.text += 'user b on ~x\n'
    expect(await aclCall(host, 'LOAD')).toBe(OK)
    expect(await aclCall(host, 'USERS')).toEqual(['a', 'b', 'default'])
    file.text += 'user c +nosuch\n'
    expect(errorText(await aclCall(host, 'LOAD'))).toBe(
      "ERR users.acl:4: Error in applying operation '+nosuch': Unknown command or category name in ACL. " +
        'WARNING: ACL errors detected, no change to the previously active ACL rules was performed',
    )
    expect(await aclCall(host, 'USERS')).toEqual(['a', 'b', 'default'])
  })

  test('LOAD and SAVE tell of a file that is not there, or cannot be written', async () => {
    const failing = (code: string): AclFile => ({
      name: 'gone.acl',
      read: () => Promise.reject(Object.assign(new TypeError(), { code })),
      write: () => Promise.reject(Object.assign(new TypeError(), { code })),
    })
    const load = async (code: string): Promise<string> =>
      errorText(await aclCall(makeHost(makeStore(), failing(code)), 'LOAD'))
    expect(await load('ENOENT')).toBe(
      "ERR Error loading ACLs, opening file 'gone.acl': No such file or directory",
    )
    expect(await load('EACCES')).toContain('EACCES')
    expect(errorText(await aclCall(makeHost(makeStore(), failing('EIO')), 'SAVE'))).toBe(
      'ERR There was an error trying to save the ACLs. Please check the server logs for more information',
    )
  })
})
