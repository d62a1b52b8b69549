/**
 * The records of one database: how a key is found, expires and is removed, and what is counted on the way.
 *
 * Every key has a record in the shard's key table, off the heap; the record of a string holds the string,
 * that of a collection the place of an object on the heap. `Database` adds what commands do with them.
 *
 * Invariants
 *   1. A key whose time has come is never seen: every look-up removes it first, and logs that.
 *   2. Records of one command carry one revision, which is above all before it.
 *
 * Cost: a look-up hashes the key once; repeated ones for the same key within a command are free.
 * Tests: test/keyspace/engine/database.test.ts, test/keyspace/engine/database.prop.test.ts
 */
import type { Random } from '../../base/index.ts'
import type { KeyTableWriter, RecordRef } from '../../memory/index.ts'
import type { ByteString } from './byte-string.ts'
import type { CollectionType, CollectionValue, ValueLimits } from './collection.ts'
import type { ExpiryIndex } from './expiry-index.ts'
import type { InPlace } from './in-place.ts'
import { KeyExpiry } from './key-expiry.ts'
import { ObjectPool } from './object-pool.ts'
import { type ErrorReply, err } from './reply.ts'

/** What a key may hold, by Redis' names. */
export type ValueType = 'string' | CollectionType

/** Numbers of the types in records. They are stored: never change one. */
export const TYPE_NAMES: readonly ValueType[] = ['string', 'list', 'set', 'zset', 'hash']
export const STRING = 0

/** In a page of the key table a key has to fit, with its header. Redis takes keys as long as values. */
const KEY_TOO_LONG: ErrorReply = err('key exceeds maximum allowed size')

/** What a database asks of its shard. */
export interface DatabaseHost {
  readonly random: Random
  readonly limits: ValueLimits
  /** Wall-clock milliseconds, the same throughout one command. */
  readonly nowMs: number
  /** The revision of the command that runs; drawn when it first changes something. */
  revision(): number
  /** A revision for what is no command of its own. */
  drawRevision(): number
  /** The command changed this key. */
  onChanged(db: KeyRecords, key: ByteString, event: string): void
  /** The shard removed this key itself: its time had come, or memory was short. */
  onRemoved(db: KeyRecords, key: ByteString, event: 'expired' | 'evicted'): void
  /**
   * The shard removed members of a collection, whose time had come; with the last of them (`isLast`), the
   * key.
   */
  onMembersExpired(
    db: KeyRecords,
    key: ByteString,
    type: CollectionType,
    members: readonly ByteString[],
    isLast: boolean,
  ): void
  /** A key is there that was not before. */
  onNew(db: KeyRecords, key: ByteString): void
  /** A key was looked for. */
  onLookup(db: KeyRecords, key: ByteString, isFound: boolean): void
  /** The access clock to store for a key that was read; see `access-clock.ts`. */
  touched(accessClock: number): number
  /** The access clock of a new key. */
  firstTouch(): number
}

/** The records of one database. */
export class KeyRecords {
  /** The number by which SELECT names it; SWAPDB changes it. */
  index: number
  /** The number that it was made with: what the index of expiries knows it by. */
  readonly id: number
  readonly table: KeyTableWriter
  protected readonly host: DatabaseHost
  protected readonly expiry: KeyExpiry
  protected readonly objects = new ObjectPool()
  /** Whether look-ups count as accesses of the key: not for OBJECT, TTL, SCAN and the like. */
  touches = true
  protected lastKey: ByteString | undefined
  protected lastRef: RecordRef = 0
  /** What `findInPlace` has found. */
  #found: CollectionValue | undefined
  #foundRef: RecordRef = 0
  /** Keys whose collections the command that runs has made: one that it then left empty must go. */
  protected readonly fresh: ByteString[] = []

  constructor(index: number, table: KeyTableWriter, expiry: ExpiryIndex, host: DatabaseHost) {
    this.index = index
    this.id = index
    this.table = table
    this.expiry = new KeyExpiry(expiry, index, table, this.objects)
    this.host = host
  }

  get nowMs(): number {
    return this.host.nowMs
  }

  get random(): Random {
    return this.host.random
  }

  get limits(): ValueLimits {
    return this.host.limits
  }

  /** The number of keys with an expiry. */
  get volatileCount(): number {
    return this.expiry.volatileCount
  }

