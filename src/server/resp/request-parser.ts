/**
 * Requests out of the bytes of one connection: where each argument lies, and nothing else.
 *
 * A request that is whole in what was read is not copied: `offsets` and `lengths` point into the read buffer.
 * What is left over is held (request-bytes.ts). An argument of OWN_BYTES_MIN or more whose end has not come
 * is received into memory of its own (large-argument.ts) and given without a copy: its offset is ELSEWHERE,
 * and `isContiguous` is false.
 *
 * The usual request (a count of one digit, lengths of up to nine) is read in one loop; whatever looks
 * otherwise goes to a slower path, which finds the end of the line first, as Redis does, so that the answer
 * is the same wherever the bytes were cut. Like Redis, it does not look at the byte behind a `\r` nor at the
 * two behind an argument. Unlike Redis, it takes a NUL for a byte like others (there it hides what follows).
 *
 * Invariants: 1. The first `#index` arguments of the request are in the table; `#left` more are to come.
 * 2. A request that is larger than `requestBytesMax` fails, however it was cut, and before any other failure
 * that its later bytes hold. 3. What is held is at most a small constant times what arrived of one request.
 * Cost: about 15 ns an argument in a deep pipeline. Tests: test/server/resp/request-parser.test.ts,
 * test/server/resp/request-parser.prop.test.ts, test/server/resp/request-parser-redis.test.ts,
 * test/server/resp/parser.fuzz.test.ts
 * Source: Redis 7.0, networking.c (what is refused, and how).
 */
import { type Argument, type ErrorReply, err } from '../../keyspace/engine/index.ts'
import { ArgumentTable } from './argument-table.ts'
import { InlineWords } from './inline-words.ts'
import { LargeReceiver } from './large-receiver.ts'
import { RequestBytes } from './request-bytes.ts'
import { protocolError, REQUEST_LIMITS, type RequestLimits } from './request-limits.ts'
import { ABSENT, RequestLines, refusalOfCount, refusalOfLength } from './request-lines.ts'
import { allocate } from './slab-pool.ts'

/** What `next` answers. */
export const MORE = 0
export const REQUEST = 1
export const FAILED = 2

/** From here on an argument that has not come whole is received into memory of its own. */
export const OWN_BYTES_MIN: number = 32 * 1024 + 1

/** Values of `#left` that are no number of arguments. */
const COUNT_UNREAD = -1
const BETWEEN = -2
const DEAD = -3

/** So much more than is known to be missing is looked at. */
const STEP_BYTES = 512
/** Lengths of this many digits are integers of 32 bits for certain. */
const DIGITS_MAX = 9
const INT32_MAX = 0x7fffffff
/** Offsets are integers of 32 bits. */
const REQUEST_BYTES_MAX = 2 ** 30 + 2 ** 29

const LF = 10
const CR = 13
const DOLLAR = 36
const STAR = 42
const ZERO = 48

const NOTHING: Uint8Array = allocate(0)

/** Reads the requests of one connection. */
export class RequestParser {
  /** Where the arguments lie; valid until the next call of `next`, `feed` or `hold`. */
  bytes: Uint8Array = NOTHING
  /** Arguments of the present request; 0: it is empty, and is to be skipped. */
  count = 0
  /** Why nothing follows. */
  failure: ErrorReply | undefined
  /** The request is larger than `requestBytesMax`: Redis closes such a connection without a word. */
  isOverflow = false

  #limits: RequestLimits = REQUEST_LIMITS
  #argumentsMax = 0
  #argumentBytesMax = 0
  #requestBytesMax = 0

  readonly #table = new ArgumentTable()
  readonly #unread = new RequestBytes()
  readonly #lines = new RequestLines(this.#unread)
  /** Arguments to come, or COUNT_UNREAD, BETWEEN, DEAD. */
  #left = BETWEEN
  #index = 0
  /** Bytes that are certainly missing. */
  #missing = 1
  /** `hold` has added to a request that is not whole. */
  #isFresh = false
  readonly #large = new LargeReceiver(this.#unread, this.#table)
  #words: InlineWords | undefined

  constructor(limits: RequestLimits = REQUEST_LIMITS) {
    this.limits = limits
  }

  get limits(): RequestLimits {
    return this.#limits
  }

  /** Holds for what has not been read yet. */
  set limits(limits: RequestLimits) {
    const { argumentsMax, argumentBytesMax, requestBytesMax, stranger = limits } = limits
    this.#limits = limits
    this.#argumentsMax = Math.min(argumentsMax, stranger.argumentsMax, INT32_MAX)
    this.#argumentBytesMax = Math.min(argumentBytesMax, stranger.argumentBytesMax, INT32_MAX)
    this.#requestBytesMax = Math.min(requestBytesMax, REQUEST_BYTES_MAX)
  }

