/**
 * Runs the compatibility cases over the network, in both protocols, and prints how many of each group of
 * commands pass: against a server of its own, or any that listens at a port (its data are deleted!):
 *
 *     node setup.mjs && node test/server/compat/run-network-cases.mjs [--port N] [--host H] [--since 7.0.15]
 *
 * `--since`: only cases of commands that this version of Redis has.
 */
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { createRuntime } from 'shardloom'
import { runCases, tableOf } from '../../keyspace/compat/case-runner.mjs'
import { groupOf } from './network-groups.mjs'
import { networkSessions, reasonOfNetwork } from './network-sessions.mjs'

const { values } = parseArgs({
  options: { port: { type: 'string' }, host: { type: 'string' }, since: { type: 'string' } },
})
const path = new URL('../../fixtures/resp-cases.json', import.meta.url)
const cases = JSON.parse(readFileSync(path, 'utf8')).filter(
  ({ since }) =>
    values.since === undefined || since.localeCompare(values.since, 'en', { numeric: true }) <= 0,
)

let runtime
let port = Number(values.port)
if (values.port === undefined) {
  runtime = await createRuntime({ threads: 2, keyspace: { shards: 2 } })
  port = (await runtime.serve({ port: 0 })).address.port
}
for (const resp of [2, 3]) {
  const results = await runCases(networkSessions(port, resp, values.host), cases, groupOf, reasonOfNetwork)
  console.log(`RESP${resp}\n${tableOf(results)}\n`)
  if (results.failures.length > 0) process.exitCode = 1
}
await runtime?.close()
