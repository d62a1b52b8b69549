/**
 * Reads what DUMP of a Redis up to 7.2 has answered, so that RESTORE takes it: MIGRATE of such a server, and
 * programs that move keys, send nothing else.
 *
 * A payload holds a value in the same forms as an RDB file; they are read by the same sources. It is read
 * whole before the database is touched, and refused with Redis' words: what does not hold together, a member
 * that comes twice, a collection without members, and types that are not held (streams, modules).
 *
 * Tests: test/keyspace/portable/rdb/rdb-payload.test.ts
 * Source: Redis 7.2, src/cluster.c (restoreCommand), src/rdb.c.
 */
import { assert, ShardloomError } from '../../../base/index.ts'
import {
  BAD_PAYLOAD,
  type ByteString,
  type CollectionValue,
  HashValue,
  ListValue,
  makeCollection,
  openRdbPayload,
  type RestoredValue,
  SetValue,
  SortedSetValue,
  type ValueLimits,
} from '../../engine/index.ts'
import { ByteWindow, INCOMPLETE } from './byte-window.ts'
import { STRING } from './rdb-format.ts'
import { COLLECTION_FORMS, type CollectionForm, type MemberSink } from './rdb-members.ts'

/** The value of a payload. @throws ErrorReply */
export function readRdbPayload(payload: Uint8Array, limits: ValueLimits): RestoredValue {
  const window = new ByteWindow('payload')
  window.push(openRdbPayload(payload))
  try {
    const type = window.byte()
    const form = COLLECTION_FORMS.get(type)
    if (type !== STRING && form === undefined) throw BAD_PAYLOAD
    const restored = form === undefined ? stringOf(window) : collectionOf(form, window, limits)
    if (window.left > 0) throw BAD_PAYLOAD
    return restored
  } catch (thrown) {
    const isDamaged = thrown instanceof ShardloomError && thrown.code === 'SHL_IMPORT_INVALID'
    if (thrown === INCOMPLETE || isDamaged) throw BAD_PAYLOAD
    throw thrown
  }
}

function stringOf(window: ByteWindow): RestoredValue {
  return { type: 'string', value: window.text(), isRaw: false }
}

function collectionOf(
  { type, open }: CollectionForm,
  window: ByteWindow,
  limits: ValueLimits,
): RestoredValue {
  const value = makeCollection(type, limits)
  const sink = new ValueSink(value)
  const members = open(window)
  let count = 0
  while (members.addNext(sink)) count++
  if (count === 0 || value.size !== count) throw BAD_PAYLOAD
  return { type, value }
}

/** Adds members to a value. */
class ValueSink implements MemberSink {
  readonly #value: CollectionValue

  constructor(value: CollectionValue) {
    this.#value = value
  }

  addElement(text: ByteString): void {
    assert(this.#value instanceof ListValue, 'lists have elements')
    this.#value.pushRight(text)
  }

  addMember(text: ByteString): void {
    assert(this.#value instanceof SetValue, 'sets have members')
    this.#value.add(text, 0)
  }

  addField(field: ByteString, text: ByteString): void {
    assert(this.#value instanceof HashValue, 'hashes have fields')
    this.#value.set(field, text, 0)
  }

  addScored(member: ByteString, score: number): void {
    assert(this.#value instanceof SortedSetValue, 'sorted sets have scores')
    this.#value.set(member, score)
  }
}
