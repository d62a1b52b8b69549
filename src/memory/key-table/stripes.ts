/**
 * The stripes of a key table as their writer sees them: finding, linking and unlinking records.
 *
 * Each stripe is a chained hash table that doubles when it has more keys than buckets and halves when it has
 * less than a quarter. One stripe is rehashed at once, between two writes of its sequence: with 4096 stripes
 * and a million keys that is some 250 records. Redis rehashes one table in steps and looks into two of them
 * meanwhile; readers of shared memory would have to do so too.
 *
 * Records are written before they are linked, outside of the write section, which then is three stores long.
 *
 * Writer: the one thread that owns the table. Readers: `KeyTableReader`, told by the sequence words.
 * Invariants: those of key-table-layout.ts; and a record is unlinked before its block is freed.
 * Publication order: record, then (sequence odd) link and count, (sequence even).
 * Cost: a find is two or three cache misses.
 * Tests: test/memory/key-table/stripes.test.ts, key-table-writer.prop.test.ts
 */
import { assert } from '../../base/index.ts'
import { type Arena, type ArenaRef, fillZeros, NO_REF } from '../arena/index.ts'
import { beginWrite, endWrite, type SharedWords, storePayload } from '../seqlock.ts'
import type { KeyProbe } from './key-probe.ts'
import {
  BUCKETS,
  BUCKETS_LOG2,
  DIRECTORY_HEADER_WORDS,
  HASH,
  KEY,
  KEY_COUNT,
  KEY_LENGTH,
  KIND_BUCKETS,
  NEXT,
  SEQUENCE,
  STRIPE_SHIFT,
  STRIPE_WORDS,
} from './key-table-layout.ts'

const BUCKETS_LOG2_MIN = 1
/** A stripe halves when it has less than one key per so many buckets. */
const SPARSE_BUCKETS = 4
const NO_STRIPE = -1

/** All stripes of a table. */
export class Stripes {
  readonly arena: Arena
  /** The words of segment 0. */
  readonly directory: SharedWords
  readonly stripeBits: number
  /** `hash >>> stripeShift` is the number of its stripe. */
  readonly stripeShift: number
  /** Keys in all stripes. */
  count = 0
  /** Log2 of buckets → stripes that have so many; 0 counts those without any. */
  readonly sizes: Int32Array
  /** Where `locate` found the word that points at a record. */
  linkWords: SharedWords
  linkWord = 0
  readonly #bucketsLog2Max: number
  /** A stripe that grows gets so many buckets at least: see `expect`. */
  #expectedLog2 = 0
  /** The stripe that `hold` keeps odd. */
  #held = NO_STRIPE

