/**
 * A batch of commands as bytes: what one thread asks of one shard in one message.
 *
 *     per command   u16 row in the command table · u16 database · u16 hash slot (0xffff: no key) ·
 *                   u8 durability that was asked for, 0: none ·
 *                   u8 version of the protocol, 0: 2; the top bit: a client is named ·
 *                   u32 number of arguments, the name left out · u32 the client, if it is named ·
 *                   each argument: u32 length, bytes
 *
 * Both ends are the same version of the package in one process, so that rows go by number. A shard reads
 * arguments where they lie: the commands that matter most make no strings of them.
 *
 * Cost: some 100 ns to write, and less to read, a SET of 64 bytes (bench/set-memory.ts).
 * Tests: test/keyspace/wire/request-codec.prop.test.ts
 */
import { SHORT_CHARS_MAX, shortLatin1 } from '../../codec/index.ts'
import type { Argument } from '../engine/index.ts'
import { ByteSink, keptBytes, latin1Text } from './byte-sink.ts'

export const NO_SLOT: number = 0xffff
const HEADER_BYTES = 12
const BY_BYTES = 4
const IS_BY = 0x80
/** What is kept of a batch may be kept for long: the rest of it should not be much. */
const OWN_SHARE = 2

/** Writes batches. */
export class RequestWriter {
  readonly #sink = new ByteSink()
  count = 0

  get sizeBytes(): number {
    return this.#sink.sizeBytes
  }

  /** Begins a command: `argumentCount` calls of `argument` must follow. */
  begin(row: number, db: number, slot: number, argumentCount: number, level = 0, resp = 2, by = 0): void {
    const sink = this.#sink
    sink.reserve(HEADER_BYTES + BY_BYTES)
    const { bytes, end } = sink
    bytes[end] = row
    bytes[end + 1] = row >>> 8
    bytes[end + 2] = db
    bytes[end + 3] = db >>> 8
    bytes[end + 4] = slot
    bytes[end + 5] = slot >>> 8
    bytes[end + 6] = level
    bytes[end + 7] = (resp === 3 ? 3 : 0) | (by === 0 ? 0 : IS_BY)
    sink.end = end + 8
    sink.uint32(argumentCount)
    if (by !== 0) sink.uint32(by)
    this.count++
  }

  argument(value: Argument): void {
    this.#sink.block(value)
  }

  /** An argument that is part of some bytes. */
  argumentOf(bytes: Uint8Array, offset: number, length: number): void {
    this.#sink.blockOf(bytes, offset, length)
  }

  /** The batch; the next one begins. */
  take(): Uint8Array {
    this.count = 0
    return this.#sink.take()
  }
}

/** Reads a batch, command by command. */
export class RequestReader {
  readonly bytes: Uint8Array
  row = 0
  db = 0
  slot = 0
  /** The durability that was asked for, by number; 0: none. */
  level = 0
  /** The version of the protocol in whose form the caller wants the reply. */
  resp: 2 | 3 = 2
  /** The client whose command it is, where it is named; 0: it is not. */
  by = 0
  argumentCount = 0
  /** Where the first argument's length stands. */
  #first = 0
  #position = 0
  readonly #isOwn: boolean

  /**
   * `isOwn`: nobody else has the bytes, so that large arguments need not be copied. `at`: the first command
   * that is read begins there.
   */
  constructor(bytes: Uint8Array, isOwn = false, at = 0) {
    this.bytes = bytes
    this.#isOwn = isOwn
    this.#position = at
  }

  /** Goes to the next command; false at the end. */
  next(): boolean {
    const { bytes } = this
    const at = this.#position
    if (at >= bytes.length) return false
    this.row = bytes[at]! | (bytes[at + 1]! << 8)
    this.db = bytes[at + 2]! | (bytes[at + 3]! << 8)
    this.slot = bytes[at + 4]! | (bytes[at + 5]! << 8)
    this.level = bytes[at + 6]!
    const flags = bytes[at + 7]!
    this.resp = (flags & 3) === 3 ? 3 : 2
    this.argumentCount = this.#uint32(at + 8)
    this.by = 0
    this.#first = at + HEADER_BYTES
    if (flags >= IS_BY) {
      this.by = this.#uint32(this.#first)
      this.#first += BY_BYTES
    }
    let end = this.#first
    for (let i = 0; i < this.argumentCount; i++) end += 4 + this.#uint32(end)
    this.#position = end
    return true
  }

  /** Where the bytes of the first argument begin. */
  get firstOffset(): number {
    return this.#first + 4
  }

  get firstLength(): number {
    return this.#uint32(this.#first)
  }

  /** The same of the second; there must be one. */
  get secondOffset(): number {
    return this.#first + 8 + this.#uint32(this.#first)
  }

  get secondLength(): number {
    return this.#uint32(this.secondOffset - 4)
  }

  /** The arguments behind a name; those from `largeBytes` on as bytes of their own. */
  arguments(name: string, largeBytes: number): Argument[] {
    const { bytes } = this
    const argv: Argument[] = [name]
    let at = this.#first
    for (let i = 0; i < this.argumentCount; i++) {
      const length = this.#uint32(at)
      const from = at + 4
      at = from + length
      if (length <= SHORT_CHARS_MAX && from + SHORT_CHARS_MAX <= bytes.length) {
        argv.push(shortLatin1(bytes, from, length))
      } else if (length < largeBytes) argv.push(latin1Text(bytes, from, at))
      else argv.push(keptBytes(bytes, from, at, this.#isOwn ? OWN_SHARE : 0))
    }
    return argv
  }

  #uint32(at: number): number {
    const { bytes } = this
    return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0
  }
}
