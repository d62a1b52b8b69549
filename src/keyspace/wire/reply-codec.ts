/**
 * Replies as bytes: what a shard answers to a batch, in the order of its commands.
 *
 *     per reply   u8 tag, then what the tag says; arrays nest
 *
 * Strings become `ByteString`s, from LARGE_VALUE_BYTES on `Uint8Array`s of their own. `MOVED` is no reply of
 * a command: the slot has gone to another shard, and the command has to be sent there.
 *
 * Tests: test/keyspace/wire/reply-codec.prop.test.ts
 */
import { assert } from '../../base/index.ts'
import { copyBytes } from '../../codec/index.ts'
import {
  type BulkSink,
  DoubleReply,
  ErrorReply,
  LARGE_VALUE_BYTES,
  MapReply,
  NULL_ARRAY,
  NullArrayReply,
  OK,
  type Reply,
  SetReply,
  StatusReply,
} from '../engine/index.ts'
import { ByteSink, keptBytes, latin1Text, readFloat64 } from './byte-sink.ts'

/** Replies are sent on, and gone soon. */
const OWN_SHARE = 8

const TAG_NULL = 0
const TAG_OK = 1
const TAG_INT32 = 2
const TAG_NUMBER = 3
const TAG_BIGINT = 4
const TAG_BULK = 5
const TAG_STATUS = 6
const TAG_ERROR = 7
const TAG_ARRAY = 8
const TAG_MAP = 9
const TAG_SET = 10
const TAG_DOUBLE = 11
const TAG_NULL_ARRAY = 12
const TAG_MOVED = 13

/** In the place of a reply: the slot is another shard's. */
export const MOVED: unique symbol = Symbol('moved')

/** Writes replies. */
export class ReplyWriter {
  readonly #sink = new ByteSink()

  reply(reply: Reply | typeof MOVED): void {
    const sink = this.#sink
    if (reply === null) return sink.uint8(TAG_NULL)
    if (typeof reply === 'number') return this.number(reply)
    if (typeof reply === 'string') {
      sink.uint8(TAG_BULK)
      return sink.block(reply)
    }
    if (reply === MOVED) return sink.uint8(TAG_MOVED)
    if (typeof reply === 'bigint') {
      sink.uint8(TAG_BIGINT)
      return sink.block(String(reply))
    }
    if (reply === OK) return sink.uint8(TAG_OK)
    this.#object(reply)
  }

  null(): void {
    this.#sink.uint8(TAG_NULL)
  }

  ok(): void {
    this.#sink.uint8(TAG_OK)
  }

  number(value: number): void {
    const sink = this.#sink
    if (value === (value | 0) && !Object.is(value, -0)) {
      sink.uint8(TAG_INT32)
      sink.uint32(value)
      return
    }
    sink.uint8(TAG_NUMBER)
    sink.float64(value)
  }

  /** Begins a string of known length: its bytes are written to what `bulkAt` then is. */
  bulk(lengthBytes: number): { readonly bytes: Uint8Array; readonly offset: number } {
    const sink = this.#sink
    sink.reserve(5 + lengthBytes)
    sink.uint8(TAG_BULK)
    sink.uint32(lengthBytes)
    const offset = sink.end
    sink.end += lengthBytes
    return { bytes: sink.bytes, offset }
  }

  /** Forgets what a batch that failed has left. */
  drop(): void {
    this.#sink.drop()
  }

  /** What was written; the next replies begin anew. */
  take(): Uint8Array {
    return this.#sink.take()
  }

  #object(reply: Exclude<Reply, null | number | string | bigint>): void {
    const sink = this.#sink
    if (Array.isArray(reply)) return this.#list(TAG_ARRAY, reply)
    if (reply instanceof Uint8Array) {
      sink.uint8(TAG_BULK)
      sink.block(reply)
    } else if (reply instanceof StatusReply) {
      sink.uint8(TAG_STATUS)
      sink.block(reply.text)
    } else if (reply instanceof ErrorReply) {
      sink.uint8(TAG_ERROR)
      sink.block(reply.code)
      sink.block(reply.message)
    } else if (reply instanceof MapReply) this.#list(TAG_MAP, reply.flat)
    else if (reply instanceof SetReply) this.#list(TAG_SET, reply.members)
    else if (reply instanceof DoubleReply) {
      sink.uint8(TAG_DOUBLE)
      sink.float64(reply.value)
    } else if (reply instanceof NullArrayReply) sink.uint8(TAG_NULL_ARRAY)
  }

  #list(tag: number, items: readonly Reply[]): void {
    this.#sink.uint8(tag)
    this.#sink.uint32(items.length)
    for (const item of items) this.reply(item)
  }
}

