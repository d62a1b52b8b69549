/**
 * Some of the fields of a hash: HRANDFIELD by chance, HSCAN in steps.
 *
 * Tests: test/keyspace/commands/hash-walk-commands.test.ts
 */
import { type ByteString, type Call, type CommandSpec, type Reply, SYNTAX_ERROR } from '../engine/index.ts'
import { collectionCursor, EMPTY_SCAN, readCollectionScan } from './collection-scan.ts'
import { checkPairCount, DRAWS_DIFFER, randomCount } from './random-count.ts'

function hrandfield({ db, caller }: Call, argv: readonly ByteString[]): Reply {
  const { random, nowMs } = db
  const [, key = '', countText, withValues] = argv
  if (countText === undefined) return db.hash(key)?.random(random, nowMs)?.[0] ?? null
  const count = randomCount(countText)
  const hasValues = withValues !== undefined
  if (argv.length > 4 || (hasValues && withValues.toUpperCase() !== 'WITHVALUES')) throw SYNTAX_ERROR
  if (hasValues) checkPairCount(count)
  const hash = db.hash(key)
  if (hash === undefined) return []
  const pairs: (readonly [ByteString, ByteString])[] =
    count < 0 ? [] : hash.randomDistinct(count, random, nowMs)
  for (let draws = count; draws < 0; draws++) {
    const pair = hash.random(random, nowMs)
    if (pair !== undefined) pairs.push(pair)
  }
  if (!hasValues) return pairs.map(([field]) => field)
  // RESP2 knows no pairs.
  return caller.resp === 2 ? pairs.flat() : pairs
}

function hscan({ db }: Call, argv: readonly ByteString[]): Reply {
  const cursor = collectionCursor(argv[2]!)
  const hash = db.hash(argv[1]!)
  // As Redis: what is not there is walked before the options are read.
  if (hash === undefined) return EMPTY_SCAN
  const { count, matches, hasValues } = readCollectionScan(argv)
  const found: ByteString[] = []
  const next = hash.scan(cursor, count, db.nowMs, (field, value) => {
    if (matches !== undefined && !matches(field)) return
    found.push(field)
    if (hasValues) found.push(value)
  })
  return [String(next), found]
}

export const hashWalkCommands: readonly CommandSpec[] = [
  {
    name: 'hrandfield',
    arity: -2,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Answers random fields: different ones, or, for a count below zero, so many draws.',
    complexity: 'O(n) for n fields that are answered',
    syntax: 'key [count [WITHVALUES]]',
    since: '6.2.0',
    differs: DRAWS_DIFFER,
    handler: hrandfield,
  },
  {
    name: 'hscan',
    arity: -3,
    flags: ['readonly'],
    keys: { first: 1 },
    group: 'hash',
    summary: 'Walks over the fields of a hash in steps: answers where to go on, and some fields with values.',
    complexity: 'O(1) a step, O(n) for all n fields',
    syntax: 'key cursor [MATCH pattern] [COUNT count] [NOVALUES]',
    since: '2.8.0',
    handler: hscan,
  },
]
