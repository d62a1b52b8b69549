/**
 * Walks over what cannot be held: streams, values of modules, functions.
 *
 * What these are made of is written down as data, and one loop walks over any of it with a stack of what is
 * still to come. Recursion would be as short, but it cannot stop in the middle and go on when more bytes have
 * come. Nothing is kept of what is walked over, so that it takes no memory, whatever its size.
 *
 *     stream     n × (id, listpack), length, last id, [first id, deleted id, added,] n × group
 *     group      name, last id, [read,] n × pending, n × consumer
 *     consumer   name, seen, [active,] n × id
 *
 * Invariant: each step reads a byte at least, or takes an item off the stack.
 * Tests: test/keyspace/portable/rdb/rdb-skip.test.ts
 * Source: Redis 7.2, src/rdb.c (rdbLoadObject, rdbLoadCheckModuleValue).
 */
import type { ByteWindow } from './byte-window.ts'
import {
  MODULE_DOUBLE,
  MODULE_END,
  MODULE_FLOAT,
  MODULE_INTEGER,
  MODULE_STRING,
  MODULE_UNSIGNED,
  STREAM_LISTPACKS,
  STREAM_LISTPACKS_2,
  STREAM_LISTPACKS_3,
} from './rdb-format.ts'

/**
 * Something to walk over: a length, a string, so many bytes; a length and as many times a row; what a module
 * wrote, up to its end.
 */
export type Shape = 'length' | 'string' | number | Row | 'module'
interface Row {
  readonly each: readonly Shape[]
}

const ID = ['length', 'length'] as const
const RAW_ID = 16
const TIME = 8

/** Streams by the number of their form: the later ones know more. */
export const STREAM_SHAPES: ReadonlyMap<number, readonly Shape[]> = new Map([
  [STREAM_LISTPACKS, streamShape([], [], [])],
  [STREAM_LISTPACKS_2, streamShape([...ID, ...ID, 'length'], ['length'], [])],
  [STREAM_LISTPACKS_3, streamShape([...ID, ...ID, 'length'], ['length'], [TIME])],
])

function streamShape(
  ofStream: readonly Shape[],
  ofGroup: readonly Shape[],
  ofConsumer: readonly Shape[],
): readonly Shape[] {
  const pending: Row = { each: [RAW_ID, TIME, 'length'] }
  const consumers: Row = { each: ['string', TIME, ...ofConsumer, { each: [RAW_ID] }] }
  const groups: Row = { each: ['string', ...ID, ...ofGroup, pending, consumers] }
  return [{ each: ['string', 'string'] }, 'length', ...ID, ...ofStream, groups]
}

/** A row that is walked over, and how often still. */
interface Frame {
  readonly each: readonly Shape[]
  /** The next shape of the row. */
  at: number
  times: number
}

/** One walk. */
export class RdbSkip {
  readonly #window: ByteWindow
  readonly #stack: Frame[]
  /** Bytes of the present string or field that are still to come. */
  #bytesLeft = 0

  constructor(window: ByteWindow, shapes: readonly Shape[]) {
    this.#window = window
    this.#stack = [{ each: shapes, at: 0, times: 1 }]
  }

  /**
   * Walks to the end. @throws INCOMPLETE when more bytes are needed: call it again. @throws
   * SHL_IMPORT_INVALID
   */
  run(): void {
    for (;;) {
      this.#skipBytes()
      const frame = this.#stack.at(-1)
      if (frame === undefined) return
      if (frame.times === 0) {
        this.#stack.pop()
        continue
      }
      this.#step(frame, frame.each[frame.at]!)
      this.#window.commit()
    }
  }

  /** Reads a shape; the frame goes on only when all of it was there. */
  #step(frame: Frame, shape: Shape): void {
    const window = this.#window
    let row: Frame | undefined
    if (shape === 'length') window.bigLength()
    else if (shape === 'string') this.#bytesLeft = window.stringSize()
    else if (shape === 'module') {
      // The module is walked over until it says that it is over.
      if (!this.#stepModule()) return
    } else if (typeof shape === 'number') this.#bytesLeft = shape
    else row = { each: shape.each, at: 0, times: window.length() }
    frame.at++
    if (frame.at === frame.each.length) {
      frame.at = 0
      frame.times--
    }
    if (row !== undefined) this.#stack.push(row)
  }

  /** A part of what a module wrote; true: that was the end. */
  #stepModule(): boolean {
    const window = this.#window
    const { offset } = window
    const opcode = window.length()
    switch (opcode) {
      case MODULE_END:
        return true
      case MODULE_INTEGER:
      case MODULE_UNSIGNED:
        window.bigLength()
        return false
      case MODULE_FLOAT:
        this.#bytesLeft = 4
        return false
      case MODULE_DOUBLE:
        this.#bytesLeft = 8
        return false
      case MODULE_STRING:
        this.#bytesLeft = window.stringSize()
        return false
      default:
        return window.fail(`found ${opcode} in what a module wrote, expected 0 to 5`, offset)
    }
  }

  #skipBytes(): void {
    while (this.#bytesLeft > 0) {
      if (this.#window.left === 0) this.#window.want(1)
      this.#bytesLeft -= this.#window.skip(this.#bytesLeft)
      this.#window.commit()
    }
  }
}
