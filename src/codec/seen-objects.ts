/**
 * The objects of one message, numbered in the order in which they begin, so that one that comes again is a
 * reference.
 *
 * Most messages hold a handful of objects: these are compared one by one, which costs a nanosecond each,
 * while a Map costs 20 and has to be made first.
 *
 * Cost: bench/codec.ts. Tests: test/codec/value-codec.test.ts
 */

/** So many objects are looked up one by one before a Map pays. */
const LINEAR_MAX = 24

/** Numbers objects. */
export class SeenObjects {
  readonly #first: (object | undefined)[] = new Array(LINEAR_MAX).fill(undefined)
  #count = 0
  #rest: Map<object, number> | undefined = undefined

  /** The number of an object that was seen before; else -1, and it is numbered. */
  find(value: object): number {
    const first = this.#first
    const count = this.#count
    if (count < LINEAR_MAX) {
      for (let i = 0; i < count; i++) if (first[i] === value) return i
      first[count] = value
      this.#count = count + 1
      return -1
    }
    return this.#findInMap(value)
  }

  #findInMap(value: object): number {
    let rest = this.#rest
    if (rest === undefined) {
      rest = new Map()
      for (let i = 0; i < LINEAR_MAX; i++) rest.set(this.#first[i] as object, i)
      this.#rest = rest
    }
    const found = rest.get(value)
    if (found !== undefined) return found
    rest.set(value, this.#count++)
    return -1
  }

  /** Forgets all objects. */
  clear(): void {
    const count = Math.min(this.#count, LINEAR_MAX)
    for (let i = 0; i < count; i++) this.#first[i] = undefined
    this.#count = 0
    this.#rest = undefined
  }
}
