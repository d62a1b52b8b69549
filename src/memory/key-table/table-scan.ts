/**
 * Walking a table in the order of hashes: scanning it in pieces, and drawing a random record.
 *
 * A cursor is a hash: all keys below it have been visited. Buckets are in the order of hashes whatever their
 * number, so a stripe may double or halve between two calls, and no key that is there throughout is missed
 * or, as records below the cursor are left out, visited twice. Redis' cursor counts in reversed bits for the
 * same purpose, and repeats keys when the table shrinks.
 *
 * Cost: a scan is linear in what it visits; a draw takes a few tries.
 * Tests: test/memory/key-table/table-scan.prop.test.ts
 */
import type { Random } from '../../base/index.ts'
import { type ArenaRef, NO_REF } from '../arena/index.ts'
import {
  BUCKETS,
  BUCKETS_LOG2,
  DIRECTORY_HEADER_WORDS,
  HASH,
  KEY_COUNT,
  NEXT,
  STRIPE_SHIFT,
} from './key-table-layout.ts'
import type { Stripes } from './stripes.ts'

const HASH_SPAN = 2 ** 32
/** Empty buckets that one call may pass, at least, and for each key asked for. */
const EMPTY_BUCKETS_MIN = 8192
const EMPTY_BUCKETS_PER_KEY = 10
/** Draws are made by trial while the table has so many keys per stripe. */
const TRIAL_KEYS_PER_STRIPE = 1
const TRIALS_MAX = 1024
/** Below so many keys, walking all stripes is cheaper than trials. */
const SPARSE_KEYS_MIN = 64
/** Positions in a chain that a trial may hit: all but never is a chain longer. */
const CHAIN_SLOTS = 8

/**
 * Visits whole buckets from `cursor` on, until `count` records were visited. Returns the next cursor, or 0.
 */
export function scanTable(
  stripes: Stripes,
  cursor: number,
  count: number,
  visit: (ref: ArenaRef) => void,
): number {
  const { directory, stripeBits } = stripes
  const stripeSpan = 2 ** (32 - stripeBits)
  let passes = Math.max(EMPTY_BUCKETS_MIN, count * EMPTY_BUCKETS_PER_KEY)
  let visited = 0
  let at = cursor
  while (at < HASH_SPAN && visited < count && passes > 0) {
    const stripe = stripes.stripeOf(at | 0)
    const log2 = directory[stripe + BUCKETS_LOG2]!
    const found = directory[stripe + BUCKETS] === NO_REF ? 0 : visitBucket(stripes, at, visit)
    if (found === 0) passes--
    visited += found
    const span = stripeSpan / (1 << log2)
    at = (Math.floor(at / span) + 1) * span
  }
  return at >= HASH_SPAN ? 0 : at
}

/** Visits the records of the bucket that `cursor` lies in, but for those below it. */
function visitBucket(stripes: Stripes, cursor: number, visit: (ref: ArenaRef) => void): number {
  const { arena } = stripes
  let visited = 0
  for (let ref = stripes.headOf(cursor | 0); ref !== NO_REF; ) {
    const words = arena.wordsOf(ref)
    const record = arena.wordOf(ref)
    const next = words[record + NEXT]!
    if (words[record + HASH]! >>> 0 >= cursor) {
      visit(ref)
      visited++
    }
    ref = next
  }
  return visited
}

/** A record at random, each as likely as any other; NO_REF when there is none. */
export function sampleTable(stripes: Stripes, random: Random): ArenaRef {
  if (stripes.count === 0) return NO_REF
  if (stripes.count >= TRIAL_KEYS_PER_STRIPE * 2 ** stripes.stripeBits) {
    const ref = sampleByTrial(stripes, random)
    if (ref !== NO_REF) return ref
  } else if (stripes.count >= SPARSE_KEYS_MIN) {
    const ref = sampleSparse(stripes, random)
    if (ref !== NO_REF) return ref
  }
  return recordAt(stripes, random.below(stripes.count))
}

/**
 * Draws a stripe, one of its buckets and a place in its chain, and tries again when there is nothing. A
 * stripe of few buckets is passed over in proportion, so that all buckets are equally likely.
 */
function sampleByTrial(stripes: Stripes, random: Random): ArenaRef {
  const { arena, directory, sizes } = stripes
  const log2Max = largest(sizes)
  for (let trial = 0; trial < TRIALS_MAX; trial++) {
    const hash = random.below(HASH_SPAN)
    const stripe = stripes.stripeOf(hash | 0)
    const log2 = directory[stripe + BUCKETS_LOG2]!
    if (log2 === 0 || (log2 < log2Max && random.below(1 << (log2Max - log2)) !== 0)) continue
    let ref = stripes.headOf(hash | 0)
    for (let slot = random.below(CHAIN_SLOTS); slot > 0 && ref !== NO_REF; slot--) {
      ref = arena.wordsOf(ref)[arena.wordOf(ref) + NEXT]!
    }
    if (ref !== NO_REF) return ref
  }
  return NO_REF
}

/**
 * For a table with more stripes than keys: draws a stripe and a place in it, and tries again when nothing is
 * there. All keys are equally likely as long as no stripe has more than CHAIN_SLOTS.
 */
function sampleSparse(stripes: Stripes, random: Random): ArenaRef {
  const { directory, stripeBits } = stripes
  for (let trial = 0; trial < TRIALS_MAX; trial++) {
    const number = random.below(2 ** stripeBits)
    const keys = directory[DIRECTORY_HEADER_WORDS + (number << STRIPE_SHIFT) + KEY_COUNT]!
    if (keys === 0) continue
    const place = random.below(Math.max(CHAIN_SLOTS, keys))
    if (place < keys) return recordIn(stripes, number, place)
  }
  return NO_REF
}

/** The record that is `index`-th in the order of the walk. */
function recordAt(stripes: Stripes, index: number): ArenaRef {
  const { directory, stripeBits } = stripes
  const stripeCount = 1 << stripeBits
  let left = index
  for (let number = 0; number < stripeCount; number++) {
    const keys = directory[DIRECTORY_HEADER_WORDS + (number << STRIPE_SHIFT) + KEY_COUNT]!
    if (left >= keys) {
      left -= keys
      continue
    }
    return recordIn(stripes, number, left)
  }
  return NO_REF
}

/** The record that is `index`-th in a stripe. */
function recordIn(stripes: Stripes, number: number, index: number): ArenaRef {
  let left = index
  let found = NO_REF
  let at = number * 2 ** (32 - stripes.stripeBits)
  while (found === NO_REF) {
    at = scanTable(stripes, at, 1, (ref) => {
      if (left-- === 0) found = ref
    })
    if (at === 0) break
  }
  return found
}

function largest(sizes: Int32Array): number {
  let log2 = sizes.length - 1
  while (log2 > 0 && sizes[log2] === 0) log2--
  return log2
}
