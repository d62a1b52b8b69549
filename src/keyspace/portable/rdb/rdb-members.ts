/**
 * The members of one collection in an RDB file, in each of the forms that it may have.
 *
 * A source gives one member at a time to a part, so that a large collection is never in memory as a whole,
 * but for one that Redis itself keeps in one piece. Where more bytes are needed it throws INCOMPLETE, and has
 * changed nothing by then: the same call is made again when they are there.
 *
 * Tests: test/keyspace/portable/rdb/rdb-members.test.ts, rdb-reader-redis.test.ts
 */
import { type ByteString, strtod } from '../../engine/index.ts'
import type { PartBuilder } from '../part-builder.ts'
import type { PortableType } from '../portable-entry.ts'
import type { ByteWindow } from './byte-window.ts'
import { Intset } from './intset.ts'
import { Listpack } from './listpack.ts'
import {
  HASH,
  HASH_LISTPACK,
  HASH_ZIPLIST,
  HASH_ZIPMAP,
  LIST,
  LIST_QUICKLIST,
  LIST_QUICKLIST_2,
  LIST_ZIPLIST,
  NODE_PACKED,
  NODE_PLAIN,
  SET,
  SET_INTSET,
  SET_LISTPACK,
  ZSET,
  ZSET_2,
  ZSET_LISTPACK,
  ZSET_ZIPLIST,
} from './rdb-format.ts'
import type { Fail, TextCursor } from './text-cursor.ts'
import { Ziplist } from './ziplist.ts'
import { Zipmap } from './zipmap.ts'

/** Takes the members of a collection: a part of an entry, or a value in the making. */
export type MemberSink = Pick<PartBuilder, 'addElement' | 'addMember' | 'addField' | 'addScored'>

/** Gives the members of a collection. */
export interface MemberSource {
  /** Adds the next one to a part; false: there is none. @throws INCOMPLETE, SHL_IMPORT_INVALID */
  addNext(part: MemberSink): boolean
}

/** A collection's type, and how it is read once the key is known. */
export interface CollectionForm {
  readonly type: Exclude<PortableType, 'string'>
  /** Reads as far as the first member. */
  open(window: ByteWindow): MemberSource
}

/** Collections by the number of their form. */
export const COLLECTION_FORMS: ReadonlyMap<number, CollectionForm> = new Map([
  [LIST, counted('list', (window, part) => part.addElement(window.text()))],
  [SET, counted('set', (window, part) => part.addMember(window.text()))],
  [HASH, counted('hash', (window, part) => part.addField(window.text(), window.text()))],
  [ZSET, counted('zset', (window, part) => part.addScored(window.text(), scoreText(window)))],
  [ZSET_2, counted('zset', (window, part) => part.addScored(window.text(), binaryScore(window)))],
  [HASH_ZIPMAP, inOnePiece('hash', Zipmap)],
  [LIST_ZIPLIST, inOnePiece('list', Ziplist)],
  [SET_INTSET, inOnePiece('set', Intset)],
  [ZSET_ZIPLIST, inOnePiece('zset', Ziplist)],
  [HASH_ZIPLIST, inOnePiece('hash', Ziplist)],
  [LIST_QUICKLIST, { type: 'list', open: (window) => new QuicklistSource(window, openZiplist) }],
  [HASH_LISTPACK, inOnePiece('hash', Listpack)],
  [ZSET_LISTPACK, inOnePiece('zset', Listpack)],
  [LIST_QUICKLIST_2, { type: 'list', open: (window) => new QuicklistSource(window, openNode) }],
  [SET_LISTPACK, inOnePiece('set', Listpack)],
])

type Type = CollectionForm['type']
type ReadMember = (window: ByteWindow, part: MemberSink) => void
type CursorClass = new (blob: Uint8Array, fail: Fail) => TextCursor
type OpenNode = (window: ByteWindow) => Pick<TextCursor, 'next'>

/** A number of members, one behind the other. */
function counted(type: Type, read: ReadMember): CollectionForm {
  return { type, open: (window) => new CountedSource(window, read) }
}

/** A string that holds them all. */
function inOnePiece(type: Type, Cursor: CursorClass): CollectionForm {
  return { type, open: (window) => new PieceSource(type, openPiece(window, Cursor)) }
}

