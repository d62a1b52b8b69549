/**
 * Fencing tokens: one counter of a shard that only grows, for all its locks.
 *
 * Tokens of one name must grow for ever, also while nobody holds or knows the lock. A counter per name would
 * have to be kept for every name that was ever used; one for all needs a single number, in a snapshot as well
 * as when a hash slot moves: whoever takes locks over raises its counter to that of the giver, and every
 * token that it draws is above all that were ever handed out for those names.
 *
 * A token is a safe integer: at a million grants per second, 2^53 lasts for 285 years.
 *
 * Invariants: no token is drawn twice, and none below one that was drawn or raised to.
 * Tests: test/keyspace/engine/locks/lock-table.test.ts
 */
import { assert } from '../../../base/index.ts'

/** Draws tokens. */
export interface TokenSource {
  /** No token above it was drawn. */
  readonly last: number
  /** The next token. */
  next(): number
  /** Makes sure that later tokens are above this one. */
  raise(token: number): void
}

/** Tokens of a shard that counts for itself. */
export class TokenCounter implements TokenSource {
  #last = 0

  get last(): number {
    return this.#last
  }

  next(): number {
    assert(this.#last < Number.MAX_SAFE_INTEGER, 'there is a token left')
    return ++this.#last
  }

  raise(token: number): void {
    assert(Number.isSafeInteger(token), 'a token is a safe integer')
    if (token > this.#last) this.#last = token
  }
}
