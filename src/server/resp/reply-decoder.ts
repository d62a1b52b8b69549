/**
 * Replies out of the bytes of a server, RESP2 and RESP3: the client's side.
 *
 * Made for a prompt and for tests, so it builds values and is not tuned like the parser of requests. Yet a
 * value of any size is put together once, not at each piece that arrives; nesting is a stack and no
 * recursion; and a count that is only announced reserves nothing.
 *
 * Invariants: 1. `#bytes[#at …)`, and then `#pieces`, is what has not been read. 2. `#open` are the values
 * that are not whole, the outermost first, and each waits for `left > 0` more.
 * Tests: test/server/resp/reply-decoder.test.ts, test/server/resp/round-trip.prop.test.ts
 */
import { VALUE_BYTES_MAX } from '../../keyspace/engine/index.ts'
import type { RespValue } from './resp-value.ts'

type AggregateType = 'array' | 'set' | 'push' | 'map' | 'attribute'

/** A value that is not whole. */
interface Open {
  readonly type: AggregateType
  readonly items: RespValue[]
  left: number
}

const DEPTH_MAX = 128
const LINE_BYTES_MAX = 64 * 1024
const LF = 10
const CR = 13
const LINE_END_BYTES = 2
const INTEGER = /^[+-]?\d+$/
const DOUBLE = /^[+-]?(?:\d+\.?\d*(?:[eE][+-]?\d+)?|inf|nan)$/
const NOTHING: Buffer = Buffer.alloc(0)

const AGGREGATES: Readonly<Record<string, AggregateType>> = {
  '*': 'array',
  '~': 'set',
  '>': 'push',
  '%': 'map',
  '|': 'attribute',
}

/** Reads the replies of one connection. */
export class ReplyDecoder {
  /** Why nothing follows: what the server sent is not the protocol. */
  failure: string | undefined
  #bytes: Buffer = NOTHING
  #at = 0
  readonly #pieces: Buffer[] = []
  /** Bytes that have not been read. */
  #pendingBytes = 0
  /** So many are needed before reading makes sense. */
  #neededBytes = 1
  /** Bytes at `#at` that hold no end of a line. */
  #searched = 0
  readonly #open: Open[] = []

  get pendingBytes(): number {
    return this.#pendingBytes
  }

  /** What arrived next. It is kept, not copied, until it has been read. */
  feed(bytes: Uint8Array): void {
    if (bytes.length === 0 || this.failure !== undefined) return
    this.#pieces.push(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    this.#pendingBytes += bytes.length
  }

  /** The next reply, or undefined: not all of it is there, or what is there is a `failure`. */
  next(): RespValue | undefined {
    while (this.failure === undefined && this.#pendingBytes >= this.#neededBytes) {
      this.#join()
      const value = this.#readValue()
      const whole = value === undefined ? undefined : this.#close(value)
      if (whole !== undefined) return whole
    }
    return undefined
  }

  /** One piece of all that has not been read. */
  #join(): void {
    if (this.#pieces.length === 0) return
    const rest = this.#bytes.subarray(this.#at)
    this.#bytes =
      rest.length === 0 && this.#pieces.length === 1 ? this.#pieces[0]! : joined(rest, this.#pieces)
    this.#pieces.length = 0
    this.#at = 0
  }

