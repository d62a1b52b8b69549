/** Hints and completions for a line that is being typed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommandDocs, NO_DOCS } from '../../../src/cli/prompt/command-docs.ts'
import { completionsFor, hintFor } from '../../../src/cli/prompt/hints.ts'
import { docsOf, type PortedRedis, startPorted } from './captured-cli.ts'

let redis: PortedRedis | undefined
let docs: CommandDocs = NO_DOCS

beforeAll(async () => {
  redis = await startPorted()
  if (redis !== undefined) docs = await docsOf(redis)
})

afterAll(() => redis?.server.stop())

describe('a hint continues the line', () => {
  test.for<readonly [string, string]>([
    ['', ''],
    ['get', ' key'],
    ['get ', 'key'],
    ['get a', ''],
    ['expire k ', 'seconds [NX|XX|GT|LT]'],
    ['expire k 1', ' [NX|XX|GT|LT]'],
    ['expire k 1 g', 't'],
    ['expire k 1 G', 'T'],
    ['3 get', ' key'],
    ['3', ''],
    ['hgeta', 'll'],
    ['HGETA', 'LL'],
    ['hge', ''],
    ['object ', 'ENCODING|FREQ|HELP|IDLETIME|REFCOUNT'],
    ['object i', 'dletime'],
    ['object idletime', ' key'],
    ['get "a', ''],
    ['get "a"b', ''],
    ['nope ', ''],
    ['help', ' command or @group'],
    ['help ', 'command or @group'],
  ])('%j', ([line, text], { skip }) => {
    if (redis === undefined) return skip()
    expect(hintFor(docs, line).text).toBe(text)
  })

  test('and says what the command does', ({ skip }) => {
    if (redis === undefined) return skip()
    expect(hintFor(docs, 'get a').summary).toBe('Get the value of a key')
    expect(hintFor(docs, 'client kill ').summary).toBe('Kill the connection of a client')
    expect(hintFor(docs, 'ge').summary).toBe('')
  })
})

describe('Tab offers', () => {
  test.for<readonly [string, readonly string[], string]>([
    ['hget', ['hget', 'hgetall'], 'hget'],
    ['HGETA', ['HGETALL'], 'HGETA'],
    ['3 hgeta', ['hgetall'], 'hgeta'],
    ['cle', ['clear'], 'cle'],
    ['object f', ['freq'], 'f'],
    ['OBJECT ', ['ENCODING', 'FREQ', 'HELP', 'IDLETIME', 'REFCOUNT'], ''],
    ['set a b e', ['ex', 'exat'], 'e'],
    ['set a b K', ['KEEPTTL'], 'K'],
    ['expire k 1 ', ['nx', 'xx', 'gt', 'lt'], ''],
    ['get ', [], ''],
    ['get a', [], 'a'],
    ['help hgeta', ['hgetall'], 'hgeta'],
    ['help @str', ['@string', '@stream'].sort().reverse(), '@str'],
    ['help object f', ['freq'], 'f'],
    ['get "a', [], '"a'],
  ])('%j', ([line, offers, word], { skip }) => {
    if (redis === undefined) return skip()
    const found = completionsFor(docs, line)
    expect([[...found.offers].sort(), found.word]).toEqual([[...offers].sort(), word])
  })
})

test('without docs there is nothing to say, and nothing to fall over', () => {
  expect(hintFor(NO_DOCS, 'set a ')).toEqual({ text: '', summary: '' })
  expect(completionsFor(NO_DOCS, 'se')).toEqual({ offers: [], word: 'se' })
})
