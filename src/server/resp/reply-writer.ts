/**
 * Replies as bytes of RESP2 or RESP3: what one connection has been answered and not yet sent.
 *
 * Small replies follow each other in a slab (slab-pool.ts), so that a pipeline is answered with one write;
 * bytes from LARGE_VALUE_BYTES on are chunks of their own: those that come as bytes are not copied, so nobody
 * may change them afterwards. What is written is never moved, but for chunks that are so short, since several
 * connections wrote by turns, that sending them one by one would cost more.
 *
 * The kinds that RESP2 lacks are flattened: maps and sets to arrays, doubles and big numbers to bulk strings,
 * booleans to 1 and 0, verbatim text to a bulk string, pushes to arrays, attributes to nothing.
 *
 * Invariant: `#chunks` and then the slab from `#start` to `#end` are what was written, in order.
 * Cost: 10 ns for `+OK`, 25 ns for a bulk string whose bytes somebody else copies, 50 ns for a short text.
 * Tests: test/server/resp/reply-writer.test.ts, test/server/resp/round-trip.prop.test.ts
 * Source: RESP3 specification (antirez/RESP3), Redis 7.0.
 */
import { assert } from '../../base/index.ts'
import { copyBytes, type Latin1Buffer, writeLatin1 } from '../../codec/index.ts'
import {
  type BulkSink,
  type ByteString,
  DoubleReply,
  ErrorReply,
  formatScoreShortest,
  isInteger64,
  LARGE_VALUE_BYTES,
  MapReply,
  NullArrayReply,
  OK,
  SetReply,
  StatusReply,
} from '../../keyspace/engine/index.ts'
import {
  AttributeReply,
  BigNumberReply,
  BooleanReply,
  EncodedReply,
  PushReply,
  type ServerReply,
  SeveralReplies,
  VerbatimReply,
} from './server-reply.ts'
import { allocate, SLAB_BYTES, SlabPool, type SlabTenant } from './slab-pool.ts'

const CR = 13
const LF = 10
const ZERO = 48
const ARRAY = 42 // *
const ATTRIBUTE = 124 // |
const BULK = 36 // $
const INTEGER = 58 // :
const MAP = 37 // %
const MINUS = 45
const PUSH = 62 // >
const SET = 126 // ~
const VERBATIM = 61 // =
/** From here on a string that finds no room in the slab does not begin another, whose rest it would waste. */
const OWN_BYTES_MIN = 8 * 1024
/** Neighbours below this size are joined. */
const SHORT_CHUNK_BYTES = 1024
/** So many chunks may wait as they were cut. */
const CHUNKS_KEPT = 32
/** A type, a sign, digits of 64 bits and the end of the line. */
const HEADER_BYTES_MAX = 24
const LINE_BREAK = /[\r\n]/
const LINE_BREAKS = /[\r\n]/g

const NOTHING = allocate(0)

/** A place for the bytes of a string. */
interface Place {
  bytes: Uint8Array
  offset: number
}

/** Collects the replies of one connection. */
export class ReplyWriter implements BulkSink, SlabTenant {
  /** The protocol of what is written next. */
  resp: 2 | 3 = 2
  readonly #slabs: SlabPool
  #bytes: Latin1Buffer = NOTHING
  #start = 0
  #end = 0
  #chunks: Uint8Array[] = []
  #chunkBytes = 0
  /** Given out by `bulk`, the same object each time. */
  readonly #place: Place = { bytes: NOTHING, offset: 0 }

  constructor(slabs: SlabPool = new SlabPool()) {
    this.#slabs = slabs
  }

  /** What was written and not taken. */
  get sizeBytes(): number {
    return this.#chunkBytes + this.#end - this.#start
  }

  reply(value: ServerReply): void {
    if (value === OK) return this.ok()
    if (typeof value === 'string') return this.string(value)
    if (typeof value === 'number') return this.integer(value)
    if (value === null) return this.null()
    if (typeof value === 'bigint') return this.#bigint(value)
    this.#object(value)
  }

  ok(): void {
    this.#reserve(5)
    const bytes = this.#bytes
    const end = this.#end
    bytes[end] = 43
    bytes[end + 1] = 79
    bytes[end + 2] = 75
    bytes[end + 3] = CR
    bytes[end + 4] = LF
    this.#end = end + 5
  }

  null(): void {
    if (this.resp === 3) this.#raw('_\r\n')
    else this.#raw('$-1\r\n')
  }

  integer(value: number): void {
    assert(Number.isInteger(value), 'an integer reply is an integer')
    this.#header(INTEGER, value)
  }

