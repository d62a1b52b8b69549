/**
 * Places in a log, and their order.
 *
 * Tests: test/keyspace/durability/offline/repair-plan.test.ts
 */

/** A place in a log: a segment, by its number, and an offset in it. */
export interface LogPlace {
  readonly number: number
  readonly offset: number
}

export function isBefore(a: LogPlace, b: LogPlace): boolean {
  return a.number < b.number || (a.number === b.number && a.offset < b.offset)
}
