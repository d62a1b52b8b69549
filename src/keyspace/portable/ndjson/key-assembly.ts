/**
 * Puts a key together from its lines: checks each, and joins what was cut.
 *
 * Tests: test/keyspace/portable/ndjson/ndjson-reader.test.ts, ndjson-reader.prop.test.ts
 */
import { type ByteString, KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../../engine/index.ts'
import { PartBuilder } from '../part-builder.ts'
import {
  EXPIRE_AT_MAX,
  MEMBER_EXPIRE_AT_MAX,
  type PortableEntry,
  type PortableType,
} from '../portable-entry.ts'
import { DATABASE_MAX, MEMBER_NAMES } from './ndjson-format.ts'
import { scoreOfJson, textOfJson, timeOfJson } from './ndjson-text.ts'

type Fields = Readonly<Record<string, unknown>>

const REST = 'rest'
/** A line has one of these. */
const CONTENT_NAMES = new Set([...Object.values(MEMBER_NAMES), REST])
const NAMES = new Set(['db', 'key', 'type', 'expireAt', 'part', 'more', 'cut', ...CONTENT_NAMES])

/** What all lines of a key say. */
interface KeyHead {
  readonly db: number
  readonly key: ByteString
  readonly type: PortableType
  readonly expireAt: number
}

/** A member, of which pieces may still come. */
interface Member {
  /** Pieces of each of its texts. */
  readonly texts: ByteString[][]
  readonly score: number
  readonly time: number
}

/** One key after another. */
export class KeyAssembly {
  readonly #fail: (reason: string) => never
  #head: KeyHead | undefined
  /** The number that the next line must have. */
  #part = 0
  #builder: PartBuilder | undefined
  /** The member that was cut. */
  #cut: Member | undefined
  #text: ByteString = ''
  #ready: PortableEntry[] = []

  constructor(fail: (reason: string) => never) {
    this.#fail = fail
  }

  /** Whether a line said that there is more. */
  get isOpen(): boolean {
    return this.#head !== undefined
  }

  /** Takes a line, and gives the entries that are whole by it. */
  add(fields: Fields): readonly PortableEntry[] {
    for (const name in fields) {
      if (!NAMES.has(name)) this.#fail(`found an unknown name ${JSON.stringify(name.slice(0, 100))}`)
    }
    const head = this.#headOf(fields)
    const hasMore = this.#flag(fields, 'more')
    const isCut = this.#flag(fields, 'cut')
    if (isCut && !hasMore) this.#fail('found "cut" without "more"')
    if (head.type === 'string' && hasMore && !isCut) this.#fail('found "more" of a string that is not cut')
    this.#addMembers(fields, head.type, isCut)
    this.#part++
    if (!hasMore) this.#finish()
    const ready = this.#ready
    this.#ready = []
    return ready
  }

  #headOf(fields: Fields): KeyHead {
    const { db = 0, part = 0 } = fields
    const key = textOfJson(fields['key']) ?? this.#fail('expected a "key", text or {"base64": …}')
    if (key.length > KEY_BYTES_MAX)
      this.#fail(`found a key of ${key.length} bytes, expected at most ${KEY_BYTES_MAX}`)
    if (!isCount(db) || db > DATABASE_MAX) this.#fail(`expected "db" to be 0 to ${DATABASE_MAX}`)
    const type = fields['type']
    if (!isType(type)) this.#fail(`expected a "type": ${Object.keys(MEMBER_NAMES).join(', ')}`)
    const expireAt =
      'expireAt' in fields
        ? (timeOfJson(fields['expireAt'], EXPIRE_AT_MAX) ??
          this.#fail(`expected "expireAt" to be milliseconds, 1 to ${EXPIRE_AT_MAX}, or a time in ISO 8601`))
        : 0
    if (part !== this.#part) this.#fail(`expected "part" ${this.#part}: a line is gone, or in another place`)
    const before = this.#head
    if (before === undefined) this.#head = { db, key, type, expireAt }
    else if (before.db !== db || before.key !== key || before.type !== type || before.expireAt !== expireAt) {
      this.#fail('expected the same key, type and time as in the line before, which said that there is more')
    }
    return this.#head!
  }

  #addMembers(fields: Fields, type: PortableType, isCut: boolean): void {
    const wanted = this.#cut === undefined ? MEMBER_NAMES[type] : REST
    for (const name of CONTENT_NAMES) {
      if (name in fields !== (name === wanted)) this.#fail(`expected "${wanted}" and no other members`)
    }
    if (this.#cut !== undefined) {
      this.#addRest(this.#cut, fields[REST], type)
      if (isCut) return
      this.#addMember(this.#cut, type)
      this.#cut = undefined
      return
    }
    const items = type === 'string' ? [fields[wanted]] : fields[wanted]
    if (!Array.isArray(items) || items.length === 0)
      this.#fail(`expected "${wanted}" to be a list, not empty`)
    for (const [i, item] of (items as readonly unknown[]).entries()) {
      const member = this.#memberOf(item, type)
      if (isCut && i === items.length - 1) this.#cut = member
      else this.#addMember(member, type)
    }
  }

  #addRest(cut: Member, rest: unknown, type: PortableType): void {
    for (const [i, piece] of this.#textsOf(rest, type).entries()) {
      const pieces = cut.texts[i]!
      pieces.push(piece)
      // Once a line, and there are not many: a line has megabytes.
      const bytes = pieces.reduce((sum, { length }) => sum + length, 0)
      if (bytes > VALUE_BYTES_MAX) this.#fail(`found a text of ${bytes} bytes, expected ${VALUE_BYTES_MAX}`)
    }
  }

  /** The texts of a member of which nothing else is said. */
  #textsOf(item: unknown, type: PortableType): readonly ByteString[] {
    if (type !== 'hash') return [this.#textOf(item)]
    if (!Array.isArray(item) || item.length !== 2) this.#fail('expected a field and its value in a list')
    return (item as readonly unknown[]).map((text) => this.#textOf(text))
  }

  #textOf(item: unknown): ByteString {
    return textOfJson(item) ?? this.#fail('expected a text, or {"base64": …}')
  }

  #memberOf(item: unknown, type: PortableType): Member {
    switch (type) {
      case 'string':
      case 'list':
        return { texts: [[this.#textOf(item)]], score: 0, time: 0 }
      case 'set': {
        if (!Array.isArray(item)) return { texts: [[this.#textOf(item)]], score: 0, time: 0 }
        const [text, time] = this.#listOf(item, 2, 2)
        return { texts: [[this.#textOf(text)]], score: 0, time: this.#timeOf(time) }
      }
      case 'hash': {
        const [field, value, time] = this.#listOf(item, 2, 3)
        const texts = [[this.#textOf(field)], [this.#textOf(value)]]
        return { texts, score: 0, time: this.#timeOf(time) }
      }
      case 'zset': {
        const [text, score, time] = this.#listOf(item, 2, 3)
        return {
          texts: [[this.#textOf(text)]],
          score: scoreOfJson(score) ?? this.#fail('expected a score: a number, "inf", "-inf" or "-0"'),
          time: this.#timeOf(time),
        }
      }
    }
  }

  #listOf(item: unknown, min: number, max: number): readonly unknown[] {
    if (Array.isArray(item) && item.length >= min && item.length <= max) return item
    return this.#fail(`expected a member to be a list of ${min === max ? max : `${min} or ${max}`}`)
  }

  #timeOf(item: unknown): number {
    if (item === undefined) return 0
    const expected = `milliseconds, 1 to ${MEMBER_EXPIRE_AT_MAX}, or a time in ISO 8601`
    return (
      timeOfJson(item, MEMBER_EXPIRE_AT_MAX) ?? this.#fail(`expected the time of a member to be ${expected}`)
    )
  }

  #addMember({ texts, score, time }: Member, type: PortableType): void {
    const text = joined(texts[0]!)
    if (type === 'string') {
      this.#text = text
      return
    }
    const { db, key, expireAt } = this.#head!
    this.#builder ??= new PartBuilder({ db, key, expireAt, type })
    const builder = this.#builder
    if (type === 'list') builder.addElement(text)
    else if (type === 'set') builder.addMember(text, time)
    else if (type === 'hash') builder.addField(text, joined(texts[1]!), time)
    else builder.addScored(text, score, time)
    const closed = builder.takeClosed()
    if (closed !== undefined) this.#ready.push(closed)
  }

  /** The last line of the key was read. */
  #finish(): void {
    const { db, key, expireAt, type } = this.#head!
    if (type === 'string') {
      const value = { type, text: this.#text } as const
      this.#ready.push({ db, key, expireAt, part: 0, isLast: true, value })
    } else this.#ready.push(this.#builder!.finish())
    this.#head = undefined
    this.#builder = undefined
    this.#text = ''
    this.#part = 0
  }

  #flag(fields: Fields, name: string): boolean {
    const value = fields[name] ?? false
    return typeof value === 'boolean' ? value : this.#fail(`expected "${name}" to be true`)
  }
}

function joined(pieces: readonly ByteString[]): ByteString {
  return pieces.length === 1 ? pieces[0]! : pieces.join('')
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

function isType(value: unknown): value is PortableType {
  return typeof value === 'string' && Object.hasOwn(MEMBER_NAMES, value)
}
