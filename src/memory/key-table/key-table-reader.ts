/**
 * Reads a key table from any thread, straight out of shared memory, while its writer goes on.
 *
 * A read looks the key up, copies what it wants, and validates the sequence of the key's stripe: nothing it
 * has seen is believed before. Text is copied as Latin-1 when the record says that it is ASCII, else as bytes
 * to private memory, and decoded after validation: a decoder must not see bytes that change under it.
 *
 * What a reader walks through may be freed, or be something else already. So every reference and length is
 * bounded before it is used, a long chain is validated on the way, and what cannot be is as good as a failed
 * validation. A read that fails too often, or meets a writer that does not finish, naps between its tries,
 * and gives up with TORN: the caller asks the owner of the table by message then.
 *
 * Writer: one `KeyTableWriter`. Readers: this, one per thread.
 * Invariants: (1) no access is out of bounds; (2) a read ends after a bounded number of steps; (3) what it
 * returns was the truth at one moment during the call, and includes every write that was finished before it.
 * Publication order: sequence, then what it guards, then the sequence again.
 * Cost: 0.2 to 0.3 µs for text of 64 bytes. A record that is large and near keys that are written all the
 * time may end as TORN.
 * Tests: test/memory/key-table/key-table-reader.test.ts, key-table-reader.{model,race}.test.ts
 */
import { assert } from '../../base/index.ts'
import { AttachedSegments, NO_REF } from '../arena/index.ts'
import { beginRead, loadPayload, payloadIsAtomic, type SharedWords, validateRead } from '../seqlock.ts'
import { KeyProbe } from './key-probe.ts'
import {
  BUCKETS,
  BUCKETS_LOG2,
  DIRECTORY_HEADER_WORDS,
  EXPIRE_HIGH,
  EXPIRE_LOW,
  HASH,
  KEY,
  KEY_LENGTH,
  keyBytesMaxOf,
  MAGIC,
  MAGIC_WORD,
  META,
  NEXT,
  PAGE_SHIFT_WORD,
  SEED_WORD,
  SEGMENT_SHIFT_WORD,
  SEQUENCE,
  STRIPE_SHIFT,
  STRIPES_LOG2_WORD,
  TYPE_MASK,
  wideNumber,
} from './key-table-layout.ts'
import { ValueCopy } from './value-copy.ts'

/** No read of the key succeeded: it is being written all the time, or a segment is not known here yet. */
export const TORN: unique symbol = Symbol('torn')
/** The key is there, but is no string. */
export const NOT_A_STRING: unique symbol = Symbol('not a string')

/** How a reader waits. */
export interface KeyTableReaderOptions {
  /** Architecture that decides how payload is accessed. Default `process.arch`. */
  readonly arch?: string
  /** Looks at a stripe that is being written before the first nap; a read that fails counts more. */
  readonly spinsMax?: number
  /** Naps of a millisecond before a read gives up. */
  readonly napsMax?: number
}

/** What a look at the table wants to know. */
const WANT_META = 0
const WANT_TEXT = 1
const WANT_BYTES = 2
/** How it ended. */
const MISSING = 0
const FOUND = 1
/** What was found does not fit together, or a segment is unknown. */
const BROKEN = 2

const SPINS_DEFAULT = 10_000
const NAPS_DEFAULT = 50
const NAP_MS = 1
/** What a failed read counts, in looks, and per so many bytes that it copied. */
const FAILED_READ_SPINS = 16
const BYTES_PER_SPIN = 64
/** A chain is validated after so many steps, and is never longer than this. */
const STEPS_UNVALIDATED = 64
const STEPS_MAX = 2 ** 20

/** The reading end of a key table. */
export class KeyTableReader {
  readonly #directory: SharedWords
  readonly #segments: AttachedSegments
  readonly #probe: KeyProbe
  readonly #copy: ValueCopy
  readonly #isAtomic: boolean
  readonly #stripeBits: number
  readonly #stripeShift: number
  readonly #segmentShift: number
  readonly #unitMask: number
  readonly #segmentWords: number
  readonly #bucketsLog2Max: number
  readonly #spinsMax: number
  readonly #napsMax: number
  readonly #nap = new Int32Array(new SharedArrayBuffer(4))
  /** What the last look has found, and where. */
  #segment = 0
  #record = 0
  #meta = 0
  #expireLow = 0
  #expireHigh = 0

