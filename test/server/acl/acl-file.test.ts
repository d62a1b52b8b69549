import { describe, expect, test } from 'vitest'
import { aclFileOf, parseAclFile, printAclFile } from '../../../src/server/acl/acl-file.ts'
import { SimulatedDisk } from '../../../src/testkit/index.ts'
import { catalog, makeStore } from '../../support/acl/acl-lab.ts'

const OPTIONS = { catalog }
const PATH = '/data/users.acl'

function usersOf(text: string): string {
  const parsed = parseAclFile(text, 'file', OPTIONS)
  return 'users' in parsed ? printAclFile(parsed.users) : parsed.errors
}

describe('the text of a file', () => {
  test('is a line for each user', () => {
    const text = '\r\n  user f on   ~x  \nuser g reset (~y\t+get ) >pw\t\r\n\n'
    expect(usersOf(text)).toMatch(
      /^user f on ~x resetchannels -@all\nuser g off sanitize-payload #[0-9a-f]{64} resetchannels -@all \(~y/,
    )
    expect(usersOf(usersOf(text))).toBe(usersOf(text))
    expect(usersOf('')).toBe('')
    expect(usersOf('user  on')).toBe('user  on resetchannels -@all\n')
  })

  test('is told by its lines what is wrong with it, as Redis tells it', () => {
    const lines = [
      ...['user default on nopass ~* &* +@all', 'user a +frob', 'user b #abc', '', 'foo', 'user'],
      ...['user a', '# comment', 'user c (~x', 'user d ~x', 'user e frob frob2 +frob3 +frob4'],
    ]
    expect(usersOf(lines.join('\n'))).toBe(
      "file:2: Error in applying operation '+frob': Unknown command or category name in ACL. " +
        'file:3: The password hash must be exactly 64 characters and contain only lowercase ' +
        'hexadecimal characters. file:5 should start with user keyword followed by the username. ' +
        'file:6 should start with user keyword followed by the username. ' +
        "WARNING: Duplicate user 'a' found on line 7. " +
        'file:8 should start with user keyword followed by the username. ' +
        'file:9: Unmatched parenthesis in selector definition.file:11: Syntax error. ' +
        "file:11: Error in applying operation '+frob3': Unknown command or category name in ACL. " +
        "file:11: Error in applying operation '+frob4': Unknown command or category name in ACL. " +
        'WARNING: ACL errors detected, no change to the previously active ACL rules was performed',
    )
  })
})

describe('a file', () => {
  async function diskWith(text: string): Promise<SimulatedDisk> {
    const disk = new SimulatedDisk()
    await disk.makeFolder('/data')
    await disk.syncFolder('/')
    await aclFileOf(disk, PATH, () => 'first').write(text)
    return disk
  }

  test('is read as it was written, bytes included', async () => {
    const text = 'user \xe9\xff on ~\x80 resetchannels -@all\n'.repeat(3000)
    const disk = await diskWith(text)
    disk.onCall = ({ operation, index }) =>
      operation === 'write' && index % 2 === 0 ? { type: 'short', sizeBytes: 7000 } : undefined
    const file = aclFileOf(disk, PATH, () => 'next')
    await file.write(`${text}x`)
    expect(await file.read()).toBe(`${text}x`)
    expect(await disk.list('/data')).toEqual(['users.acl'])
  })

  test('is the old one or the new one, wherever a save is cut off', async () => {
    const texts = ['user a on resetchannels -@all\n', 'user b on resetchannels -@all\n'] as const
    const calls = (await diskWith(texts[0])).calls.length
    let seen = new Set<string>()
    for (let at = calls; at < calls + 12; at++) {
      const disk = await diskWith(texts[0])
      disk.onCall = ({ index }) => (index === at ? { type: 'stop' } : undefined)
      const saved = aclFileOf(disk, PATH, () => 'next').write(texts[1])
      const isSaved = (await Promise.race([saved.then(() => true), disk.stopped])) === true
      for (let seed = 0; seed < 10; seed++) {
        const text = await aclFileOf(disk.afterPowerCut(seed), PATH, () => '').read()
        if (isSaved) expect(text).toBe(texts[1])
        else expect(texts).toContain(text)
        seen = seen.add(text)
      }
    }
    expect(seen.size).toBe(2)
  })

  test('is as it was when a save fails, and no draft is left', async () => {
    for (const operation of ['open', 'write', 'sync', 'rename'] as const) {
      const disk = await diskWith('user a on\n')
      disk.onCall = (call) =>
        call.operation === operation && call.path.includes('tmp') ? { type: 'fail', code: 'EIO' } : undefined
      const file = aclFileOf(disk, PATH, () => 'next')
      await expect(file.write('user b on\n')).rejects.toMatchObject({ code: 'EIO' })
      expect(await file.read()).toBe('user a on\n')
      expect(await disk.list('/data')).toEqual(['users.acl'])
    }
  })

  test('makes the users that it was made of', () => {
    const store = makeStore()
    store.setUser('alice', ['on', '>x', '~a*', '+@read', '(%R~b +get)'])
    const other = makeStore()
    expect(other.load(store.save(), PATH)).toBeUndefined()
    expect(other.list()).toEqual(store.list())
  })
})
