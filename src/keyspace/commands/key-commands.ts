/**
 * Keys of any type: whether they are there, what they hold, and their removal.
 * Tests: test/keyspace/commands/key-commands.test.ts
 */
import { type ByteString, type Call, type CommandSpec, type Reply, StatusReply } from '../engine/index.ts'
import { keyCopyCommands } from './key-copy-commands.ts'
import { keyExpiryCommands } from './key-expiry-commands.ts'
import { keyMemoryCommands } from './key-memory-commands.ts'
import { keyObjectCommands } from './key-object-commands.ts'
import { keyScanCommands } from './key-scan-commands.ts'
import { keySortCommands } from './key-sort-commands.ts'
import { quietly } from './quietly.ts'

function del({ db }: Call, argv: readonly ByteString[]): Reply {
  let count = 0
  for (let i = 1; i < argv.length; i++) if (db.delete(argv[i]!)) count++
  return count
}

function countExisting({ db }: Call, argv: readonly ByteString[]): number {
  let count = 0
  for (let i = 1; i < argv.length; i++) if (db.exists(argv[i]!)) count++
  return count
}

const commonCommands: readonly CommandSpec[] = [
  {
    name: 'del',
    arity: -2,
    flags: ['write'],
    keys: { first: 1, last: -1 },
    split: 'sum',
    group: 'generic',
    summary: 'Removes keys, and answers how many there were.',
    complexity: 'O(n) for n keys',
    syntax: 'key [key ...]',
    since: '1.0.0',
    handler: del,
  },
  {
    name: 'unlink',
    arity: -2,
    flags: ['write', 'fast'],
    keys: { first: 1, last: -1 },
    split: 'sum',
    group: 'generic',
    summary: 'The same as DEL: memory of large values is given back by and by in either case.',
    complexity: 'O(n) for n keys',
    syntax: 'key [key ...]',
    since: '4.0.0',
    handler: del,
  },
  {
    name: 'exists',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: { first: 1, last: -1 },
    split: 'sum',
    group: 'generic',
    summary: 'Answers how many of the keys exist; one that is named twice counts twice.',
    complexity: 'O(n) for n keys',
    syntax: 'key [key ...]',
    since: '1.0.0',
    handler: (call, argv) => quietly(call.db, () => countExisting(call, argv)),
  },
  {
    name: 'touch',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: { first: 1, last: -1 },
    split: 'sum',
    group: 'generic',
    summary: 'Marks keys as just used, and answers how many there were.',
    complexity: 'O(n) for n keys',
    syntax: 'key [key ...]',
    since: '3.2.1',
    handler: countExisting,
  },
  {
    name: 'type',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'generic',
    summary: 'Answers the type of what a key holds, or `none`.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '1.0.0',
    handler: ({ db }, argv) => new StatusReply(quietly(db, () => db.typeOf(argv[1]!)) ?? 'none'),
  },
  {
    name: 'revision',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'generic',
    summary: 'Answers the revision of the last change of a key; null when there is no key.',
    complexity: 'O(1)',
    syntax: 'key',
    since: 'Shardloom 0.2.0',
    differs: 'Not in Redis. SET … IFREV writes only if the revision is still the same.',
    handler: ({ db }, argv) => quietly(db, () => db.revisionOf(argv[1]!)) ?? null,
  },
]

export const keyCommands: readonly CommandSpec[] = [
  ...commonCommands,
  ...keyExpiryCommands,
  ...keyCopyCommands,
  ...keyScanCommands,
  ...keySortCommands,
  ...keyObjectCommands,
  ...keyMemoryCommands,
]