  /** Keys, those included whose time has come and that nobody has looked at yet. */
  get size(): number {
    return this.table.count
  }

  /** Estimated bytes of collections on the heap. */
  get heapBytes(): number {
    return this.objects.bytes
  }

  /**
   * The record of a key, given as bytes, that holds a string and has no expiry; 0: there is no such key; -1:
   * it is of another kind, and wants the long way.
   */
  findPlain(bytes: Uint8Array, offset: number, length: number): RecordRef {
    const { table } = this
    if (length > table.keyBytesMax) return -1
    const ref = table.findBytes(bytes, offset, length)
    if (ref === 0) return 0
    if (table.typeOf(ref) !== STRING || table.expireAt(ref) !== 0) return -1
    this.touch(ref)
    return ref
  }

  /** Puts a string where there is one that never expires, or nothing; false: it wants the long way. */
  putPlain(
    bytes: Uint8Array,
    keyOffset: number,
    keyLength: number,
    valueOffset: number,
    valueLength: number,
    revision: number,
  ): boolean {
    const clock = this.host.firstTouch()
    const ref = this.table.putPlainBytes(
      bytes,
      keyOffset,
      keyLength,
      valueOffset,
      valueLength,
      revision,
      clock,
    )
    if (ref === 0) return false
    this.lastKey = undefined
    return true
  }

  /** Adds to an integer where there is one that never expires, or nothing; NaN: it wants the long way. */
  addPlain(bytes: Uint8Array, keyOffset: number, keyLength: number, step: number, revision: number): number {
    this.lastKey = undefined
    const clock = this.host.firstTouch()
    return this.table.addPlainBytes(bytes, keyOffset, keyLength, step, revision, clock)
  }

  /**
   * Finds a collection for `changeFound`, which is called next: that of a key, given as bytes, that never
   * expires, nor does any member. False: it is not so.
   */
  findInPlace(bytes: Uint8Array, offset: number, length: number, type: CollectionType): boolean {
    const { table } = this
    const ref = length > table.keyBytesMax ? 0 : table.findBytes(bytes, offset, length)
    if (ref === 0 || TYPE_NAMES[table.typeOf(ref)] !== type || table.expireAt(ref) !== 0) return false
    const value = this.objects.get(table.objectOf(ref))
    if (value.nextExpiry !== Number.POSITIVE_INFINITY) return false
    this.#found = value
    this.#foundRef = ref
    return true
  }

  /** Runs `inPlace` on what was found: what `run` gives. */
  changeFound(inPlace: InPlace, argv: readonly ByteString[]): number {
    const { table } = this
    const ref = this.#foundRef
    const done = inPlace.run(this.#found!, argv, this.nowMs)
    this.#found = undefined
    if (Number.isNaN(done)) return done
    this.touch(ref)
    if (done >= 0) {
      table.setRevision(ref, this.host.drawRevision())
      this.objects.recount(table.objectOf(ref))
    }
    return done
  }

  /** Removes the keys with this hash whose time has come, and members of theirs; how many. */
  expireHash(hash: number): number {
    const { table } = this
    const due: ByteString[] = []
    table.findByHash(hash, (ref) => {
      const expireAt = table.expireAt(ref)
      const isDue = expireAt !== 0 && expireAt <= this.nowMs
      if (isDue || (table.typeOf(ref) !== STRING && this.objects.dueAt(table.objectOf(ref)) <= this.nowMs)) {
        due.push(table.keyOf(ref))
      }
    })
    const { touches } = this
    this.touches = false
    for (const key of due) {
      const ref = this.findRecord(key)
      if (ref !== 0 && table.typeOf(ref) !== STRING) {
        this.expireMembers(key, this.objects.get(table.objectOf(ref)))
      }
    }
    this.touches = touches
    return due.length
  }

  /** A record with this hash that has an expiry; 0: none. */
  volatileWithHash(hash: number): RecordRef {
    return this.expiry.volatileWithHash(hash)
  }

  /** Whether something with this hash expires at just this time: see `ExpiryIndex.sweep`. */
  expiresAt(hash: number, atMs: number): boolean {
    return this.expiry.isLive(hash, atMs)
  }

  /** Removes a key to make room. */
  evict(key: ByteString): boolean {
    const ref = this.findRecord(key)
    if (ref === 0) return false
    this.removeRecord(ref)
    this.host.onRemoved(this, key, 'evicted')
    return true
  }

  /** Empties the database; the table's memory is given back by the table. */
  clear(): void {
    this.table.clear()
    this.objects.clear()
    this.expiry.onCleared()
    this.lastKey = undefined
  }

  /** A command has ended: collections that it made and did not fill are removed, unseen. */
  settle(): void {
    if (this.fresh.length > 0) this.#settleFresh()
  }

  #settleFresh(): void {
    for (const key of this.fresh) {
      const ref = this.findRecord(key)
      if (ref === 0 || this.table.typeOf(ref) === STRING) continue
      if (this.objects.get(this.table.objectOf(ref)).size === 0) this.removeRecord(ref)
    }
    this.fresh.length = 0
  }

