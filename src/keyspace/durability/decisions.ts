/**
 * Decisions about transactions over several shards, the newest of them: whoever has a part in doubt asks.
 *
 * A part is concluded, and synced, within about the time between two syncs after its transaction was decided.
 * So the number that is kept is far more than can be under way, and the oldest are forgotten.
 *
 * Invariant: at most as many as are kept, in the order in which they were made.
 * Tests: test/keyspace/durability/decisions.test.ts
 */

const DECISIONS_KEPT = 65_536

/** Transactions that were decided, by their revision. */
export class Decisions {
  readonly #revisions = new Set<number>()
  readonly #kept: number

  /** @internal `kept` is for tests. */
  constructor(kept: number = DECISIONS_KEPT) {
    this.#kept = kept
  }

  add(revision: number): void {
    this.#revisions.add(revision)
    if (this.#revisions.size <= this.#kept) return
    const [oldest] = this.#revisions
    this.#revisions.delete(oldest as number)
  }

  has(revision: number): boolean {
    return this.#revisions.has(revision)
  }

  [Symbol.iterator](): Iterator<number> {
    return this.#revisions.values()
  }
}
