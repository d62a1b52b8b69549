/**
 * Reads an RDB file, a snapshot as Redis writes it: versions 1 to 11, which is up to Redis 7.2.
 *
 * The file comes in chunks of any size and is read in steps, each of which either has all of its bytes or is
 * done again later (`byte-window.ts`). What is given out are batches of entries; between two of them nothing
 * is read ahead. What stands before damage is given out before the error is thrown, which is the last thing
 * that happens; whether a file is whole is therefore known only at its end.
 *
 * Cost: about 0.2 µs a small key, with the checksum, on one core. Memory: a batch, and what Redis keeps in
 * one piece: a string, a member, a node of a list, a small collection.
 * Tests: test/keyspace/portable/rdb/rdb-reader.test.ts, rdb-reader.crash.test.ts,
 * rdb-reader.prop.test.ts, rdb-reader-redis.test.ts
 * Source: Redis 7.2, src/rdb.c. The format: docs/formats/rdb.md.
 */
import { type ByteString, KEY_BYTES_MAX } from '../../engine/index.ts'
import { EntryBatch } from '../entry-batch.ts'
import { PartBuilder } from '../part-builder.ts'
import { EXPIRE_AT_MAX, type PortableEntry, type SkippedItem, type SkippedKind } from '../portable-entry.ts'
import { ByteWindow, INCOMPLETE } from './byte-window.ts'
import {
  AUX,
  CHECKSUM_VERSION,
  EOF,
  EXPIRETIME,
  EXPIRETIME_MS,
  FREQ,
  FUNCTION_PRE_GA,
  FUNCTION2,
  IDLE,
  MAGIC,
  MODULE_2,
  MODULE_AUX,
  MODULE_PRE_GA,
  MODULE_UNSIGNED,
  moduleName,
  RESIZEDB,
  SELECTDB,
  SLOT_INFO,
  STRING,
  VERSION_DIGITS,
  VERSION_MAX,
} from './rdb-format.ts'
import { COLLECTION_FORMS, type CollectionForm, type MemberSource } from './rdb-members.ts'
import { RdbSkip, type Shape, STREAM_SHAPES } from './rdb-skip.ts'

/** How a file is read. */
export interface RdbReaderOptions {
  /** What the file is called in errors. */
  readonly source: string
  /** Told of what cannot be held, when it is met. */
  readonly onSkipped?: (item: SkippedItem) => void
}

/** What a file was, as far as it was read. */
export interface RdbSummary {
  /** Of the format; 0 before it was read. */
  readonly version: number
  /** Of the Redis that wrote it; empty where the file does not say. */
  readonly redisVersion: string
  /** Keys that were given out whole. */
  readonly keys: number
  readonly skipped: number
  readonly bytes: number
  /** Whether the end has come, and its checksum was right, or none was made. */
  readonly isWhole: boolean
  readonly hasChecksum: boolean
}

const DATABASE_MAX = 2 ** 31 - 1
/** Of a key that is too long. */
const KEY_SHOWN_MAX = 100
const REDIS_VERSION = 'redis-ver'
const REDIS_VERSION_BYTES_MAX = 64

/** What comes next, where it is not a key. */
type Place = 'magic' | 'entries' | 'checksum' | 'end'

/** One reading of one file. */
export class RdbReader {
  readonly #window: ByteWindow
  readonly #onSkipped: ((item: SkippedItem) => void) | undefined
  readonly #batch = new EntryBatch()
  #place: Place = 'magic'
  #db = 0
  #expireAt = 0
  /** The collection that is being read. */
  #part: PartBuilder | undefined
  #members: MemberSource | undefined
  /** Whether it is walked over, since its key is too long. */
  #isDropped = false
  #skip: RdbSkip | undefined
  #failure: unknown

  #version = 0
  #redisVersion = ''
  #keys = 0
  #skipped = 0
  #hasChecksum = false

  constructor(options: RdbReaderOptions) {
    this.#window = new ByteWindow(options.source)
    this.#onSkipped = options.onSkipped
  }

  get summary(): RdbSummary {
    return {
      version: this.#version,
      redisVersion: this.#redisVersion,
      keys: this.#keys,
      skipped: this.#skipped,
      bytes: this.#window.offset,
      isWhole: this.#place === 'end' && this.#failure === undefined,
      hasChecksum: this.#hasChecksum,
    }
  }

