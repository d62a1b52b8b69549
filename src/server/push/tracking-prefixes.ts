/**
 * Prefixes that clients in broadcasting mode have given, and the keys below them that have changed since they
 * were last told.
 *
 * A key is looked up once for each length of prefix that there is, and not for each prefix.
 *
 * Tests: test/server/push/tracking-prefixes.test.ts
 */
import type { ByteString } from '../../keyspace/engine/index.ts'

/** A key that was changed by several clients, or by who knows whom. */
export const BY_OTHERS = 0

/** Those who want to know of a prefix. */
interface PrefixListeners {
  readonly clients: Set<number>
  /** Keys that have changed, each with the client that has changed it. */
  changed: Map<ByteString, number>
}

/** What is to be told of one prefix. */
export interface PrefixNews {
  readonly clients: ReadonlySet<number>
  readonly changed: ReadonlyMap<ByteString, number>
}

/** Prefixes of a thread's clients. */
export class TrackingPrefixes {
  readonly #byLength = new Map<number, Map<ByteString, PrefixListeners>>()
  readonly #withNews = new Set<PrefixListeners>()
  #count = 0

  /** How many different ones there are. */
  get count(): number {
    return this.#count
  }

  get hasNews(): boolean {
    return this.#withNews.size > 0
  }

  add(prefix: ByteString, client: number): void {
    let prefixes = this.#byLength.get(prefix.length)
    if (prefixes === undefined) {
      prefixes = new Map()
      this.#byLength.set(prefix.length, prefixes)
    }
    const known = prefixes.get(prefix)
    if (known !== undefined) known.clients.add(client)
    else {
      prefixes.set(prefix, { clients: new Set([client]), changed: new Map() })
      this.#count++
    }
  }

  remove(prefix: ByteString, client: number): void {
    const prefixes = this.#byLength.get(prefix.length)
    const known = prefixes?.get(prefix)
    known?.clients.delete(client)
    if (known?.clients.size !== 0) return
    this.#withNews.delete(known)
    this.#count--
    prefixes?.delete(prefix)
    if (prefixes?.size === 0) this.#byLength.delete(prefix.length)
  }

  /** A key has changed. */
  touch(key: ByteString, by: number): void {
    for (const [length, prefixes] of this.#byLength) {
      if (length > key.length) continue
      const found = prefixes.get(key.slice(0, length))
      if (found === undefined) continue
      const before = found.changed.get(key)
      found.changed.set(key, before === undefined || before === by ? by : BY_OTHERS)
      this.#withNews.add(found)
    }
  }

  /** What has changed since the last time. */
  takeNews(): readonly PrefixNews[] {
    const news = [...this.#withNews].map((one) => {
      const { clients, changed } = one
      one.changed = new Map()
      return { clients, changed }
    })
    this.#withNews.clear()
    return news
  }
}
