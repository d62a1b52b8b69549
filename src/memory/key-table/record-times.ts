/**
 * Expiry and revision of a record that readers see: numbers of two words each.
 *
 * Most revisions differ from the one before in their lower word only. One word is seen before or after and
 * never in part, so that it is stored as it is; only when the upper one changes, too, is it a write for
 * readers, which costs two atomic stores.
 *
 * Writer: the shard's thread. Readers: `KeyTableReader`, told by the sequence of the stripe.
 * Invariants: a reader takes the number before or the one after, never half of each.
 * Publication order: sequence odd, low, high, even; or low alone.
 * Tests: test/memory/key-table/key-table-writer.prop.test.ts, record-times.test.ts
 */
import { assert } from '../../base/index.ts'
import type { ArenaRef } from '../arena/index.ts'
import { type SharedWords, storePayload } from '../seqlock.ts'
import { HASH, highWord, lowWord } from './key-table-layout.ts'
import type { Stripes } from './stripes.ts'

/** In the place of an expiry or a revision: leave it as it is. */
export const KEEP = -1

/** Whether a value can be an expiry or a revision, or is KEEP. */
export function checkWide(value: number): void {
  assert(value >= KEEP && value <= Number.MAX_SAFE_INTEGER, 'an expiry or revision is below 2^53')
}

/** Stores both words: within a write section, if readers see the record. The caller has checked the value. */
export function storeWide(
  words: SharedWords,
  low: number,
  high: number,
  value: number,
  isAtomic: boolean,
): void {
  storePayload(words, low, lowWord(value), isAtomic)
  storePayload(words, high, highWord(value), isAtomic)
}

/** Stores a whole number below 2^53 in two words of a record. */
export function setWide(stripes: Stripes, ref: ArenaRef, low: number, high: number, value: number): void {
  const { arena } = stripes
  const words = arena.wordsOf(ref)
  const record = arena.wordOf(ref)
  assert(value !== KEEP, 'an expiry or revision is not negative')
  checkWide(value)
  if (words[record + high] === highWord(value)) {
    storePayload(words, record + low, lowWord(value), arena.isAtomic)
    return
  }
  const stripe = stripes.stripeOf(words[record + HASH]!)
  stripes.begin(stripe)
  storeWide(words, record + low, record + high, value, arena.isAtomic)
  stripes.end(stripe)
}