  /**
   * The entries of the file, in its order. A chunk may be used again when the next one is asked for.
   * @throws SHL_IMPORT_INVALID
   */
  async *read(
    chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  ): AsyncGenerator<readonly PortableEntry[], void, undefined> {
    const window = this.#window
    for await (const chunk of chunks) {
      if (window.push(chunk)) {
        for (let batch = this.#next(); batch !== undefined; batch = this.#next()) yield batch
      }
      window.keep()
    }
    if (!this.#batch.isEmpty) yield this.#batch.take()
    if (this.#place !== 'end') this.#failAtEnd()
  }

  /** A full batch; undefined: more bytes are needed. */
  #next(): readonly PortableEntry[] | undefined {
    if (this.#failure !== undefined) throw this.#failure
    try {
      while (!this.#batch.isFull) this.#step()
    } catch (thrown) {
      if (thrown === INCOMPLETE) {
        this.#window.rewind()
        return undefined
      }
      this.#failure = thrown
      if (this.#batch.isEmpty) throw thrown
    }
    return this.#batch.take()
  }

  #failAtEnd(): never {
    this.#failure = 'cut'
    const { offset, left } = this.#window
    this.#window.fail('the file ends here, expected more of it', offset + left)
  }

  /** Reads on, as far as belongs together. @throws INCOMPLETE, having changed nothing, or having committed */
  #step(): void {
    if (this.#members !== undefined) this.#stepMember(this.#members, this.#part!)
    else if (this.#skip !== undefined) this.#stepSkip(this.#skip)
    else if (this.#place === 'entries') this.#stepEntry()
    else if (this.#place === 'magic') this.#stepMagic()
    else if (this.#place === 'checksum') this.#stepChecksum()
    else this.#stepEnd()
  }

  #stepMagic(): void {
    const window = this.#window
    const head = window.raw(MAGIC.length + VERSION_DIGITS)
    if (!head.startsWith(MAGIC)) window.fail(`found no RDB file, expected it to begin with ${MAGIC}`, 0)
    const digits = head.slice(MAGIC.length)
    const version = /^\d+$/.test(digits) ? Number(digits) : 0
    if (version < 1 || version > VERSION_MAX) {
      const found = JSON.stringify(digits)
      window.fail(`found version ${found}, expected 1 to ${VERSION_MAX} (Redis 7.2)`, MAGIC.length)
    }
    this.#version = version
    this.#place = 'entries'
    window.commit()
  }

  /** An attribute, or the beginning of a key. */
  #stepEntry(): void {
    const window = this.#window
    const { offset } = window
    const type = window.byte()
    if (type === STRING) this.#stepString()
    else if (type < SLOT_INFO) this.#stepKey(type, offset)
    else this.#stepAttribute(type, offset)
    window.commit()
  }

  #stepString(): void {
    const key = this.#window.text()
    const text = this.#window.text()
    const expireAt = this.#expireAt
    this.#expireAt = 0
    if (key.length > KEY_BYTES_MAX) {
      this.#report('key', key, 'string')
      return
    }
    this.#keys++
    this.#batch.add({
      db: this.#db,
      key,
      expireAt,
      part: 0,
      isLast: true,
      value: { type: 'string', text },
    })
  }

  #stepKey(type: number, offset: number): void {
    const window = this.#window
    const form = COLLECTION_FORMS.get(type)
    const stream = STREAM_SHAPES.get(type)
    if (form !== undefined) this.#beginCollection(form)
    else if (stream !== undefined) this.#beginOther('stream', window.text(), '', stream)
    else if (type === MODULE_2) {
      const key = window.text()
      this.#beginOther('module', key, moduleName(window.bigLength()), ['module'])
    } else if (type === MODULE_PRE_GA) {
      window.fail('found a module of a form that no release wrote', offset)
    } else window.fail(`found type ${type}, expected one of version ${this.#version}`, offset)
  }

  #beginCollection(form: CollectionForm): void {
    const key = this.#window.text()
    this.#members = form.open(this.#window)
    this.#part = new PartBuilder({ db: this.#db, key, expireAt: this.#expireAt, type: form.type })
    this.#isDropped = key.length > KEY_BYTES_MAX
    this.#expireAt = 0
    if (this.#isDropped) this.#report('key', key, form.type)
  }

  #stepMember(members: MemberSource, part: PartBuilder): void {
    let entry: PortableEntry | undefined
    if (members.addNext(part)) entry = part.takeClosed()
    else {
      this.#members = undefined
      this.#part = undefined
      if (part.isEmpty) this.#report('empty', part.head.key, part.head.type)
      else {
        entry = part.finish()
        if (!this.#isDropped) this.#keys++
      }
    }
    if (entry !== undefined && !this.#isDropped) this.#batch.add(entry)
  }

  #stepAttribute(type: number, offset: number): void {
    const window = this.#window
    switch (type) {
      case EXPIRETIME:
        this.#expireAt = expireAtOf(BigInt(window.int32()) * 1000n)
        return
      case EXPIRETIME_MS: {
        const time = window.int64()
        this.#expireAt = time === -1n ? 0 : expireAtOf(time)
        return
      }
      case SELECTDB: {
        const db = window.length()
        if (db > DATABASE_MAX) window.fail(`found database ${db}, expected at most ${DATABASE_MAX}`, offset)
        this.#db = db
        return
      }
      case RESIZEDB:
        this.#beginSkip(['length', 'length'])
        return
      case SLOT_INFO:
        this.#beginSkip(['length', 'length', 'length'])
        return
      case IDLE:
        window.bigLength()
        return
      case FREQ:
        window.byte()
        return
      case AUX: {
        const name = window.text()
        const text = window.text()
        if (name === REDIS_VERSION) this.#redisVersion = text.slice(0, REDIS_VERSION_BYTES_MAX)
        return
      }
      case MODULE_AUX:
        this.#stepModuleAux()
        return
      case FUNCTION2:
        this.#beginSkip(['string'])
        this.#report('function', '', '')
        return
      case FUNCTION_PRE_GA:
        window.fail('found a function of a form that no release wrote', offset)
        return
      case EOF:
        this.#place = this.#version < CHECKSUM_VERSION ? 'end' : 'checksum'
    }
  }

  /** What a module keeps besides keys: which module, when it wants to be asked, and what it wrote. */
  #stepModuleAux(): void {
    const window = this.#window
    const name = moduleName(window.bigLength())
    const { offset } = window
    const kind = window.length()
    if (kind !== MODULE_UNSIGNED) window.fail(`found ${kind}, expected ${MODULE_UNSIGNED}`, offset)
    window.bigLength()
    this.#beginSkip(['module'])
    this.#report('module data', '', name)
  }

  /** A key whose value cannot be held. */
  #beginOther(kind: SkippedKind, key: ByteString, name: string, shapes: readonly Shape[]): void {
    this.#beginSkip(shapes)
    this.#expireAt = 0
    this.#report(kind, key, name)
  }

