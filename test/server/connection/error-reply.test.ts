/** What clients are told of errors that are not of a command. */
import { expect, test } from 'vitest'
import { ShardloomError } from '../../../src/base/index.ts'
import { ErrorReply, WRONG_TYPE } from '../../../src/keyspace/engine/index.ts'
import { errorReplyOf } from '../../../src/server/connection/error-reply.ts'
import { nullOf } from '../../../src/server/connection/null-reply.ts'

test('the first word says whether it is worth another try', () => {
  const busy = new ShardloomError('SHL_KEYSPACE_BUSY', { pending: 7, pendingMax: 7 })
  expect(errorReplyOf(busy).text).toMatch(/^BUSY .*pendingMax=7/)
  const down = new ShardloomError('SHL_SHARD_DOWN', { shard: 1, reason: 'it was lost' })
  expect(errorReplyOf(down).text).toMatch(/^UNAVAILABLE shard is down: shard=1/)
  expect(errorReplyOf(new TypeError('x is not a function')).text).toBe('ERR x is not a function')
})

test('an error that is a reply already stays one', () => {
  expect(errorReplyOf(WRONG_TYPE)).toBe(WRONG_TYPE)
  expect(errorReplyOf(new ErrorReply('OOM', 'x')).code).toBe('OOM')
})

test('who waited in vain lacks an array, with our own locks a string', () => {
  expect(nullOf('lock.acquire')).toBeNull()
  expect(nullOf('blpop')).not.toBeNull()
})