  /** A value without others in it; undefined: it is not there, or a value with others began. */
  #readValue(): RespValue | undefined {
    const newline = this.#bytes.indexOf(LF, this.#at + this.#searched)
    if (newline < 0) return this.#await(1)
    const end = newline - 1
    if (end <= this.#at || this.#bytes[end] !== CR) return this.#fail('a line without \\r\\n')
    const type = String.fromCharCode(this.#bytes[this.#at]!)
    const text = this.#bytes.toString('latin1', this.#at + 1, end)
    if (type === '$' || type === '=' || type === '!') return this.#readBulk(type, text, newline + 1)
    this.#consume(newline + 1)
    const aggregate = AGGREGATES[type]
    if (aggregate !== undefined) return this.#begin(aggregate, text)
    const value = lineValue(type, text)
    return value ?? this.#fail(`a line that says nothing: ${JSON.stringify((type + text).slice(0, 40))}`)
  }

  #readBulk(type: string, text: string, start: number): RespValue | undefined {
    const length = lengthOf(text)
    if (length === undefined || length > VALUE_BYTES_MAX)
      return this.#fail(`a length of ${text.slice(0, 40)}`)
    if (length < 0) {
      this.#consume(start)
      return { type: 'null', of: 'string' }
    }
    const end = start + length
    if (end + LINE_END_BYTES > this.#bytes.length) {
      return this.#await(end + LINE_END_BYTES - this.#bytes.length, 0)
    }
    if (this.#bytes[end] !== CR || this.#bytes[end + 1] !== LF) return this.#fail('a string without its end')
    const value = this.#bytes.toString('latin1', start, end)
    this.#consume(end + LINE_END_BYTES)
    if (type === '$') return { type: 'string', text: value }
    if (type === '!') return { type: 'error', text: value }
    if (value[3] !== ':') return this.#fail('verbatim text without its format')
    return { type: 'verbatim', format: value.slice(0, 3), text: value.slice(4) }
  }

  #begin(type: AggregateType, text: string): RespValue | undefined {
    const count = lengthOf(text)
    if (count === undefined) return this.#fail(`a count of ${text.slice(0, 40)}`)
    if (count < 0) return { type: 'null', of: 'array' }
    const left = type === 'map' ? count * 2 : type === 'attribute' ? count * 2 + 1 : count
    if (left === 0) return aggregateOf(type, [])
    if (this.#open.length === DEPTH_MAX) return this.#fail(`values nested deeper than ${DEPTH_MAX}`)
    this.#open.push({ type, items: [], left })
    return undefined
  }

  /** Puts a whole value where it belongs: the outermost, if that is whole now. */
  #close(whole: RespValue): RespValue | undefined {
    let value = whole
    for (;;) {
      const open = this.#open.at(-1)
      if (open === undefined) return value
      open.items.push(value)
      open.left--
      if (open.left > 0) return undefined
      this.#open.pop()
      value = aggregateOf(open.type, open.items)
    }
  }

  #consume(at: number): void {
    this.#pendingBytes -= at - this.#at
    this.#at = at
    this.#searched = 0
    this.#neededBytes = 1
  }

  /** Reading goes on with so many bytes more. */
  #await(missing: number, searched = this.#bytes.length - this.#at): undefined {
    if (searched > LINE_BYTES_MAX) return this.#fail('a line without an end')
    this.#searched = searched
    this.#neededBytes = this.#pendingBytes + missing
    return undefined
  }

  #fail(what: string): undefined {
    this.failure = `not the protocol of Redis: ${what}`
    this.#bytes = NOTHING
    this.#at = 0
    this.#pendingBytes = 0
    this.#open.length = 0
    return undefined
  }
}

function joined(rest: Buffer, pieces: readonly Buffer[]): Buffer {
  return Buffer.concat([rest, ...pieces])
}

/** A length or count; -1 means null. */
function lengthOf(text: string): number | undefined {
  if (text === '-1') return -1
  return /^\d{1,10}$/.test(text) ? Number(text) : undefined
}

function lineValue(type: string, text: string): RespValue | undefined {
  switch (type) {
    case '+':
      return { type: 'status', text }
    case '-':
      return { type: 'error', text }
    case ':':
      return INTEGER.test(text) ? { type: 'integer', value: integerValue(text) } : undefined
    case ',':
      return DOUBLE.test(text) ? { type: 'double', value: doubleValue(text), text } : undefined
    case '#':
      return text === 't' || text === 'f' ? { type: 'boolean', value: text === 't' } : undefined
    case '(':
      return INTEGER.test(text) ? { type: 'bigNumber', value: BigInt(text) } : undefined
    case '_':
      return text === '' ? { type: 'null', of: 'any' } : undefined
    default:
      return undefined
  }
}

function integerValue(text: string): number | bigint {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text)
}

function doubleValue(text: string): number {
  if (text.endsWith('inf')) return text[0] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  return text.endsWith('nan') ? Number.NaN : Number(text)
}

function aggregateOf(type: AggregateType, items: readonly RespValue[]): RespValue {
  if (type === 'map') return { type, flat: items }
  if (type === 'attribute') return { type, flat: items.slice(0, -1), reply: items.at(-1)! }
  return { type, items }
}
