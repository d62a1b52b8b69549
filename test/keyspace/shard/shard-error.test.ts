/** Errors of actors and threads become errors of shards; others stay what they are. */
import { expect, test } from 'vitest'
import { ShardloomError } from '../../../src/base/index.ts'
import { askShard, begunAnew, shardError } from '../../../src/keyspace/shard/shard-error.ts'

test.each(['SHL_ACTOR_NOT_FOUND', 'SHL_ACTOR_STOPPED', 'SHL_THREAD_LOST'] as const)(
  '%s is a shard down',
  (code) => {
    const cause = new ShardloomError(code, { actor: 'a', thread: 1, reason: 'gone', type: 'run' })
    expect(shardError(3, cause)).toMatchObject({ code: 'SHL_SHARD_DOWN', retryable: true, cause })
  },
)

test('what says something of the call itself is passed on', async () => {
  const late = new ShardloomError('SHL_ASK_TIMEOUT', { actor: 'a', type: 'run', timeoutMs: 1 })
  expect(shardError(3, late)).toBe(late)
  await expect(askShard(3, () => Promise.reject(late))).rejects.toBe(late)
  expect(await askShard(3, () => Promise.resolve('fine'))).toBe('fine')
  expect(begunAnew(2)).toMatchObject({ code: 'SHL_SHARD_DOWN', details: { shard: 2 } })
})
