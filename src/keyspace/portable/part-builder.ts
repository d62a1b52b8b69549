/**
 * Collects the members of one collection, and cuts it into parts of bounded size.
 *
 * A part is closed when the member after it comes: only then is it known not to be the last one.
 *
 * Cost: an array entry a text. Tests: test/keyspace/portable/part-builder.test.ts
 */
import { assert } from '../../base/index.ts'
import type { ByteString } from '../engine/index.ts'
import {
  PART_BYTES_MAX,
  PART_MEMBERS_MAX,
  type PortableEntry,
  type PortableType,
  type PortableValue,
} from './portable-entry.ts'

/** What all parts of a key share. */
export interface PartHead {
  readonly db: number
  readonly key: ByteString
  readonly expireAt: number
  readonly type: Exclude<PortableType, 'string'>
}

/** The parts of one collection. */
export class PartBuilder {
  readonly head: PartHead
  #part = 0
  #texts: ByteString[] = []
  #values: ByteString[] = []
  #scores: number[] = []
  #times: number[] = []
  #hasTimes = false
  #bytes = 0
  #closed: PortableEntry | undefined

  constructor(head: PartHead) {
    this.head = head
  }

  /** Whether nothing was ever added. */
  get isEmpty(): boolean {
    return this.#part === 0 && this.#texts.length === 0
  }

  /** An element of a list. */
  addElement(text: ByteString): void {
    if (this.#texts.length >= PART_MEMBERS_MAX || this.#bytes >= PART_BYTES_MAX) this.#close(false)
    this.#texts.push(text)
    this.#bytes += text.length
  }

  addMember(text: ByteString, expireAt = 0): void {
    this.addElement(text)
    this.#addTime(expireAt)
  }

  addField(field: ByteString, value: ByteString, expireAt = 0): void {
    this.addElement(field)
    this.#values.push(value)
    this.#bytes += value.length
    this.#addTime(expireAt)
  }

  /** The score is not NaN. */
  addScored(member: ByteString, score: number, expireAt = 0): void {
    assert(!Number.isNaN(score), 'a score is a number')
    this.addElement(member)
    this.#scores.push(score)
    this.#addTime(expireAt)
  }

  /** The part that the last member closed, if it did. Ask after each one. */
  takeClosed(): PortableEntry | undefined {
    const closed = this.#closed
    this.#closed = undefined
    return closed
  }

  /** There are no more members: the last part. Something was added. */
  finish(): PortableEntry {
    assert(this.#closed === undefined && this.#texts.length > 0, 'a part has a member')
    this.#close(true)
    return this.takeClosed()!
  }

  #close(isLast: boolean): void {
    assert(this.#closed === undefined, 'a closed part is taken before the next one is')
    const { db, key, expireAt } = this.head
    this.#closed = { db, key, expireAt, part: this.#part++, isLast, value: this.#value() }
    this.#texts = []
    this.#values = []
    this.#scores = []
    this.#times = []
    this.#hasTimes = false
    this.#bytes = 0
  }

  #addTime(expireAt: number): void {
    this.#times.push(expireAt)
    if (expireAt !== 0) this.#hasTimes = true
  }

  #value(): PortableValue {
    const times = this.#hasTimes ? this.#times : undefined
    switch (this.head.type) {
      case 'list':
        return { type: 'list', elements: this.#texts }
      case 'set':
        return { type: 'set', members: this.#texts, times }
      case 'hash':
        return { type: 'hash', fields: this.#texts, values: this.#values, times }
      case 'zset':
        return { type: 'zset', members: this.#texts, scores: this.#scores, times }
    }
  }
}
