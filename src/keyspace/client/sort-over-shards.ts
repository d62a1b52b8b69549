/**
 * SORT whose patterns name keys of other shards.
 *
 * A shard knows the elements and not their weights, and which keys those are is known only when the elements
 * are. So the elements are read first; then the key, its weights and where the result goes are held on all
 * shards and copied to an engine here, on which SORT runs as on a single shard. If there are elements by then
 * whose keys were not asked for, it begins anew.
 *
 *     SORT tasks BY weight_* GET task_*->title
 *     elements ──► 7 9 12 ──► hold tasks weight_7 task_7 weight_9 … ──► SORT ──► what it stored goes back
 *
 * To ask for the weights first and to sort then would be less to copy, but a weight may change in between,
 * and the result would be of no moment.
 *
 * Cost: a copy of every key that a pattern names, whole hashes too, and two turns on all shards concerned.
 * Patterns with the tag of the key, `weight_{tag}_*`, cost nothing of the kind.
 * Tests: test/keyspace/sort-over-shards.race.test.ts, test/keyspace/redis/runtime.race.test.ts
 */
import { hasPlace, patternKey } from '../commands/index.ts'
import { type Argument, type ByteString, byteString, err, type Reply } from '../engine/index.ts'
import { hashSlotOf } from '../hash-slot.ts'
import type { NamedKey, ScratchRun } from './transaction-scratch.ts'

/** Keys that are copied for one command. */
const KEYS_MAX = 262_144
const ATTEMPTS_MAX = 16
const TOO_MANY = err(`the patterns name more than ${KEYS_MAX} keys of other shards`)
const TOO_FAST = err('the elements of the sorted key change too fast')

/** What it needs of transactions. */
export interface SortParts {
  /** Runs one command as a transaction. */
  run(argv: readonly Argument[], db: number): Promise<Reply>
  /** Holds keys while `body` runs over copies of them. */
  hold<T>(keys: readonly NamedKey[], body: (scratch: ScratchRun) => T): Promise<T>
}

/** Whether a SORT may need keys of slots that its own key is not in. */
export function isSortOverSlots(argv: readonly Argument[]): boolean {
  const key = byteString(argv[1] ?? '')
  return readWords(argv).patterns.some((pattern) => {
    const tagged = /^[^{]*\{[^}]+\}/.exec(pattern.slice(0, pattern.indexOf('*')))
    return tagged === null || hashSlotOf(tagged[0]) !== hashSlotOf(key)
  })
}

/** Runs it. The caller lets nothing of this thread come in between. */
export async function sortOverShards(
  argv: readonly Argument[],
  db: number,
  { run, hold }: SortParts,
): Promise<Reply> {
  const key = byteString(argv[1]!)
  const { patterns, destinations } = readWords(argv)
  const look = ['SORT_RO', key, 'BY', 'nosort']
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const elements = await run(look, db)
    if (!Array.isArray(elements)) return elements
    const names = new Set([key, ...destinations])
    for (const element of textsOf(elements)) {
      for (const pattern of patterns) names.add(patternKey(pattern, element))
      if (names.size > KEYS_MAX) return TOO_MANY
    }
    const keys = [...names].map((name) => ({ db, key: name }))
    const reply = await hold(keys, (scratch) => {
      const present = scratch.run(look, db)
      const isKnown =
        !Array.isArray(present) ||
        textsOf(present).every((element) =>
          patterns.every((pattern) => names.has(patternKey(pattern, element))),
        )
      return isKnown ? scratch.run(argv, db) : undefined
    })
    if (reply !== undefined) return reply
  }
  return TOO_FAST
}

function textsOf(elements: readonly Reply[]): ByteString[] {
  return elements.map((element) => byteString(element as Argument))
}

/** What BY and GET look up, and where STORE puts the result. */
function readWords(argv: readonly Argument[]): {
  readonly patterns: readonly ByteString[]
  readonly destinations: readonly ByteString[]
} {
  const patterns: ByteString[] = []
  const destinations: ByteString[] = []
  for (let i = 2; i + 1 < argv.length; i++) {
    const word = byteString(argv[i]!).toUpperCase()
    if (word === 'LIMIT') i += 2
    else if (word === 'STORE') destinations.push(byteString(argv[++i]!))
    else if (word === 'BY' || word === 'GET') patterns.push(byteString(argv[++i]!))
  }
  return { patterns: patterns.filter(hasPlace), destinations }
}
