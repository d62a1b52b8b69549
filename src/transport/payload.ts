/**
 * A payload between value and bytes: the fast forms for what most messages carry, the codec for the rest.
 *
 * Numbers, booleans, short Latin-1 strings and plain `Uint8Array`s are written straight into the record; only
 * what has structure goes through `ValueCodec`. One `PayloadEncoder` per thread is reused for each message:
 * `encode` leaves the result in its fields, where it stays valid until the next `encode`.
 *
 * A message to an actor on the same thread is copied by the same encoder, so that moving an actor to another
 * thread changes nothing for those who talk to it.
 *
 * Cost: `bench/codec.ts`, `bench/message-size.ts`. Tests: test/transport/payload.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import type { ValueCodec } from '../codec/index.ts'
import {
  FORM_BYTES,
  FORM_DOUBLE,
  FORM_FALSE,
  FORM_LATIN1,
  FORM_NULL,
  FORM_TRUE,
  FORM_UNDEFINED,
  FORM_VALUE,
} from './record-layout.ts'

/** Longer strings are faster through the codec's native write. */
const LATIN1_CHARS_MAX = 64

const NO_BYTES = new Uint8Array(0)

/** What an encoded payload is made of: the encoder itself, or a copy that waits. */
export interface EncodedPayload {
  readonly form: number
  readonly sizeBytes: number
  readonly double: number
  readonly bytes: Uint8Array
  readonly objects: readonly unknown[] | undefined
  readonly transferList: readonly unknown[] | undefined
}

/** Turns a payload into one of the forms of `record-layout.ts`. */
export class PayloadEncoder implements EncodedPayload {
  form = FORM_UNDEFINED
  sizeBytes = 0
  double = 0
  bytes: Uint8Array = NO_BYTES
  objects: readonly unknown[] | undefined = undefined
  transferList: readonly unknown[] | undefined = undefined
  readonly #codec: ValueCodec
  readonly #latin1 = new Uint8Array(LATIN1_CHARS_MAX)
  readonly #latin1Views: Uint8Array[] = []

  constructor(codec: ValueCodec) {
    this.#codec = codec
    for (let length = 0; length <= LATIN1_CHARS_MAX; length++) {
      this.#latin1Views.push(this.#latin1.subarray(0, length))
    }
  }

  /** Throws `SHL_VALUE_NOT_SENDABLE`, with the path of what cannot cross. */
  encode(value: unknown, transfer: readonly unknown[] | undefined, path?: string): void {
    if (this.objects !== undefined) {
      this.objects = undefined
      this.transferList = undefined
    }
    if (transfer === undefined || transfer.length === 0) {
      if (value === undefined) return this.#set(FORM_UNDEFINED, 0)
      if (typeof value === 'number') {
        this.double = value
        // No bytes: like a constant, a number is bounded by the count of messages.
        return this.#set(FORM_DOUBLE, 0)
      }
      if (typeof value === 'string' && value.length <= LATIN1_CHARS_MAX && this.#encodeLatin1(value)) return
      if (value === null) return this.#set(FORM_NULL, 0)
      if (typeof value === 'boolean') return this.#set(value ? FORM_TRUE : FORM_FALSE, 0)
      if (value instanceof Uint8Array && isPlainBytes(value)) {
        this.bytes = value
        return this.#set(FORM_BYTES, value.length)
      }
    }
    const encoded = this.#codec.encode(value, transfer, path)
    this.bytes = encoded.bytes
    this.objects = encoded.objects
    this.transferList = encoded.transferList
    this.#set(FORM_VALUE, encoded.bytes.length)
  }

  /** The value that a receiver on another thread would get, without a thread in between. */
  clone(value: unknown): unknown {
    if (this.form === FORM_BYTES) return new Uint8Array(this.bytes)
    if (this.form !== FORM_VALUE) return value
    if (this.objects === undefined) return this.#codec.decode(this.bytes)
    const bytes = this.bytes.slice()
    const transfer = this.transferList as Parameters<typeof structuredClone>[1] extends infer O
      ? O extends { transfer?: infer T }
        ? T
        : never
      : never
    const objects = structuredClone(this.objects, { transfer })
    return this.#codec.decode(bytes, objects)
  }

  /** A copy that outlives the next `encode`. */
  copy(): EncodedPayload {
    const { form, sizeBytes, double, objects, transferList } = this
    const bytes = sizeBytes > 0 ? this.bytes.slice() : NO_BYTES
    return { form, sizeBytes, double, bytes, objects, transferList }
  }

  #set(form: number, sizeBytes: number): void {
    this.form = form
    this.sizeBytes = sizeBytes
  }

  #encodeLatin1(text: string): boolean {
    const target = this.#latin1
    const length = text.length
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 255) return false
      target[i] = code
    }
    this.bytes = this.#latin1Views[length]!
    this.#set(FORM_LATIN1, length)
    return true
  }
}

/** Decodes a payload in one of the forms; `bytes` may be a view of a ring and is copied before it is kept. */
export function decodePayload(
  codec: ValueCodec,
  form: number,
  double: number,
  bytes: Uint8Array,
  objects: readonly unknown[] | undefined,
): unknown {
  switch (form) {
    case FORM_UNDEFINED:
      return undefined
    case FORM_DOUBLE:
      return double
    case FORM_LATIN1:
      return latin1Text(bytes, 0, bytes.length)
    case FORM_NULL:
      return null
    case FORM_TRUE:
      return true
    case FORM_FALSE:
      return false
    case FORM_BYTES:
      return new Uint8Array(bytes)
    case FORM_VALUE:
      return codec.decode(bytes, objects)
    default:
      throw new ShardloomError('SHL_ASSERTION', { text: `payload form ${form} is unknown` })
  }
}

/** Reads Latin-1 text; short texts by hand, which beats the call into native code. */
export function latin1Text(bytes: Uint8Array, offset: number, length: number): string {
  let text = ''
  for (let i = 0; i < length; i++) text += String.fromCharCode(bytes[offset + i]!)
  return text
}

function isPlainBytes(value: Uint8Array): boolean {
  return Object.getPrototypeOf(value) === Uint8Array.prototype && value.buffer instanceof ArrayBuffer
}
