import { describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { shownRule } from '../../../src/server/acl/rule-fault.ts'
import { CommandCatalog } from '../../../src/server/catalog/index.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { catalog, denialOf, makeStore, makeUser } from '../../support/acl/acl-lab.ts'

describe('a user', () => {
  test('who is new may do nothing and cannot log in', () => {
    const user = makeUser('')
    expect(String(user)).toBe('off resetchannels -@all')
    expect(denialOf(user, 'get a')).toBe('command get')
    expect(denialOf(user, 'auth x')).toBe('allowed')
    expect(user.accepts('')).toBe(false)
  })

  test('logs in with any of its passwords, while it is on', () => {
    const user = makeUser('on >one >two >one')
    expect(user.passwords).toHaveLength(2)
    expect(['one', 'two', 'three', ''].map((word) => user.accepts(word))).toEqual([true, true, false, false])
    user.apply('<one')
    expect([user.accepts('one'), user.accepts('two')]).toEqual([false, true])
    user.apply('off')
    expect(user.accepts('two')).toBe(false)
    user.apply('on')
    user.apply('nopass')
    expect([user.passwords, user.accepts('whatever'), user.flags]).toEqual([[], true, ['on', 'nopass']])
    user.apply('>three')
    expect([user.isPasswordFree, user.accepts('whatever'), user.accepts('three')]).toEqual([
      false,
      false,
      true,
    ])
    user.apply('resetpass')
    expect(user.accepts('three')).toBe(false)
  })

  test('is told what is wrong with a rule', () => {
    const user = makeUser('on')
    expect(user.apply('<none')).toBe('noSuchPassword')
    expect(user.apply('#abc')).toBe('badHash')
    expect(user.apply('!abc')).toBe('badHash')
    expect(user.apply('(~x')).toBe('syntax')
    expect(user.apply('rate:0')).toBe('syntax')
    expect(user.apply('frob')).toBe('syntax')
    expect(String(user)).toBe('on resetchannels -@all')
  })

  test('begins anew by reset', () => {
    const user = makeUser('on nopass +@all ~* &* (~x +get) rate:5 skip-sanitize-payload')
    user.apply('RESET')
    expect(String(user)).toBe('off sanitize-payload resetchannels -@all')
    const open = makeStore({ pubsubDefault: 'allchannels' })
    expect(String(makeUser('on reset', open))).toBe('off sanitize-payload &* -@all')
  })

  test('begins anew with the channels that a new user has by then', () => {
    const store = makeStore({ pubsubDefault: 'allchannels' })
    expect(String(makeUser('on', store))).toBe('on &* -@all')
    store.pubsubDefault = 'resetchannels'
    expect(String(makeUser('+get', store))).toBe('on &* -@all +get')
    expect(String(makeUser('reset (+get)', store))).toBe(
      'off sanitize-payload resetchannels -@all (resetchannels -@all +get)',
    )
    store.pubsubDefault = 'allchannels'
    expect(String(makeUser('reset', store))).toBe('off sanitize-payload &* -@all')
  })

  test('is unrestricted when one selector allows everything, as often as it likes', () => {
    const user = makeUser('+@all ~*')
    const states = ['&*', 'rate:9', 'norate', '-get', '(+@all ~* &*)', 'clearselectors'].map((rule) => {
      user.apply(rule)
      return user.isUnrestricted
    })
    expect(states).toEqual([true, false, true, false, true, false])
  })

  test('keeps its limiter while its rate is the same', () => {
    const user = makeUser('rate:2/10')
    const limit = user.rateLimit!
    limit.take(0)
    user.apply('rate:2/10')
    expect(user.rateLimit).toBe(limit)
    const copy = user.copy()
    user.become(copy)
    expect(user.rateLimit).toBe(limit)
    user.apply('rate:3/10')
    expect(user.rateLimit).not.toBe(limit)
    expect(String(user)).toBe('off rate:3/10 resetchannels -@all')
    user.apply('norate')
    expect(user.rateLimit).toBeUndefined()
  })
})

describe('what a user may run', () => {
  test('commands, keys and channels', () => {
    const user = makeUser('+get +set +rename +publish +psubscribe +exists %R~r:* %W~w:* ~a &c:*')
    expect(denialOf(user, 'get r:1')).toBe('allowed')
    expect(denialOf(user, 'GET w:1')).toBe('key w:1')
    expect(denialOf(user, 'set w:1 v')).toBe('allowed')
    expect(denialOf(user, 'set w:1 v GET')).toBe('key w:1')
    expect(denialOf(user, 'rename r:1 w:1')).toBe('key r:1')
    expect(denialOf(user, 'rename a w:1')).toBe('allowed')
    expect(denialOf(user, 'exists r:1 w:1 b')).toBe('key b')
    expect(denialOf(user, 'publish c:1 m')).toBe('allowed')
    expect(denialOf(user, 'publish d m')).toBe('channel d')
    expect(denialOf(user, 'psubscribe c:* c:1')).toBe('channel c:1')
    expect(denialOf(user, 'del a')).toBe('command del')
  })

  test('one selector must allow all of it', () => {
    const user = makeUser('+get ~a (+set ~b) (+set +get ~c)')
    expect(['get a', 'set b v', 'get c'].map((one) => denialOf(user, one))).toEqual(Array(3).fill('allowed'))
    expect(denialOf(user, 'set a v')).toBe('key a')
    expect(denialOf(user, 'get b')).toBe('key b')
    expect(denialOf(user, 'del b')).toBe('command del')
  })

  test('the refusal that is told is that of the selector which came furthest', () => {
    const user = makeUser('(+mget ~a) (+mget ~a ~b) (-@all)')
    expect(denialOf(user, 'mget a b c')).toBe('key c')
    expect(denialOf(makeUser('+publish (+@all ~*)'), 'publish x y')).toBe('channel x')
  })

  test('keys that come as bytes are looked at as well', () => {
    const user = makeUser('+set ~a*')
    const value = new Uint8Array(3)
    expect(denialOf(user, ['set', Buffer.from('ab'), value])).toBe('allowed')
    expect(denialOf(user, ['set', Buffer.from('\xe9b', 'latin1'), value])).toBe('key \xe9b')
  })

  test('a command within FENCED is a command, too', () => {
    const user = makeUser('+fenced +get ~*')
    expect(denialOf(user, 'fenced lock 1 get a')).toBe('allowed')
    expect(denialOf(user, 'fenced lock 1 SET a b')).toBe('command set')
    expect(denialOf(user, 'fenced lock 1 fenced lock 1 del a')).toBe('command del')
    expect(denialOf(user, 'fenced lock 1 nosuch a')).toBe('allowed')
    expect(denialOf(makeUser('+@all -flushall ~*'), 'fenced lock 1 flushall')).toBe('command flushall')
    expect(denialOf(makeUser('+@all ~lock ~a'), 'fenced lock 1 mget a b')).toBe('key b')
    expect(denialOf(makeUser('+@all ~* &c'), 'fenced lock 1 publish d m')).toBe('channel d')
    expect(makeUser('+fenced ~*').canRun(catalog.get('fenced')!, 'fenced l 1 get a'.split(' '))).toEqual({
      ...{ reason: 'command', object: 'get', index: 3 },
    })
  })

  test('whatever has channels has the flag by which that is seen', () => {
    const all = new CommandCatalog(commandTable.rows, serverCommands).all
    for (const info of [...catalog.all, ...all]) {
      const hasChannels = catalog.channelsOf(info, ['x', 'y', 'z']).length > 0
      if (hasChannels) expect(info.flags, info.name).toContain('pubsub')
    }
  })

  test('SORT with patterns needs every key', () => {
    const argv = ['sort', 'a', 'BY', 'w_*']
    const info = catalog.find(argv)!
    expect(makeUser('+sort ~*').canRunOnAnyKey(info, argv, 'R')).toBe(true)
    expect(makeUser('+sort %R~*').canRunOnAnyKey(info, argv, 'R')).toBe(true)
    expect(makeUser('+sort ~a').canRunOnAnyKey(info, argv, 'R')).toBe(false)
    expect(makeUser('+sort ~a (%R~*)').canRunOnAnyKey(info, argv, 'R')).toBe(false)
    expect(makeUser('+@all ~* &*').canRunOnAnyKey(info, argv, 'RW')).toBe(true)
  })

  test('a key or a channel by itself', () => {
    const user = makeUser('%R~r &c* (%W~w &d)')
    expect([user.canUseKey('r', 'R'), user.canUseKey('r', 'W'), user.canUseKey('w', 'W')]).toEqual([
      ...[true, false, true],
    ])
    expect([
      user.canUseChannel('c1', false),
      user.canUseChannel('c1', true),
      user.canUseChannel('d', true),
    ]).toEqual([true, false, true])
  })
})

test('fewer channels are noticed, by their patterns', () => {
  const fewer = (before: string, after: string): boolean =>
    makeUser(after).hasFewerChannelsThan(makeUser(before))
  expect(fewer('&a &b', '&a &b &c')).toBe(false)
  expect(fewer('&a &b', '&a')).toBe(true)
  expect(fewer('&a', 'allchannels')).toBe(false)
  expect(fewer('allchannels', '&*x')).toBe(true)
  expect(fewer('&a (&b)', '(&a &b)')).toBe(false)
  expect(fewer('', '')).toBe(false)
})

test('a rule that is shown holds no password', () => {
  const shown = [
    '>secret',
    '<se cret',
    '#abc',
    '!abc',
    '(>secret)',
    '(~x >secret +get)',
    '(\t#a',
    '>',
    '<',
  ].map(shownRule)
  expect(shown).toEqual([...['>***', '<***', '#***', '!***', '(>***', '(~x >***', '(\t#***', '>', '<']])
  for (const rule of ['~a#b', '%R~a>b', '&!x', '+get', 'frob', '(~x +get)', '~a!']) {
    expect(shownRule(rule)).toBe(rule)
  }
})
