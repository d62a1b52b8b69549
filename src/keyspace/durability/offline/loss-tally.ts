/**
 * Adds up what a cut loses: records, revisions, time, keys.
 *
 * Tests: test/keyspace/durability/offline/loss-tally.test.ts
 */
import {
  KIND_COMMIT,
  KIND_PREPARED,
  KIND_SEGMENT,
  KIND_SYNCED,
  type LogRecord,
} from '../../../storage/index.ts'
import { type DecodedKey, decodeRecord, keysOf } from './decoded-record.ts'

/** What is lost. */
export interface Loss {
  readonly bytes: number
  /**
   * Commits and parts of transactions that can be read, and records of which only a header is left: in a
   * segment that is encrypted one stands for all that were written with it.
   */
  readonly commits: number
  readonly unreadable: number
  /** Of both; undefined: none was found. */
  readonly revisions: { readonly first: number; readonly last: number } | undefined
  /** Of those that can be read. */
  readonly times: { readonly firstMs: number; readonly lastMs: number } | undefined
  /** Keys that were changed, by those that can be read; `keys` holds the first of them. */
  readonly keyCount: number
  readonly keys: readonly DecodedKey[]
}

const KEYS_SHOWN = 10
/** Names are counted up to here. */
const KEYS_COUNTED_MAX = 1_000_000

/** Adds up. */
export class LossTally {
  #bytes = 0
  #commits = 0
  #unreadable = 0
  #revisions: { first: number; last: number } | undefined
  #times: { firstMs: number; lastMs: number } | undefined
  readonly #names = new Set<string>()
  readonly #keys: DecodedKey[] = []

  addBytes(count: number): void {
    this.#bytes += count
  }

  /** A record that can be read. Those of snapshots say nothing that is not lost as a commit, too. */
  add(record: LogRecord): void {
    const { kind, revision, atMs } = record
    if (kind !== KIND_COMMIT && kind !== KIND_PREPARED) return
    this.#commits++
    this.#span(revision)
    this.#times = {
      firstMs: Math.min(this.#times?.firstMs ?? atMs, atMs),
      lastMs: Math.max(this.#times?.lastMs ?? atMs, atMs),
    }
    for (const key of keysOf(decodeRecord(record))) {
      const name = `${key.db}:${key.key}`
      if (this.#names.has(name) || this.#names.size >= KEYS_COUNTED_MAX) continue
      this.#names.add(name)
      if (this.#keys.length < KEYS_SHOWN) this.#keys.push(key)
    }
  }

  /** One of which only the header is left, or whose place in the chain is lost. */
  addHeader({ kind, revision }: { readonly kind: number; readonly revision: number }): void {
    if (kind === KIND_SEGMENT || kind === KIND_SYNCED) return
    this.#unreadable++
    this.#span(revision)
  }

  get loss(): Loss {
    return {
      bytes: this.#bytes,
      commits: this.#commits,
      unreadable: this.#unreadable,
      revisions: this.#revisions,
      times: this.#times,
      keyCount: this.#names.size,
      keys: this.#keys,
    }
  }

  #span(revision: number): void {
    this.#revisions = {
      first: Math.min(this.#revisions?.first ?? revision, revision),
      last: Math.max(this.#revisions?.last ?? revision, revision),
    }
  }
}