  /** Where each argument begins in `bytes`; ELSEWHERE: only `argument` gives it. */
  get offsets(): Int32Array {
    return this.#table.offsets
  }

  get lengths(): Int32Array {
    return this.#table.lengths
  }

  /** Whether all arguments lie in `bytes`. */
  get isContiguous(): boolean {
    return this.#table.isContiguous
  }

  /** Bytes that are held: of an unfinished request, and those that `hold` has kept. */
  get pendingBytes(): number {
    return this.#unread.heldBytes + this.#table.ownBytes + this.#large.receivedBytes
  }

  /** Memory that is held, whether it is filled or not. */
  get memoryBytes(): number {
    const { ownBytes, offsets } = this.#table
    return this.#unread.heldCapacityBytes + ownBytes + this.#large.memoryBytes + offsets.byteLength * 2
  }

  /** The bytes that were read next. They stay as they are until `next` answers MORE, or `hold` is called. */
  feed(bytes: Uint8Array, start: number, end: number): void {
    if (this.#left !== DEAD) this.#unread.feed(bytes, start, end)
  }

  /** Copies what has not been taken, so that the read buffer may be used again before it is. */
  hold(): void {
    if (this.#left === DEAD) return
    const unread = this.#unread
    if (this.#left === BETWEEN) {
      unread.start = unread.at
      this.#index = 0
    }
    if (!unread.isHeld) {
      if (unread.at < unread.end) this.#hold()
      return
    }
    if (unread.inputBytes === 0) return unread.forgetInput()
    this.#isFresh = this.#left !== BETWEEN
    if (this.#large.receive()) this.#countLarge()
    this.#append(unread.inputBytes)
    unread.forgetInput()
  }

  /** Reads on: MORE bytes are needed, a REQUEST is there, or the stream has FAILED. */
  next(): 0 | 1 | 2 {
    if (this.#left === BETWEEN) {
      const unread = this.#unread
      if (unread.isHeld) this.#leaveHeld()
      this.#table.clear()
      if (unread.at === unread.end) return MORE
      unread.start = unread.at
      this.#index = 0
      this.#left = COUNT_UNREAD
      const outcome = this.#read()
      if (outcome !== MORE) return outcome
    }
    return this.#readMore()
  }

  /** An argument of the present request: from `largeBytes` on as bytes of its own, else as a string. */
  argument(index: number, largeBytes: number): Argument {
    return this.#table.argument(this.bytes, index, largeBytes)
  }

  /** Reads from where the last line or argument ended. */
  #read(): 0 | 1 | 2 {
    const unread = this.#unread
    const bytes = unread.source
    const end = unread.end
    let at = unread.at
    let left = this.#left
    if (left < 0) {
      if (bytes[at] !== STAR) return this.#readInline()
      const digit = at + 3 < end && bytes[at + 2] === CR ? bytes[at + 1]! - ZERO : 0
      if (digit > 0 && digit <= 9 && digit <= this.#argumentsMax) {
        left = digit
        at += 4
      } else {
        const outcome = this.#readCount()
        if (outcome !== REQUEST || this.#left === BETWEEN) return outcome
        left = this.#left
        at = unread.at
      }
    }
    const table = this.#table
    const lengthMax = this.#argumentBytesMax
    let { offsets, lengths } = table
    let index = this.#index
    while (left > 0) {
      // The usual line: $, digits of which the first is not 0, \r and another byte.
      const stop = Math.min(end - 1, at + DIGITS_MAX + 1)
      let position = at + 1
      let length = 0
      while (position < stop) {
        const digit = bytes[position]! - ZERO
        if (digit < 0 || digit > 9) break
        length = (length * 10 + digit) | 0
        position++
      }
      if (
        position >= end - 1 ||
        bytes[position] !== CR ||
        bytes[at] !== DOLLAR ||
        length > lengthMax ||
        position === at + 1 ||
        (bytes[at + 1] === ZERO && position !== at + 2)
      ) {
        this.#suspend(at, left, index)
        length = this.#readLength()
        if (length < 0) return this.#left === DEAD ? FAILED : MORE
        position = unread.at - 2
      }
      const next = position + length + 4
      if (next > end) {
        this.#suspend(at, left, index)
        if (length < OWN_BYTES_MIN) this.#missing = next - end
        else if (this.#large.begin(index, position + 2, length)) this.#countLarge()
        return MORE
      }
      if (index === offsets.length) {
        table.grow()
        offsets = table.offsets
        lengths = table.lengths
      }
      offsets[index] = position + 2
      lengths[index] = length
      index++
      left--
      at = next
    }
    return this.#finish(at, index)
  }

  #suspend(at: number, left: number, index: number): void {
    const unread = this.#unread
    if (at !== unread.at) this.#lines.searched = 0
    unread.at = at
    this.#left = left
    this.#index = index
  }

  #finish(at: number, count: number): 1 | 2 {
    const unread = this.#unread
    unread.at = at
    this.#lines.searched = 0
    if (at - unread.start + this.#table.ownBytes > this.#requestBytesMax) return this.#overflow()
    this.bytes = unread.source
    this.count = count
    this.#left = BETWEEN
    return REQUEST
  }

  /** Goes on with a request that is not whole in what there is. */
  #readMore(): 0 | 1 | 2 {
    if (this.#left === DEAD) return FAILED
    const unread = this.#unread
    if (this.#isFresh) {
      this.#isFresh = false
      const outcome = this.#readOn()
      if (outcome !== MORE) return outcome
    }
    if (!unread.isHeld) this.#hold()
    while (unread.inputBytes > 0) {
      if (!this.#large.isReceiving) this.#append(this.#missing + STEP_BYTES)
      else if (this.#large.receive()) this.#countLarge()
      const outcome = this.#readOn()
      if (outcome !== MORE) return outcome
    }
    // What is read no more cannot be given back.
    unread.forgetInput()
    return this.pendingBytes > this.#requestBytesMax ? this.#overflow() : MORE
  }

  #readOn(): 0 | 1 | 2 {
    if (this.#large.isReceiving) return MORE
    this.#missing = 1
    return this.#large.skipTrailer() ? this.#read() : MORE
  }

  /** A count that is not one digit. */
  #readCount(): 0 | 1 | 2 {
    const unread = this.#unread
    const lines = this.#lines
    const lineEnd = lines.end(this.#limits.inlineBytesMax)
    if (lineEnd < 0) return this.#noLine(lineEnd, 'too big mbulk count string')
    const count = lines.integer(lineEnd)
    const refusal = refusalOfCount(count, this.#limits)
    if (refusal !== undefined) return this.#fail(refusal, lineEnd + 2)
    unread.at = lineEnd + 2
    if (count <= 0) return this.#finish(unread.at, 0)
    this.#left = count
    return REQUEST
  }

  /** A length that the usual way did not read: the next byte is then behind its line; -1: MORE or FAILED. */
  #readLength(): number {
    const unread = this.#unread
    const lines = this.#lines
    const lineEnd = lines.end(this.#limits.inlineBytesMax)
    if (lineEnd < 0) {
      this.#noLine(lineEnd, 'too big bulk count string')
      return -1
    }
    const type = unread.source[unread.at]!
    const length = type === DOLLAR ? lines.integer(lineEnd) : 0
    const refusal =
      type === DOLLAR
        ? refusalOfLength(length, this.#limits)
        : `expected '$', got '${String.fromCharCode(type)}'`
    if (refusal !== undefined) {
      this.#fail(refusal, lineEnd + 2)
      return -1
    }
    unread.at = lineEnd + 2
    return length
  }

  /** The end of a line has not come, or will not. */
  #noLine(why: number, tooBig: string): 0 | 2 {
    this.#missing = 1
    if (why === ABSENT) return MORE
    return this.#fail(tooBig, this.#unread.at + this.#limits.inlineBytesMax + 1)
  }

  #readInline(): 0 | 1 | 2 {
    const newline = this.#lines.find(LF, this.#limits.inlineBytesMax)
    if (newline < 0) return this.#noLine(newline, 'too big inline request')
    const { source, at } = this.#unread
    this.#words ??= new InlineWords(this.#table)
    const words = this.#words
    const end = newline > at && source[newline - 1] === CR ? newline - 1 : newline
    if (!words.split(source, at, end)) return this.#fail('unbalanced quotes in request', newline + 1)
    const outcome = this.#finish(newline + 1, words.count)
    if (outcome === REQUEST) this.bytes = words.bytes
    words.clear()
    return outcome
  }

  #countLarge(): void {
    this.#index++
    this.#left--
    this.#missing = 1
  }

  #hold(): void {
    this.#table.rebase(this.#index, this.#unread.hold(this.#missing))
  }

  #append(count: number): void {
    const moved = this.#unread.append(count)
    if (moved > 0) this.#table.rebase(this.#index, moved)
  }

  #leaveHeld(): void {
    this.#unread.leave()
    // Else what was held would live as long as the connection is idle.
    this.bytes = NOTHING
  }

  /** `needed`: behind the last byte that had to be there to know it. */
  #fail(text: string, needed: number): 2 {
    if (needed - this.#unread.start + this.#table.ownBytes > this.#requestBytesMax) return this.#overflow()
    this.failure = protocolError(text)
    return this.#die()
  }

  #overflow(): 2 {
    this.failure = err('max query buffer length reached')
    this.isOverflow = true
    return this.#die()
  }

  /** Nothing is kept of a stream that has failed. */
  #die(): 2 {
    this.#left = DEAD
    this.#unread.clear()
    this.#table.clear()
    this.#large.clear()
    this.bytes = NOTHING
    this.count = 0
    return FAILED
  }
}
