/**
 * The receiving half of a link: records off the ring, one at a time, in the order they were sent.
 *
 * `next` fills the reader's own fields instead of making an object per message; `payload` decodes on demand,
 * so that a message for an actor that has ended costs nothing more. Both are valid until the next `next`.
 *
 * Writer: none here. Reader: the thread that owns the link's consumer.
 * Invariants: (1) a record that says "port" finds its message there already, because the sender posts before
 * it publishes; (2) records are given back to the sender in batches, by `release`, and never read after it.
 * Tests: test/transport/link.test.ts, link-writer.prop.test.ts
 */
import { assert } from '../base/index.ts'
import type { ValueCodec } from '../codec/index.ts'
import type { RingConsumer } from '../memory/index.ts'
import { decodePayload, latin1Text } from './payload.ts'
import * as layout from './record-layout.ts'

/** What came over the port for a record. */
type PortMessage = readonly [form: number, bytes: Uint8Array, objects: readonly unknown[] | undefined]

const NO_BYTES = new Uint8Array(0)

/** Reads the messages of one other thread. */
export class LinkReader {
  kind = 0
  flags = 0
  targetSlot = 0
  targetGeneration = 0
  askSlot = -1
  askGeneration = 0
  senderSlot = -1
  senderGeneration = 0
  argument = 0
  deadlineMs = 0
  sizeBytes = 0
  type = ''
  readonly threadId: number
  readonly #consumer: RingConsumer
  readonly #codec: ValueCodec
  readonly #receive: () => { readonly message: unknown } | undefined
  readonly #types: string[] = []
  #form = 0
  #body = 0
  #portMessage: PortMessage | undefined

  /** `receive` takes the next message of the link's bulk port. */
  constructor(
    threadId: number,
    consumer: RingConsumer,
    codec: ValueCodec,
    receive: () => { readonly message: unknown } | undefined,
  ) {
    this.threadId = threadId
    this.#consumer = consumer
    this.#codec = codec
    this.#receive = receive
  }

  /** True when a record was read into the fields; false when there is none. */
  next(): boolean {
    for (;;) {
      const consumer = this.#consumer
      const offset = consumer.next()
      if (offset === -1) return false
      assert(consumer.lengthBytes >= layout.HEADER_BYTES, 'a record holds its header')
      const words = consumer.words
      const word = offset >> 2
      const head = words[word + layout.KIND_WORD]!
      this.kind = head & 0xff
      this.#form = (head >> 8) & 0xff
      this.flags = head >> 16
      this.targetSlot = words[word + layout.TARGET_SLOT_WORD]!
      this.targetGeneration = words[word + layout.TARGET_GENERATION_WORD]!
      this.askSlot = words[word + layout.ASK_SLOT_WORD]!
      this.askGeneration = words[word + layout.ASK_GENERATION_WORD]!
      this.senderSlot = words[word + layout.SENDER_SLOT_WORD]!
      this.senderGeneration = words[word + layout.SENDER_GENERATION_WORD]!
      this.deadlineMs = consumer.doubles[(offset >> 3) + layout.DEADLINE_DOUBLE]!
      this.sizeBytes = words[word + layout.SIZE_WORD]!
      this.argument = words[word + layout.ARGUMENT_WORD]!
      this.#body = offset + layout.HEADER_BYTES
      const tag = words[word + layout.TAG_WORD]!
      if (this.kind === layout.KIND_DEFINE_TYPE) {
        assert(tag === this.#types.length, 'message types are defined in order')
        this.#types.push(utf8Text(consumer.bytes, this.#body, this.sizeBytes))
        continue
      }
      if (tag === layout.NO_TYPE) this.type = ''
      else this.type = this.flags & layout.FLAG_TYPE_INLINE ? this.#inlineType() : this.#types[tag]!
      this.#portMessage = this.#form === layout.FORM_PORT ? this.#takePortMessage() : undefined
      return true
    }
  }

  /** Decodes the payload of the current record into private memory. */
  payload(): unknown {
    const port = this.#portMessage
    if (port !== undefined) return decodePayload(this.#codec, port[0], 0, port[1], port[2])
    const consumer = this.#consumer
    const form = this.#form
    // The four forms of most messages need no view of the ring.
    if (form === layout.FORM_UNDEFINED) return undefined
    if (form === layout.FORM_DOUBLE) return consumer.doubles[this.#body >> 3]
    if (form === layout.FORM_LATIN1) return latin1Text(consumer.bytes, this.#body, this.sizeBytes)
    const { sizeBytes } = this
    const bytes = sizeBytes === 0 ? NO_BYTES : consumer.bytes.subarray(this.#body, this.#body + sizeBytes)
    return decodePayload(this.#codec, form, 0, bytes, undefined)
  }

  /** Gives the records read so far back to the sender. */
  release(): void {
    this.#consumer.release()
  }

  /** A fresh look, for a thread that is about to sleep. */
  isEmpty(): boolean {
    return this.#consumer.isEmpty()
  }

  #takePortMessage(): PortMessage {
    const received = this.#receive() as { message: PortMessage } | undefined
    assert(received !== undefined, 'the port holds the message of a published header')
    return received.message
  }

  #inlineType(): string {
    const consumer = this.#consumer
    const isDouble = this.#form === layout.FORM_DOUBLE
    const bodyBytes = isDouble ? layout.DOUBLE_BYTES : this.#form === layout.FORM_PORT ? 0 : this.sizeBytes
    const at = this.#body + bodyBytes
    const end = this.#body - layout.HEADER_BYTES + consumer.lengthBytes
    const length = end - at
    assert(length >= 0, 'an inline message type fits its record')
    return utf8Text(consumer.bytes, at, length)
  }
}

function utf8Text(bytes: Uint8Array, offset: number, length: number): string {
  return Buffer.from(bytes.slice(offset, offset + length)).toString('utf8')
}
