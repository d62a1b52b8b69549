/**
 * One numbered database of a shard: its keys, what they hold, when they expire.
 *
 * Every key has a record in the shard's key table, off the heap; the record of a string holds the string,
 * that of a collection the place of an object on the heap. All that a command does to a key goes through
 * here, so that expiry is exact, collections that become empty vanish, memory is counted, and each change
 * gets its revision, in one place.
 *
 * Invariants
 *   1. A key whose time has come is never seen: every look-up removes it first, and logs that.
 *   2. No collection is empty after `changed`.
 *   3. Records of one command carry one revision, which is above all before it.
 *
 * Cost: a look-up hashes the key once; repeated ones for the same key within a command are free.
 * Tests: test/keyspace/engine/database.test.ts, test/keyspace/engine/database.prop.test.ts
 */
import type { RecordRef } from '../../memory/index.ts'
import { type Argument, type ByteString, VALUE_BYTES_MAX } from './byte-string.ts'
import { type CollectionType, type CollectionValue, makeCollection } from './collection.ts'
import { KeyRecords, STRING, TYPE_NAMES, type ValueType } from './key-records.ts'
import { type ErrorReply, err, WRONG_TYPE } from './reply.ts'
import type { HashValue } from './values/hash-value.ts'
import type { ListValue } from './values/list-value.ts'
import type { SetValue } from './values/set-value.ts'
import type { SortedSetValue } from './values/sorted-set-value.ts'

const LIST = 1
const SET = 2
const SORTED_SET = 3
const HASH = 4

/** How `setString` treats what was there. */
export interface SetStringOptions {
  /** Keeps the expiry of the key. Default: it has none afterwards. */
  readonly keepTtl?: boolean
  /** Wall-clock milliseconds at which the key expires. */
  readonly expireAt?: number
}

/** One database of one shard. */
export class Database extends KeyRecords {
  // Keys of any type.

  exists(key: ByteString): boolean {
    return this.findRecord(key) !== 0
  }

  typeOf(key: ByteString): ValueType | undefined {
    const ref = this.findRecord(key)
    return ref === 0 ? undefined : TYPE_NAMES[this.table.typeOf(ref)]
  }

  /** Removes a key and says so; false when there is none. `event` is its keyspace event. */
  delete(key: ByteString, event = 'del'): boolean {
    const ref = this.findRecord(key)
    if (ref === 0) return false
    this.removeRecord(ref)
    this.host.onChanged(this, key, event)
    return true
  }

  /** Wall-clock milliseconds; 0: never; undefined: no such key. */
  expireAt(key: ByteString): number | undefined {
    const ref = this.findRecord(key)
    return ref === 0 ? undefined : this.table.expireAt(ref)
  }

  /** Sets when a key expires, 0 for never; false when there is no such key. Does not report a change. */
  setExpireAt(key: ByteString, expireAtMs: number): boolean {
    const ref = this.findRecord(key)
    if (ref === 0) return false
    this.applyExpireAt(ref, expireAtMs)
    return true
  }

  /** The revision of the last change of a key; undefined when there is none. */
  revisionOf(key: ByteString): number | undefined {
    const ref = this.findRecord(key)
    return ref === 0 ? undefined : this.table.revision(ref)
  }

  /** Says of what revision a key is that came from elsewhere. */
  stampRevision(key: ByteString, revision: number): void {
    const ref = this.findRecord(key)
    if (ref !== 0) this.table.setRevision(ref, revision)
  }

  /** The access clock of a key, as `access-clock.ts` reads it; does not count as an access. */
  accessClockOf(key: ByteString): number | undefined {
    const ref = this.findRecord(key)
    return ref === 0 ? undefined : this.table.accessClock(ref)
  }

  setAccessClock(key: ByteString, clock: number): void {
    const ref = this.findRecord(key)
    if (ref !== 0) this.table.setAccessClock(ref, clock)
  }

  /** Bytes that a key and its value take, as estimated; undefined: no such key. */
  bytesOf(key: ByteString): number | undefined {
    const { table } = this
    const ref = this.findRecord(key)
    if (ref === 0) return undefined
    const recordBytes = table.arena.blockBytes(ref)
    if (table.typeOf(ref) !== STRING) return recordBytes + this.objects.get(table.objectOf(ref)).bytes
    // What is longer than its record lies beside it.
    const valueBytes = table.valueLength(ref)
    return valueBytes > recordBytes ? recordBytes + valueBytes : recordBytes
  }

  /** A key picked at random, among those that are alive; undefined when there is none. */
  randomKey(): ByteString | undefined {
    // As Redis does: many keys in a row may be dead, and there may be no other.
    for (let tries = 0; tries < 100 && this.table.count > 0; tries++) {
      const key = this.table.keyOf(this.table.sample(this.random))
      if (this.exists(key)) return key
    }
    return undefined
  }

