/**
 * Writes entries as lines of JSON.
 *
 * No line grows with its key: a large collection becomes several lines, and so does a text that is longer
 * than a line may be. The last line counts what was written, so that a file that was cut off is noticed.
 *
 * Cost: about 0.7 µs a small key. Memory: a chunk.
 * Tests: test/keyspace/portable/ndjson/ndjson-writer.test.ts, ndjson-reader.prop.test.ts
 */
import { assert } from '../../../base/index.ts'
import type { ByteString } from '../../engine/index.ts'
import type { PortableEntry, PortableValue } from '../portable-entry.ts'
import { FORMAT, LINE_TEXT_MAX, MEMBER_NAMES, VERSION } from './ndjson-format.ts'
import { jsonOfScore, jsonOfText } from './ndjson-text.ts'

/** Characters that are collected before they are given out. */
const CHUNK_CHARS = 64 * 1024

const UTF8_BYTES_MAX = 4

/** How a file is written. */
export interface NdjsonWriterOptions {
  /** Bytes of text in a line. Default 256 KiB: a reader must take sixteen times as much. */
  readonly lineTextMax?: number
}

/** The bytes of a file, in chunks. Nothing is read ahead of what is written. */
export async function* writeNdjson(
  batches: AsyncIterable<readonly PortableEntry[]> | Iterable<readonly PortableEntry[]>,
  options: NdjsonWriterOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const writer = new NdjsonWriter(options)
  let text = writer.head()
  for await (const batch of batches) {
    for (const entry of batch) {
      for (const line of writer.lines(entry)) {
        text += line
        if (text.length < CHUNK_CHARS) continue
        yield Buffer.from(text, 'utf8')
        text = ''
      }
    }
  }
  yield Buffer.from(text + writer.end(), 'utf8')
}

/** Makes the lines of one file, one entry after another. */
export class NdjsonWriter {
  readonly #lineTextMax: number
  #keys = 0
  #lines = 0
  /** The entry whose next part must come now. */
  #open: PortableEntry | undefined
  /** Lines of the present key so far. */
  #part = 0

  constructor(options: NdjsonWriterOptions = {}) {
    this.#lineTextMax = options.lineTextMax ?? LINE_TEXT_MAX
  }

  head(): string {
    return `{"format":"${FORMAT}","version":${VERSION}}\n`
  }

  /** The lines of an entry. Parts of a key come in order, with nothing in between. */
  *lines(entry: PortableEntry): Generator<string, void, undefined> {
    const before = this.#open
    assert(
      before === undefined ? entry.part === 0 : isNextPart(before, entry),
      'parts of a key come in order, with nothing in between',
    )
    const head = headOf(entry)
    // A line is written when the next one is known: all but the last of a key say that there is more.
    let held: string | undefined
    for (const body of bodiesOf(entry.value, this.#lineTextMax)) {
      if (held !== undefined) yield this.#line(head, held, true)
      held = body
    }
    assert(held !== undefined, 'a part is not empty')
    yield this.#line(head, held, !entry.isLast)
    this.#open = entry.isLast ? undefined : entry
    if (!entry.isLast) return
    this.#keys++
    this.#part = 0
  }

  /** The last line. */
  end(): string {
    assert(this.#open === undefined, 'the last part of each key was written')
    return `{"end":true,"keys":${this.#keys},"lines":${this.#lines}}\n`
  }

  #line(head: string, body: string, hasMore: boolean): string {
    this.#lines++
    const part = this.#part++
    return `${head}${part === 0 ? '' : `"part":${part},`}${body}${hasMore ? ',"more":true' : ''}}\n`
  }
}

function isNextPart(before: PortableEntry, entry: PortableEntry): boolean {
  return before.key === entry.key && before.db === entry.db && before.part + 1 === entry.part
}

function headOf({ db, key, expireAt, value }: PortableEntry): string {
  const database = db === 0 ? '' : `"db":${db},`
  const time = expireAt === 0 ? '' : `"expireAt":${expireAt},`
  return `{${database}"key":${jsonOfText(key)},"type":"${value.type}",${time}`
}

/** One member: its texts, as many as its type has, and what stands behind them, as JSON. */
interface Member {
  readonly texts: readonly ByteString[]
  readonly tail: readonly string[]
}

/** What each line says of the members. */
function* bodiesOf(value: PortableValue, lineTextMax: number): Generator<string, void, undefined> {
  const name = MEMBER_NAMES[value.type]
  const whole = (items: readonly string[]): string =>
    value.type === 'string' ? `"${name}":${items[0]}` : `"${name}":[${items.join(',')}]`
  let items: string[] = []
  let size = 0
  for (const member of membersOf(value)) {
    const bytes = sizeOf(member)
    if (items.length > 0 && size + bytes > lineTextMax) {
      yield whole(items)
      items = []
      size = 0
    }
    if (bytes > lineTextMax) yield* piecesOf(member, lineTextMax, whole)
    else {
      items.push(jsonOfMember(member))
      size += bytes
    }
  }
  if (items.length > 0) yield whole(items)
}

/** A member that is too long for a line: a piece of each of its texts, then what is left of them. */
function* piecesOf(
  { texts, tail }: Member,
  lineTextMax: number,
  whole: (items: readonly string[]) => string,
): Generator<string, void, undefined> {
  const pieceMax = Math.max(1, Math.floor(lineTextMax / texts.length))
  const places = texts.map(() => 0)
  for (let isFirst = true, isCut = true; isCut; isFirst = false) {
    const pieces = texts.map((text, i) => {
      const start = places[i]!
      places[i] = pieceEnd(text, start, pieceMax)
      return text.slice(start, places[i])
    })
    isCut = texts.some((text, i) => places[i]! < text.length)
    const item = jsonOfMember({ texts: pieces, tail: isFirst ? tail : [] })
    yield (isFirst ? whole([item]) : `"rest":${item}`) + (isCut ? ',"cut":true' : '')
  }
}

/** Where a piece ends: not within a character of UTF-8, where there is one. */
function pieceEnd(text: ByteString, start: number, pieceMax: number): number {
  const end = start + pieceMax
  if (end >= text.length) return text.length
  for (let back = end; back > start && back > end - UTF8_BYTES_MAX; back--) {
    if ((text.charCodeAt(back) & 0xc0) !== 0x80) return back
  }
  return end
}

function sizeOf({ texts }: Member): number {
  let size = 0
  for (const text of texts) size += text.length
  return size
}

function jsonOfMember({ texts, tail }: Member): string {
  if (texts.length === 1 && tail.length === 0) return jsonOfText(texts[0]!)
  return `[${[...texts.map(jsonOfText), ...tail].join(',')}]`
}

function* membersOf(value: PortableValue): Generator<Member, void, undefined> {
  switch (value.type) {
    case 'string':
      yield { texts: [value.text], tail: [] }
      return
    case 'list':
      for (const element of value.elements) yield { texts: [element], tail: [] }
      return
    case 'set':
      for (const [i, member] of value.members.entries()) yield { texts: [member], tail: timeOf(value, i) }
      return
    case 'hash':
      for (const [i, field] of value.fields.entries()) {
        yield { texts: [field, value.values[i]!], tail: timeOf(value, i) }
      }
      return
    case 'zset':
      for (const [i, member] of value.members.entries()) {
        yield { texts: [member], tail: [jsonOfScore(value.scores[i]!), ...timeOf(value, i)] }
      }
  }
}

/** The time of a member, if it has one. */
function timeOf(value: { readonly times: readonly number[] | undefined }, index: number): readonly string[] {
  const time = value.times?.[index] ?? 0
  return time === 0 ? [] : [String(time)]
}
