/**
 * A count of 53 exact bits in two 32-bit words, added to by any thread.
 *
 *     word 0   low     the count modulo 2^32, as the hardware adds it
 *     word 1   epoch   how often the top bit of `low` has changed: floor(count / 2^31)
 *
 * Why not one 64-bit word: `Atomics.add` on a `BigInt64Array` needs a BigInt made of every addend, 12 ns
 * against 10, and every reading makes one too (measured on Node 20 and 24; a call of any `Atomics` function
 * costs 7 ns there). Why not low word and carry: between the two additions a reader would see the low word
 * fall back to nothing.
 *
 * How a pending carry is seen. The lowest bit of the epoch must equal the top bit of `low`. Where it does
 * not, a thread has carried `low` over and has not told the epoch yet: the true epoch is one more. So a
 * reader counts one more, and others help with a compare-exchange, in case that thread is slow, or gone for
 * ever.
 *
 * Why the epoch is never two behind. An addition moves `low` by less than 2^20 (ADDEND_MAX), and whoever
 * moves it across a multiple of 2^20, as every carry does, looks for a pending carry afterwards. Between two
 * carries lie 2047 such multiples, each crossed by one addition. For the second carry to come before the
 * first is told, the threads of all of them must have stopped between addition and look: 2048 threads at the
 * same time.
 *
 * Writer: any thread. Readers: any thread.
 * Invariants: (1) no addition is lost; (2) a reading is the exact count at one moment during it, so it never
 * goes back; (3) the epoch is right or one behind. An addition of ADDEND_MAX or more is made in steps that
 * can be seen.
 * Cost: 10 ns to add, 22 ns to read; more when threads fight for the line.
 * Tests: test/memory/wide-count.test.ts, wide-count.model.test.ts, metrics.race.test.ts
 */
import { assert } from '../base/index.ts'

/** Words of one count. */
export const COUNT_WORDS = 2

const EPOCH_SPAN = 2 ** 31
const LOW_SPAN = 2 ** 32
/** One addition to the low word is less than this: a power of two. */
export const ADDEND_MAX = 2 ** 20
/** The bits that an addition changes when it crosses a multiple of 2^20. Not exported, so V8 folds it. */
const CROSSING_MASK = -(2 ** 20)

assert(CROSSING_MASK === -ADDEND_MAX, 'the mask has the bits from ADDEND_MAX up')

/** Adds a whole number below ADDEND_MAX to the count at `words[index]`. The caller has checked it. */
export function addSmall(words: Int32Array<SharedArrayBuffer>, index: number, addend: number): void {
  const before = Atomics.add(words, index, addend)
  if (((before ^ (before + addend)) & CROSSING_MASK) !== 0) tellCarry(words, index)
}

/** Adds a whole number from 0 to 2^53 - 1. The caller has checked it. */
export function addCount(words: Int32Array<SharedArrayBuffer>, index: number, addend: number): void {
  // Whole turns of `low` leave it as it is: two epochs each, so the bits still agree.
  const turns = Math.floor(addend / LOW_SPAN)
  if (turns !== 0) Atomics.add(words, index + 1, turns * 2)
  let rest = addend - turns * LOW_SPAN
  for (; rest >= ADDEND_MAX; rest -= ADDEND_MAX - 1) addSmall(words, index, ADDEND_MAX - 1)
  addSmall(words, index, rest)
}

/** The count at `words[index]`: exact, at a moment during the call. */
export function readCount(words: Int32Array<SharedArrayBuffer>, index: number): number {
  for (;;) {
    const epoch = Atomics.load(words, index + 1)
    const low = Atomics.load(words, index)
    // Unchanged around the reading of `low`, it was the epoch at that moment, or one less than it.
    if (Atomics.load(words, index + 1) !== epoch) continue
    return (epoch + pendingCarry(epoch, low)) * EPOCH_SPAN + (low & (EPOCH_SPAN - 1))
  }
}

/** Tells the epoch of a carry that is pending, whoever made it. */
function tellCarry(words: Int32Array<SharedArrayBuffer>, index: number): void {
  for (;;) {
    const epoch = Atomics.load(words, index + 1)
    if (pendingCarry(epoch, Atomics.load(words, index)) === 0) return
    // The epoch only grows: if it is still the same, this carry is still untold. If not, look again.
    if (Atomics.compareExchange(words, index + 1, epoch, epoch + 1) === epoch) return
  }
}

/** 1 when `low` is in the epoch after `epoch`, else 0. */
function pendingCarry(epoch: number, low: number): number {
  return (epoch ^ (low >>> 31)) & 1
}
