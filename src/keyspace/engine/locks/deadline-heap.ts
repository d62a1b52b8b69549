/**
 * What is due next: a binary heap whose members know their place in it.
 *
 * A lease that is renewed moves, a wait that ends goes, so that no stale entry is left for a sweep; the heap
 * of key expiries, which may hold stale entries, saves a word per key instead, and there are millions of
 * keys.
 *
 * Invariants
 *   1. `members[i].heapIndex === i`, and -1 for whoever is not in the heap.
 *   2. Nobody is due before the member above.
 *   3. Who is never due (Infinity) is not in the heap.
 *
 * Cost: O(log n) for each change, O(1) for the next.
 * Tests: test/keyspace/engine/locks/deadline-heap.prop.test.ts
 */
import { assert } from '../../../base/index.ts'

/** Something that falls due. Only the heap writes the fields. */
export interface Timed {
  /** Monotonic milliseconds; Infinity: never. */
  dueMs: number
  heapIndex: number
}

/** Members by when they are due. */
export class DeadlineHeap<Member extends Timed> {
  readonly #members: Member[] = []

  get size(): number {
    return this.#members.length
  }

  get next(): Member | undefined {
    return this.#members[0]
  }

  /** When the next one is due; Infinity when none is. */
  get nextMs(): number {
    return this.#members[0]?.dueMs ?? Number.POSITIVE_INFINITY
  }

  has(member: Member): boolean {
    return member.heapIndex >= 0
  }

  /** Puts a member where its new time belongs, whether it is in the heap or not. */
  schedule(member: Member, dueMs: number): void {
    if (dueMs === Number.POSITIVE_INFINITY) {
      this.remove(member)
      member.dueMs = dueMs
      return
    }
    if (member.heapIndex < 0) {
      member.heapIndex = this.#members.length
      this.#members.push(member)
    }
    member.dueMs = dueMs
    this.#rise(member)
    this.#sink(member)
  }

  /** Takes a member out, if it is in. */
  remove(member: Member): void {
    const index = member.heapIndex
    if (index < 0) return
    const last = this.#members.pop() as Member
    member.heapIndex = -1
    if (last === member) return
    this.#put(last, index)
    this.#rise(last)
    this.#sink(last)
  }

  /** Checks the invariants: for tests. */
  check(): void {
    for (const [index, member] of this.#members.entries()) {
      assert(member.heapIndex === index, 'a member knows its place in the heap')
      assert(member.dueMs < Number.POSITIVE_INFINITY, 'who is never due is not in the heap')
      const above = this.#members[(index - 1) >> 1]
      assert(index === 0 || above!.dueMs <= member.dueMs, 'nobody is due before the member above')
    }
  }

  #rise(member: Member): void {
    while (member.heapIndex > 0) {
      const index = member.heapIndex
      const above = this.#members[(index - 1) >> 1]!
      if (above.dueMs <= member.dueMs) return
      this.#put(member, above.heapIndex)
      this.#put(above, index)
    }
  }

  #sink(member: Member): void {
    for (;;) {
      const index = member.heapIndex
      const left = this.#members[2 * index + 1]
      const right = this.#members[2 * index + 2]
      if (left === undefined) return
      const below = right !== undefined && right.dueMs < left.dueMs ? right : left
      if (member.dueMs <= below.dueMs) return
      this.#put(member, below.heapIndex)
      this.#put(below, index)
    }
  }

  #put(member: Member, index: number): void {
    member.heapIndex = index
    this.#members[index] = member
  }
}
