/**
 * Posting lists as bytes: in which files a term stands, on which lines, and what is defined there.
 *
 *     list    entry entry entry …                        in the order of the files
 *     entry   file | bytes of its lines | lines
 *     lines   for each line: (line − the line before) × 16 + kind of definition
 *
 * All numbers are varints: seven bits per byte, the lowest first. An entry names its file in full, so that
 * two lists are joined by putting one behind the other; and says how long it is, so that a reader may skip
 * it.
 *
 * Tests: test/examples/postings.test.ts
 */

const KIND_BITS = 4
const KIND_MASK = 2 ** KIND_BITS - 1

/** A line that has a term. */
export interface Occurrence {
  readonly line: number
  /** Index into `DEFINITION_KINDS`. */
  readonly kind: number
}

/** The lines of a term in one file, as they stand in a list. */
export interface PackedLines {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

/** Bytes that grow. */
export class ByteWriter {
  #bytes: Uint8Array
  #length = 0

  constructor(room = 1024) {
    this.#bytes = new Uint8Array(room)
  }

  get length(): number {
    return this.#length
  }

  /** Numbers below 2^31. */
  varint(value: number): void {
    this.#reserve(5)
    let rest = value
    while (rest > 127) {
      this.#bytes[this.#length++] = (rest & 127) | 128
      rest >>>= 7
    }
    this.#bytes[this.#length++] = rest
  }

  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** What was written, until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  clear(): void {
    this.#length = 0
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const bigger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count))
    bigger.set(this.#bytes)
    this.#bytes = bigger
  }
}

/** Reads what a `ByteWriter` wrote. */
export class ByteReader {
  readonly bytes: Uint8Array
  position: number
  readonly #end: number

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.bytes = bytes
    this.position = start
    this.#end = end
  }

  get isAtEnd(): boolean {
    return this.position >= this.#end
  }

  varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.position++]!
      value |= (byte & 127) << shift
      if (byte < 128) return value
    }
  }

  take(count: number): Uint8Array {
    this.position += count
    return this.bytes.subarray(this.position - count, this.position)
  }
}

/** Writes the lines of one file, in ascending order. */
export class LinesWriter {
  readonly #lines = new ByteWriter()
  #previous = 0

  add(line: number, kind: number): void {
    this.#lines.varint(((line - this.#previous) << KIND_BITS) | kind)
    this.#previous = line
  }

  /** Appends the entry to a list, and begins anew. */
  finish(file: number, list: ByteWriter): void {
    list.varint(file)
    list.varint(this.#lines.length)
    list.append(this.#lines.view())
    this.#lines.clear()
    this.#previous = 0
  }
}

/** Visits the entries of a list without reading their lines. */
export function visitEntries(list: Uint8Array, visit: (file: number, lines: PackedLines) => void): void {
  const reader = new ByteReader(list)
  while (!reader.isAtEnd) {
    const file = reader.varint()
    const length = reader.varint()
    const start = reader.position
    reader.position += length
    visit(file, { bytes: list, start, end: start + length })
  }
}

/** The lines of an entry. */
export function readLines({ bytes, start, end }: PackedLines): Occurrence[] {
  const found: Occurrence[] = []
  const reader = new ByteReader(bytes, start, end)
  let line = 0
  while (!reader.isAtEnd) {
    const step = reader.varint()
    line += step >>> KIND_BITS
    found.push({ line, kind: step & KIND_MASK })
  }
  return found
}
