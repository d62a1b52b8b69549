/**
 * What went wrong inside, as a reply: the first word says whether it is worth another try.
 * Tests: test/server/connection/error-reply.test.ts
 */
import { ShardloomError, toError } from '../../base/index.ts'
import { ErrorReply } from '../../keyspace/engine/index.ts'

/** First words by code; the rest is ERR. */
const WORDS: Readonly<Record<string, string>> = {
  SHL_KEYSPACE_BUSY: 'BUSY',
  SHL_MAILBOX_FULL: 'BUSY',
  SHL_ASK_ABORTED: 'UNBLOCKED',
  SHL_SHARD_DOWN: 'UNAVAILABLE',
  SHL_THREAD_LOST: 'UNAVAILABLE',
  SHL_ACTOR_STOPPED: 'UNAVAILABLE',
  SHL_ACTOR_NOT_FOUND: 'UNAVAILABLE',
  SHL_RUNTIME_CLOSED: 'UNAVAILABLE',
  SHL_LOG_FAILED: 'MISCONF',
  SHL_DISK_FULL: 'MISCONF',
}

/** Whoever is a client has asked a server, and no actor. */
const TOO_LATE = new ErrorReply(
  'TIMEOUT',
  'no answer in time: a shard is stuck or overloaded; what became of the command is not known',
)

/** An error of the runtime as an error of the protocol. */
export function errorReplyOf(thrown: unknown): ErrorReply {
  if (thrown instanceof ErrorReply) return thrown
  const error = toError(thrown)
  const code = error instanceof ShardloomError ? error.code : undefined
  if (code === 'SHL_ASK_TIMEOUT') return TOO_LATE
  const refusal = error instanceof ShardloomError ? refusalIn(error) : undefined
  if (refusal !== undefined) return refusal
  return new ErrorReply(WORDS[code ?? ''] ?? 'ERR', error.message)
}

/** The refusal of a command that came as an error, since shards asked each other: its text as it was. */
function refusalIn({ details }: ShardloomError): ErrorReply | undefined {
  const { reply } = details as { reply?: unknown }
  const [, word, message] = (typeof reply === 'string' && /^([A-Z]+) (.*)$/s.exec(reply)) || []
  return word === undefined || message === undefined ? undefined : new ErrorReply(word, message)
}
