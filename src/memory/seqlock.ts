/**
 * The four functions of a seqlock, and how its payload is loaded and stored: all memory order in one place.
 *
 * A sequence word is even while what it guards is stable, and odd while it is being written. A reader notes
 * the sequence, copies what it wants, and looks again: the same even number means that nothing was written
 * in between. It never blocks the writer, and never takes anything for true that it has not validated. A
 * lock would have readers wait for each other and for a writer that is not running.
 *
 * What JavaScript promises. `Atomics` accesses have one order that all threads agree on. Plain accesses have
 * none, and there is no fence. So the argument is per platform:
 *
 * - x64. Stores become visible in the order in which they were made, and loads are made in theirs. The
 *   compiler does not move a plain access of a typed array across an `Atomics` one, as both stand on one
 *   chain of effects. So: odd (atomic), payload (plain), even (atomic) is seen in that order, and a reader's
 *   sequence (atomic), payload (plain), sequence (atomic) is read in that order. Plain payload is sound.
 * - arm64 and all others. `Atomics.store` is `stlr`: it does not keep *later* plain stores behind it, so
 *   payload could be seen before the odd mark. `Atomics.load` is `ldar`: it does not keep *earlier* plain
 *   loads before it, so payload could be loaded after the validation. With the payload words accessed by
 *   `Atomics` too, all is in the one order, and the argument of x64 holds again. A call of an `Atomics`
 *   function costs some 7 ns a word, which is why x64 does without.
 *
 * The same holds for memory that is written before it is published and that stale readers may still be in:
 * the sequence of whoever gave it up changed first, so its words are payload as well.
 *
 * Writer: one thread per sequence word. Readers: any thread.
 * Invariants: (1) between `beginWrite` and `endWrite` the sequence is odd; (2) payload is stored by
 * `storePayload` and loaded by `loadPayload`, or, where `payloadIsAtomic` says no, plainly and in bulk;
 * (3) a reader uses nothing before `validateRead`. Sequences wrap at 2^32: a reader would have to sleep
 * through exactly 2^31 writes of one stripe to be deceived.
 * Publication order: odd, payload, even. Cost: 2 atomic stores a write, 2 atomic loads a read.
 * Tests: test/memory/seqlock.model.test.ts, test/memory/key-table/key-table-reader.race.test.ts
 * Source: Boehm, "Can seqlocks get along with programming language memory models?"; FreeBSD's seq(9).
 */

/** Words of shared memory. */
export type SharedWords = Int32Array<SharedArrayBuffer>

/** Marks what the sequence guards as being written. */
export function beginWrite(words: SharedWords, index: number): void {
  Atomics.store(words, index, words[index]! + 1)
}

/** Publishes what was written since `beginWrite`. */
export function endWrite(words: SharedWords, index: number): void {
  Atomics.store(words, index, words[index]! + 1)
}

/** The sequence to hand to `validateRead`. When it is odd there is nothing to be read now. */
export function beginRead(words: SharedWords, index: number): number {
  return Atomics.load(words, index)
}

/** Whether all that was loaded since `beginRead` returned `sequence` belongs together. */
export function validateRead(words: SharedWords, index: number, sequence: number): boolean {
  return Atomics.load(words, index) === sequence
}

/** Whether payload has to be accessed with `Atomics` on this architecture (a value of `process.arch`). */
export function payloadIsAtomic(arch: string): boolean {
  return arch !== 'x64'
}

/** Stores a word of payload. */
export function storePayload(words: SharedWords, index: number, value: number, isAtomic: boolean): void {
  if (isAtomic) Atomics.store(words, index, value)
  else words[index] = value
}

/** Loads a word of payload as a reader. The writer may load plainly: nobody else stores. */
export function loadPayload(words: SharedWords, index: number, isAtomic: boolean): number {
  return isAtomic ? Atomics.load(words, index) : words[index]!
}
