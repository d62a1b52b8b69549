/**
 * Marks an answer or a stream item whose transferables move to the asker instead of being copied.
 *
 * `instanceof` works across copies of the package, by a registered symbol, as it does for errors: a bundle
 * may hold one copy in the actor's module and one in the worker. Tests: test/base/transferred.test.ts
 */

const BRAND: unique symbol = Symbol.for('shardloom.transferred') as never

/** A value with the list of what moves. Made by `transfer`. */
export class Transferred<T> {
  readonly value: T
  readonly list: readonly unknown[]
  readonly [BRAND] = true

  constructor(value: T, list: readonly unknown[]) {
    this.value = value
    this.list = list
    Object.defineProperty(this, BRAND, { enumerable: false })
  }

  static [Symbol.hasInstance](value: unknown): boolean {
    return typeof value === 'object' && value !== null && (value as Record<symbol, unknown>)[BRAND] === true
  }
}

/** What a caller gets of an answer that may be marked. */
export type Untransferred<T> = T extends Transferred<infer V> ? V : T

/**
 * Returns `value` from a handler and moves the listed `ArrayBuffer`s, `MessagePort`s and streams to the
 * asker.
 *
 * @example
 * ```ts
 * import { defineActor, transfer } from 'shardloom'
 *
 * export const painter = defineActor({
 *   name: 'painter',
 *   receive: {
 *     frame(_state, size: number) {
 *       const pixels = new Uint8Array(size)
 *       return transfer(pixels, [pixels.buffer])
 *     },
 *   },
 * })
 * ```
 */
export function transfer<T>(value: T, list: readonly unknown[]): Transferred<T> {
  return new Transferred(value, list)
}
