/**
 * Which changes a watcher wants: by database, by keys or patterns, by class of event.
 * Tests: test/keyspace/watch/watch-hub.test.ts
 */
import {
  type ByteString,
  globMatcher,
  isLiteralPattern,
  keyEventClass,
  type Matcher,
} from '../engine/index.ts'
import type { RecordedChange } from './change-record.ts'
import type { WatchFilter } from './watch-messages.ts'

/** A filter, read once to be tried on many changes. */
export class ChangeFilter {
  readonly db: number
  /** The keys that it names, when it names keys only. */
  readonly keys: ReadonlySet<ByteString> | undefined
  readonly #matchers: readonly Matcher[]
  readonly #named: ReadonlySet<ByteString>
  readonly #classes: ReadonlySet<string> | undefined

  constructor({ db, patterns, classes }: WatchFilter) {
    this.db = db
    // An escaped pattern is none that is literal as it stands: it is left to the matcher.
    this.#named = new Set(patterns.filter(isLiteralPattern))
    this.#matchers = patterns.filter((pattern) => !isLiteralPattern(pattern)).map(globMatcher)
    this.keys = this.#matchers.length === 0 ? this.#named : undefined
    this.#classes = classes && new Set(classes)
  }

  matches({ db, key, event }: RecordedChange): boolean {
    if (this.#classes !== undefined && !this.#classes.has(keyEventClass(event))) return false
    // A whole database: each key may have changed. Two databases that swap are told of one by one.
    if (db !== this.db) return false
    if (key === '' || this.#named.has(key)) return true
    for (const matcher of this.#matchers) if (matcher(key)) return true
    return false
  }

  /** The changes of a list that are wanted. */
  of(changes: readonly RecordedChange[]): readonly RecordedChange[] {
    return changes.every((change) => this.matches(change))
      ? changes
      : changes.filter((change) => this.matches(change))
  }
}