  /** What comes is walked over. */
  #beginSkip(shapes: readonly Shape[]): void {
    this.#skip = new RdbSkip(this.#window, shapes)
  }

  #stepSkip(skip: RdbSkip): void {
    skip.run()
    this.#skip = undefined
  }

  #stepChecksum(): void {
    const window = this.#window
    const { checksum, offset } = window
    const stored = window.uint64()
    if (stored !== 0n && stored !== checksum) {
      const [found, expected] = [stored, checksum].map((value) => value.toString(16).padStart(16, '0'))
      window.fail(`found checksum ${found}, expected ${expected}: the file is damaged`, offset)
    }
    this.#hasChecksum = stored !== 0n
    this.#place = 'end'
    window.commit()
  }

  #stepEnd(): void {
    const window = this.#window
    if (window.left === 0) window.want(1)
    window.fail('found more behind the end of the file: is it an append-only file?')
  }

  #report(kind: SkippedKind, key: ByteString, name: string): void {
    this.#skipped++
    const isLong = key.length > KEY_BYTES_MAX
    const shown = isLong ? key.slice(0, KEY_SHOWN_MAX) : key
    this.#onSkipped?.({ kind, db: this.#db, key: shown, name, ...(isLong && { keyBytes: key.length }) })
  }
}

/** A time as the engine takes it: 0 means never there, and what is over is over. */
function expireAtOf(ms: bigint): number {
  return ms <= 0n ? 1 : Math.min(Number(ms), EXPIRE_AT_MAX)
}
