/** What people are told of commands: DOCS and HELP. */
import { expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { DEPRECATIONS } from '../../../src/server/catalog/deprecations.ts'
import { CommandCatalog, commandDocsReply, helpReply } from '../../../src/server/catalog/index.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { type Resp2Form, resp2Form } from '../../support/resp2.mjs'

const catalog = new CommandCatalog(commandTable.rows, serverCommands)

function docs(...names: string[]): Resp2Form[] {
  return resp2Form(commandDocsReply(catalog, ['COMMAND', 'DOCS', ...names])) as Resp2Form[]
}

/** The value of a pair. */
function at(flat: Resp2Form | undefined, name: string): Resp2Form | undefined {
  const list = flat as Resp2Form[]
  return list[list.indexOf(`$${name}`) + 1]
}

test('a command of our own is described as any other', () => {
  const [name, about] = docs('LOCK.ACQUIRE')
  expect(name).toBe('$lock.acquire')
  expect(at(about, 'group')).toBe('$lock')
  expect(at(about, 'since')).toBe('$Shardloom 0.2.0')
  expect(at(about, 'summary')).toMatch(/^\$[A-Z].*[^.]$/)
  const args = at(about, 'arguments') as Resp2Form[]
  expect(args[0]).toEqual(['$name', '$key', '$type', '$key', '$key_spec_index', ':0'])
  expect(args[2]).toEqual(['$name', '$milliseconds', '$type', '$integer', '$token', '$PX'])
  expect(at(args[3], 'flags')).toEqual(['+optional'])
})

test('a container is described with its subcommands', () => {
  const [, about] = docs('object')
  const subcommands = at(about, 'subcommands') as Resp2Form[]
  expect(subcommands).toContain('$object|encoding')
  expect(at(at(subcommands, 'object|encoding'), 'group')).toBe('$generic')
})

test('what is kept for old programs says so', () => {
  const [, about] = docs('hmset')
  expect(at(about, 'doc_flags')).toEqual(['+deprecated'])
  expect(at(about, 'deprecated_since')).toBe('$4.0.0')
  for (const name of Object.keys(DEPRECATIONS)) {
    // Those of the server come with their rows.
    if (!/^(?:cluster\|slots|quit)$/.test(name)) expect(catalog.get(name), name).toBeDefined()
  }
})

test('all commands are described, and every text is bytes', () => {
  const all = docs()
  expect(all.length).toBe(catalog.commands.length * 2)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what is asked is whether all are bytes.
  expect(JSON.stringify(all)).toMatch(/^[\x00-\xff]*$/)
})

test('help names each subcommand, what it takes, and what it does', () => {
  const lines = resp2Form(helpReply(catalog, 'command')) as string[]
  expect(lines.slice(0, 5)).toEqual([
    '+COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
    '+(no subcommand)',
    '+    Describes all commands.',
    '+COUNT',
    '+    Counts the commands.',
  ])
  expect(lines).toContain('+INFO [command-name [command-name ...]]')
  expect(lines.slice(-2)).toEqual(['+HELP', '+    Prints this help.'])
  for (const line of lines) expect(line.length).toBeLessThan(85)
})
