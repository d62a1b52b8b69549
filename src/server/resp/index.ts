/** What the rest of the server, the command line and the tests may use of the protocol. */

export { ELSEWHERE } from './argument-table.ts'
export { ReplyDecoder } from './reply-decoder.ts'
export { ReplyWriter } from './reply-writer.ts'
export {
  protocolError,
  REQUEST_LIMITS,
  type RequestLimits,
  STRANGER_LIMITS,
  type StrangerLimits,
  strangerLimits,
} from './request-limits.ts'
export { FAILED, MORE, OWN_BYTES_MIN, REQUEST, RequestParser } from './request-parser.ts'
export { type RespValue, withoutAttributes } from './resp-value.ts'
export {
  AttributeReply,
  BigNumberReply,
  BooleanReply,
  EncodedReply,
  NO_REPLY,
  PushReply,
  type ServerReply,
  SeveralReplies,
  VerbatimReply,
} from './server-reply.ts'
export { SlabPool } from './slab-pool.ts'
