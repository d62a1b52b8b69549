/**
 * What the server itself answers beyond what commands of the keyspace do: the kinds of RESP3 that only a
 * connection has a use for.
 *
 * Each says what a client of RESP2 sees in its place. They are classes and no plain objects, so that the
 * writer tells them apart without a field that names the kind.
 *
 * Tests: test/server/resp/reply-writer.test.ts
 */
import type { ByteString, Reply } from '../../keyspace/engine/index.ts'

/** One answer of the server: to a request, or pushed. */
export type ServerReply =
  | Reply
  | VerbatimReply
  | PushReply
  | BooleanReply
  | BigNumberReply
  | AttributeReply
  | EncodedReply
  | SeveralReplies
  | readonly ServerReply[]

/** Text that a person may read as it stands, such as INFO: RESP2 has a bulk string. */
export class VerbatimReply {
  readonly text: ByteString
  readonly format: 'txt' | 'mkd'
  constructor(text: ByteString, format: 'txt' | 'mkd' = 'txt') {
    this.text = text
    this.format = format
  }
}

/** What comes without a request, such as a published message: RESP2 has an array. */
export class PushReply {
  readonly items: readonly ServerReply[]
  constructor(items: readonly ServerReply[]) {
    this.items = items
  }
}

/** True or false: RESP2 has 1 or 0. */
export class BooleanReply {
  readonly value: boolean
  constructor(value: boolean) {
    this.value = value
  }
}

/** An integer of any size: RESP2 has its digits as a bulk string. */
export class BigNumberReply {
  readonly value: bigint
  constructor(value: bigint) {
    this.value = value
  }
}

/** A reply with pairs about it, of which RESP2 sees nothing. `flat` is key, value, key, value. */
export class AttributeReply {
  readonly flat: readonly ServerReply[]
  readonly reply: ServerReply
  constructor(flat: readonly ServerReply[], reply: ServerReply) {
    this.flat = flat
    this.reply = reply
  }
}

/** Bytes that are a reply already, in one version of the protocol: what many clients are told alike. */
export class EncodedReply {
  readonly chunks: readonly Uint8Array[]
  readonly sizeBytes: number
  constructor(chunks: readonly Uint8Array[]) {
    this.chunks = chunks
    this.sizeBytes = chunks.reduce((bytes, chunk) => bytes + chunk.length, 0)
  }
}

/**
 * Several where one is expected, as SUBSCRIBE answers: one for each channel. They are pushes, which a client
 * is sent although it wants no replies.
 */
export class SeveralReplies {
  readonly replies: readonly PushReply[]
  constructor(replies: readonly PushReply[]) {
    this.replies = replies
  }
}

/** In the place of a reply: nothing is written, as after `CLIENT REPLY SKIP`. */
export const NO_REPLY: unique symbol = Symbol('no reply')
