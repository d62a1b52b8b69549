/**
 * The two ends of a list: pushing, popping with their events, and how arguments name them.
 *
 * Tests: test/keyspace/commands/list-commands.test.ts, list-move-commands.test.ts
 */
import { type ByteString, type Database, type ListValue, SYNTAX_ERROR } from '../engine/index.ts'

export type Side = 'LEFT' | 'RIGHT'

/** LEFT or RIGHT, in any case. @throws SYNTAX_ERROR */
export function sideOf(text: ByteString): Side {
  const side = text.toUpperCase()
  if (side !== 'LEFT' && side !== 'RIGHT') throw SYNTAX_ERROR
  return side
}

/** Does not report. */
export function pushOne(list: ListValue, side: Side, value: ByteString): void {
  if (side === 'LEFT') list.pushLeft(value)
  else list.pushRight(value)
}

/** Does not report. */
export function popOne(list: ListValue, side: Side): ByteString | undefined {
  return side === 'LEFT' ? list.popLeft() : list.popRight()
}

/** Takes at most `count` elements from an end, the outermost first, and reports. */
export function popSome(
  db: Database,
  key: ByteString,
  list: ListValue,
  side: Side,
  count: number,
): readonly ByteString[] {
  if (count === 0) return []
  const values = takeSome(list, side, count)
  db.changed(key, side === 'LEFT' ? 'lpop' : 'rpop')
  return values
}

function takeSome(list: ListValue, side: Side, count: number): readonly ByteString[] {
  if (count === 1) {
    const value = popOne(list, side)
    return value === undefined ? [] : [value]
  }
  // By the chunk: an element at a time would look at the ends again and again.
  const taken = Math.min(count, list.size)
  if (side === 'LEFT') {
    const values = list.slice(0, taken)
    list.trim(taken, -1)
    return values
  }
  const values = list.slice(list.size - taken, taken).reverse()
  list.trim(0, -taken - 1)
  return values
}
