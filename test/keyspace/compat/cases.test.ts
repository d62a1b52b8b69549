/**
 * The public compatibility cases: all pass, but those of commands that are listed as left out; and these are
 * refused as Redis refuses a command that it does not know.
 */
import { readFileSync } from 'node:fs'
import { createRuntime } from 'shardloom'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ErrorReply } from '../../../dist/src/keyspace/engine/index.js'
import {
  type CaseResults,
  type CompatCase,
  OUT_OF_SCOPE,
  runCases,
  splitLine,
  tableOf,
} from './case-runner.mjs'
import { groupOf } from './groups.mjs'

const cases = JSON.parse(
  readFileSync(new URL('../../fixtures/resp-cases.json', import.meta.url), 'utf8'),
) as CompatCase[]
const GROUPS = [
  ...['keys and expiry', 'strings', 'lists', 'sets', 'sorted sets', 'hashes', 'server', 'transactions'],
  'publish and subscribe',
]

let runtime: Awaited<ReturnType<typeof createRuntime>>
let results: CaseResults

beforeAll(async () => {
  runtime = await createRuntime({ threads: 2, keyspace: { shards: 2 } })
  results = await runCases(runtime.keyspace, cases, groupOf)
})
afterAll(() => runtime.close())

test.each(GROUPS)('every case of %s passes', (group) => {
  const row = results.groups.find((one) => one.group === group)
  expect(row?.all).toBeGreaterThan(4)
  expect({ ...row, failures: results.failures }).toEqual({ ...row, passed: row?.all, failures: [] })
})

test('the cases that are not run are those of the commands that are left out', () => {
  expect(
    results.groups
      .filter(({ outOfScope }) => outOfScope > 0)
      .map(({ group }) => group)
      .sort(),
  ).toEqual(Object.keys(OUT_OF_SCOPE).sort())
  expect(results.groups.map(({ group }) => group).sort()).toEqual(
    [...GROUPS, ...Object.keys(OUT_OF_SCOPE)].sort(),
  )
  expect(tableOf(results)).toMatch(/^in scope +(\d+) +\1$/m)
})

test('a command that is left out is answered with the error of an unknown one', async () => {
  const session = runtime.keyspace.session()
  for (const command of Object.values(OUT_OF_SCOPE).flat()) {
    const reply = await session.call([command, 'a', 'b'])
    expect(reply).toBeInstanceOf(ErrorReply)
    expect((reply as unknown as ErrorReply).text).toBe(
      `ERR unknown command '${command}', with args beginning with: 'a' 'b' `,
    )
  }
})

test('every command that a case uses is known or left out', () => {
  const used = new Set(
    cases.flatMap(({ command }) => command.map((line) => line.split(' ')[0]!.toLowerCase())),
  )
  const left = Object.values(OUT_OF_SCOPE).flat()
  const others = [...used].filter((name) => groupOf(name) === undefined && !left.includes(name))
  // A session's own.
  expect(others).toEqual(['quit'])
  expect(left.filter((name) => !used.has(name))).toEqual([])
})

test('lines are split as redis-cli splits them', () => {
  expect(splitLine('  set k "a b\\n\\x41\\"" \'c d\\\'\' \\x41 ""')).toEqual([
    ...['set', 'k', 'a b\nA"', "c d'", '\\x41', ''],
  ])
  expect(splitLine('restore k 0 \\x00\\a\\xe5]', true)).toEqual(['restore', 'k', '0', '\x00\x07\xe5]'])
  expect(splitLine('set k é')).toEqual(['set', 'k', 'Ã©'])
})