  /**
   * Visits keys in the order of their hashes, from `cursor` on, until about `count` were seen. Returns where
   * to go on; 0 at the end. A key that is there from the first step to the last is visited at least once.
   */
  scan(cursor: number, count: number, visit: (key: ByteString, hash: number) => void): number {
    const { table } = this
    const now = this.nowMs
    return table.scan(cursor, count, (ref) => {
      const expireAt = table.expireAt(ref)
      if (expireAt === 0 || expireAt > now) visit(table.keyOf(ref), table.hashOf(ref))
    })
  }

  /** The same, with keys whose time has come and that nobody has looked at since. */
  scanAll(cursor: number, count: number, visit: (key: ByteString) => void): number {
    return this.table.scan(cursor, count, (ref) => visit(this.table.keyOf(ref)))
  }

  /**
   * The command changed a key: stamps its revision, counts its memory, tells watchers. A collection that has
   * become empty is removed, and `del` is reported after the event.
   */
  changed(key: ByteString, event: string): void {
    if (this.fresh.length > 0) this.#tellFresh(key)
    this.host.onChanged(this, key, event)
    if (this.settleChange(key)) this.host.onChanged(this, key, 'del')
  }

  // Strings.

  /** @throws WRONG_TYPE */
  string(key: ByteString): ByteString | undefined {
    const ref = this.#findString(key)
    return ref === 0 ? undefined : this.table.valueString(ref)
  }

  /** The same as bytes, a private copy. @throws WRONG_TYPE */
  stringBytes(key: ByteString): Uint8Array | undefined {
    const ref = this.#findString(key)
    return ref === 0 ? undefined : this.table.valueBytes(ref)
  }

  /** Bytes of the value; 0 when there is no key. @throws WRONG_TYPE */
  stringLength(key: ByteString): number {
    const ref = this.#findString(key)
    return ref === 0 ? 0 : this.table.valueLength(ref)
  }

  /** The bytes from `start` to before `end`, both within the value. @throws WRONG_TYPE */
  stringSlice(key: ByteString, start: number, end: number): ByteString {
    const ref = this.#findString(key)
    return ref === 0 ? '' : this.table.valueSlice(ref, start, end)
  }

  /** Whether the string was appended to or written into: OBJECT ENCODING then says `raw`. */
  isRawString(key: ByteString): boolean {
    const ref = this.#findString(key)
    return ref !== 0 && this.table.isRaw(ref)
  }

  /** Makes a string one that was written into: for copies of such. */
  markRaw(key: ByteString): void {
    const ref = this.#findString(key)
    // Nothing, written at its end: no other way leads to the mark.
    if (ref !== 0) this.remember(key, this.table.append(ref, ''))
  }

  /** Puts a string in the place of whatever is there. */
  setString(key: ByteString, value: Argument, options: SetStringOptions = {}): void {
    checkLength(value.length)
    this.checkKey(key)
    const { table } = this
    let ref = this.findRecord(key)
    const isNew = ref === 0
    const old = isNew ? 0 : table.expireAt(ref)
    if (!isNew && table.typeOf(ref) !== STRING) {
      const id = table.objectOf(ref)
      this.expiry.onCollectionRemoved(id)
      this.objects.remove(id)
    }
    const expireAt = options.keepTtl === true ? old : (options.expireAt ?? 0)
    ref = table.putString(key, value, { expireAt, revision: this.host.revision() })
    // One whose time has passed is not there for the rest of its transaction either.
    if (expireAt === 0 || expireAt > this.nowMs) this.remember(key, ref)
    else this.lastKey = undefined
    this.expiry.onChanged(ref, old, expireAt)
    table.setAccessClock(ref, this.host.firstTouch())
    if (isNew) this.host.onNew(this, key)
  }

  /** Appends, to nothing if there is no key; the new length. @throws WRONG_TYPE */
  append(key: ByteString, value: Argument): number {
    const ref = this.#findString(key)
    if (ref === 0) {
      this.setString(key, value)
      return value.length
    }
    checkLength(this.table.valueLength(ref) + value.length)
    const moved = this.table.append(ref, value)
    this.remember(key, moved)
    return this.table.valueLength(moved)
  }

  /**
   * Writes into a string at an offset, over zeros where it was shorter; the new length. @throws WRONG_TYPE
   */
  overwrite(key: ByteString, offset: number, value: Argument): number {
    let ref = this.#findString(key)
    checkLength(offset + value.length)
    if (ref === 0) {
      this.setString(key, '')
      ref = this.findRecord(key)
    }
    const moved = this.table.overwrite(ref, offset, value)
    this.remember(key, moved)
    return this.table.valueLength(moved)
  }

  // Collections: those that exist, or new ones. Report what was done to them with `changed`.

  /** @throws WRONG_TYPE */
  hash(key: ByteString): HashValue | undefined {
    return this.#collection(key, HASH) as HashValue | undefined
  }

  /** @throws WRONG_TYPE */
  hashOrNew(key: ByteString): HashValue {
    return this.#collectionOrNew(key, HASH) as HashValue
  }

