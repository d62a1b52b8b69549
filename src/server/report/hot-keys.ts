/**
 * The keys that are used most, from samples of the requests: a sketch of fixed size.
 *
 * Space-saving with chance: a key that is not among those which are counted adds to the least count, and
 * takes its place the more probably the less that is. So keys that come once hardly ever change anything, and
 * one that comes again and again gets in. What a key has inherited, or others have added, is kept beside its
 * count as its possible error, and what is told is the count without it: a key is never said to be hotter
 * than it was seen to be. Counts fade with time, by half in some seven seconds, so that they tell of now. An
 * exact count would need an entry per key, and plain space-saving exchanges keys all the time.
 *
 * Cost: some 150 ns per sample, of which there is one in some 128 requests. Tests:
 * test/server/report/hot-keys.test.ts
 * Source: Metwally, Agrawal, El Abbadi, "Efficient computation of frequent and top-k elements in data
 * streams", 2005; Ting, "Data sketches for disaggregated subset sum and frequent item estimation", 2018
 */
import { type Random, seededRandom } from '../../base/index.ts'
import type { ByteString } from '../../keyspace/engine/index.ts'

const CAPACITY = 128
/** Counts fall to 1/e within so many seconds. */
const FADE_SECONDS = 10
/** No key has it: a byte has no such code. */
const MARK = '\u0100'

/** A key that is used much. */
export interface HotKey {
  readonly db: number
  readonly key: ByteString
  /** Commands per second, by the samples: at least. */
  readonly perSecond: number
}

/** The sketch of one thread. */
export class HotKeys {
  readonly #places = new Map<string, number>()
  readonly #names: string[] = []
  readonly #counts: Float64Array
  readonly #errors: Float64Array
  readonly #random: Random
  /** What a key that is used once a second throughout would have by now. */
  #unit = 0

  constructor(capacity: number = CAPACITY, random: Random = seededRandom(1)) {
    this.#random = random
    this.#counts = new Float64Array(capacity)
    this.#errors = new Float64Array(capacity)
  }

  /** A request used a key; `weight`: it stands for so many. */
  add(db: number, key: ByteString, weight: number): void {
    // A name that is put together is slow to look up: keys of the first database are their own names.
    const name = db === 0 ? key : `${MARK}${db}:${key}`
    const place = this.#places.get(name)
    if (place !== undefined) this.#counts[place]! += weight
    else if (this.#names.length < this.#counts.length) this.#put(this.#names.length, name, weight)
    else this.#addOther(name, weight)
  }

  /** So much time is over. */
  fade(seconds: number): void {
    const part = Math.exp(-seconds / FADE_SECONDS)
    for (let place = 0; place < this.#names.length; place++) {
      this.#counts[place]! *= part
      this.#errors[place]! *= part
    }
    this.#unit = this.#unit * part + FADE_SECONDS * (1 - part)
  }

  /** The hottest, at most so many; none before a second is over. */
  top(count: number): HotKey[] {
    if (this.#unit === 0) return []
    return this.#names
      .map((name, place) => {
        const perSecond = (this.#counts[place]! - this.#errors[place]!) / this.#unit
        if (!name.startsWith(MARK)) return { db: 0, key: name, perSecond }
        const colon = name.indexOf(':')
        return { db: Number(name.slice(MARK.length, colon)), key: name.slice(colon + 1), perSecond }
      })
      .filter(({ perSecond }) => perSecond > 0)
      .sort((one, other) => other.perSecond - one.perSecond)
      .slice(0, count)
  }

  reset(): void {
    this.#places.clear()
    this.#names.length = 0
    this.#counts.fill(0)
    this.#errors.fill(0)
    this.#unit = 0
  }

  #put(place: number, name: string, weight: number): void {
    this.#names[place] = name
    this.#places.set(name, place)
    this.#counts[place]! += weight
  }

  /** A key that is not counted: perhaps it is from now on. */
  #addOther(name: string, weight: number): void {
    const place = this.#least()
    const count = this.#counts[place]!
    if (this.#random.next() * (count + weight) >= weight) {
      this.#counts[place] = count + weight
      this.#errors[place]! += weight
      return
    }
    this.#errors[place] = count
    this.#places.delete(this.#names[place]!)
    this.#put(place, name, weight)
  }

  #least(): number {
    const counts = this.#counts
    let least = 0
    for (let place = 1; place < counts.length; place++) if (counts[place]! < counts[least]!) least = place
    return least
  }
}

/** The hottest of several threads: a key's figures are added. */
export function hottestOf(threads: readonly (readonly HotKey[])[], count: number): HotKey[] {
  const sums = new Map<string, HotKey>()
  for (const hot of threads.flat()) {
    const name = `${hot.db}:${hot.key}`
    sums.set(name, { ...hot, perSecond: hot.perSecond + (sums.get(name)?.perSecond ?? 0) })
  }
  return [...sums.values()].sort((one, other) => other.perSecond - one.perSecond).slice(0, count)
}
