import { describe, expect, test } from 'vitest'
import { AclSelector, parseSelector } from '../../../src/server/acl/acl-selector.ts'
import { CommandRules } from '../../../src/server/acl/command-rules.ts'
import { READ, WRITE } from '../../../src/server/acl/key-pattern.ts'
import { catalog } from '../../support/acl/acl-lab.ts'

function selectorOf(...rules: readonly string[]): AclSelector {
  const selector = new AclSelector(catalog)
  for (const rule of rules) expect(selector.apply(rule), rule).toBeUndefined()
  return selector
}

function allows(selector: AclSelector, request: string): boolean {
  const argv = request.split(' ')
  return selector.commands.allows(catalog.find(argv)!, argv)
}

describe('commands', () => {
  test('of categories, one by one, and all', () => {
    const selector = selectorOf('+@read', '-get', '+set')
    expect(['mget a', 'get a', 'set a b', 'del a'].map((one) => allows(selector, one))).toEqual([
      ...[true, false, true, false],
    ])
    expect(selector.commands.isAll).toBe(false)
    selector.apply('+@all')
    expect([allows(selector, 'del a'), selector.commands.isAll]).toEqual([true, true])
    selector.apply('-del')
    expect([allows(selector, 'del a'), selector.commands.isAll]).toEqual([false, false])
  })

  test('a container stands for its subcommands, and one of them for itself', () => {
    const selector = selectorOf('+config|get')
    expect(['config get a', 'config set a b', 'config'].map((one) => allows(selector, one))).toEqual([
      ...[true, false, false],
    ])
    selector.apply('+config')
    expect(allows(selector, 'config set a b')).toBe(true)
    selector.apply('-config|set')
    expect(['config get a', 'config set a b'].map((one) => allows(selector, one))).toEqual([true, false])
  })

  test('a first argument is allowed until its command is spoken of again', () => {
    const selector = selectorOf('+select|0', '+SELECT|1')
    expect(['select 0', 'select 1', 'select 2'].map((one) => allows(selector, one))).toEqual([
      ...[true, true, false],
    ])
    const copy = selector.copy()
    selector.apply('-@connection')
    expect(allows(selector, 'select 0')).toBe(false)
    expect(allows(copy, 'select 0')).toBe(true)
    expect(String(copy.commands)).toBe('-@all +select|0 +select|1')
  })

  test('rules are printed in their order, each once, without what later ones made void', () => {
    const printed = (...rules: string[]): string => String(selectorOf(...rules).commands)
    expect(printed('+@all', '-@hash', '-@slow', '+hget', '-@hash')).toBe('+@all -@slow +hget -@hash')
    expect(printed('+config|get', '-config')).toBe('-@all -config')
    expect(printed('+CONFIG|Get', '+@READ', '+GET')).toBe('-@all +config|get +@read +get')
    expect(printed('+get', '-@all', '+set')).toBe('-@all +set')
    expect(printed('+config', '+client', '-config|get')).toBe('-@all +config +client -config|get')
  })

  test('are refused where there are none of that name', () => {
    const selector = selectorOf('+get')
    const before = String(selector)
    for (const rule of ['+nosuch', '-nosuch', '+@nosuch', '-@', '+', '-config|nosuch', '+config|nosuch']) {
      expect(selector.apply(rule), rule).toBe('unknown')
    }
    expect(selector.apply('+config|get|x')).toBe('argumentOfSubcommand')
    expect(selector.apply('+select|')).toBe('syntax')
    expect(selector.apply('+select|a b')).toBe('syntax')
    expect(String(selector)).toBe(before)
  })

  test('a new copy of the rules gives the same bits', () => {
    const rules = new CommandRules(catalog)
    for (const rule of ['+@write', '-@slow', '+config|get', '+select|0', '-set']) rules.apply(rule)
    const again = selectorOf(...String(rules).split(' ')).commands
    for (const info of catalog.all) expect(again.allows(info, ['x'])).toBe(rules.allows(info, ['x']))
  })
})

describe('keys', () => {
  test('are read, written, or both, as their pattern says', () => {
    const selector = selectorOf('%R~r*', '%W~w*', '~b*', '%wr~x')
    const allowed = (key: string): readonly boolean[] =>
      [0, READ, WRITE, READ | WRITE].map((needed) => selector.allowsKey(key, needed))
    expect(allowed('r1')).toEqual([true, true, false, false])
    expect(allowed('w1')).toEqual([true, false, true, false])
    expect(allowed('b1')).toEqual([true, true, true, true])
    expect(allowed('x')).toEqual([true, true, true, true])
    expect(allowed('z')).toEqual([false, false, false, false])
  })

  test('one pattern must allow all that is needed of a key', () => {
    const selector = selectorOf('%R~a*', '%W~*a')
    expect(selector.allowsKey('aa', READ | WRITE)).toBe(false)
    selector.apply('%W~a*')
    expect(selector.allowsKey('aa', READ | WRITE)).toBe(true)
    expect(selector.keysText).toBe('~a* %W~*a')
  })

  test('all of them take no further pattern', () => {
    const selector = selectorOf('~a', 'ALLKEYS')
    expect([selector.hasAllKeys, selector.keysText]).toEqual([true, '~*'])
    expect(selector.apply('~b')).toBe('afterAllKeys')
    selector.apply('resetkeys')
    expect(selector.allowsKey('a', 0)).toBe(false)
  })

  test('a pattern that means every key is printed so that others may follow', () => {
    const selector = selectorOf('%RW~*', '~a')
    expect(selector.keysText).toBe('%RW~* ~a')
    expect(selectorOf(...selector.keysText.split(' ')).keysText).toBe('%RW~* ~a')
    expect([selector.allowsEveryKey(READ | WRITE), selectorOf('%R~*').allowsEveryKey(WRITE)]).toEqual([
      ...[true, false],
    ])
  })

  test.each(['%', '%R', '%~x', '%RR~x', '%x~x', '%R x', '~a b', '~a\0', '&a\n', 'x', '', '*'])(
    '%j is none',
    (rule) => {
      expect(new AclSelector(catalog).apply(rule)).toBe('syntax')
    },
  )
})

describe('channels', () => {
  test('match patterns, and a pattern must be one of them', () => {
    const selector = selectorOf('&news:*', '&x')
    expect(['news:1', 'x', 'y'].map((one) => selector.allowsChannel(one, false))).toEqual([true, true, false])
    expect(['news:*', 'news:1', 'x'].map((one) => selector.allowsChannel(one, true))).toEqual([
      ...[true, false, true],
    ])
    selector.apply('allchannels')
    expect(selector.allowsChannel('z*', true)).toBe(true)
    expect(selector.apply('&x')).toBe('afterAllChannels')
    expect(String(selectorOf('&x', '&x'))).toBe('resetchannels &x -@all')
  })
})

describe('a selector in parentheses', () => {
  test('is read, and printed as Redis prints it', () => {
    const selector = parseSelector(catalog, '(  ~a %R~b   +get &c )', false)
    expect(String(selector)).toBe('~a %R~b resetchannels &c -@all +get')
    expect(String(parseSelector(catalog, '()', false))).toBe('resetchannels -@all')
    expect(String(parseSelector(catalog, '(+@all ~*)', true))).toBe('~* &* +@all')
  })

  test.each(['(on)', '(>x)', '((~x))', '(~x))', '(~"x")', "(~x ~'y')", '(reset)', '(rate:1)'])(
    '%s is refused',
    (text) => {
      expect(parseSelector(catalog, text, false)).toBe('syntax')
    },
  )
})
