/**
 * Cuts chunks of bytes into lines, of bounded length.
 *
 * Cost: a line that lies in one chunk is not copied. Memory: one line, and the chunk that it ends in.
 * Tests: test/keyspace/portable/ndjson/line-splitter.test.ts
 */

const LINE_FEED = 10

/** A line without its end, and where in the file it begins. */
export interface Line {
  readonly bytes: Uint8Array
  readonly offset: number
}

/** Lines that come in chunks. */
export class LineSplitter {
  readonly #lineBytesMax: number
  readonly #refuse: (offset: number) => never
  /** Beginnings of a line whose end has not come: copies. */
  #pieces: Uint8Array[] = []
  #piecesBytes = 0
  #chunk: Uint8Array = new Uint8Array()
  #at = 0
  /** Where the line begins that is not given out yet. */
  #offset = 0

  /** `refuse` is called with the place of a line that is longer than `lineBytesMax`. */
  constructor(lineBytesMax: number, refuse: (offset: number) => never) {
    this.#lineBytesMax = lineBytesMax
    this.#refuse = refuse
  }

  /** Where the next line begins. */
  get offset(): number {
    return this.#offset
  }

  /** Adds a chunk, when `next` has none left. It may be used again when `keep` was called. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk
    this.#at = 0
  }

  /** The next whole line; undefined: more bytes are needed. */
  next(): Line | undefined {
    const end = this.#chunk.indexOf(LINE_FEED, this.#at)
    if (end === -1) {
      if (this.#chunk.length - this.#at + this.#piecesBytes > this.#lineBytesMax) this.#refuse(this.#offset)
      return undefined
    }
    const line = this.#line(end)
    this.#at = end + 1
    this.#offset = line.offset + line.bytes.length + 1
    return line
  }

  /** Copies what is left of the chunk. Call it before another one is asked for. */
  keep(): void {
    const rest = this.#chunk.slice(this.#at)
    this.#chunk = new Uint8Array()
    this.#at = 0
    if (rest.length === 0) return
    this.#pieces.push(rest)
    this.#piecesBytes += rest.length
  }

  /** What is left when no chunk comes any more: a line without an end. */
  rest(): Line | undefined {
    if (this.#piecesBytes === 0) return undefined
    const line = this.#line(this.#chunk.length)
    this.#offset += line.bytes.length
    return line
  }

  #line(end: number): Line {
    const tail = this.#chunk.subarray(this.#at, end)
    const size = this.#piecesBytes + tail.length
    if (size > this.#lineBytesMax) this.#refuse(this.#offset)
    if (this.#piecesBytes === 0) return { bytes: tail, offset: this.#offset }
    const bytes = Buffer.concat([...this.#pieces, tail], size)
    this.#pieces = []
    this.#piecesBytes = 0
    return { bytes, offset: this.#offset }
  }
}