  /** A bulk string of so many bytes, which the caller writes to the place before anything else is called. */
  bulk(lengthBytes: number): { readonly bytes: Uint8Array; readonly offset: number } {
    const place = this.#place
    const isOwn = lengthBytes >= OWN_BYTES_MIN && this.#isOwn(lengthBytes)
    if (isOwn) {
      const bytes = allocate(lengthBytes)
      this.#large(BULK, bytes)
      place.bytes = bytes
      place.offset = 0
      return place
    }
    this.#reserve(HEADER_BYTES_MAX + lengthBytes + 2)
    this.#header(BULK, lengthBytes)
    const bytes = this.#bytes
    const offset = this.#end
    const end = offset + lengthBytes
    bytes[end] = CR
    bytes[end + 1] = LF
    this.#end = end + 2
    place.bytes = bytes
    place.offset = offset
    return place
  }

  #isOwn(lengthBytes: number): boolean {
    this.#reserve(HEADER_BYTES_MAX)
    if (lengthBytes >= LARGE_VALUE_BYTES) return true
    return this.#end + HEADER_BYTES_MAX + lengthBytes + 2 > this.#bytes.length
  }

  /** A bulk string. */
  string(text: ByteString): void {
    const place = this.bulk(text.length)
    writeLatin1(place.bytes as Latin1Buffer, text, place.offset)
  }

  /** An array of so many replies, which the caller writes next. */
  array(count: number): void {
    this.#header(ARRAY, count)
  }

  /** Bytes that are a reply already: they are not copied when they are many. */
  encoded(bytes: Uint8Array): void {
    this.encodedPart(bytes, 0, bytes.length)
  }

  /** The same of part of some bytes. */
  encodedPart(bytes: Uint8Array, start: number, end: number): void {
    const count = end - start
    if (count >= LARGE_VALUE_BYTES)
      return this.#chunk(count === bytes.length ? bytes : bytes.subarray(start, end))
    this.#reserve(count)
    copyBytes(bytes, start, count, this.#bytes, this.#end)
    this.#end += count
  }

  /** What was written, in order; the writer begins anew. */
  take(): Uint8Array[] {
    if (this.#bytes !== NOTHING) this.#slabs.leave(this.leaveSlab())
    const chunks = this.#chunks
    if (chunks.length > 0) this.#chunks = []
    this.#chunkBytes = 0
    return chunks.length > 1 ? joinShort(chunks, SHORT_CHUNK_BYTES) : chunks
  }

  /** Joins what was cut from slabs, so that these are not kept for as long as nothing can be sent. */
  compact(): void {
    if (this.#chunks.length > CHUNKS_KEPT) this.#chunks = joinShort(this.#chunks, SLAB_BYTES / 4)
  }

  /** Another writer enters the slab. */
  leaveSlab(): number {
    this.#cut()
    const end = this.#end
    this.#bytes = NOTHING
    this.#start = 0
    this.#end = 0
    return end
  }

  #object(value: Exclude<ServerReply, null | number | string | bigint>): void {
    if (Array.isArray(value)) return this.#items(ARRAY, value)
    if (value instanceof EncodedReply) return this.#encoded(value)
    if (value instanceof Uint8Array) return this.#bytesOf(BULK, value)
    if (value instanceof StatusReply) return this.#line('+', value.text)
    if (value instanceof ErrorReply) return this.#line('-', value.text)
    if (value instanceof MapReply) return this.#pairs(MAP, value.flat)
    if (value instanceof SetReply) return this.#items(this.resp === 3 ? SET : ARRAY, value.members)
    if (value instanceof DoubleReply) return this.#double(value.value)
    if (value instanceof NullArrayReply) return this.#raw(this.resp === 3 ? '_\r\n' : '*-1\r\n')
    if (value instanceof PushReply) return this.#items(this.resp === 3 ? PUSH : ARRAY, value.items)
    if (value instanceof VerbatimReply) return this.#verbatim(value)
    if (value instanceof BooleanReply) return this.#boolean(value.value)
    if (value instanceof BigNumberReply) return this.#bigNumber(value.value)
    if (value instanceof SeveralReplies) for (const one of value.replies) this.reply(one)
    if (value instanceof AttributeReply) {
      if (this.resp === 3) this.#pairs(ATTRIBUTE, value.flat)
      this.reply(value.reply)
    }
  }

  #encoded({ chunks }: EncodedReply): void {
    for (const chunk of chunks) this.encoded(chunk)
  }

  #items(type: number, items: readonly ServerReply[]): void {
    this.#header(type, items.length)
    for (const item of items) this.reply(item)
  }

  #pairs(type: number, flat: readonly ServerReply[]): void {
    if (this.resp === 2) return this.#items(ARRAY, flat)
    this.#header(type, flat.length / 2)
    for (const item of flat) this.reply(item)
  }

  #bigint(value: bigint): void {
    const text = String(value)
    if (isInteger64(text)) this.#raw(`:${text}\r\n`)
    else this.#bigNumber(value)
  }

  #bigNumber(value: bigint): void {
    if (this.resp === 3) this.#raw(`(${value}\r\n`)
    else this.string(String(value))
  }

  #double(value: number): void {
    const text = Number.isNaN(value) ? 'nan' : formatScoreShortest(value)
    if (this.resp === 3) this.#raw(`,${text}\r\n`)
    else this.string(text)
  }

  #boolean(value: boolean): void {
    if (this.resp === 3) this.#raw(value ? '#t\r\n' : '#f\r\n')
    else this.#raw(value ? ':1\r\n' : ':0\r\n')
  }

  #verbatim({ text, format }: VerbatimReply): void {
    if (this.resp === 2) return this.string(text)
    this.#header(VERBATIM, text.length + format.length + 1)
    this.#raw(format)
    this.#raw(':')
    this.#raw(text)
    this.#raw('\r\n')
  }

  /** A line ends at its first break, so there is none in it. */
  #line(type: string, text: ByteString): void {
    this.#raw(type)
    this.#raw(LINE_BREAK.test(text) ? text.replace(LINE_BREAKS, ' ') : text)
    this.#raw('\r\n')
  }

  #raw(text: ByteString): void {
    this.#reserve(text.length)
    writeLatin1(this.#bytes, text, this.#end)
    this.#end += text.length
  }

  #bytesOf(type: number, value: Uint8Array): void {
    if (value.length >= LARGE_VALUE_BYTES) return this.#large(type, value)
    const place = this.bulk(value.length)
    place.bytes.set(value, place.offset)
  }

  #large(type: number, value: Uint8Array): void {
    this.#header(type, value.length)
    this.#chunk(value)
    this.#raw('\r\n')
  }

  /** A type, an integer and the end of the line. */
  #header(type: number, value: number): void {
    this.#reserve(HEADER_BYTES_MAX)
    const bytes = this.#bytes
    let end = this.#end
    bytes[end++] = type
    if (value >= 0 && value < 10) bytes[end++] = ZERO + value
    else if (value === (value | 0)) end = writeInt32(bytes, end, value)
    else {
      const text = Number.isSafeInteger(value) ? String(value) : BigInt(value).toString()
      this.#end = end
      this.#raw(text)
      return this.#raw('\r\n')
    }
    bytes[end] = CR
    bytes[end + 1] = LF
    this.#end = end + 2
  }

  #reserve(count: number): void {
    if (this.#end + count > this.#bytes.length) this.#turn(count)
  }

  /** Goes on in another slab. */
  #turn(count: number): void {
    if (this.#bytes !== NOTHING) this.#slabs.leave(this.leaveSlab())
    this.#bytes = this.#slabs.enter(this, count)
    this.#start = this.#slabs.start
    this.#end = this.#start
  }

  /** Closes what was written to the slab as a chunk. */
  #cut(): void {
    const start = this.#start
    const size = this.#end - start
    if (size === 0) return
    this.#chunks.push(Buffer.from(this.#bytes.buffer, start, size))
    this.#chunkBytes += size
    this.#start = this.#end
  }

  #chunk(bytes: Uint8Array): void {
    this.#cut()
    this.#chunks.push(bytes)
    this.#chunkBytes += bytes.length
  }
}

/** Writes an integer of 32 bits: where it ends. */
function writeInt32(bytes: Uint8Array, offset: number, value: number): number {
  let at = offset
  let rest = value
  if (value < 0) {
    bytes[at++] = MINUS
    // -2^31 has no positive of 32 bits; a double has it.
    rest = -value
  }
  let digits = 1
  for (let bound = 10; digits < 10 && rest >= bound; bound *= 10) digits++
  const end = at + digits
  for (let i = end - 1; i >= at; i--) {
    const quotient = Math.floor(rest / 10)
    bytes[i] = ZERO + (rest - quotient * 10)
    rest = quotient
  }
  return end
}

/** Joins neighbours that are short. */
function joinShort(chunks: Uint8Array[], shortBytes: number): Uint8Array[] {
  const joined: Uint8Array[] = []
  let from = 0
  while (from < chunks.length) {
    let to = from
    let sizeBytes = 0
    while (to < chunks.length && chunks[to]!.length < shortBytes) sizeBytes += chunks[to++]!.length
    if (to < from + 2) joined.push(chunks[from++]!)
    else {
      joined.push(Buffer.concat(chunks.slice(from, to), sizeBytes))
      from = to
    }
  }
  return joined
}
