/**
 * Receives the large arguments of a request, one after the other, past the bytes that are held.
 *
 * Behind a large argument two bytes are skipped, as behind any other; they may come later than it, or one of
 * them with it.
 *
 * Invariant: while one is received, all of `unread.source` has been read.
 * Tests: test/server/resp/request-parser.test.ts, test/server/resp/request-parser.prop.test.ts
 */
import type { ArgumentTable } from './argument-table.ts'
import { LargeArgument } from './large-argument.ts'
import type { RequestBytes } from './request-bytes.ts'

/** Bytes of the end of a line. */
const TRAILER_BYTES = 2

/** The argument that is being received, if there is one. */
export class LargeReceiver {
  readonly #unread: RequestBytes
  readonly #table: ArgumentTable
  #large: LargeArgument | undefined
  #index = 0
  #trailer = 0

  constructor(unread: RequestBytes, table: ArgumentTable) {
    this.#unread = unread
    this.#table = table
  }

  get isReceiving(): boolean {
    return this.#large !== undefined
  }

  get receivedBytes(): number {
    return this.#large?.received ?? 0
  }

  /** Memory that is filled, or will be. */
  get memoryBytes(): number {
    return this.#large?.capacityBytes ?? 0
  }

  /** Begins with what is there of an argument: whether that is all of it. */
  begin(index: number, contentAt: number, length: number): boolean {
    const unread = this.#unread
    const available = unread.end - contentAt
    const large = new LargeArgument(length, available)
    // Part of the line's end may have come.
    const behind = available - large.receive(unread.source, contentAt, unread.end)
    this.#trailer = TRAILER_BYTES - behind
    this.#table.ownBytes += behind
    this.#index = index
    this.#large = large
    unread.at = contentAt
    unread.end = contentAt
    return this.#endIfWhole(large)
  }

  /** Takes what belongs to the argument from the input: whether that was the rest of it. */
  receive(): boolean {
    const large = this.#large
    if (large === undefined) return false
    this.#unread.pass(large)
    return this.#endIfWhole(large)
  }

  /** Skips what ends the line behind the last argument; false: not all of it is there. */
  skipTrailer(): boolean {
    const unread = this.#unread
    const skipped = Math.min(this.#trailer, unread.end - unread.at)
    unread.at += skipped
    this.#trailer -= skipped
    return this.#trailer === 0
  }

  clear(): void {
    this.#large = undefined
    this.#trailer = 0
  }

  #endIfWhole(large: LargeArgument): boolean {
    if (!large.isWhole) return false
    this.#table.putOwn(this.#index, large.take())
    this.#large = undefined
    return true
  }
}
