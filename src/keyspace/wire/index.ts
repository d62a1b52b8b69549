/** What the keyspace may use of its wire. */
export { OWN_BATCH_BYTES } from './byte-sink.ts'
export { MOVED, ReplyReader, type ReplySink, ReplyWriter } from './reply-codec.ts'
export { NO_SLOT, RequestReader, RequestWriter } from './request-codec.ts'
