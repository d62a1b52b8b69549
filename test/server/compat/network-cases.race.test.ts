/**
 * The public compatibility cases over the network, in RESP2 and RESP3: all pass, but those of commands that
 * are left out; and the real Redis passes them too, which is the check of the runner.
 */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type CaseResults,
  type CompatCase,
  OUT_OF_SCOPE,
  runCases,
  tableOf,
} from '../../keyspace/compat/case-runner.mjs'
import { startRedis } from '../../support/redis/redis-server.ts'
import { type TestServer, testServer } from '../../support/server.ts'
import { groupOf } from './network-groups.mjs'
import { networkSessions, reasonOfNetwork } from './network-sessions.mjs'

const cases = JSON.parse(
  readFileSync(new URL('../../fixtures/resp-cases.json', import.meta.url), 'utf8'),
) as CompatCase[]
const GROUPS = [
  ...['keys and expiry', 'strings', 'lists', 'sets', 'sorted sets', 'hashes', 'server', 'transactions'],
  ...['publish and subscribe', 'functions'],
]
/** Run over the network, not through a keyspace. */
const NETWORK_ONLY = 'subscriptions of a session come with the network'
const LEFT_OUT = Object.keys(OUT_OF_SCOPE).filter((reason) => reason !== NETWORK_ONLY)

let server: TestServer

beforeAll(async () => {
  server = await testServer({ threads: 2, keyspace: { shards: 2 } })
})
afterAll(() => server.close())

function run(port: number, resp: 2 | 3, chosen: readonly CompatCase[] = cases): Promise<CaseResults> {
  return runCases(networkSessions(port, resp), chosen, groupOf, reasonOfNetwork)
}

describe.each([2, 3] as const)('RESP%i', (resp) => {
  test('every case in scope passes', async () => {
    const results = await run(server.port, resp)
    expect(results.failures).toEqual([])
    expect(tableOf(results)).toMatch(/^in scope +315 +315$/m)
    expect(results.groups.map(({ group }) => group).sort()).toEqual([...GROUPS, ...LEFT_OUT].sort())
    for (const { group, passed, all, outOfScope } of results.groups) {
      expect([group, passed, outOfScope]).toEqual(GROUPS.includes(group) ? [group, all, 0] : [group, 0, all])
    }
  })
})

test.each([2, 3] as const)('a command that is left out is unknown in RESP%i', async (resp) => {
  const session = await networkSessions(server.port, resp).session()
  const names = LEFT_OUT.flatMap((reason) => OUT_OF_SCOPE[reason] ?? []).filter((name) => name !== 'function')
  for (const name of names) {
    const reply = (await session.call([name, 'a', 'b'])) as { text: string }
    expect(reply.text).toBe(`ERR unknown command '${name}', with args beginning with: 'a' 'b' `)
  }
  const load = (await session.call(['FUNCTION', 'LOAD', '#!lua name=x'])) as { text: string }
  expect(load.text).toMatch(/^ERR unknown (?:sub)?command/)
  session.close()
})

test('Redis passes the cases of its version', async ({ skip }) => {
  const redis = await startRedis()
  if (redis === undefined) return skip()
  try {
    const known = cases.filter(({ since }) => since.localeCompare('7.0.15', 'en', { numeric: true }) <= 0)
    for (const resp of [2, 3] as const) {
      expect((await run(redis.port, resp, known)).failures).toEqual([])
    }
  } finally {
    await redis.stop()
  }
})
