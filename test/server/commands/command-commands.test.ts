/** The rows of COMMAND: each reaches its reply. */
import { expect, test } from 'vitest'
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { CommandCatalog } from '../../../src/server/catalog/index.ts'
import { commandCommands } from '../../../src/server/commands/command-commands.ts'
import type { Session } from '../../../src/server/commands/server-command.ts'
import { VerbatimReply } from '../../../src/server/resp/index.ts'

const catalog = new CommandCatalog(commandTable.rows, commandCommands)

/** All that these handlers see of a client. */
const session = {
  ...{ id: 1, commands: 2 },
  thread: { catalog, wallMs: () => 3, facts: { version: '1.2.3' } },
} as unknown as Session

function run(line: string): unknown {
  const argv = line.split(' ')
  const name = catalog.find(argv)?.name
  const row = commandCommands.find((command) => command.name === name)!
  return row.run(session, argv)
}

test('each of them is answered', () => {
  expect(run('command')).toHaveLength(catalog.commands.length)
  expect(run('command count')).toBe(catalog.commands.length)
  expect(run('command list filterby pattern getr*')).toEqual(['getrange'])
  expect(run('command info get')).toHaveLength(1)
  expect(run('command docs get')).toMatchObject({ flat: ['get', {}] })
  expect(run('command getkeys get a')).toEqual(['a'])
  expect(run('command getkeysandflags get a')).toMatchObject([['a', {}]])
  expect(run('command help')).toContainEqual({ text: 'HELP' })
  expect(run('lolwut')).toBeInstanceOf(VerbatimReply)
})
