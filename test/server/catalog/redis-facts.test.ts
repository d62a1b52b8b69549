/** What our commands are said to be, against what Redis 7.0 says of the same: INFO and DOCS. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { CommandCatalog, commandDocsReply, commandReply } from '../../../src/server/catalog/index.ts'
import { namesWithFacts } from '../../../src/server/catalog/redis-facts.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { expectGolden } from '../../support/golden.ts'
import { type CommandFacts, commandFacts } from '../../support/redis/command-facts.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { resp2Form } from '../../support/resp2.mjs'

const PATH = join(import.meta.dirname, '..', '..', 'fixtures', 'redis-7.0-commands.json')

const catalog = new CommandCatalog(commandTable.rows, serverCommands)
const ours = commandFacts(
  resp2Form(commandReply(catalog, ['COMMAND'])),
  resp2Form(commandDocsReply(catalog, ['COMMAND', 'DOCS'])),
)

/** Where we differ, and why: what we say instead. */
const ALLOWED: Readonly<Record<string, string>> = {
  'zrank arity': '7.2 takes WITHSCORE.',
  'zrank arguments': '7.2 takes WITHSCORE.',
  'zrevrank arity': '7.2 takes WITHSCORE.',
  'zrevrank arguments': '7.2 takes WITHSCORE.',
  'hscan arguments': '7.4 takes NOVALUES.',
  'lcs arguments': '7.2 calls the argument min-match-len.',
  'zrangestore arguments': 'It calls its keys by whole words here.',
  'zincrby arguments': 'Redis calls the increment an integer; it is a double.',
  'set arguments': 'It takes IFREV and FENCE here.',
  'pubsub|numpat flags': 'It is O(1) here.',
  'pubsub|numpat categories': 'It is O(1) here.',
  'hello arguments': 'A block of options has no name in the notation.',
  'client|caching arguments': 'A choice of words has no name in the notation.',
  'client|tracking arguments': 'A choice of words has no name in the notation.',
  'psubscribe arguments': 'A block of one argument has no name in the notation.',
  'acl|log arguments': 'A choice of words has no name in the notation.',
  'client|kill arguments': 'MAXAGE is of 7.4, and a choice of words has no name of its own here.',
  'client|list arguments': 'A block of options has no name in the notation.',
  'client|no-evict arguments': 'A choice of words has no name in the notation.',
  'client|pause arguments': 'A choice of words has no name in the notation.',
  'lolwut arguments': 'It weaves: the numbers are of a loom.',
  'command|getkeys arguments': 'Redis names none.',
  'command|getkeysandflags arguments': 'Redis names none.',
  'config|get arguments': 'A block of one argument has no name in the notation.',
  'failover arguments': 'A block of options has no name in the notation.',
  'replicaof arguments': 'A choice of words has no name in the notation.',
  'slaveof arguments': 'A choice of words has no name in the notation.',
}

const INFO_FIELDS = ['arity', 'flags', 'range', 'categories', 'tips', 'keys'] as const
const DOCS_FIELDS = ['group', 'since', 'arguments'] as const

function readFixture(): Readonly<Record<string, CommandFacts>> {
  return existsSync(PATH) ? JSON.parse(readFileSync(PATH, 'utf8')) : {}
}

/** Where two lines differ, by the names of their fields. */
function differences(one: string, other: string, fields: readonly string[]): string[] {
  const ofOne = one.split(' | ')
  const ofOther = other.split(' | ')
  // Arguments hold bars as well: what is behind the last field belongs to it.
  const last = fields.length - 1
  const values = (all: string[]): string[] => [...all.slice(0, last), all.slice(last).join(' | ')]
  const [a, b] = [values(ofOne), values(ofOther)]
  return fields.filter((_, i) => (a[i] ?? '') !== (b[i] ?? ''))
}

describe('of every command that Redis 7.0 has, too', () => {
  const redis = readFixture()
  const both = [...ours].filter(([name]) => redis[name] !== undefined)

  test.each([
    ['INFO', 'info', INFO_FIELDS],
    ['DOCS', 'docs', DOCS_FIELDS],
  ] as const)('COMMAND %s says the same, but for what is listed here with its reason', (_, kind, fields) => {
    expect(both.length).toBeGreaterThan(150)
    const found = both.flatMap(([name, facts]) => {
      const theirs = (redis[name] as CommandFacts)[kind]
      const wrong = differences(facts[kind], theirs, fields).filter((field) => !ALLOWED[`${name} ${field}`])
      return wrong.map((field) => `${name} ${field}: ${facts[kind]}   Redis: ${theirs}`)
    })
    expect(found.join('\n')).toBe('')
  })

  test('what is listed is still so', () => {
    const stale = Object.keys(ALLOWED).filter((line) => {
      const [name, field] = line.split(' ') as [string, string]
      const [own, theirs] = [ours.get(name), redis[name]]
      if (own === undefined || theirs === undefined) return catalog.get(name) !== undefined
      const wrong = [
        ...differences(own.info, theirs.info, INFO_FIELDS),
        ...differences(own.docs, theirs.docs, DOCS_FIELDS),
      ]
      return !wrong.includes(field)
    })
    expect(stale).toEqual([])
  })

  test('facts are kept of names that exist', () => {
    const known = new Set([...Object.keys(redis), ...catalog.all.map(({ name }) => name)])
    expect(
      namesWithFacts().filter((name) => !known.has(name) && !/^(?:function|script)\|/.test(name)),
    ).toEqual([])
  })
})

describe('against a real Redis', () => {
  let server: RedisServer | undefined
  beforeAll(async () => {
    server = await startRedis()
  }, 90_000)
  afterAll(() => server?.stop())

  test('the facts that are kept are those of 7.0', async () => {
    if (server === undefined || !/^7\.0\./.test(server.version)) return
    const [infos, docs] = await server.client.pipeline([['COMMAND'], ['COMMAND', 'DOCS']])
    const facts = commandFacts(infos!, docs!)
    const lines = [...facts].map(([name, fact]) => `  ${JSON.stringify(name)}: ${JSON.stringify(fact)}`)
    expectGolden(PATH, `{\n${lines.join(',\n')}\n}\n`)
  })
})
