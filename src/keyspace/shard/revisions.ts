/**
 * The revisions of one shard: above all that were drawn anywhere before, and growing.
 *
 * Drawing from shared memory is an atomic addition that all shards contend for, so that a batch draws a few
 * at once. What is left of them is dropped at its end: used later, they would be below revisions that other
 * shards have answered with meanwhile, and the order of revisions would not be that of time.
 *
 * Tests: test/keyspace/shard/revisions.test.ts
 */
const BLOCK = 32

/** Where revisions are drawn. */
export interface RevisionSource {
  drawRevisions(count: number): number
}

/** Draws revisions for one shard. */
export class Revisions {
  readonly #source: RevisionSource
  #next = 0
  #end = 0
  /** Commands that the batch still has: no more than so many are drawn. */
  #left = 1

  constructor(source: RevisionSource) {
    this.#source = source
  }

  /** A batch of so many commands begins. */
  begin(commands: number): void {
    this.#left = Math.max(1, commands)
  }

  /** The batch is done, or something else comes in between. */
  end(): void {
    this.#next = 0
    this.#end = 0
    this.#left = 1
  }

  next(): number {
    if (this.#next === this.#end) {
      // Never none, or fewer: a batch may have more commands than were expected, and what runs outside of one
      // was not expected at all.
      const count = Math.max(1, Math.min(BLOCK, this.#left))
      this.#next = this.#source.drawRevisions(count)
      this.#end = this.#next + count
    }
    this.#left--
    return this.#next++
  }
}
