/**
 * Makes parameters and keyspace say the same when a server begins: what was given to the server is told to
 * the shards, and what the keyspace was made with is taken for what was not given.
 *
 * Tests: test/server/commands/info-commands.race.test.ts
 */
import type { KeyspaceRuntime } from '../keyspace/index.ts'
import { shardFigures } from '../keyspace/serving/index.ts'
import { firstShardChange } from './commands/shard-parameters.ts'
import type { ParameterStore } from './parameters/index.ts'

/** To be called before anybody is served. */
export async function alignKeyspace(runtime: KeyspaceRuntime, parameters: ParameterStore): Promise<void> {
  const { client } = runtime.keyspace
  const { shardCount } = client.memory
  const change = firstShardChange(parameters, shardCount)
  if (change !== undefined) await runtime.changeKeyspace(change)
  const figures = await shardFigures(client)
  const [first] = figures
  if (first === undefined) return
  parameters.assume('shards', shardCount)
  parameters.assume('commandTimeoutMs', client.timeoutMs)
  parameters.assume(
    'maxMemory',
    figures.reduce((sum, { maxBytes }) => sum + maxBytes, 0),
  )
  parameters.assume('maxMemoryPolicy', first.policy)
  if (first.log === undefined) return
  parameters.assume('durability', first.log.level as 'memory' | 'os' | 'fsync')
  parameters.assume('appendOnly', true)
  if (first.log.level === 'fsync') parameters.assume('appendFsync', 'always')
}
