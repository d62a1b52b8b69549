/**
 * Those who want changes, found by the changes: who names keys only is looked up by key, the rest is tried
 * one by one.
 *
 * Cost: a look-up per change, and a filter for each one that names patterns.
 * Tests: test/keyspace/watch/watch-hub.test.ts
 */
import type { ByteString } from '../engine/index.ts'
import type { ChangeFilter } from './change-filter.ts'
import type { RecordedChange } from './change-record.ts'

/** What has a filter. It may not change while it is here. */
export interface Filtered {
  readonly filter: ChangeFilter
}

/** Filters by what they want. */
export class FilterIndex<T extends Filtered> {
  /** Those that name keys only, by key; and the rest. */
  readonly #byKey = new Map<ByteString, Set<T>>()
  readonly #others = new Set<T>()

  add(one: T): void {
    const { keys } = one.filter
    if (keys === undefined) {
      this.#others.add(one)
      return
    }
    // A change of a whole database concerns those that name keys, too.
    for (const key of [...keys, '']) {
      const known = this.#byKey.get(key)
      if (known === undefined) this.#byKey.set(key, new Set([one]))
      else known.add(one)
    }
  }

  delete(one: T): void {
    this.#others.delete(one)
    for (const key of [...(one.filter.keys ?? []), '']) {
      const known = this.#byKey.get(key)
      known?.delete(one)
      if (known?.size === 0) this.#byKey.delete(key)
    }
  }

  /** Those who want one of these changes, or several. */
  concerned(changes: readonly RecordedChange[]): ReadonlySet<T> {
    const found = new Set<T>()
    for (const change of changes) {
      for (const one of this.#byKey.get(change.key) ?? []) if (one.filter.matches(change)) found.add(one)
      for (const one of this.#others) if (one.filter.matches(change)) found.add(one)
    }
    return found
  }
}