  constructor(arena: Arena, stripeBits: number) {
    this.arena = arena
    this.directory = arena.words[0]!
    this.linkWords = this.directory
    this.stripeBits = stripeBits
    this.stripeShift = 32 - stripeBits
    this.#bucketsLog2Max = Math.log2(arena.geometry.pageBytes / 4)
    this.sizes = new Int32Array(this.#bucketsLog2Max + 1)
    this.sizes[0] = 2 ** stripeBits
  }

  /** Where the stripe of a hash begins in the directory. */
  stripeOf(hash: number): number {
    return DIRECTORY_HEADER_WORDS + ((hash >>> this.stripeShift) << STRIPE_SHIFT)
  }

  begin(stripe: number): void {
    if (stripe !== this.#held) beginWrite(this.directory, stripe + SEQUENCE)
  }

  end(stripe: number): void {
    if (stripe !== this.#held) endWrite(this.directory, stripe + SEQUENCE)
  }

  /** Makes all that follows in the stripe of `hash`, up to `release`, one write for readers. */
  hold(hash: number): void {
    assert(this.#held === NO_STRIPE, 'one update at a time')
    const stripe = this.stripeOf(hash)
    this.begin(stripe)
    this.#held = stripe
  }

  release(): void {
    const stripe = this.#held
    assert(stripe !== NO_STRIPE, 'an update ends once')
    this.#held = NO_STRIPE
    this.end(stripe)
  }

  /** The record of a key, or NO_REF. */
  find(probe: KeyProbe): ArenaRef {
    const { arena } = this
    const { hash, length } = probe
    const { segmentShift, unitMask } = arena
    for (let ref = this.headOf(hash); ref !== NO_REF; ) {
      const words = arena.words[ref >>> segmentShift]!
      const record = (ref & unitMask) << 1
      if (
        words[record + HASH] === hash &&
        words[record + KEY_LENGTH] === length &&
        isSameKey(words, record + KEY, probe.words, length)
      ) {
        return ref
      }
      ref = words[record + NEXT]!
    }
    return NO_REF
  }

  /** The first record of the chain that a hash belongs to. */
  headOf(hash: number): ArenaRef {
    const { arena, directory } = this
    const stripe = this.stripeOf(hash)
    const buckets = directory[stripe + BUCKETS]!
    if (buckets === NO_REF) return NO_REF
    const bucket = this.bucketOf(hash, directory[stripe + BUCKETS_LOG2]!)
    return arena.words[buckets >>> arena.segmentShift]![((buckets & arena.unitMask) << 1) + bucket]!
  }

  /** The bucket of a hash in a stripe of 2^log2 of them. */
  bucketOf(hash: number, log2: number): number {
    return (hash << this.stripeBits) >>> (32 - log2)
  }

  /** Links a record, whose key is not there yet. */
  insert(ref: ArenaRef, hash: number): void {
    const { arena, directory } = this
    const { isAtomic } = arena
    const stripe = this.stripeOf(hash)
    const keys = directory[stripe + KEY_COUNT]! + 1
    let buckets = directory[stripe + BUCKETS]!
    let log2 = directory[stripe + BUCKETS_LOG2]!
    if (buckets === NO_REF) {
      log2 = BUCKETS_LOG2_MIN
      buckets = this.#allocateBuckets(log2)
      this.begin(stripe)
      this.#setBuckets(stripe, buckets, log2)
    } else this.begin(stripe)
    const words = arena.wordsOf(buckets)
    const bucket = arena.wordOf(buckets) + this.bucketOf(hash, log2)
    storePayload(arena.wordsOf(ref), arena.wordOf(ref) + NEXT, words[bucket]!, isAtomic)
    storePayload(words, bucket, ref, isAtomic)
    storePayload(directory, stripe + KEY_COUNT, keys, isAtomic)
    this.end(stripe)
    this.count++
    if (keys > 1 << log2 && log2 < this.#bucketsLog2Max) {
      this.#resize(stripe, Math.max(log2 + 1, this.#expectedLog2))
    }
  }

  /**
   * So many keys are coming, roughly: a stripe that grows does so at once, and not by doubling again and
   * again, which moves each record once. 0: all have come, and what has grown too far shrinks.
   */
  expect(keys: number): void {
    const log2 = Math.ceil(Math.log2(Math.max(1, keys / 2 ** this.stripeBits)))
    this.#expectedLog2 = Math.min(this.#bucketsLog2Max, log2)
    if (keys > 0) return
    const end = DIRECTORY_HEADER_WORDS + (STRIPE_WORDS << this.stripeBits)
    for (let stripe = DIRECTORY_HEADER_WORDS; stripe < end; stripe += STRIPE_WORDS) {
      const count = this.directory[stripe + KEY_COUNT]!
      const natural = Math.max(BUCKETS_LOG2_MIN, Math.ceil(Math.log2(count)))
      if (natural < this.directory[stripe + BUCKETS_LOG2]!) this.#resize(stripe, natural)
    }
  }

  /** Puts a record of the same key in the place of another. */
  replace(ref: ArenaRef, by: ArenaRef): void {
    const { arena } = this
    const words = arena.wordsOf(ref)
    const record = arena.wordOf(ref)
    const stripe = this.stripeOf(words[record + HASH]!)
    this.locate(ref)
    storePayload(arena.wordsOf(by), arena.wordOf(by) + NEXT, words[record + NEXT]!, arena.isAtomic)
    this.begin(stripe)
    storePayload(this.linkWords, this.linkWord, by, arena.isAtomic)
    this.end(stripe)
  }

  /** Unlinks a record. Its block may be freed then. */
  unlink(ref: ArenaRef): void {
    const { arena, directory } = this
    const { isAtomic } = arena
    const words = arena.wordsOf(ref)
    const record = arena.wordOf(ref)
    const stripe = this.stripeOf(words[record + HASH]!)
    const keys = directory[stripe + KEY_COUNT]! - 1
    const log2 = directory[stripe + BUCKETS_LOG2]!
    this.locate(ref)
    this.begin(stripe)
    storePayload(this.linkWords, this.linkWord, words[record + NEXT]!, isAtomic)
    storePayload(directory, stripe + KEY_COUNT, keys, isAtomic)
    this.end(stripe)
    this.count--
    if (keys === 0) this.#dropBuckets(stripe)
    else if (log2 > BUCKETS_LOG2_MIN && keys * SPARSE_BUCKETS < 1 << log2) this.#resize(stripe, log2 - 1)
  }

  /** Finds the word that points at a record: `linkWords[linkWord]`. */
  locate(ref: ArenaRef): void {
    const { arena, directory } = this
    const hash = arena.wordsOf(ref)[arena.wordOf(ref) + HASH]!
    const stripe = this.stripeOf(hash)
    const buckets = directory[stripe + BUCKETS]!
    let words = arena.wordsOf(buckets)
    let word = arena.wordOf(buckets) + this.bucketOf(hash, directory[stripe + BUCKETS_LOG2]!)
    for (let at = words[word]!; at !== ref; at = words[word]!) {
      assert(at !== NO_REF, 'a record is in its chain')
      words = arena.wordsOf(at)
      word = arena.wordOf(at) + NEXT
    }
    this.linkWords = words
    this.linkWord = word
  }

  /** Moves the bucket array of a stripe to another block. Returns the old one, to be freed. */
  moveBuckets(stripe: number, by: ArenaRef): ArenaRef {
    const buckets = this.directory[stripe + BUCKETS]!
    this.begin(stripe)
    storePayload(this.directory, stripe + BUCKETS, by, this.arena.isAtomic)
    this.end(stripe)
    return buckets
  }

  /** Empties all stripes. The owner frees all blocks. */
  clear(): void {
    const end = DIRECTORY_HEADER_WORDS + (STRIPE_WORDS << this.stripeBits)
    for (let stripe = DIRECTORY_HEADER_WORDS; stripe < end; stripe += STRIPE_WORDS) {
      if (this.directory[stripe + BUCKETS] === NO_REF) continue
      this.begin(stripe)
      this.#setBuckets(stripe, NO_REF, 0)
      storePayload(this.directory, stripe + KEY_COUNT, 0, this.arena.isAtomic)
      this.end(stripe)
    }
    this.count = 0
  }

  #resize(stripe: number, log2: number): void {
    const { arena, directory } = this
    const { isAtomic } = arena
    const old = directory[stripe + BUCKETS]!
    const oldWords = arena.wordsOf(old)
    const oldWord = arena.wordOf(old)
    const oldEnd = oldWord + (1 << directory[stripe + BUCKETS_LOG2]!)
    const fresh = this.#allocateBuckets(log2)
    const freshWords = arena.wordsOf(fresh)
    const freshWord = arena.wordOf(fresh)
    this.begin(stripe)
    for (let bucket = oldWord; bucket < oldEnd; bucket++) {
      for (let ref = oldWords[bucket]!; ref !== NO_REF; ) {
        const words = arena.wordsOf(ref)
        const record = arena.wordOf(ref)
        const next = words[record + NEXT]!
        const target = freshWord + this.bucketOf(words[record + HASH]!, log2)
        storePayload(words, record + NEXT, freshWords[target]!, isAtomic)
        storePayload(freshWords, target, ref, isAtomic)
        ref = next
      }
    }
    this.#setBuckets(stripe, fresh, log2)
    this.end(stripe)
    arena.free(old)
  }

  #dropBuckets(stripe: number): void {
    const buckets = this.directory[stripe + BUCKETS]!
    this.begin(stripe)
    this.#setBuckets(stripe, NO_REF, 0)
    this.end(stripe)
    this.arena.free(buckets)
  }

  /** Within a write section. */
  #setBuckets(stripe: number, buckets: ArenaRef, log2: number): void {
    const { directory, sizes } = this
    const before = directory[stripe + BUCKETS_LOG2]!
    sizes[before] = sizes[before]! - 1
    sizes[log2] = sizes[log2]! + 1
    storePayload(directory, stripe + BUCKETS, buckets, this.arena.isAtomic)
    storePayload(directory, stripe + BUCKETS_LOG2, log2, this.arena.isAtomic)
  }

  #allocateBuckets(log2: number): ArenaRef {
    const { arena } = this
    const lengthBytes = 4 << log2
    const ref = arena.allocate(KIND_BUCKETS, lengthBytes)
    fillZeros(arena.wordsOf(ref), arena.bytesOf(ref), arena.wordOf(ref) << 2, lengthBytes, arena.isAtomic)
    return ref
  }
}

/** Whether the key at `at` is the one in `key`; both have `length` bytes. */
function isSameKey(words: SharedWords, at: number, key: Int32Array, length: number): boolean {
  for (let i = (length - 1) >> 2; i >= 0; i--) if (words[at + i] !== key[i]) return false
  return true
}
