/** COMMAND and its subcommands: replies, and the texts of errors, with a real Redis beside them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import {
  CommandCatalog,
  type CommandReply,
  commandCountReply,
  commandDocsReply,
  commandGetKeysAndFlagsReply,
  commandGetKeysReply,
  commandHelpReply,
  commandInfoReply,
  commandListReply,
  commandReply,
} from '../../../src/server/catalog/index.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { type RedisServer, startRedis } from '../../support/redis/redis-server.ts'
import { type Resp2Form, resp2Form } from '../../support/resp2.mjs'

const catalog = new CommandCatalog(commandTable.rows, serverCommands)

const REPLIES: Readonly<Record<string, CommandReply>> = {
  count: commandCountReply,
  docs: commandDocsReply,
  getkeys: commandGetKeysReply,
  getkeysandflags: commandGetKeysAndFlagsReply,
  help: commandHelpReply,
  info: commandInfoReply,
  list: commandListReply,
}

/** What we answer to `COMMAND …`. */
function answer(line: string): Resp2Form {
  const argv = line === '' ? ['COMMAND'] : ['COMMAND', ...line.split(' ')]
  const reply = argv.length === 1 ? commandReply : REPLIES[argv[1]!.toLowerCase()]!
  return resp2Form(reply(catalog, argv))
}

/** Requests, and what Redis 7.0 and we answer. */
const SAME: readonly (readonly [line: string, form: Resp2Form])[] = [
  ['GETKEYS get a', ['$a']],
  ['GETKEYS GET a', ['$a']],
  ['GETKEYS mset a 1 b 2', ['$a', '$b']],
  ['GETKEYS mset a 1 b', ['$a', '$b']],
  ['GETKEYS zunionstore d 2 a b', ['$d', '$a', '$b']],
  ['GETKEYS sort a by nosort get x store b store c', ['$a', '$c']],
  ['GETKEYS object encoding a', ['$a']],
  ['GETKEYS nosuch a', '-ERR Invalid command specified'],
  ['GETKEYS object nosuch', '-ERR Invalid command specified'],
  ['GETKEYS object|encoding a', '-ERR Invalid command specified'],
  ['GETKEYS echo a', '-ERR The command has no key arguments'],
  ['GETKEYS spublish a b', '-ERR The command has no key arguments'],
  ['GETKEYS get a b', '-ERR Invalid number of arguments specified for command'],
  ['GETKEYS object encoding', '-ERR Invalid number of arguments specified for command'],
  ['GETKEYS sintercard x a', '-ERR Invalid arguments specified for command'],
  ['GETKEYS sintercard 3 a b', '-ERR Invalid arguments specified for command'],
  ['GETKEYS zunionstore d 3 a b', '-ERR Invalid arguments specified for command'],
  ['GETKEYS lmpop 0 a left', '-ERR Invalid arguments specified for command'],
  ['GETKEYSANDFLAGS set a b', [['$a', ['+OW', '+update']]]],
  ['GETKEYSANDFLAGS set a get', [['$a', ['+OW', '+update']]]],
  ['GETKEYSANDFLAGS set a b get', [['$a', ['+RW', '+access', '+update']]]],
  [
    'GETKEYSANDFLAGS lmove a b left right',
    [
      ['$a', ['+RW', '+access', '+delete']],
      ['$b', ['+RW', '+insert']],
    ],
  ],
  [
    'GETKEYSANDFLAGS sort a store b',
    [
      ['$a', ['+RO', '+access']],
      ['$b', ['+OW', '+update']],
    ],
  ],
  ['GETKEYSANDFLAGS del a', [['$a', ['+RM', '+delete']]]],
  ['LIST FILTERBY MODULE json', []],
  ['LIST FILTERBY ACLCAT nosuch', []],
  ['LIST FILTERBY ACLCAT @read', []],
  ['LIST filterby pattern LMO*', ['$lmove']],
  ['LIST FILTERBY PATTERN nosuch*', []],
  ['LIST nosuch', '-ERR syntax error'],
  ['LIST FILTERBY', '-ERR syntax error'],
  ['LIST FILTERBY nosuch a', '-ERR syntax error'],
  ['LIST FILTERBY PATTERN a b', '-ERR syntax error'],
  ['INFO nosuch', ['_']],
  ['INFO OBJECT|nosuch', ['_']],
  ['DOCS nosuch', []],
]

test.each(SAME)('COMMAND %s', (line, form) => {
  expect(answer(line)).toEqual(form)
})

describe('beside a real Redis', () => {
  let server: RedisServer | undefined
  beforeAll(async () => {
    server = await startRedis()
  }, 90_000)
  afterAll(() => server?.stop())

  test('the same is answered', async ({ skip }) => {
    if (server === undefined) return skip()
    const forms = await server.client.pipeline(SAME.map(([line]) => ['COMMAND', ...line.split(' ')]))
    expect(forms).toEqual(SAME.map(([, form]) => form))
    const infos = 'INFO get set sdiffstore lmpop sort_ro rename nosuch'
    const notes = (form: Resp2Form): string => JSON.stringify(form).replace(/"\$notes","[^"]*",/g, '')
    expect(notes(answer(infos))).toBe(notes(await server.client.call('COMMAND', ...infos.split(' '))))
  })
})

describe('all commands', () => {
  test('are told without subcommands, which are told within', () => {
    const all = answer('') as Resp2Form[][]
    expect(all.length).toBe(catalog.commands.length)
    expect(answer('COUNT')).toBe(`:${all.length}`)
    expect(answer('INFO')).toEqual(all)
    const object = all.find(([name]) => name === '$object')!
    expect(object).toHaveLength(10)
    expect((object[9] as Resp2Form[][]).map(([name]) => name)).toContain('$object|encoding')
  })

  test('are listed with subcommands', () => {
    const names = answer('LIST') as string[]
    expect(names).toEqual(catalog.all.map(({ name }) => `$${name}`))
    expect(answer('LIST FILTERBY ACLCAT LIST')).toContain('$lpush')
    expect(answer('LIST FILTERBY PATTERN object|E*')).toEqual(['$object|encoding'])
  })

  test('of our own are among them', () => {
    const names = new Set(answer('LIST') as string[])
    for (const name of ['$lock.acquire', '$lease.get', '$limit', '$revision', '$fenced']) {
      expect(names, name).toContain(name)
    }
    expect(answer('GETKEYS FENCED l 1 set a b')).toEqual(['$l', '$a'])
    expect(answer('GETKEYS lock.acquireall 2 a b me px 10')).toEqual(['$a', '$b'])
  })
})