  /** Forgets which key was looked at last: the table was changed by other ways. */
  forget(): void {
    this.lastKey = undefined
  }

  /** The record of a key that is alive; 0 when there is none. Counts as an access. */
  protected findRecord(key: ByteString): RecordRef {
    if (key === this.lastKey) return this.lastRef
    const { table } = this
    const ref = table.find(key)
    if (ref !== 0) {
      const expireAt = table.expireAt(ref)
      if (expireAt !== 0 && expireAt <= this.host.nowMs) {
        this.removeRecord(ref)
        this.host.onRemoved(this, key, 'expired')
        return this.#missed(key)
      }
      if (this.touches) {
        this.touch(ref)
        this.host.onLookup(this, key, true)
      }
      this.remember(key, ref)
      return ref
    }
    return this.#missed(key)
  }

  /** A key was used. */
  protected touch(ref: RecordRef): void {
    const { table } = this
    const clock = table.accessClock(ref)
    const touched = this.host.touched(clock)
    // Most uses find the clock of this second: who reads the same line in another thread is not disturbed.
    if (touched !== clock) table.setAccessClock(ref, touched)
  }

  /** There is no such key: counted once, however often the command looks. */
  #missed(key: ByteString): RecordRef {
    if (this.touches) this.host.onLookup(this, key, false)
    this.remember(key, 0)
    return 0
  }

  protected remember(key: ByteString, ref: RecordRef): void {
    this.lastKey = key
    this.lastRef = ref
  }

  /** Removes members whose time has come, and the key with the last one; false when the key is gone. */
  expireMembers(key: ByteString, value: CollectionValue): boolean {
    const members = value.takeExpired(this.nowMs, this.limits.membersPerSlice)
    if (members.length > 0) {
      const type = TYPE_NAMES[this.table.typeOf(this.findRecord(key))] as CollectionType
      const isLast = value.size === 0
      this.host.onMembersExpired(this, key, type, members, isLast)
      // Not `changed`: a command that only reads has changed nothing, and is not logged.
      this.settleChange(key)
    }
    return value.size > 0
  }

  protected applyExpireAt(ref: RecordRef, expireAtMs: number): void {
    const old = this.table.expireAt(ref)
    this.table.setExpireAt(ref, expireAtMs)
    this.expiry.onChanged(ref, old, expireAtMs)
  }

  /**
   * A longer key is never found, and cannot be made. What takes something from elsewhere, or makes several
   * keys, asks before it changes anything. @throws ErrorReply
   */
  checkKey(key: ByteString): void {
    if (key.length > this.table.keyBytesMax) throw KEY_TOO_LONG
  }

  /**
   * A change was reported: stamps the key, counts its memory, removes an empty collection. True: it is gone.
   */
  protected settleChange(key: ByteString): boolean {
    const ref = this.findRecord(key)
    if (ref === 0) return false
    const { table } = this
    table.setRevision(ref, this.host.revision())
    if (table.typeOf(ref) === STRING) return false
    const id = table.objectOf(ref)
    const value = this.objects.get(id)
    if (value.size > 0) {
      this.objects.recount(id)
      this.expiry.onMembersChanged(ref, id, value.nextExpiry)
      return false
    }
    this.removeRecord(ref)
    return true
  }

  protected removeRecord(ref: RecordRef): void {
    const { table } = this
    this.expiry.onRemoved(ref)
    if (table.typeOf(ref) !== STRING) this.objects.remove(table.objectOf(ref))
    table.remove(ref)
    this.lastKey = undefined
  }
}