/** Takes replies as bytes that somebody else has. */
export interface ReplySink extends BulkSink {
  ok(): void
  integer(value: number): void
}

/** Reads replies. */
export class ReplyReader {
  readonly #bytes: Uint8Array
  #position = 0
  readonly #isOwn: boolean

  /** `isOwn`: nobody else has the bytes, so that large values need not be copied. */
  constructor(bytes: Uint8Array, isOwn = false) {
    this.#bytes = bytes
    this.#isOwn = isOwn
  }

  get isAtEnd(): boolean {
    return this.#position >= this.#bytes.length
  }

  /** How far it has read. */
  get position(): number {
    return this.#position
  }

  /** The next reply as bytes, if it is nothing, OK, an integer or a short string; false: it is not read. */
  copyTo(sink: ReplySink): boolean {
    const bytes = this.#bytes
    switch (bytes[this.#position]) {
      case TAG_NULL:
        this.#position++
        sink.null()
        return true
      case TAG_OK:
        this.#position++
        sink.ok()
        return true
      case TAG_INT32:
        this.#position++
        sink.integer(this.#uint32() | 0)
        return true
      case TAG_BULK:
        return this.#copyBulk(sink)
      default:
        return false
    }
  }

  #copyBulk(sink: ReplySink): boolean {
    const start = this.#position++
    const length = this.#uint32()
    if (length >= LARGE_VALUE_BYTES) {
      this.#position = start
      return false
    }
    const from = this.#position
    this.#position = from + length
    const place = sink.bulk(length)
    copyBytes(this.#bytes, from, length, place.bytes, place.offset)
    return true
  }

  /** The next reply; MOVED in its place. */
  next(): Reply | typeof MOVED {
    const tag = this.#bytes[this.#position++]
    switch (tag) {
      case TAG_NULL:
        return null
      case TAG_OK:
        return OK
      case TAG_INT32:
        return this.#uint32() | 0
      case TAG_NUMBER:
        return this.#float64()
      case TAG_BIGINT:
        return BigInt(this.#text())
      case TAG_BULK:
        return this.#bulk()
      case TAG_STATUS:
        return new StatusReply(this.#text())
      case TAG_ERROR:
        return new ErrorReply(this.#text(), this.#text())
      case TAG_ARRAY:
        return this.#list()
      case TAG_MAP:
        return new MapReply(this.#list())
      case TAG_SET:
        return new SetReply(this.#list())
      case TAG_DOUBLE:
        return new DoubleReply(this.#float64())
      case TAG_NULL_ARRAY:
        return NULL_ARRAY
      case TAG_MOVED:
        return MOVED
      default:
        assert(false, `a reply begins with a tag that is known: ${tag}`)
    }
  }

  #list(): Reply[] {
    const count = this.#uint32()
    const items: Reply[] = []
    for (let i = 0; i < count; i++) items.push(this.next() as Reply)
    return items
  }

  #bulk(): string | Uint8Array {
    const length = this.#uint32()
    const from = this.#position
    this.#position = from + length
    if (length < LARGE_VALUE_BYTES) return latin1Text(this.#bytes, from, from + length)
    return keptBytes(this.#bytes, from, from + length, this.#isOwn ? OWN_SHARE : 0)
  }

  #text(): string {
    const length = this.#uint32()
    const from = this.#position
    this.#position = from + length
    return latin1Text(this.#bytes, from, from + length)
  }

  #uint32(): number {
    const bytes = this.#bytes
    const at = this.#position
    this.#position = at + 4
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  }

  #float64(): number {
    const value = readFloat64(this.#bytes, this.#position)
    this.#position += 8
    return value
  }
}
