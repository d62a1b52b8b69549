/**
 * Runs the compatibility cases through a keyspace and prints how many of each group of commands pass:
 *
 *     node setup.mjs && node test/keyspace/compat/run-cases.mjs
 */
import { readFileSync } from 'node:fs'
import { createRuntime } from 'shardloom'
import { runCases, tableOf } from './case-runner.mjs'
import { groupOf } from './groups.mjs'

const path = new URL('../../fixtures/resp-cases.json', import.meta.url)
const cases = JSON.parse(readFileSync(path, 'utf8'))
const runtime = await createRuntime({ threads: 2, keyspace: { shards: 2 } })
const results = await runCases(runtime.keyspace, cases, groupOf)
console.log(tableOf(results))
process.exitCode = results.failures.length === 0 ? 0 : 1
await runtime.close()
