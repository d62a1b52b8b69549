/**
 * maxmemory-clients: what the clients of all threads have us keep has one bound, and beyond it the largest of
 * them are closed, whichever thread they are on.
 *
 * Each thread weighs a client when it has read or written for it, and publishes the sum of its own. The one
 * that sees the bound passed closes its largest client, at once, unless another thread has a larger one: then
 * it asks that thread to look. What is published of another's largest may be too much, never too little, so
 * that no smaller client goes before a larger one.
 *
 * Without a bound nothing is weighed.
 *
 *     words, per thread   [0] KiB of all its clients · [1] KiB of its largest that may be closed
 *
 * Each thread writes its own words. Tests: test/server/connection/client-memory.test.ts,
 * test/server/commands/client-commands.race.test.ts
 * Source: Redis 7.0, `evictClients`; there the order is by powers of two
 */
import type { Clock } from '../../base/index.ts'

const WORDS = 2
const KIB = 1024
/** As in Redis, where a smaller bound would leave nobody. */
const LIMIT_MIN = 128 * KIB
/** So long nobody looks again, when what is left may not be closed. */
const IN_VAIN_MS = 100

/** A client, as far as its weight goes. */
export interface WeighedClient {
  readonly memoryBytes: number
  /** Neither does it count for the bound. */
  readonly isMonitor: boolean
  readonly noEvict: boolean
  /** What it was weighed at. */
  weight: number
  close(reason: string): void
}

/** What it needs of its thread. */
export interface ClientMemoryHost {
  readonly clock: Clock
  readonly clients: Iterable<WeighedClient>
  /** Has the other threads look at theirs. */
  askOthers(): Promise<unknown>
  onEvicted(client: WeighedClient): void
}

/** The clients of one thread. */
export class ClientMemory {
  readonly #words: Int32Array
  readonly #seat: number
  readonly #host: ClientMemoryHost
  #limit = 0
  #total = 0
  #largest = 0
  #isAsking = false
  #inVainUntilMs = Number.NEGATIVE_INFINITY

  constructor(buffer: SharedArrayBuffer, seat: number, host: ClientMemoryHost) {
    this.#words = new Int32Array(buffer)
    this.#seat = seat
    this.#host = host
    // What a thread that was lost had in this place.
    this.#publish()
  }

  static buffer(seats: number): SharedArrayBuffer {
    return new SharedArrayBuffer(seats * WORDS * Int32Array.BYTES_PER_ELEMENT)
  }

  /** Whether clients are to be weighed. */
  get isOn(): boolean {
    return this.#limit > 0
  }

  /** Takes another bound: bytes, or a share of `maxBytes` in percent if it is negative; 0: none. */
  setLimit(limit: number, maxBytes: number): void {
    const bytes = limit < 0 ? Math.floor((maxBytes * -limit) / 100) : limit
    this.#limit = bytes === 0 ? 0 : Math.max(bytes, LIMIT_MIN)
    this.#total = 0
    this.#largest = 0
    for (const client of this.#host.clients) {
      client.weight = this.isOn && !client.isMonitor ? client.memoryBytes : 0
      this.#total += client.weight
      if (!client.noEvict) this.#largest = Math.max(this.#largest, client.weight)
    }
    this.#publish()
    this.#evict(false)
  }

  /** Something was read or written for a client. */
  weigh(client: WeighedClient): void {
    this.#set(client, client.isMonitor ? 0 : client.memoryBytes)
    if (!client.noEvict && client.weight > this.#largest) {
      this.#largest = client.weight
      this.#publish()
    }
    this.#evict(false)
  }

  /** A client is gone. */
  forget(client: WeighedClient): void {
    if (client.weight > 0) this.#set(client, 0)
  }

  /** Another thread has asked: it sees the bound passed, and ours may be the largest. */
  evictAsAsked(): void {
    this.#closeLargest()
  }

  /** Closes the largest, as long as it is too much. `hasAsked`: others have looked at theirs just now. */
  #evict(hasAsked: boolean): void {
    const { clock } = this.#host
    if (!this.#isOver || (!hasAsked && clock.nowMs() < this.#inVainUntilMs)) return
    // Nobody is looked through when the largest is elsewhere.
    if (this.#largestElsewhere <= kib(this.#largest)) this.#closeLargest()
    if (!this.#isOver) return
    if (!hasAsked && this.#largestElsewhere > 0) this.#ask()
    else this.#inVainUntilMs = clock.nowMs() + IN_VAIN_MS
  }

  #closeLargest(): void {
    const { clients, onEvicted } = this.#host
    const found = [...clients].filter(({ noEvict, weight }) => !noEvict && weight > 0)
    found.sort((one, other) => other.weight - one.weight)
    let closed = 0
    for (const client of found) {
      this.#largest = client.weight
      this.#publish()
      if (!this.#isOver) return
      if (this.#largestElsewhere > kib(client.weight)) break
      onEvicted(client)
      client.close('clients take too much memory')
      closed++
    }
    if (closed < found.length) return
    this.#largest = 0
    this.#publish()
  }

  #ask(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    const done = (): void => {
      this.#isAsking = false
      this.#evict(true)
    }
    this.#host.askOthers().then(done, done)
  }

  get #isOver(): boolean {
    if (this.#limit === 0) return false
    let sum = 0
    for (let at = 0; at < this.#words.length; at += WORDS) sum += Atomics.load(this.#words, at)
    return sum * KIB >= this.#limit
  }

  get #largestElsewhere(): number {
    let largest = 0
    for (let at = 1; at < this.#words.length; at += WORDS) {
      if (at !== this.#seat * WORDS + 1) largest = Math.max(largest, Atomics.load(this.#words, at))
    }
    return largest
  }

  #set(client: WeighedClient, bytes: number): void {
    if (client.weight === bytes) return
    this.#total += bytes - client.weight
    client.weight = bytes
    this.#publish()
  }

  #publish(): void {
    Atomics.store(this.#words, this.#seat * WORDS, kib(this.#total))
    Atomics.store(this.#words, this.#seat * WORDS + 1, kib(this.#largest))
  }
}

function kib(bytes: number): number {
  return Math.min(Math.ceil(bytes / KIB), 2 ** 31 - 1)
}
