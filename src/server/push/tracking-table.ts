/**
 * Which clients have read which keys: what CLIENT TRACKING remembers in its default mode.
 *
 * Keys without their databases, as in Redis: what is told is a name. Most keys are read by one client, and
 * have no set then. Clients are numbers, and those that are gone stay until their key changes.
 *
 * Invariant: `items` is the number of pairs; there are at most as many keys as `evict` was last told, when it
 * has ended.
 * Tests: test/server/push/tracking-table.prop.test.ts
 */
import type { ByteString } from '../../keyspace/engine/index.ts'

/** Keys that are thrown out at a time. */
const EVICT_MAX = 1024

/** Keys, with those who have read them. */
export class TrackingTable {
  readonly #readers = new Map<ByteString, number | Set<number>>()
  #items = 0

  get keys(): number {
    return this.#readers.size
  }

  /** Pairs of a key and a client. */
  get items(): number {
    return this.#items
  }

  /** False: it is known that this client has read it. */
  add(key: ByteString, client: number): boolean {
    const known = this.#readers.get(key)
    if (known === client) return false
    if (known === undefined) this.#readers.set(key, client)
    else if (typeof known === 'number') this.#readers.set(key, new Set([known, client]))
    else if (known.has(client)) return false
    else known.add(client)
    this.#items++
    return true
  }

  /** Who has read a key; it is forgotten. */
  take(key: ByteString): readonly number[] {
    const known = this.#readers.get(key)
    if (known === undefined) return []
    this.#readers.delete(key)
    const clients = typeof known === 'number' ? [known] : [...known]
    this.#items -= clients.length
    return clients
  }

  /**
   * Throws out keys beyond so many, some at a time: false when there are more. Those that have been here
   * longest go, since they cost no search and no chance.
   */
  evict(keysMax: number, onEvicted: (key: ByteString, clients: readonly number[]) => void): boolean {
    let left = EVICT_MAX
    for (const key of this.#readers.keys()) {
      if (this.#readers.size <= keysMax) return true
      if (left-- === 0) return false
      onEvicted(key, this.take(key))
    }
    return true
  }

  clear(): void {
    this.#readers.clear()
    this.#items = 0
  }
}
