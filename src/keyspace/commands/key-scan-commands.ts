/**
 * All keys of a database: SCAN, KEYS, RANDOMKEY, DBSIZE, and emptying and swapping databases.
 *
 * Handlers see one shard. The router asks them all: it adds sizes, joins lists, and walks one shard after the
 * other for SCAN, by `scanShard`.
 *
 * Tests: test/keyspace/commands/key-scan-commands.test.ts
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  type Database,
  err,
  globMatcher,
  type Matcher,
  OK,
  type Reply,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer, OptionReader } from './arguments.ts'
import { collectionCursor } from './collection-scan.ts'
import { quietly } from './quietly.ts'

const BAD_FIRST_INDEX = err('invalid first DB index')
const BAD_SECOND_INDEX = err('invalid second DB index')

const COUNT_DEFAULT = 10
/** Keys that KEYS takes from the table at a time. */
const KEYS_STEP = 1024

/** Which keys a SCAN wants. */
export interface ScanFilter {
  readonly matches?: Matcher | undefined
  /** A type by Redis' name; one that does not exist matches nothing. */
  readonly type?: string | undefined
}

/** A key with its hash in the table: what a cursor counts in. */
export interface ScannedKey {
  readonly key: ByteString
  readonly hash: number
}

/** One step of a scan. */
export interface ScanStep {
  /** Where to go on; 0: this shard is done. */
  readonly cursor: number
  readonly keys: readonly ScannedKey[]
}

/** What SCAN was asked for. */
export interface ScanRequest extends ScanFilter {
  readonly cursor: number
  readonly count: number
}

/**
 * Looks at about `count` keys of a shard, and gives those that pass the filter. A shard with no more keys
 * than that takes one step, as clients are used to.
 */
export function scanShard(db: Database, cursor: number, count: number, filter: ScanFilter): ScanStep {
  const { matches, type } = filter
  const keys: ScannedKey[] = []
  const isWhole = db.size <= count
  let next = cursor
  do {
    next = db.scan(next, count, (key, hash) => {
      if (matches === undefined || matches(key)) keys.push({ key, hash })
    })
  } while (next !== 0 && isWhole)
  if (type === undefined) return { cursor: next, keys }
  return { cursor: next, keys: quietly(db, () => keys.filter(({ key }) => db.typeOf(key) === type)) }
}

/** Reads the arguments of SCAN. @throws ErrorReply */
export function readScan(argv: readonly ByteString[]): ScanRequest {
  const cursor = collectionCursor(argv[1]!)
  const reader = new OptionReader(argv, 2)
  let count = COUNT_DEFAULT
  let matches: Matcher | undefined
  let type: string | undefined
  while (!reader.isAtEnd) {
    switch (reader.name()) {
      case 'COUNT':
        count = reader.integer()
        if (count < 1) throw SYNTAX_ERROR
        break
      case 'MATCH': {
        const pattern = reader.value()
        matches = pattern === '*' ? undefined : globMatcher(pattern)
        break
      }
      case 'TYPE':
        type = reader.value().toLowerCase()
        break
      default:
        throw SYNTAX_ERROR
    }
  }
  return { cursor, count, matches, type }
}

function scan({ db }: Call, argv: readonly ByteString[]): Reply {
  const request = readScan(argv)
  const { cursor, keys } = scanShard(db, request.cursor, request.count, request)
  return [String(cursor), keys.map(({ key }) => key)]
}

function keys({ db, engine }: Call, argv: readonly ByteString[]): Reply {
  return visibleKeys(db, engine.isHidden, globMatcher(argv[1]!))
}

function visibleKeys(
  db: Database,
  isHidden: ((key: ByteString) => boolean) | undefined,
  matches: (key: ByteString) => boolean,
): ByteString[] {
  const found: ByteString[] = []
  let cursor = 0
  do {
    cursor = db.scan(cursor, KEYS_STEP, (key) => {
      if (matches(key) && isHidden?.(key) !== true) found.push(key)
    })
  } while (cursor !== 0)
  return found
}

