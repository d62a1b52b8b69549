/**
 * Distinct places of a dense list, each set of them equally likely, in time that the answer takes.
 *
 * Shuffling all places of ten million to answer ten is what must not be; drawing again when one comes up
 * twice takes long when nearly all are asked for. Floyd's way draws once for each.
 *
 * Tests: test/keyspace/engine/values/set-value.prop.test.ts
 * Source: R. Floyd in J. Bentley, "Programming Pearls: A Sample of Brilliance" (1987).
 */
import type { Random } from '../../../base/index.ts'

/** `count` distinct places below `size`, or all of them in order when there are no more. */
export function distinctPlaces(size: number, count: number, random: Random): number[] {
  if (count >= size) return Array.from({ length: size }, (_, place) => place)
  const places = new Set<number>()
  for (let end = size - count; end < size; end++) {
    const place = random.below(end + 1)
    places.add(places.has(place) ? end : place)
  }
  return [...places]
}
