/**
 * What a reply is for a program: text and plain values, and errors as `ShardloomError`s.
 * Tests: test/keyspace/client/reply-value.test.ts
 */
import { type ErrorCode, ShardloomError } from '../../base/index.ts'
import {
  arrayOfBytes,
  DoubleReply,
  ErrorReply,
  MapReply,
  NullArrayReply,
  type Reply,
  SetReply,
  StatusReply,
  textOfBytes,
} from '../engine/index.ts'

/** A reply in plain values: strings are text, maps and sets are flat arrays, as in RESP2. */
export type ReplyValue = null | number | bigint | string | Uint8Array | readonly ReplyValue[]

/** How strings of a reply are given: as text, or as the bytes that they are. */
export type StringForm = 'text' | 'buffer'

/** First words of errors that have a code of their own. */
const CODES: Readonly<Record<string, ErrorCode>> = {
  WRONGTYPE: 'SHL_WRONG_TYPE',
  OOM: 'SHL_KEYSPACE_FULL',
  FENCED: 'SHL_LOCK_FENCED',
  LOCKMODE: 'SHL_LOCK_MODE',
  LOCKBUSY: 'SHL_LOCK_BUSY',
}

/** A reply in plain values. @throws ShardloomError when it is an error */
export function replyValue(reply: Reply, command: string, form: StringForm = 'text'): ReplyValue {
  if (reply instanceof ErrorReply) throw replyError(reply, command)
  return plainValue(reply, form)
}

function plainValue(reply: Reply, form: StringForm): ReplyValue {
  if (reply === null || typeof reply === 'number' || typeof reply === 'bigint') return reply
  if (typeof reply === 'string' || reply instanceof Uint8Array) {
    return form === 'text' ? textOfBytes(reply) : arrayOfBytes(reply)
  }
  if (reply instanceof StatusReply) return reply.text
  if (reply instanceof DoubleReply) return reply.value
  if (reply instanceof MapReply) return reply.flat.map((item) => plainValue(item, form))
  if (reply instanceof SetReply) return reply.members.map((item) => plainValue(item, form))
  if (reply instanceof NullArrayReply) return null
  if (reply instanceof ErrorReply) return reply.text
  return reply.map((item) => plainValue(item, form))
}

/** A refusal as an error. */
export function replyError(reply: ErrorReply, command: string): ShardloomError {
  const code = CODES[reply.code] ?? 'SHL_COMMAND_REFUSED'
  return new ShardloomError(code, { reply: reply.text, command })
}
