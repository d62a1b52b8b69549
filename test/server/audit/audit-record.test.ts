/** Lines of the audit log: names, and never more. */
import { expect, it } from 'vitest'
import { err } from '../../../src/keyspace/engine/index.ts'
import { auditLine } from '../../../src/server/audit/audit-record.ts'
import { serverCommands } from '../../../src/server/commands/table.ts'
import { CommandIndex } from '../../../src/server/thread/command-index.ts'
import { catalogOf } from '../../../src/server/thread/server-thread.ts'

const catalog = catalogOf(serverCommands)
const commands = new CommandIndex(catalog, serverCommands)
const SESSION = { id: 7, address: '10.0.0.1:5', certificateUser: undefined, db: 2, user: { name: 'al' } }

function line(argv: readonly string[], session: object = {}, isDenied = false): Record<string, unknown> {
  const entry = commands.find(argv)
  if (!('info' in entry)) throw new Error('no such command')
  const denial = isDenied ? err('no') : undefined
  return JSON.parse(auditLine(catalog, { ...SESSION, ...session }, entry, argv, denial, 1_000)) as Record<
    string,
    unknown
  >
}

it('says who, what, of which keys, and whether', () => {
  expect(line(['SET', 'k', 'value', 'EX', '5'])).toEqual({
    time: '1970-01-01T00:00:01.000Z',
    user: 'al',
    id: 7,
    address: '10.0.0.1:5',
    command: 'set',
    db: 2,
    keys: ['k'],
    result: 'allowed',
  })
  expect(line(['PUBLISH', 'c', 'value'], { certificateUser: 'bo' }, true)).toMatchObject({
    certificate: 'bo',
    channels: ['c'],
    result: 'denied',
    reason: 'ERR',
  })
  expect(line(['GET', 'k'], { user: undefined })['user']).toBeNull()
})

it('holds no values and no secrets', () => {
  const hidden = 'hidden'
  for (const argv of [
    ['SET', 'k', hidden],
    ['AUTH', hidden],
    ['AUTH', 'al', hidden],
    ['HELLO', '3', 'AUTH', 'al', hidden],
    ['CONFIG', 'SET', 'requirepass', hidden, 'maxmemory', '1'],
    ['ACL', 'SETUSER', 'bo', `>${hidden}`],
    ['HSET', 'h', 'f', hidden],
    ['SUBSCRIBE', 'c'],
  ]) {
    expect(JSON.stringify(line(argv))).not.toContain(hidden)
  }
  expect(line(['CONFIG', 'SET', 'requirepass', 'x', 'maxmemory', '1'])['objects']).toEqual([
    'requirepass',
    'maxmemory',
  ])
  expect(line(['AUTH', 'bo', 'x'])['user']).toBe('bo')
  expect(line(['HELLO', '3', 'AUTH', 'bo', 'x'])['user']).toBe('bo')
})

it('is bounded, and one line, whatever keys are', () => {
  const many = line(['DEL', ...Array.from({ length: 100 }, (_, i) => `${i}`)])
  expect(many['keys']).toHaveLength(32)
  expect(many['more_keys']).toBe(68)
  expect(String((line(['GET', 'x'.repeat(5000)])['keys'] as string[])[0])).toMatch(/^x{256}… \(5000 bytes\)$/)
  expect(line(['GET', 'a\n\xff'])['keys']).toEqual(['a\\x0a\\xff'])
  expect(line(['GET', 'gr\xc3\xbc\xc3\x9fe'])['keys']).toEqual(['grüße'])
})
