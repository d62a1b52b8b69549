/** The catalog: what is in it, how it is looked up, and what rows become. */
import { describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { CATEGORIES, CommandCatalog, type ServerCommandSpec } from '../../../src/server/catalog/index.ts'

const row = (name: string, more: Partial<ServerCommandSpec> = {}): ServerCommandSpec => ({
  ...{ name, arity: 2, flags: ['loading', 'stale'], group: 'connection', summary: 'Is tried.' },
  ...{ complexity: 'O(1)', syntax: '', since: '2.6.0' },
  ...more,
})

const catalog = new CommandCatalog(commandTable.rows, [
  row('client|id', { since: '5.0.0' }),
  row('client|list', { flags: ['loading', 'admin', 'noscript'], arity: -2, since: '2.4.0' }),
  row('ping', { flags: ['fast'], arity: -1 }),
  row('watch', { flags: ['fast'], arity: -2, group: 'transactions', keys: { first: 1, last: -1 } }),
])

describe('a command is found', () => {
  test('by its name in any case', () => {
    expect(['get', 'GET', 'gEt', 'client|LIST', 'CLIENT'].map((name) => catalog.get(name)?.name)).toEqual([
      ...['get', 'get', 'get', 'client|list', 'client'],
    ])
    expect(catalog.get('nope')).toBeUndefined()
  })

  test('by a request', () => {
    const found = (line: string): string | undefined => catalog.find(line.split(' '))?.name
    expect(found('get a')).toBe('get')
    expect(found('Client List')).toBe('client|list')
    expect(found('client')).toBe('client')
    expect(found('client nope')).toBeUndefined()
    // A bar is no way to name a subcommand in a request.
    expect(found('client|list')).toBeUndefined()
    expect(catalog.find([])).toBeUndefined()
    expect(catalog.find([Buffer.from('GET'), 'a'])?.name).toBe('get')
  })
})

describe('the catalog', () => {
  test('has nothing that only the log runs, and nothing that is not built', () => {
    for (const name of [
      'lock.granted',
      'lock.freed',
      'lock.floor',
      'setbit',
      'pfadd',
      'geoadd',
      'xadd',
      'eval',
    ]) {
      expect(catalog.get(name), name).toBeUndefined()
    }
  })

  test('has each command once, by name, with its index', () => {
    expect(catalog.all.map(({ index }) => index)).toEqual(catalog.all.map((_, i) => i))
    expect(new Set(catalog.all.map(({ name }) => name)).size).toBe(catalog.all.length)
    expect(catalog.commands.some(({ name }) => name.includes('|'))).toBe(false)
  })

  test('takes what the server does itself in the place of what a shard would', () => {
    expect(catalog.get('ping')?.isServer).toBe(true)
    expect(catalog.get('echo')?.isServer).toBe(false)
  })

  test('makes containers of subcommands, as Redis has them', () => {
    expect(catalog.get('client')).toMatchObject({
      ...{ arity: -2, flags: [], categories: ['slow'], isContainer: true, isServer: true },
      ...{ group: 'connection', since: '2.4.0', container: undefined },
    })
    expect(catalog.subcommandsOf('client').map(({ name }) => name)).toEqual(['client|id', 'client|list'])
    expect(catalog.subcommandsOf('get')).toEqual([])
    expect(catalog.get('client|id')?.container).toBe('client')
  })

  test('derives flags, in the order of Redis, and categories', () => {
    expect(catalog.get('client|list')).toMatchObject({
      flags: ['admin', 'noscript', 'loading'],
      categories: ['admin', 'slow', 'dangerous', 'connection'],
    })
    expect(catalog.get('lock.acquire')?.categories).toEqual(['write', 'fast', 'blocking', 'lock'])
    expect(catalog.get('hexpire')).toMatchObject({
      ...{ flags: ['write', 'denyoom', 'fast'], categories: ['write', 'hash', 'fast'] },
      ...{ firstKey: 1, lastKey: 1, step: 1, since: '7.4.0' },
    })
  })

  test('knows who is of a category', () => {
    for (const category of CATEGORIES) {
      for (const info of catalog.inCategory(category)) expect(info.categories).toContain(category)
    }
    for (const { name, categories } of catalog.all) {
      for (const category of categories) expect(CATEGORIES).toContain(category)
      // Each is either fast or slow.
      expect(categories.includes('fast'), name).toBe(!categories.includes('slow'))
    }
    expect(catalog.inCategory('hash').map(({ name }) => name)).toContain('hset')
    expect(catalog.inCategory('nope')).toEqual([])
  })
})
