/**
 * Patterns of SORT: which value belongs to an element.
 *
 *     weight_*         the string of the key whose name has the element for the star
 *     user_*->age      a field of the hash with that name
 *     #                the element
 *
 * Only the first star counts. A pattern without one finds nothing.
 *
 * Tests: test/keyspace/commands/key-sort-commands.test.ts
 */
import type { ByteString, Database } from '../engine/index.ts'

/** The value for an element; undefined when there is none, or of another type. */
export type KeyPattern = (db: Database, element: ByteString) => ByteString | undefined

/** Whether a pattern depends on the element. */
export function hasPlace(pattern: ByteString): boolean {
  return pattern.includes('*')
}

/** What is before the star of a pattern, behind it, and behind an arrow. */
interface PatternParts {
  readonly head: ByteString
  readonly tail: ByteString
  readonly field: ByteString | undefined
}

function partsOf(pattern: ByteString): PatternParts {
  const star = pattern.indexOf('*')
  const head = pattern.slice(0, star)
  const arrow = pattern.indexOf('->', star + 1)
  // An arrow with nothing behind it is a part of the name.
  if (arrow === -1 || arrow + 2 === pattern.length) {
    return { head, tail: pattern.slice(star + 1), field: undefined }
  }
  return { head, tail: pattern.slice(star + 1, arrow), field: pattern.slice(arrow + 2) }
}

/** The key that a pattern with a place names for an element. */
export function patternKey(pattern: ByteString, element: ByteString): ByteString {
  const { head, tail } = partsOf(pattern)
  return head + element + tail
}

export function readPattern(pattern: ByteString): KeyPattern {
  if (pattern === '#') return (_db, element) => element
  if (!hasPlace(pattern)) return () => undefined
  const { head, tail, field } = partsOf(pattern)
  if (field === undefined) {
    return (db, element) => {
      const key = head + element + tail
      return db.typeOf(key) === 'string' ? db.string(key) : undefined
    }
  }
  return (db, element) => {
    const key = head + element + tail
    return db.typeOf(key) === 'hash' ? db.hash(key)?.get(field, db.nowMs) : undefined
  }
}