  /** @throws WRONG_TYPE */
  list(key: ByteString): ListValue | undefined {
    return this.#collection(key, LIST) as ListValue | undefined
  }

  /** @throws WRONG_TYPE */
  listOrNew(key: ByteString): ListValue {
    return this.#collectionOrNew(key, LIST) as ListValue
  }

  /** @throws WRONG_TYPE */
  set(key: ByteString): SetValue | undefined {
    return this.#collection(key, SET) as SetValue | undefined
  }

  /** @throws WRONG_TYPE */
  setOrNew(key: ByteString): SetValue {
    return this.#collectionOrNew(key, SET) as SetValue
  }

  /** @throws WRONG_TYPE */
  sortedSet(key: ByteString): SortedSetValue | undefined {
    return this.#collection(key, SORTED_SET) as SortedSetValue | undefined
  }

  /** @throws WRONG_TYPE */
  sortedSetOrNew(key: ByteString): SortedSetValue {
    return this.#collectionOrNew(key, SORTED_SET) as SortedSetValue
  }

  /** The collection of a key, whatever its type; undefined for strings and missing keys. */
  collection(key: ByteString): CollectionValue | undefined {
    const ref = this.findRecord(key)
    if (ref === 0 || this.table.typeOf(ref) === STRING) return undefined
    return this.objects.get(this.table.objectOf(ref))
  }

  /** Puts a collection in the place of whatever is there, without an expiry unless given. Not empty. */
  putCollection(key: ByteString, type: CollectionType, value: CollectionValue, expireAt = 0): void {
    this.checkKey(key)
    const ref = this.findRecord(key)
    if (ref !== 0) this.removeRecord(ref)
    const id = this.objects.add(value)
    const put = this.table.putObject(key, TYPE_NAMES.indexOf(type), id)
    this.remember(key, put)
    this.table.setAccessClock(put, this.host.firstTouch())
    this.table.setRevision(put, this.host.revision())
    if (expireAt !== 0) this.applyExpireAt(put, expireAt)
    this.expiry.onMembersChanged(put, id, value.nextExpiry)
    if (ref === 0) this.host.onNew(this, key)
  }

  /**
   * Gives what a key holds, with its expiry, to another key, in the place of whatever that holds; there must
   * be such a key. Does not report a change. @throws ErrorReply when the name is too long
   */
  move(from: ByteString, target: Database, to: ByteString): void {
    target.checkKey(to)
    const ref = this.findRecord(from)
    const expireAt = this.table.expireAt(ref)
    const type = TYPE_NAMES[this.table.typeOf(ref)] as ValueType
    if (type === 'string') {
      const value = this.table.valueBytes(ref)
      const isRaw = this.table.isRaw(ref)
      this.removeRecord(ref)
      target.setString(to, value, { expireAt })
      if (isRaw) target.markRaw(to)
      return
    }
    const value = this.objects.get(this.table.objectOf(ref))
    this.removeRecord(ref)
    target.putCollection(to, type, value, expireAt)
  }

  // For the shard itself.

  /** Empties the database because a command said so. The event names no key. */
  flush(): void {
    if (this.size === 0) return
    this.clear()
    this.host.onChanged(this, '', 'flushdb')
  }

  /** A collection that was made for a key has members now. */
  #tellFresh(key: ByteString): void {
    const at = this.fresh.indexOf(key)
    if (at < 0 || this.collection(key)?.size === 0) return
    this.fresh.splice(at, 1)
    this.host.onNew(this, key)
  }

  #findString(key: ByteString): RecordRef {
    const ref = this.findRecord(key)
    if (ref !== 0 && this.table.typeOf(ref) !== STRING) throw WRONG_TYPE
    return ref
  }

  #collection(key: ByteString, type: number): CollectionValue | undefined {
    const ref = this.findRecord(key)
    if (ref === 0) return undefined
    if (this.table.typeOf(ref) !== type) throw WRONG_TYPE
    const value = this.objects.get(this.table.objectOf(ref))
    while (value.nextExpiry <= this.nowMs) {
      if (!this.expireMembers(key, value)) return undefined
      // Ranks count what is due, so that of a sorted set all has to go. The others hide it until the next
      // look.
      if (type !== SORTED_SET) break
    }
    return value
  }

  #collectionOrNew(key: ByteString, type: number): CollectionValue {
    const found = this.#collection(key, type)
    if (found !== undefined) return found
    this.checkKey(key)
    const name = TYPE_NAMES[type] as CollectionType
    const value = makeCollection(name, this.limits)
    const ref = this.table.putObject(key, type, this.objects.add(value))
    this.table.setAccessClock(ref, this.host.firstTouch())
    this.remember(key, ref)
    this.fresh.push(key)
    return value
  }
}

function checkLength(lengthBytes: number): void {
  if (lengthBytes > VALUE_BYTES_MAX) throw TOO_LONG
}

const TOO_LONG: ErrorReply = err('string exceeds maximum allowed size (proto-max-bulk-len)')
