/**
 * Hands the commits of an engine to whoever wants them: the log, watchers, notifications.
 *
 * The engine builds no commits while nobody listens, and its fast path is open only then. So it is told of a
 * listener when the first one comes, and that there is none when the last one goes.
 *
 * Invariant: the engine's `onCommit` is undefined exactly while there are no listeners.
 * Cost: nothing without listeners; a call each with them.
 * Tests: test/keyspace/watch/commit-feed.test.ts
 */
import type { Commit, PlainSetListener } from '../engine/index.ts'

/** What takes commits, in the order in which they come. */
export type CommitListener = (commit: Commit) => void

/** What the feed needs of its engine. */
export interface CommitSource {
  onCommit: CommitListener | undefined
  onPlainSet?: PlainSetListener | undefined
}

/** The listeners of one engine. */
export class CommitFeed {
  readonly #engine: CommitSource
  #onPlainSet: PlainSetListener | undefined
  #listeners: readonly CommitListener[] = []

  constructor(engine: CommitSource) {
    this.#engine = engine
  }

  /** Adds a listener, behind those that are there. Returns what takes it back. Not from within a command. */
  add(listener: CommitListener): () => void {
    this.#set([...this.#listeners, listener])
    return () => this.#set(this.#listeners.filter((one) => one !== listener))
  }

  /**
   * The same for the log, which is there for as long as the engine. While nobody else listens, a plain SET
   * is told to `onPlainSet`, and no commit is built for it.
   */
  addLog(listener: CommitListener, onPlainSet: PlainSetListener): void {
    this.#onPlainSet = onPlainSet
    this.#set([listener, ...this.#listeners])
  }

  #set(listeners: readonly CommitListener[]): void {
    this.#listeners = listeners
    this.#engine.onPlainSet = listeners.length === 1 ? this.#onPlainSet : undefined
    const [first] = listeners
    if (listeners.length < 2) this.#engine.onCommit = first
    else {
      this.#engine.onCommit = (commit) => {
        for (const listener of listeners) listener(commit)
      }
    }
  }
}
