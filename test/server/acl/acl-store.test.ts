import { describe, expect, test } from 'vitest'
import { OK } from '../../../src/keyspace/engine/index.ts'
import type { AclClient } from '../../../src/server/acl/index.ts'
import { catalog, errorText, makeStore } from '../../support/acl/acl-lab.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const CLIENT: AclClient = { queued: -1 }

describe('users', () => {
  test('begin with default, who may do everything without a password', () => {
    const store = makeStore()
    expect(store.list()).toEqual(['user default on nopass ~* &* +@all'])
    expect(store.defaultUser.isUnrestricted).toBe(true)
    expect(store.authenticate('default', 'anything')).toBe(store.defaultUser)
  })

  test('are in the order of their bytes', () => {
    const store = makeStore()
    for (const name of ['b', 'Z', '\xff', 'a']) store.setUser(name, [])
    expect(store.users.map(({ name }) => name)).toEqual(['Z', 'a', 'b', 'default', '\xff'])
  })

  test('change as a whole, or not at all', () => {
    const store = makeStore()
    expect(errorText(store.setUser('a', ['on', '+get', 'frob']))).toBe(
      "ERR Error in ACL SETUSER modifier 'frob': Syntax error",
    )
    expect(store.getUser('a')).toBeUndefined()
    store.setUser('a', ['on'])
    store.setUser('a', ['+get', '~x', '+nosuch'])
    expect(String(store.getUser('a'))).toBe('on resetchannels -@all')
    expect(errorText(store.setUser('a b', []))).toBe("ERR Usernames can't contain spaces or null characters")
    expect(errorText(store.setUser('a', ['(~x']))).toContain("starting at '(~x'")
  })

  test('log in by name and password', () => {
    const store = makeStore()
    store.setUser('alice', ['on', '>sesame'])
    store.setUser('bob', ['>sesame'])
    const names = [
      store.authenticate('alice', 'sesame')?.name,
      store.authenticate('alice', Buffer.from('sesame'))?.name,
      store.authenticate('alice', 'Sesame')?.name,
      store.authenticate('bob', 'sesame')?.name,
      store.authenticate('carol', 'sesame')?.name,
    ]
    expect(names).toEqual(['alice', 'alice', undefined, undefined, undefined])
  })

  test('requirepass is the password of default', () => {
    const store = makeStore()
    const line = store.prepareDefaultPassword('open sesame')
    expect(line).not.toContain('sesame')
    store.apply(line)
    expect(store.authenticate('default', 'open sesame')).toBe(store.defaultUser)
    expect(store.authenticate('default', 'x')).toBeUndefined()
    expect(store.defaultUser.isUnrestricted).toBe(true)
    store.apply(store.prepareDefaultPassword(''))
    expect(store.list()).toEqual(['user default on nopass ~* &* +@all'])
    // A change of it that is taken back leaves what default had, also by other ways.
    for (const rules of [[], ['>one', '>two', '~a:*'], ['resetpass']]) {
      store.setUser('default', rules)
      const [before, taken] = [store.list(), store.prepareSamePasswords()]
      for (const password of ['x', '']) store.apply(store.prepareDefaultPassword(password))
      store.apply(taken)
      expect(store.list()).toEqual(before)
    }
  })
})

