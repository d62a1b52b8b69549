/** The server's own commands as a table. */
import { expect, test } from 'vitest'
import { ErrorReply } from '../../../src/keyspace/engine/index.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { CommandIndex } from '../../../src/server/thread/command-index.ts'
import { catalogOf } from '../../../src/server/thread/server-thread.ts'

const index = new CommandIndex(catalogOf(serverCommands), serverCommands)

test('each stands once, and says of itself what is shown', () => {
  const names = serverCommands.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { name, summary, complexity, since, arity } of serverCommands) {
    expect([name, summary.endsWith('.')]).toEqual([name, true])
    expect([name, complexity.length > 0, since.length > 0]).toEqual([name, true, true])
    expect([name, Math.abs(arity) >= (name.includes('|') ? 2 : 1)]).toEqual([name, true])
  }
})

test.each([
  ...['SETBIT', 'PFADD', 'GEOADD', 'XADD', 'EVAL', 'EVALSHA', 'SCRIPT', 'FCALL', 'BITCOUNT', 'XREADGROUP'],
])('%s comes with a later version, and is unknown until then', (name) => {
  const found = index.find([name, 'a'])
  expect(found).toBeInstanceOf(ErrorReply)
  expect((found as unknown as ErrorReply).text).toBe(
    `ERR unknown command '${name}', with args beginning with: 'a' `,
  )
})

test('what every client of Redis begins with is there', () => {
  for (const name of [
    'hello',
    'auth',
    'select',
    'ping',
    'quit',
    'client|setname',
    'client|setinfo',
    'info',
  ]) {
    expect([name, index.get(name)?.name]).toEqual([name, name])
  }
})
