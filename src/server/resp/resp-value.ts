/**
 * A reply as a client sees it: every type of RESP2 and RESP3 kept apart.
 *
 * The engine's `Reply` is what a command means; this is what was said on the wire, such as which of three
 * nulls it was: a prompt prints them differently, and tests ask for the very one.
 *
 * Tests: test/server/resp/reply-decoder.test.ts
 */
import type { ByteString } from '../../keyspace/engine/index.ts'

/** One value of the protocol. */
export type RespValue =
  | { readonly type: 'status' | 'error' | 'string'; readonly text: ByteString }
  | { readonly type: 'integer'; readonly value: number | bigint }
  | { readonly type: 'null'; readonly of: 'string' | 'array' | 'any' }
  | { readonly type: 'double'; readonly value: number; readonly text: ByteString }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'bigNumber'; readonly value: bigint }
  | { readonly type: 'verbatim'; readonly format: ByteString; readonly text: ByteString }
  | { readonly type: 'array' | 'set' | 'push'; readonly items: readonly RespValue[] }
  /** Key, value, key, value. */
  | { readonly type: 'map'; readonly flat: readonly RespValue[] }
  | { readonly type: 'attribute'; readonly flat: readonly RespValue[]; readonly reply: RespValue }

/** The reply itself, without what was said about it. */
export function withoutAttributes(value: RespValue): RespValue {
  return value.type === 'attribute' ? withoutAttributes(value.reply) : value
}