describe('lines', () => {
  test('keep the object of a user whom sessions hold', () => {
    const store = makeStore()
    store.setUser('a', ['on', '+get', '~*'])
    const user = store.getUser('a')!
    store.setUser('a', ['-get'])
    expect(user.canRun(catalog.get('get')!, ['get', 'x'])).toMatchObject({ reason: 'command' })
    store.load('user a on\nuser default off', 'file')
    expect(store.getUser('a')).not.toBe(user)
    expect(user.isGone).toBe(true)
    expect(store.defaultUser.isEnabled).toBe(false)
  })

  test('say whose sessions end', () => {
    const store = makeStore()
    for (const name of ['a', 'b', 'c']) store.setUser(name, ['on', 'allchannels'])
    const [a, b, c] = ['a', 'b', 'c'].map((name) => store.getUser(name)!)
    expect(store.apply('deluser a nosuch a')).toEqual({ reply: 1, gone: [a], narrowed: [] })
    expect(store.apply('deluser default').reply).toBe(0)
    expect(store.apply('setuser b +get')).toEqual({ reply: OK, gone: [], narrowed: [] })
    expect(store.apply('setuser b resetchannels &x').narrowed).toEqual([b])
    expect(store.apply('setuser b &y').narrowed).toEqual([])
    expect(store.apply('setuser b resetchannels &y').narrowed).toEqual([b])
    expect(store.apply('users\nuser c on\n')).toEqual({ reply: OK, gone: [b, c], narrowed: [] })
    expect(store.apply('users\nuser default on nopass +@all ~*\n').narrowed).toEqual([store.defaultUser])
  })

  test('that are none of them change nothing', () => {
    const store = makeStore()
    const before = store.list()
    for (const line of [
      '',
      'frob',
      'setuser a frob',
      'setuser a (~x',
      'users\nuser',
      'users\nuser a +nosuch',
    ]) {
      expect(errorText(store.apply(line).reply)).toMatch(/^ERR /)
    }
    expect(store.list()).toEqual(before)
  })

  test('tell nobody of names that cannot be', () => {
    const store = makeStore()
    store.setUser('a', [])
    store.setUser('b', [])
    expect(store.prepareDelete(['a b', 'nosuch'])).toBe('deluser nosuch')
    expect(errorText(store.prepareDelete(['a', 'default']))).toBe("ERR The 'default' user cannot be removed")
  })

  test('bring a new thread to the same users', () => {
    const store = makeStore()
    store.setUser('alice', ['on', '>x', '~a', '(+get ~b)', 'rate:3'])
    store.setUser('', ['on'])
    store.apply(store.prepareDefaultPassword('y'))
    const other = makeStore()
    other.setUser('gone', [])
    expect(other.apply(store.snapshot()).reply).toBe(OK)
    expect(other.list()).toEqual(store.list())
  })

  test('give their outcome to the thread that sent them, once they have come', () => {
    const [one, other] = [makeStore({ place: 0 }), makeStore({ place: 1 })]
    const first = one.begin('setuser a on')
    const second = other.begin('deluser a b')
    const both = [first, second].map((change) => [one, other].map((store) => store.receive(change).reply))
    expect(both).toEqual([
      [OK, OK],
      [1, 1],
    ])
    expect([one.end(first), other.end(second)]).toEqual([OK, 1])
    expect(one.end(first)).toBeUndefined()
    expect(other.end(first)).toBeUndefined()
  })
})

describe('refusals', () => {
  test('are told and logged', () => {
    const clock = new ManualClock()
    const store = makeStore({ clock, clientInfo: (client) => `multi=${client.queued}` })
    store.setUser('a', ['+get', '~x', '&c'])
    const user = store.getUser('a')!
    const refused = (argv: string[], client = CLIENT): string | undefined =>
      store.refusalOf(user, catalog.find(argv)!, argv, client)?.text
    expect(refused(['get', 'x'])).toBeUndefined()
    expect(refused(['get', 'y'])).toBe(
      'NOPERM this user has no permissions to access one of the keys used as arguments',
    )
    expect(refused(['config', 'set', 'a', 'b'], { ...CLIENT, queued: 2 })).toBe(
      "NOPERM this user has no permissions to run the 'config|set' command",
    )
    store.noteFailedLogin('mallory', { queued: -1 }, 'hello')
    store.refusalOf(user, catalog.get('get')!, ['get', 'y'], CLIENT, 'exec')
    expect(
      store.log.entries.map(({ reason, context, object, username }) => [reason, context, object, username]),
    ).toEqual([
      ['key', 'multi', 'y', 'a'],
      ['auth', 'toplevel', 'hello', 'mallory'],
      ['command', 'multi', 'config|set', 'a'],
      ['key', 'toplevel', 'y', 'a'],
    ])
    expect(store.log.entries[1]).toMatchObject({ clientInfo: 'multi=-1', createdMs: clock.wallMs() })
    store.apply('resetlog')
    expect(store.log.entries).toEqual([])
  })

  test('of who asks too often say how long to wait, and are not logged', () => {
    const clock = new ManualClock()
    const store = makeStore({ clock })
    store.setUser('a', ['+@all', '~*', '&*', 'rate:2'])
    const user = store.getUser('a')!
    const run = (): string | undefined =>
      store.refusalOf(user, catalog.get('get')!, ['get', 'x'], CLIENT)?.text
    expect([run(), run(), run()]).toEqual([
      ...[undefined, undefined, 'LIMITED this user may run 2 commands in 1 s, try again in 500 ms'],
    ])
    // What has been queued was counted then.
    expect(store.refusalOf(user, catalog.get('get')!, ['get', 'x'], CLIENT, 'exec')).toBeUndefined()
    clock.advance(500)
    expect([run(), run() === undefined]).toEqual([undefined, false])
    expect(store.log.entries).toEqual([])
  })
})