/** Keys of other shards are here only while slots move: then they have to be told apart one by one. */
function dbsize({ db, engine }: Call): Reply {
  const { isHidden } = engine
  return isHidden === undefined ? db.size : visibleKeys(db, isHidden, () => true).length
}

function randomkey({ db, engine }: Call): Reply {
  const { isHidden } = engine
  const key = db.randomKey() ?? null
  if (key === null || isHidden?.(key) !== true) return key
  const visible = visibleKeys(db, isHidden, () => true)
  return visible.length === 0 ? null : visible[engine.random.below(visible.length)]!
}

function flushdb({ db }: Call, argv: readonly ByteString[]): Reply {
  checkFlush(argv)
  db.flush()
  return OK
}

function flushall({ engine }: Call, argv: readonly ByteString[]): Reply {
  checkFlush(argv)
  for (const db of engine.openDatabases()) db.flush()
  return OK
}

/** Memory is given back in slices in either mode. @throws SYNTAX_ERROR */
function checkFlush(argv: readonly ByteString[]): void {
  const mode = argv[1]?.toUpperCase()
  if (argv.length > 2 || (mode !== undefined && mode !== 'ASYNC' && mode !== 'SYNC')) throw SYNTAX_ERROR
}

function swapdb({ engine }: Call, argv: readonly ByteString[]): Reply {
  const first = integer(argv[1]!, BAD_FIRST_INDEX)
  const second = integer(argv[2]!, BAD_SECOND_INDEX)
  engine.swapDatabases(first, second)
  return OK
}

export const keyScanCommands: readonly CommandSpec[] = [
  {
    name: 'scan',
    arity: -2,
    flags: ['readonly', 'all_shards'],
    group: 'generic',
    summary: 'Walks over all keys in steps: answers where to go on, and some keys.',
    complexity: 'O(1) a step, O(n) for all n keys',
    syntax: 'cursor [MATCH pattern] [COUNT count] [TYPE type]',
    since: '2.8.0',
    differs: 'No key is given twice as long as nothing is written.',
    handler: scan,
  },
  {
    name: 'keys',
    arity: 2,
    flags: ['readonly', 'all_shards'],
    split: 'concat',
    group: 'generic',
    summary: 'Answers all keys that match a pattern. SCAN does the same without holding anybody up.',
    complexity: 'O(n) for n keys',
    syntax: 'pattern',
    since: '1.0.0',
    handler: keys,
  },
  {
    name: 'randomkey',
    arity: 1,
    flags: ['readonly', 'all_shards'],
    group: 'generic',
    summary: 'Answers a random key; null when there is none.',
    complexity: 'O(1)',
    syntax: '',
    since: '1.0.0',
    handler: randomkey,
  },
  {
    name: 'dbsize',
    arity: 1,
    flags: ['readonly', 'fast', 'all_shards'],
    split: 'sum',
    group: 'server',
    summary: 'Answers the number of keys of the database.',
    complexity: 'O(1)',
    syntax: '',
    since: '1.0.0',
    handler: dbsize,
  },
  {
    name: 'flushdb',
    arity: -1,
    flags: ['write', 'all_shards'],
    split: 'ok',
    group: 'server',
    summary: 'Removes all keys of the database.',
    complexity: 'O(n) for n keys',
    syntax: '[ASYNC | SYNC]',
    since: '1.0.0',
    handler: flushdb,
  },
  {
    name: 'flushall',
    arity: -1,
    flags: ['write', 'all_shards'],
    split: 'ok',
    group: 'server',
    summary: 'Removes all keys of all databases.',
    complexity: 'O(n) for n keys',
    syntax: '[ASYNC | SYNC]',
    since: '1.0.0',
    handler: flushall,
  },
  {
    name: 'swapdb',
    arity: 3,
    flags: ['write', 'fast', 'all_shards'],
    split: 'ok',
    group: 'server',
    summary: 'Exchanges two databases: whoever has selected one then sees the other.',
    complexity: 'O(1)',
    syntax: 'index1 index2',
    since: '4.0.0',
    handler: swapdb,
  },
]
