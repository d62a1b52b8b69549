/**
 * The keys of a plain object, remembered across messages, so that they are neither encoded nor decoded again.
 *
 * Most messages of a program are made from few object literals. Both ends keep a table of the key lists that
 * they have seen: the writer to copy their encoded form as it stands, the reader to compare bytes with it and
 * reuse the strings. Each message still spells out the keys that it uses, once: messages may be lost, and
 * nothing said in one may be needed to read the next.
 *
 * Invariants: (1) a table holds at most BUCKETS × WAYS shapes, the oldest of a bucket gives way; (2) a shape
 * never changes, apart from `message` and `number`, which belong to the writer's message in progress.
 * Cost: bench/codec.ts. Tests: test/codec/record-shape.test.ts
 */
import type { RecordBuilder } from './record-builder.ts'

/** Objects with more keys are dictionaries and written key by key. */
export const RECORD_KEYS_MAX = 48
/** Longer keys make a dictionary, too. */
export const RECORD_KEY_CHARS_MAX = 120

const BUCKETS = 256
const WAYS = 4

/** A list of keys, and its encoded form. */
export class RecordShape {
  readonly keys: readonly string[]
  /** Everything from the tag up to the first value. */
  readonly definition: Uint8Array
  readonly hash: number
  /** Whether a key would reach the prototype if it were assigned. */
  readonly hasProto: boolean
  /** Makes the object from values that it reads one after the other; undefined until that pays. */
  build: RecordBuilder | undefined = undefined
  uses = 0
  /** The writer's message in which this shape is defined, and its number there. */
  message = 0
  number = 0

  constructor(keys: readonly string[], definition: Uint8Array, hash: number) {
    this.keys = keys
    this.definition = definition
    this.hash = hash
    this.hasProto = keys.includes('__proto__')
  }
}

/** A bounded table of shapes: found by keys (writer) or by hash and bytes (reader). */
export class ShapeTable {
  readonly #buckets: RecordShape[][] = Array.from({ length: BUCKETS }, () => [])
  #next = 0

  findByKeys(keys: readonly string[], hash: number): RecordShape | undefined {
    const bucket = this.#buckets[hash & (BUCKETS - 1)]!
    for (let i = 0; i < bucket.length; i++) {
      const shape = bucket[i]!
      if (shape.hash === hash && isSameList(shape.keys, keys)) return shape
    }
    return undefined
  }

  /** The shape whose definition stands in `bytes` at `offset`. */
  findByBytes(bytes: Uint8Array, offset: number, size: number, hash: number): RecordShape | undefined {
    const bucket = this.#buckets[hash & (BUCKETS - 1)]!
    for (let i = 0; i < bucket.length; i++) {
      const shape = bucket[i]!
      if (shape.hash === hash && isSameBytes(shape.definition, bytes, offset, size)) return shape
    }
    return undefined
  }

  add(shape: RecordShape): void {
    const bucket = this.#buckets[shape.hash & (BUCKETS - 1)]!
    if (bucket.length < WAYS) bucket.push(shape)
    else bucket[this.#next++ % WAYS] = shape
  }
}

/** A hash that is cheap rather than good: lengths and first letters tell most lists of keys apart. */
export function hashKeys(keys: readonly string[]): number {
  let hash = keys.length
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i]!
    hash = (Math.imul(hash, 31) + key.length * 8 + (key.length > 0 ? key.charCodeAt(0) : 0)) | 0
  }
  return hash
}

export function isSameList(a: readonly string[], b: readonly string[]): boolean {
  const { length } = a
  if (length !== b.length) return false
  for (let i = 0; i < length; i++) if (a[i] !== b[i]) return false
  return true
}

function isSameBytes(definition: Uint8Array, bytes: Uint8Array, offset: number, size: number): boolean {
  if (definition.length !== size) return false
  for (let i = 0; i < size; i++) if (definition[i] !== bytes[offset + i]) return false
  return true
}