  /** `directory` is that of the writer; `segmentOf` gives segments that have come, by their number. */
  constructor(
    directory: SharedArrayBuffer,
    segmentOf: (id: number) => SharedArrayBuffer | undefined,
    options: KeyTableReaderOptions = {},
  ) {
    const words = new Int32Array(directory)
    assert(words[MAGIC_WORD] === MAGIC, 'the directory is that of a key table')
    const pageBytes = 2 ** (words[PAGE_SHIFT_WORD]! + 3)
    this.#directory = words
    this.#isAtomic = payloadIsAtomic(options.arch ?? process.arch)
    this.#stripeBits = words[STRIPES_LOG2_WORD]!
    this.#stripeShift = 32 - this.#stripeBits
    this.#segmentShift = words[SEGMENT_SHIFT_WORD]!
    this.#unitMask = 2 ** this.#segmentShift - 1
    this.#segmentWords = 2 ** (this.#segmentShift + 1)
    assert(words.length === this.#segmentWords, 'the directory is segment 0')
    this.#bucketsLog2Max = Math.log2(pageBytes / 4)
    this.#spinsMax = options.spinsMax ?? SPINS_DEFAULT
    this.#napsMax = options.napsMax ?? NAPS_DEFAULT
    this.#probe = new KeyProbe(keyBytesMaxOf(pageBytes), [words[SEED_WORD]!, words[SEED_WORD + 1]!])
    this.#segments = new AttachedSegments(directory, segmentOf)
    this.#copy = new ValueCopy(this.#segments, pageBytes, this.#segmentShift, this.#isAtomic)
  }

  /**
   * The value of a key of any characters, decoded as UTF-8; undefined when there is none. `nowMs` is asked
   * only when the record expires.
   */
  getString(key: string, nowMs: () => number): string | undefined | typeof TORN | typeof NOT_A_STRING {
    if (!this.#probe.takeUserText(key)) return undefined
    const outcome = this.#read(WANT_TEXT)
    if (outcome !== FOUND) return outcome === BROKEN ? TORN : undefined
    if (this.#isExpired(nowMs)) return undefined
    return (this.#meta & TYPE_MASK) === 0 ? this.#copy.text() : NOT_A_STRING
  }

  /** The same as bytes that nobody else has. A key that is text may have any characters. */
  getBytes(
    key: string | Uint8Array,
    nowMs: () => number,
  ): Uint8Array<ArrayBuffer> | undefined | typeof TORN | typeof NOT_A_STRING {
    if (!this.#take(key)) return undefined
    const outcome = this.#read(WANT_BYTES)
    if (outcome !== FOUND) return outcome === BROKEN ? TORN : undefined
    if (this.#isExpired(nowMs)) return undefined
    return (this.#meta & TYPE_MASK) === 0 ? this.#copy.takeBytes() : NOT_A_STRING
  }

  /** Whether there is a key, of whatever type. */
  has(key: string | Uint8Array, nowMs: () => number): boolean | typeof TORN {
    const type = this.typeOf(key, nowMs)
    return type === TORN ? TORN : type !== undefined
  }

  /** When a key expires: 0 for never, undefined when it is not there. */
  expireAt(key: string | Uint8Array, nowMs: () => number): number | undefined | typeof TORN {
    const type = this.typeOf(key, nowMs)
    return typeof type === 'number' ? wideNumber(this.#expireLow, this.#expireHigh) : type
  }

  /** The type of a key: 0 is a string; undefined when it is not there. */
  typeOf(key: string | Uint8Array, nowMs: () => number): number | undefined | typeof TORN {
    if (!this.#take(key)) return undefined
    const outcome = this.#read(WANT_META)
    if (outcome !== FOUND) return outcome === BROKEN ? TORN : undefined
    return this.#isExpired(nowMs) ? undefined : this.#meta & TYPE_MASK
  }

  #take(key: string | Uint8Array): boolean {
    if (typeof key === 'string') return this.#probe.takeUserText(key)
    return this.#probe.takeBytes(key, 0, key.length)
  }

  /** Looks until a look is valid: FOUND or MISSING. BROKEN when that does not come about. */
  #read(wanted: number): number {
    const directory = this.#directory
    const stripe = DIRECTORY_HEADER_WORDS + ((this.#probe.hash >>> this.#stripeShift) << STRIPE_SHIFT)
    for (let spent = 0, naps = 0; ; ) {
      const sequence = beginRead(directory, stripe + SEQUENCE)
      spent++
      if ((sequence & 1) === 0) {
        const outcome = this.#look(stripe, sequence, wanted)
        if (validateRead(directory, stripe + SEQUENCE, sequence)) return outcome
        spent += FAILED_READ_SPINS + this.#copy.lengthBytes / BYTES_PER_SPIN
      }
      if (spent < this.#spinsMax) continue
      if (naps++ >= this.#napsMax) return BROKEN
      Atomics.wait(this.#nap, 0, 0, NAP_MS)
    }
  }

  /** One look, true only if the sequence is still the same afterwards. */
  #look(stripe: number, sequence: number, wanted: number): number {
    this.#copy.lengthBytes = 0
    const outcome = this.#find(stripe, sequence)
    if (outcome !== FOUND) return outcome
    const isAtomic = this.#isAtomic
    const segment = this.#segment
    const record = this.#record
    const words = this.#segments.words[segment]!
    const meta = loadPayload(words, record + META, isAtomic)
    this.#meta = meta
    this.#expireLow = loadPayload(words, record + EXPIRE_LOW, isAtomic)
    this.#expireHigh = loadPayload(words, record + EXPIRE_HIGH, isAtomic)
    if (wanted === WANT_META || (meta & TYPE_MASK) !== 0) return FOUND
    const isCopied = this.#copy.take(
      words,
      this.#segments.bytes[segment]!,
      record,
      record + KEY + ((this.#probe.length + 3) >> 2),
      meta,
      wanted === WANT_TEXT,
      this.#directory,
      stripe + SEQUENCE,
      sequence,
    )
    return isCopied ? FOUND : BROKEN
  }

  /** Looks for the key in its chain. When it is FOUND, `#segment` and `#record` say where. */
  #find(stripe: number, sequence: number): number {
    const { hash, length, words: key } = this.#probe
    const directory = this.#directory
    const isAtomic = this.#isAtomic
    const segmentWords = this.#segmentWords
    const buckets = loadPayload(directory, stripe + BUCKETS, isAtomic)
    if (buckets === NO_REF) return MISSING
    const log2 = loadPayload(directory, stripe + BUCKETS_LOG2, isAtomic)
    if (log2 < 1 || log2 > this.#bucketsLog2Max) return BROKEN
    const bucketWords = this.#segments.wordsOf(buckets >>> this.#segmentShift)
    const bucket = ((buckets & this.#unitMask) << 1) + ((hash << this.#stripeBits) >>> (32 - log2))
    if (bucketWords === undefined || bucket >= segmentWords) return BROKEN
    let ref = loadPayload(bucketWords, bucket, isAtomic)
    for (let steps = 1; ref !== NO_REF; steps++) {
      if (steps % STEPS_UNVALIDATED === 0) {
        if (steps > STEPS_MAX || !validateRead(directory, stripe + SEQUENCE, sequence)) return BROKEN
      }
      const segment = ref >>> this.#segmentShift
      const words = this.#segments.wordsOf(segment)
      const record = (ref & this.#unitMask) << 1
      if (words === undefined || record + KEY > segmentWords) return BROKEN
      if (
        loadPayload(words, record + HASH, isAtomic) === hash &&
        loadPayload(words, record + KEY_LENGTH, isAtomic) === length &&
        isKeyAt(words, record + KEY, key, length, isAtomic)
      ) {
        this.#segment = segment
        this.#record = record
        return FOUND
      }
      ref = loadPayload(words, record + NEXT, isAtomic)
    }
    return MISSING
  }

  #isExpired(nowMs: () => number): boolean {
    if (this.#expireLow === 0 && this.#expireHigh === 0) return false
    return wideNumber(this.#expireLow, this.#expireHigh) <= nowMs()
  }
}

/** Whether the key at `at` is the one in `key`; both say that they have `length` bytes. */
function isKeyAt(
  words: SharedWords,
  at: number,
  key: Int32Array,
  length: number,
  isAtomic: boolean,
): boolean {
  const count = (length + 3) >> 2
  if (at + count > words.length) return false
  for (let i = 0; i < count; i++) if (loadPayload(words, at + i, isAtomic) !== key[i]) return false
  return true
}
