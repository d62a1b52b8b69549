/** Names of commands as bytes, in any case. */
import { expect, test } from 'vitest'
import { ErrorReply } from '../../../src/keyspace/engine/index.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { CommandIndex } from '../../../src/server/thread/command-index.ts'
import { catalogOf } from '../../../src/server/thread/server-thread.ts'

const index = new CommandIndex(catalogOf(serverCommands), serverCommands)

function found(name: string): string | undefined {
  const bytes = Buffer.from(`xx${name}yy`, 'latin1')
  return index.findBytes(bytes, 2, name.length)?.name
}

test('every command is found by its bytes, in lower, upper and mixed case', () => {
  for (const { name } of index.all) {
    if (name.includes('|')) continue
    expect(found(name)).toBe(name)
    expect(found(name.toUpperCase())).toBe(name)
    expect(found(name.replace(/./g, (letter, i) => (i % 2 === 0 ? letter.toUpperCase() : letter)))).toBe(name)
  }
})

test('what only looks like a name is none: other bytes with the same low bits, prefixes, long ones', () => {
  for (const name of ['ge', 'gett', 'gEt\0', 'g%t', '', 'x'.repeat(1000), 'LOCK\x0eACQUIRE', 'get\x20']) {
    expect([name, found(name)]).toEqual([name, undefined])
  }
})

test('a subcommand is found in its container, and a wrong one is refused', () => {
  const find = (...argv: string[]): string => {
    const entry = index.find(argv)
    return entry instanceof ErrorReply ? entry.text : entry.name
  }
  expect(find('Object', 'ENCODING', 'k')).toBe('object|encoding')
  expect(find('OBJECT', 'NOPE')).toBe("ERR unknown subcommand 'NOPE'. Try OBJECT HELP.")
  expect(find('get', 'k')).toBe('get')
  expect(find('nope', 'a')).toBe("ERR unknown command 'nope', with args beginning with: 'a' ")
})

test('what only the log runs is not there', () => {
  expect(index.get('lock.granted')).toBeUndefined()
  expect(found('lock.granted')).toBeUndefined()
})
