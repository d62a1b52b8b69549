/**
 * What has to look at every element of a list, one chunk a step: find, and remove what is found.
 *
 * Ten million comparisons take a tenth of a second: too long for a shard to be held. Between two steps the
 * list must not be changed, and a change in between fails an assertion.
 *
 * Cost of a step: 512 comparisons; a removal copies at most 1,024 elements. The last step of a removal drops
 * the empty chunks in one pass over the directory.
 * Tests: test/keyspace/engine/values/list-value.prop.test.ts
 * Source: Redis 7.2, src/t_list.c (lremCommand, lposCommand), for the meaning of ranks and counts.
 */
import { assert } from '../../../base/index.ts'
import type { ByteString } from '../byte-string.ts'
import { CHUNK_ELEMENTS_MAX } from './list-chunk.ts'
import type { ListDirectory } from './list-directory.ts'
import type { Steps } from './steps.ts'

/** What to look for, as in LPOS. */
export interface PositionOptions {
  /** The first match that counts, from 1; negative: from the right, the last match is -1. Default 1. */
  readonly rank?: number
  /** At most so many; 0: all. Default 0. */
  readonly count?: number
  /** Looks at so many elements at most; 0: at all. Default 0. */
  readonly maxlen?: number
}

/**
 * The number of the chunk with the first element that is `value`, or -1; `directory.offset` says where in it.
 */
export function* findSteps(directory: ListDirectory, value: ByteString): Steps<number> {
  for (let number = 0; number < directory.length; number++) {
    const chunk = directory.chunk(number)
    const offset = chunk.indexOf(value, 0, chunk.count)
    if (offset !== -1) {
      directory.offset = offset
      return number
    }
    yield* pause(directory)
  }
  return -1
}

/** Indexes of elements that are `value`, in the order in which they are found. */
export function* positionsSteps(
  directory: ListDirectory,
  value: ByteString,
  options: PositionOptions,
): Steps<number[]> {
  const { rank = 1, count = 0, maxlen = 0 } = options
  const isFromRight = rank < 0
  const found: number[] = []
  const foundMax = count === 0 ? Infinity : count
  let skips = Math.abs(rank) - 1
  let rest = maxlen === 0 ? Infinity : maxlen
  let first = isFromRight ? directory.size : 0
  for (let i = 0; i < directory.length && rest > 0; i++) {
    const chunk = directory.chunk(isFromRight ? directory.length - 1 - i : i)
    const looks = Math.min(rest, chunk.count)
    if (isFromRight) first -= chunk.count
    let from = isFromRight ? chunk.count - looks : 0
    let to = isFromRight ? chunk.count : looks
    for (;;) {
      const offset = isFromRight ? chunk.lastIndexOf(value, from, to) : chunk.indexOf(value, from, to)
      if (offset === -1) break
      if (skips > 0) skips--
      else if (found.push(first + offset) >= foundMax) return found
      if (isFromRight) to = offset
      else from = offset + 1
    }
    if (!isFromRight) first += chunk.count
    rest -= looks
    yield* pause(directory)
  }
  return found
}

/**
 * Removes elements that are `value`: the first `count`, the last `-count`, or all for 0. Returns how many.
 * Given up with `return`, it has removed what it had come to.
 */
export function* removeSteps(directory: ListDirectory, value: ByteString, count: number): Steps<number> {
  const isFromRight = count < 0
  const limit = count === 0 ? Infinity : Math.abs(count)
  let removed = 0
  // The last chunk before this one that is not empty: small neighbours become one.
  let previous = -1
  try {
    for (let i = 0; i < directory.length && removed < limit; i++) {
      const number = isFromRight ? directory.length - 1 - i : i
      const found = directory.chunk(number).removeMatching(value, limit - removed, isFromRight)
      if (found > 0) {
        removed += found
        directory.recount(number)
        if (previous !== -1) join(directory, Math.min(previous, number), Math.max(previous, number))
      }
      if (directory.chunk(number).count > 0) previous = number
      yield* pause(directory)
    }
  } finally {
    if (removed > 0) directory.removeEmpty()
  }
  return removed
}

/** Moves the elements of a chunk to the one on its left, if both are small; it is empty then. */
function join(directory: ListDirectory, left: number, right: number): void {
  const count = directory.chunk(left).count
  const countRight = directory.chunk(right).count
  if (count === 0 || countRight === 0 || count + countRight > CHUNK_ELEMENTS_MAX >> 1) return
  directory.chunk(left).takeAll(directory.chunk(right))
  directory.recount(left)
  directory.recount(right)
}

function* pause(directory: ListDirectory): Steps<void> {
  const { changeCount } = directory
  yield
  assert(changeCount === directory.changeCount, 'a list is not changed between the steps of a search')
}
