/**
 * A steady load: so many sets and gets a second, by turns, however long each of them takes.
 *
 * Commands are given out in ticks of a millisecond, as a timer allows. Nobody waits for an answer before the
 * next is due, so that a pause is felt by all that come in it. A command that is given out up to two
 * milliseconds late has latency from then on, since that is the timer; what is later counts, since then this
 * thread was held up.
 *
 * Each get must find what was set last: commands of one caller to one key are done in their order.
 */
import { draws, keyOf, noiseOf } from './loads.ts'

const TICK_MS = 1
const LATE_MS = 2
/** A store that does not keep up gets no more at once; what is due meanwhile waits here, and that counts. */
const PENDING_MAX = 100_000
/** Values are of a pool: a key and the number of its set say which. */
const POOL = 4096

/** Where strings are set and got. */
export interface SteadyStore {
  set(key: string, value: string): Promise<unknown>
  get(key: string): Promise<string | null | undefined>
}

/** Latencies in µs. */
export interface SteadyLatencies {
  readonly set: number[]
  readonly get: number[]
}

/** One caller with all its keys. */
export class SteadyLoad {
  readonly #store: SteadyStore
  readonly #keys: readonly string[]
  readonly #values: readonly string[]
  /** How often each key was set. */
  readonly #sets: Uint32Array
  readonly #draw: () => number
  readonly #pendingMax: number
  #pending = 0
  #failure: unknown

  constructor(store: SteadyStore, keys: number, pendingMax = PENDING_MAX) {
    this.#store = store
    this.#pendingMax = pendingMax
    this.#keys = Array.from({ length: keys }, (_, i) => keyOf(i))
    this.#values = Array.from({ length: POOL }, (_, i) => noiseOf(i))
    this.#sets = new Uint32Array(keys)
    this.#draw = draws(keys)
  }

  /** Sets every key. */
  async fill(atOnce: number): Promise<void> {
    const next = this.#keys.keys()
    const lane = async (): Promise<void> => {
      for (const i of next) await this.#set(i)
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
  }

  /** Commands a second, when always so many are on their way. */
  async capacity(atOnce: number, ms: number): Promise<number> {
    const startMs = performance.now()
    let count = 0
    const lane = async (_: unknown, number: number): Promise<void> => {
      for (let i = number; performance.now() - startMs < ms; i++, count++) {
        await (i % 2 === 0 ? this.#set(this.#some()) : this.#get(this.#some()))
      }
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    this.#rethrow()
    return count / ((performance.now() - startMs) / 1000)
  }

  /** So many commands a second until `end`, and the latencies of all of them. */
  async run(ratePerSecond: number, end: Promise<unknown>): Promise<SteadyLatencies> {
    const latencies: SteadyLatencies = { set: [], get: [] }
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    end.then(over, over)
    const beganMs = performance.now()
    for (let given = 0; !isOver; ) {
      await tick()
      const nowMs = performance.now()
      const due = ((nowMs - beganMs) / 1000) * ratePerSecond
      for (; given < due && this.#pending < this.#pendingMax; given++) {
        const dueMs = beganMs + (given / ratePerSecond) * 1000
        void this.#timed(given, Math.min(nowMs, dueMs + LATE_MS), latencies)
      }
    }
    while (this.#pending > 0) await tick()
    await end
    this.#rethrow()
    return latencies
  }

  /** Never rejects: a failure is kept until the end. */
  async #timed(number: number, fromMs: number, { set, get }: SteadyLatencies): Promise<void> {
    this.#pending++
    try {
      const key = this.#some()
      await (number % 2 === 0 ? this.#set(key) : this.#get(key))
      const latency = (performance.now() - fromMs) * 1000
      if (number % 2 === 0) set.push(latency)
      else get.push(latency)
    } catch (error) {
      this.#failure ??= error
    } finally {
      this.#pending--
    }
  }

  #set(key: number): Promise<unknown> {
    this.#sets[key] = this.#sets[key]! + 1
    return this.#store.set(this.#keys[key]!, this.#lastOf(key))
  }

  async #get(key: number): Promise<void> {
    const expected = this.#lastOf(key)
    const found = await this.#store.get(this.#keys[key]!)
    if (found !== expected) throw new Error(`${this.#keys[key]} holds ${found} instead of ${expected}`)
  }

  #lastOf(key: number): string {
    return this.#values[(key * 7 + this.#sets[key]!) % POOL]!
  }

  #some(): number {
    return Math.floor(this.#draw() * this.#keys.length)
  }

  #rethrow(): void {
    if (this.#failure !== undefined) throw this.#failure
  }
}

function tick(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, TICK_MS))
}
