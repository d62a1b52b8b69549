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

test('a refusal that came as an error is told in its own words', () => {
  const reply = 'MISCONF Errors writing to the log: no space left'
  const refused = new ShardloomError('SHL_COMMAND_REFUSED', { reply, command: 'transaction' })
  expect(errorReplyOf(refused)).toEqual(new ErrorReply('MISCONF', 'Errors writing to the log: no space left'))
  const odd = new ShardloomError('SHL_COMMAND_REFUSED', { reply: '3', command: 'get' })
  expect(errorReplyOf(odd).text).toMatch(/^ERR 3; see docs/)
})

test('who waited in vain lacks an array, with our own locks a string', () => {
  expect(nullOf('lock.acquire')).toBeNull()
  expect(nullOf('blpop')).not.toBeNull()
})
