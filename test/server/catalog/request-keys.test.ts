/** Keys and channels of requests, with what is done to them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { ErrorReply } from '../../../src/keyspace/engine/index.ts'
import { CommandCatalog, type ServerCommandSpec } from '../../../src/server/catalog/index.ts'

const row = (name: string, more: Partial<ServerCommandSpec>): ServerCommandSpec => ({
  ...{ name, arity: -2, flags: ['pubsub'], group: 'pubsub', summary: 'Is tried.' },
  ...{ complexity: 'O(1)', syntax: '', since: '2.6.0' },
  ...more,
})

const catalog = new CommandCatalog(commandTable.rows, [
  row('subscribe', {}),
  row('psubscribe', {}),
  row('ssubscribe', {}),
  row('unsubscribe', { arity: -1 }),
  row('migrate', { keysOf: () => [{ index: 3, isWritten: true }] }),
])

/** `a:RW b:R`: the keys of a request and what must be allowed. */
function keys(line: string): string {
  const argv = line.split(' ')
  const info = catalog.find(argv)!
  const found = catalog.keysOf(info, argv).map(({ index, access }) => `${argv[index]}:${access}`)
  const visited: string[] = []
  catalog.everyKey(info, argv, (index, access) => visited.push(`${argv[index]}:${access}`) > 0)
  expect(visited).toEqual(found)
  return found.join(' ')
}

function channels(line: string): string {
  const argv = line.split(' ')
  const found = catalog.channelsOf(catalog.find(argv)!, argv)
  return found.map(({ index, use, isPattern }) => `${argv[index]}:${use}${isPattern ? '*' : ''}`).join(' ')
}

describe('the keys of a request', () => {
  test('are read, written, both, or merely asked about', () => {
    expect(keys('get a')).toBe('a:R')
    expect(keys('exists a b')).toBe('a: b:')
    expect(keys('hset a f v')).toBe('a:W')
    expect(keys('incr a')).toBe('a:RW')
    expect(keys('mset a 1 b 2')).toBe('a:W b:W')
    expect(keys('ping')).toBe('')
    expect(keys('object encoding a')).toBe('a:')
  })

  test('have uses of their own where a command has several', () => {
    expect(keys('copy a b')).toBe('a:R b:W')
    expect(keys('smove a b m')).toBe('a:RW b:W')
    expect(keys('zunionstore a 2 b c')).toBe('a:W b:R c:R')
    expect(keys('blmpop 0 2 a b LEFT')).toBe('a:RW b:RW')
    expect(keys('blpop a b 0')).toBe('a:RW b:RW')
  })

  test('depend on the options of SET, SORT and FENCED', () => {
    expect(keys('set a get')).toBe('a:W')
    expect(keys('set a b GET EX 1')).toBe('a:RW')
    expect(keys('set a b FENCE l 1 get')).toBe('a:RW l:R')
    expect(keys('sort a')).toBe('a:R')
    expect(keys('sort a BY store GET store STORE b LIMIT 0 store STORE c')).toBe('a:R c:W')
    expect(keys('fenced l 1 set a b')).toBe('l:R a:W')
    expect(keys('fenced l 1 FENCED m 2 copy a b')).toBe('l:R m:R a:R b:W')
    expect(keys('fenced l 1 nope a')).toBe('l:R')
    expect(keys('fenced l 1 fenced')).toBe('l:R fenced:R'.slice(0, 3))
  })

  test('are those of the row where only the row knows them', () => {
    expect(keys('migrate h p a 0')).toBe('a:RW')
  })

  test('are none where the arguments cannot be right', () => {
    expect(keys('sintercard x a')).toBe('')
    expect(keys('sintercard 3 a b')).toBe('')
    expect(keys('lmpop 0 a LEFT')).toBe('')
    expect(keys('zunionstore a -1 b')).toBe('')
    expect(keys('sintercard 99999999999999999999 a')).toBe('')
  })

  test('are found in a FENCED within a FENCED, however deep', () => {
    const argv = [...Array.from({ length: 50_000 }, () => ['fenced', 'l', '1']).flat(), 'set', 'a', 'b']
    const info = catalog.find(argv)!
    expect(catalog.keysOf(info, argv)).toHaveLength(50_001)
    expect(catalog.innerOf(info, argv)).toEqual(['set', 'a', 'b'])
    expect(catalog.innerOf(catalog.get('get')!, ['get', 'a'])).toBeUndefined()
    expect(catalog.innerOf(info, ['fenced', 'l', '1'])).toBeUndefined()
  })

  test('stop being asked about at the first that is not allowed', () => {
    const asked: number[] = []
    const argv = ['del', 'a', 'b', 'c']
    const isAllowed = catalog.everyKey(catalog.get('del')!, argv, (index) => asked.push(index) < 2)
    expect([isAllowed, asked]).toEqual([false, [1, 2]])
  })

  test('have all that the router finds among them, and as writes where it says so', () => {
    const word = fc.constantFrom(
      'a',
      'b',
      '1',
      '2',
      'GET',
      'STORE',
      'FENCE',
      'LIMIT',
      'DB',
      '0',
      'set',
      'copy',
    )
    const rows = commandTable.rows.filter(({ flags }) => !flags.includes('internal'))
    const specs = fc.constantFrom(...rows)
    fc.assert(
      fc.property(specs, fc.array(word, { maxLength: 8 }), ({ name }, rest) => {
        const argv = [...name.split('|'), ...rest]
        const spec = commandTable.find(argv)
        if (spec instanceof ErrorReply) return
        const own = catalog.keysOf(catalog.find(argv)!, argv)
        // Of a count that is not right, no command gets to its keys.
        if (own.length === 0 && spec.keys?.keynum !== undefined) return
        for (const { index, isWritten } of commandTable.keysOf(spec, argv)) {
          const key = own.find((found) => found.index === index)
          expect(key, argv.join(' ')).toBeDefined()
          if (isWritten) expect(key?.access, argv.join(' ')).toContain('W')
        }
      }),
      { numRuns: process.env['SHL_SOAK'] === undefined ? 1500 : 100_000 },
    )
  })
})

describe('the channels of a request', () => {
  test('are published to, subscribed to, or left', () => {
    expect(channels('publish c m')).toBe('c:publish')
    expect(channels('spublish c m')).toBe('c:publish')
    expect(channels('subscribe c d')).toBe('c:subscribe d:subscribe')
    expect(channels('psubscribe c* d')).toBe('c*:subscribe* d:subscribe*')
    expect(channels('unsubscribe')).toBe('')
    expect(channels('unsubscribe c')).toBe('c:unsubscribe')
    expect(channels('get a')).toBe('')
  })

  test('are no keys', () => {
    expect(keys('spublish c m')).toBe('')
    expect(keys('ssubscribe c')).toBe('')
  })
})
