/** What a server says of its commands, read from either protocol, and from a server too old to say it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addressDefaults } from '../../../src/cli/connection/address-options.ts'
import { greet, RespConnection } from '../../../src/cli/connection/resp-connection.ts'
import {
  type CommandDocs,
  commandDocsOf,
  commandNamesOf,
  commandOfWords,
} from '../../../src/cli/prompt/command-docs.ts'
import { type PortedRedis, startPorted } from './captured-cli.ts'

let redis: PortedRedis | undefined

beforeAll(async () => {
  redis = await startPorted()
})

afterAll(() => redis?.server.stop())

async function docsIn(resp: 2 | 3): Promise<CommandDocs> {
  const address = { ...addressDefaults({}), port: (redis as PortedRedis).port, resp }
  const connection = await RespConnection.connect(address)
  await greet(connection, address)
  const reply = await connection.call(['COMMAND', 'DOCS'])
  connection.close()
  return commandDocsOf(reply ?? { type: 'null', of: 'any' })
}

test('both protocols say the same', async ({ skip }) => {
  if (redis === undefined) return skip()
  const docs = await docsIn(2)
  expect(docs.size).toBeGreaterThan(200)
  expect(await docsIn(3)).toEqual(docs)
  expect(docs.get('SET')).toMatchObject({
    summary: 'Set the string value of a key',
    since: '1.0.0',
    group: 'string',
    complexity: 'O(1)',
  })
  expect(docs.get('SET')?.args[2]).toMatchObject({
    name: 'condition',
    type: 'oneof',
    isOptional: true,
    isMultiple: false,
    parts: [{ token: 'NX' }, { token: 'XX' }],
  })
  expect(docs.get('CLIENT')?.subcommands.get('KILL')?.name).toBe('CLIENT KILL')
})

test('words begin with a command, or with a subcommand', async ({ skip }) => {
  if (redis === undefined) return skip()
  const docs = await docsIn(3)
  expect(commandOfWords(docs, ['client', 'kill', 'id'])).toMatchObject({
    doc: { name: 'CLIENT KILL' },
    nameWords: 2,
  })
  expect(commandOfWords(docs, ['client', 'nope'])).toMatchObject({ doc: { name: 'CLIENT' }, nameWords: 1 })
  expect(commandOfWords(docs, ['nope'])).toBeUndefined()
})

test('of a server that only has COMMAND there are the names', async ({ skip }) => {
  if (redis === undefined) return skip()
  const connection = await RespConnection.connect({ ...addressDefaults({}), port: redis.port })
  const reply = await connection.call(['COMMAND'])
  connection.close()
  const docs = commandNamesOf(reply ?? { type: 'null', of: 'any' })
  expect(docs.get('GET')).toMatchObject({ name: 'GET', summary: '', args: [] })
})

test('a reply of another kind says nothing', () => {
  expect(commandDocsOf({ type: 'error', text: 'ERR unknown command' }).size).toBe(0)
  expect(commandNamesOf({ type: 'status', text: 'OK' }).size).toBe(0)
})
