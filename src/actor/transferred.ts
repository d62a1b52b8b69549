/**
 * Marks an answer or a stream item whose transferables move to the asker instead of being copied.
 * Tests: test/actor/ask.race.test.ts
 */

/** A value with the list of what moves. Made by `transfer`. */
export class Transferred<T> {
  readonly value: T
  readonly list: readonly unknown[]

  constructor(value: T, list: readonly unknown[]) {
    this.value = value
    this.list = list
  }
}

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
