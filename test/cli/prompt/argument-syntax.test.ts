/** Syntax from trees of arguments, against the syntax that redis-cli has for every command of Redis. */
import { execFileSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectedAfter, expectedWithin, syntaxOf } from '../../../src/cli/prompt/argument-syntax.ts'
import { type CommandDocs, commandOfWords, NO_DOCS } from '../../../src/cli/prompt/command-docs.ts'
import { docsOf, type PortedRedis, startPorted } from './captured-cli.ts'

/** Where redis-cli's own table is older than its server, or leaves something out. */
const OLDER = ['BITFIELD', 'BITFIELD_RO', 'MIGRATE', 'REPLICAOF', 'SLAVEOF']

const EXPIRATION = '[EX seconds|PX milliseconds|EXAT unix-time-seconds|PXAT unix-time-milliseconds|KEEPTTL]'
const SORT_END = '[ASC|DESC] [ALPHA] [STORE destination]'
const FILTERS = [
  ...['[ID client-id]', '[TYPE NORMAL|MASTER|SLAVE|REPLICA|PUBSUB]', '[USER username]'],
  ...['[ADDR ip:port]', '[LADDR ip:port]', '[SKIPME yes/no]'],
]

let redis: PortedRedis | undefined
let docs: CommandDocs = NO_DOCS

beforeAll(async () => {
  redis = await startPorted()
  if (redis !== undefined) docs = await docsOf(redis)
})

afterAll(() => redis?.server.stop())

test('every command has the syntax that redis-cli shows', ({ skip }) => {
  // Others have other tables.
  if (redis?.server.version.startsWith('7.0.') !== true) return skip()
  const all = [...docs.values()].flatMap((doc) => [doc, ...doc.subcommands.values()])
  const groups = [...new Set(all.map(({ group }) => group))]
  const theirs = new Map<string, string>()
  for (const group of groups) {
    const text = execFileSync('redis-cli', ['help', `@${group}`], { encoding: 'latin1' })
    // biome-ignore lint/suspicious/noControlCharactersInRegex: it prints colours.
    for (const [, name = '', syntax = ''] of text.matchAll(/\x1b\[1m(.*?)\x1b\[0m \x1b\[90m(.*?)\x1b\[0m/g)) {
      theirs.set(name, syntax.trim())
    }
  }
  expect(theirs.size).toBeGreaterThan(300)
  const differ = all.filter(({ name, args }) => syntaxOf(args) !== theirs.get(name))
  expect(differ.map(({ name }) => name).sort()).toEqual(OLDER)
})

describe('what may follow', () => {
  test.for<readonly [string, string]>([
    ['get', 'key'],
    ['get a', ''],
    ['get a b', ''],
    ['set a', `value [NX|XX] [GET] ${EXPIRATION}`],
    ['set a b', `[NX|XX] [GET] ${EXPIRATION}`],
    ['set a b EX', 'seconds [NX|XX] [GET]'],
    ['set a b ex 10', '[NX|XX] [GET]'],
    ['set a b get nx keepttl', ''],
    ['set a b nope', ''],
    ['del', 'key [key ...]'],
    ['del a', '[key ...]'],
    ['del a b c', '[key ...]'],
    ['mset a', 'value [key value ...]'],
    ['mset a 1', '[key value ...]'],
    ['mset a 1 b', 'value [key value ...]'],
    ['zadd k', '[NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]'],
    ['zadd k nx', '[GT|LT] [CH] [INCR] score member [score member ...]'],
    ['zadd k 1', 'member [score member ...]'],
    ['lpop l', '[count]'],
    ['lpop l 3', ''],
    ['lmpop 2 a b', '[key ...] LEFT|RIGHT [COUNT count]'],
    [
      'xadd s',
      '[NOMKSTREAM] [MAXLEN|MINID [=|~] threshold [LIMIT count]] *|id field value [field value ...]',
    ],
    ['xadd s maxlen', '[=|~] threshold [LIMIT count] [NOMKSTREAM] *|id field value [field value ...]'],
    ['xadd s maxlen ~ 5', '[LIMIT count] [NOMKSTREAM] *|id field value [field value ...]'],
    ['sort k', `[BY pattern] [LIMIT offset count] [GET pattern [GET pattern ...]] ${SORT_END}`],
    ['sort k get a', `[GET pattern ...] [BY pattern] [LIMIT offset count] ${SORT_END}`],
    ['client kill id', `client-id [${FILTERS.join('|')} ...]`],
    ['expire k 10', '[NX|XX|GT|LT]'],
  ])('%s', ([line, expected], { skip }) => {
    if (redis === undefined) return skip()
    const words = line.split(' ')
    const found = commandOfWords(docs, words)
    const args = words.slice(found?.nameWords)
    expect(expectedAfter(found?.doc.args ?? [], args).syntax).toBe(expected)
  })
})

test('a token that is begun is finished first, in the case in which it is typed', ({ skip }) => {
  if (redis === undefined) return skip()
  const args = docs.get('SET')?.args ?? []
  expect(expectedWithin(args, ['a', 'b', 'E'])).toEqual({
    syntax: 'X seconds [NX|XX] [GET]',
    tokens: ['EX', 'EXAT'],
  })
  expect(expectedWithin(args, ['a', 'b', 'keep'])).toMatchObject({ syntax: 'ttl [NX|XX] [GET]' })
  expect(expectedWithin(args, ['a', 'b', 'EX'])).toMatchObject({ syntax: ' seconds [NX|XX] [GET]' })
  expect(expectedWithin(args, ['a', 'b', 'zz'])).toEqual({ syntax: '', tokens: [] })
})

test('tokens that may come next', ({ skip }) => {
  if (redis === undefined) return skip()
  const tokens = (name: string, ...words: string[]): readonly string[] =>
    expectedAfter(docs.get(name)?.args ?? [], words).tokens
  expect(tokens('SET', 'a')).toEqual([])
  expect(tokens('SET', 'a', 'b')).toEqual(['NX', 'XX', 'GET', 'EX', 'PX', 'EXAT', 'PXAT', 'KEEPTTL'])
  expect(tokens('LMPOP', '1', 'a')).toEqual(['LEFT', 'RIGHT'])
  expect(tokens('ZADD', 'k', 'NX')).toEqual(['GT', 'LT', 'CH', 'INCR'])
})
