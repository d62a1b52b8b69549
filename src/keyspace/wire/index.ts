/** What the keyspace may use of its wire. */
export { MOVED, ReplyReader, ReplyWriter } from './reply-codec.ts'
export { NO_SLOT, RequestReader, RequestWriter } from './request-codec.ts'
