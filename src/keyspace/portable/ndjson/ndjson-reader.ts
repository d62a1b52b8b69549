/**
 * Reads entries from lines of JSON.
 *
 * Everything is checked: an unknown name is refused, since it may be a misspelt `expireAt`; the last line
 * must be there, and count what came. What stands before a wrong line is given out first.
 *
 * Cost: about 2 µs a small key, of which JSON.parse takes half. Memory: a batch, a line, and a string or
 * member that was cut.
 * Tests: test/keyspace/portable/ndjson/ndjson-reader.test.ts, ndjson-reader.prop.test.ts
 * The format: docs/formats/ndjson.md.
 */
import { isUtf8 } from 'node:buffer'
import { EntryBatch } from '../entry-batch.ts'
import { invalidImport } from '../import-error.ts'
import type { PortableEntry } from '../portable-entry.ts'
import { KeyAssembly } from './key-assembly.ts'
import { type Line, LineSplitter } from './line-splitter.ts'
import { FORMAT, LINE_BYTES_MAX, VERSION } from './ndjson-format.ts'
import { isObject } from './ndjson-text.ts'

/** How a file is read. */
export interface NdjsonReaderOptions {
  /** What the file is called in errors. */
  readonly source: string
  /** Bytes of a line. Default 16 MiB. */
  readonly lineBytesMax?: number
}

/** What a file was, as far as it was read. */
export interface NdjsonSummary {
  readonly keys: number
  /** Without the first and the last. */
  readonly lines: number
  readonly bytes: number
  /** Whether the last line has come, and was right. */
  readonly isWhole: boolean
}

const HEAD_NAMES = new Set(['format', 'version'])
const END_NAMES = new Set(['end', 'keys', 'lines'])

/** One reading of one file. */
export class NdjsonReader {
  readonly #source: string
  readonly #splitter: LineSplitter
  readonly #batch = new EntryBatch()
  readonly #key: KeyAssembly
  #line: Line = { bytes: new Uint8Array(), offset: 0 }
  #place: 'head' | 'keys' | 'end' = 'head'
  #lineNumber = 0
  #lines = 0
  #keys = 0
  #failure: unknown

  constructor(options: NdjsonReaderOptions) {
    const { source, lineBytesMax = LINE_BYTES_MAX } = options
    this.#source = source
    this.#key = new KeyAssembly((reason) => this.#fail(reason))
    this.#splitter = new LineSplitter(lineBytesMax, (offset) => {
      this.#lineNumber++
      return this.#fail(`found a line of more than ${lineBytesMax} bytes`, offset)
    })
  }

  get summary(): NdjsonSummary {
    return {
      keys: this.#keys,
      lines: this.#lines,
      bytes: this.#splitter.offset,
      isWhole: this.#place === 'end' && this.#failure === undefined,
    }
  }

  /**
   * The entries of the file, in its order. A chunk may be used again when the next one is asked for.
   * @throws SHL_IMPORT_INVALID
   */
  async *read(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): AsyncGenerator<readonly PortableEntry[], void, undefined> {
    const splitter = this.#splitter
    for await (const chunk of chunks) {
      splitter.push(chunk)
      const next = (): Line | undefined => splitter.next()
      for (let batch = this.#next(next); batch !== undefined; batch = this.#next(next)) yield batch
      splitter.keep()
    }
    const rest = (): Line | undefined => splitter.rest()
    for (let batch = this.#next(rest); batch !== undefined; batch = this.#next(rest)) yield batch
    if (!this.#batch.isEmpty) yield this.#batch.take()
    if (this.#place === 'end') return
    this.#failure = 'cut'
    this.#fail('the file ends here, expected a last line that begins with {"end":true', splitter.offset)
  }

  /** A full batch; undefined: more bytes are needed. */
  #next(nextLine: () => Line | undefined): readonly PortableEntry[] | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      while (!this.#batch.isFull) {
        const line = nextLine()
        if (line === undefined) return undefined
        this.#line = line
        this.#lineNumber++
        this.#readLine(line)
      }
    } catch (thrown) {
      this.#failure = thrown
      if (this.#batch.isEmpty) throw thrown
    }
    return this.#batch.take()
  }

  #readLine({ bytes }: Line): void {
    // JSON is UTF-8, and Node would make U+FFFD of what is not.
    if (!isUtf8(bytes)) this.#fail('found bytes that are not UTF-8')
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    if (text === '' || text.trim() === '') return
    const fields = this.#parse(text)
    if (this.#place === 'head') this.#readHead(fields)
    else if (this.#place === 'end') this.#fail('found a line behind the last one')
    else if ('end' in fields) this.#readEnd(fields)
    else this.#readKey(fields)
  }

  #parse(text: string): Readonly<Record<string, unknown>> {
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      this.#fail(`found no JSON: ${error instanceof Error ? error.message.slice(0, 100) : ''}`)
    }
    return isObject(value) ? value : this.#fail('found JSON that is no object')
  }

  #readHead(fields: Readonly<Record<string, unknown>>): void {
    if (fields['format'] !== FORMAT)
      this.#fail(`found no export, expected a first line with format ${FORMAT}`)
    if (fields['version'] !== VERSION) {
      this.#fail(`found version ${JSON.stringify(fields['version'])}, expected ${VERSION}`)
    }
    this.#refuseOthers(fields, HEAD_NAMES)
    this.#place = 'keys'
  }

  #readKey(fields: Readonly<Record<string, unknown>>): void {
    this.#lines++
    for (const entry of this.#key.add(fields)) {
      if (entry.isLast) this.#keys++
      this.#batch.add(entry)
    }
  }

  #readEnd(fields: Readonly<Record<string, unknown>>): void {
    this.#refuseOthers(fields, END_NAMES)
    if (fields['end'] !== true) this.#fail('found a wrong "end", expected true')
    if (this.#key.isOpen) this.#fail('the key before is not whole: it said that there is more')
    const found = [fields['keys'], fields['lines']]
    if (found[0] !== this.#keys || found[1] !== this.#lines) {
      this.#fail(
        `found keys, lines ${JSON.stringify(found)}, expected [${this.#keys},${this.#lines}]: some are gone`,
      )
    }
    this.#place = 'end'
  }

  #refuseOthers(fields: Readonly<Record<string, unknown>>, names: ReadonlySet<string>): void {
    for (const name in fields) {
      if (!names.has(name)) this.#fail(`found an unknown name ${JSON.stringify(name.slice(0, 100))}`)
    }
  }

  #fail(reason: string, offset = this.#line.offset): never {
    throw invalidImport(this.#source, offset, `line ${this.#lineNumber}: ${reason}`)
  }
}
