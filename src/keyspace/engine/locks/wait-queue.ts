/**
 * Those who wait for one lock, in the order in which they came.
 *
 * A linked list, since waiters leave from the middle as well, when their time is over. A `Set` would keep the
 * order too, but to find its first member after many were taken from the front is to walk over their graves.
 *
 * Invariants: a place is in one queue or in none.
 * Tests: test/keyspace/engine/locks/wait-queue.test.ts
 */
import { assert } from '../../../base/index.ts'

/** Where a member stands in a queue. */
export class Place<Member> {
  readonly member: Member
  before: Place<Member> | undefined
  after: Place<Member> | undefined

  constructor(member: Member) {
    this.member = member
  }
}

/** First come, first out; or out before, by its place. */
export class WaitQueue<Member> {
  #head: Place<Member> | undefined
  #tail: Place<Member> | undefined
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Who waits longest. */
  get head(): Member | undefined {
    return this.#head?.member
  }

  add(place: Place<Member>): void {
    assert(place.before === undefined && this.#head !== place, 'a place is in one queue')
    place.before = this.#tail
    if (this.#tail === undefined) this.#head = place
    else this.#tail.after = place
    this.#tail = place
    this.#length++
  }

  /** Takes out a place that is in. */
  remove(place: Place<Member>): void {
    const { before, after } = place
    assert(before !== undefined || this.#head === place, 'a place that leaves a queue is in it')
    if (before === undefined) this.#head = after
    else before.after = after
    if (after === undefined) this.#tail = before
    else after.before = before
    place.before = undefined
    place.after = undefined
    this.#length--
  }

  /** From the head on. Copy first if you take members out as you walk. */
  *[Symbol.iterator](): IterableIterator<Member> {
    for (let place = this.#head; place !== undefined; place = place.after) yield place.member
  }
}