function openPiece(window: ByteWindow, Cursor: CursorClass): TextCursor {
  const { offset } = window
  return new Cursor(window.blob(), (reason) => window.fail(reason, offset))
}

class CountedSource implements MemberSource {
  readonly #window: ByteWindow
  readonly #read: ReadMember
  #left: number

  constructor(window: ByteWindow, read: ReadMember) {
    this.#window = window
    this.#read = read
    this.#left = window.length()
  }

  addNext(part: MemberSink): boolean {
    if (this.#left === 0) return false
    this.#read(this.#window, part)
    this.#window.commit()
    this.#left--
    return true
  }
}

class PieceSource implements MemberSource {
  readonly #type: Type
  readonly #texts: TextCursor

  constructor(type: Type, texts: TextCursor) {
    this.#type = type
    this.#texts = texts
  }

  addNext(part: MemberSink): boolean {
    const text = this.#texts.next()
    if (text === undefined) return false
    switch (this.#type) {
      case 'list':
        part.addElement(text)
        return true
      case 'set':
        part.addMember(text)
        return true
      case 'hash':
        part.addField(text, this.#partner())
        return true
      case 'zset':
        part.addScored(text, this.#score())
        return true
    }
  }

  /** What belongs to the text before. */
  #partner(): ByteString {
    return this.#texts.next() ?? this.#texts.refuse('it has an odd number of entries')
  }

  #score(): number {
    const text = this.#partner()
    return scoreOf(text) ?? this.#texts.refuse(`found ${quoted(text)}, expected a score`)
  }
}

/** A list in pieces. */
class QuicklistSource implements MemberSource {
  readonly #window: ByteWindow
  readonly #open: OpenNode
  #nodesLeft: number
  #node: ReturnType<OpenNode> | undefined

  constructor(window: ByteWindow, open: OpenNode) {
    this.#window = window
    this.#open = open
    this.#nodesLeft = window.length()
  }

  addNext(part: MemberSink): boolean {
    for (;;) {
      const text = this.#node?.next()
      if (text !== undefined) {
        part.addElement(text)
        return true
      }
      this.#node = undefined
      if (this.#nodesLeft === 0) return false
      this.#node = this.#open(this.#window)
      this.#window.commit()
      this.#nodesLeft--
    }
  }
}

function openZiplist(window: ByteWindow): TextCursor {
  return openPiece(window, Ziplist)
}

/** A node of a newer list: a listpack, or a single element that is too large for one. */
function openNode(window: ByteWindow): ReturnType<OpenNode> {
  const kind = window.length()
  if (kind === NODE_PACKED) return openPiece(window, Listpack)
  if (kind !== NODE_PLAIN) window.fail(`found a list node of kind ${kind}, expected 1 or 2`)
  let text: ByteString | undefined = window.text()
  return {
    next() {
      const given = text
      text = undefined
      return given
    },
  }
}

const SCORE_NAN = 253
const SCORE_INFINITY = 254
const SCORE_MINUS_INFINITY = 255
const TEXT_SHOWN_MAX = 40

/** A score of the oldest form: a length and text, or one of three numbers. */
function scoreText(window: ByteWindow): number {
  const { offset } = window
  const length = window.byte()
  if (length === SCORE_INFINITY) return Number.POSITIVE_INFINITY
  if (length === SCORE_MINUS_INFINITY) return Number.NEGATIVE_INFINITY
  const text = length === SCORE_NAN ? 'nan' : window.raw(length)
  return scoreOf(text) ?? window.fail(`found ${quoted(text)}, expected a score`, offset)
}

function binaryScore(window: ByteWindow): number {
  const { offset } = window
  const score = window.double()
  return Number.isNaN(score) ? window.fail('found no number, expected a score', offset) : score
}

/** Undefined: it is none. */
function scoreOf(text: ByteString): number | undefined {
  const score = text === '' ? undefined : strtod(text)
  return Number.isNaN(score) ? undefined : score
}

function quoted(text: ByteString): string {
  return JSON.stringify(text.slice(0, TEXT_SHOWN_MAX))
}
