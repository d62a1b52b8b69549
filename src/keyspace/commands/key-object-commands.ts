/**
 * OBJECT: what is known of a key besides its value.
 *
 * Encodings and counts of references are those that Redis would answer for such a value, since clients and
 * test suites ask for them; how values are stored here is another matter.
 *
 * Tests: test/keyspace/commands/key-object-commands.test.ts
 */
import {
  type ByteString,
  type Call,
  type CommandSpec,
  type Database,
  err,
  isInteger64,
  type Reply,
  StatusReply,
} from '../engine/index.ts'
import { quietly } from './quietly.ts'

/** Redis keeps a string up to here in one block with its header. */
const EMBEDDED_BYTES_MAX = 44
const INTEGER_BYTES_MAX = 20
/** Redis has one object for all values that are an integer below this, which is never freed. */
const SHARED_INTEGERS = 10_000
const SHARED_DIGITS = 4
const SHARED_COUNT = 2147483647

const POLICY_HINT =
  'Please note that when switching between policies at runtime ' +
  'LRU and LFU data will take some time to adjust.'
const IS_LFU = err(`An LFU maxmemory policy is selected, idle time not tracked. ${POLICY_HINT}`)
const IS_NOT_LFU = err(
  `An LFU maxmemory policy is not selected, access frequency not tracked. ${POLICY_HINT}`,
)

const HELP: readonly StatusReply[] = [
  'OBJECT <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'ENCODING <key>',
  '    Return the kind of internal representation used in order to store the value',
  '    associated with a <key>.',
  'FREQ <key>',
  '    Return the access frequency index of the <key>. The returned integer is',
  '    proportional to the logarithm of the recent access frequency of the key.',
  'IDLETIME <key>',
  '    Return the idle time of the <key>, that is the approximated number of',
  '    seconds elapsed since the last access to the key.',
  'REFCOUNT <key>',
  '    Return the number of references of the value associated with the specified',
  '    <key>.',
  'HELP',
  '    Prints this help.',
].map((line) => new StatusReply(line))

function encoding(db: Database, key: ByteString): Reply {
  const type = db.typeOf(key)
  if (type === undefined) return null
  if (type !== 'string') return db.collection(key)!.encoding
  const length = db.stringLength(key)
  if (db.isRawString(key)) return 'raw'
  if (length <= INTEGER_BYTES_MAX && isInteger64(db.string(key)!)) return 'int'
  return length <= EMBEDDED_BYTES_MAX ? 'embstr' : 'raw'
}

/** Integers are not shared where each value needs a time of its own. */
function references({ db, engine: { memory } }: Call, key: ByteString): Reply {
  const type = db.typeOf(key)
  if (type === undefined) return null
  const isShared = memory.maxBytes === 0 || !/-l[rf]u$/.test(memory.policy)
  if (!isShared || type !== 'string' || db.stringLength(key) > SHARED_DIGITS || db.isRawString(key)) return 1
  const text = db.string(key)!
  const value = isInteger64(text) ? Number(text) : -1
  return value >= 0 && value < SHARED_INTEGERS ? SHARED_COUNT : 1
}

function idleTime({ db, engine }: Call, key: ByteString): Reply {
  const clock = db.accessClockOf(key)
  if (clock === undefined) return null
  if (engine.memory.policy.endsWith('lfu')) throw IS_LFU
  return engine.idleSeconds(clock)
}

function frequency({ db, engine }: Call, key: ByteString): Reply {
  const clock = db.accessClockOf(key)
  if (clock === undefined) return null
  if (!engine.memory.policy.endsWith('lfu')) throw IS_NOT_LFU
  return engine.frequency(clock)
}

function row(
  subcommand: string,
  since: string,
  summary: string,
  answer: (call: Call, key: ByteString) => Reply,
): CommandSpec {
  return {
    name: `object|${subcommand}`,
    arity: 3,
    flags: ['readonly'],
    keys: { first: 2 },
    group: 'generic',
    summary,
    complexity: 'O(1)',
    syntax: 'key',
    since,
    handler: (call, argv) => quietly(call.db, () => answer(call, argv[2]!)),
  }
}

export const keyObjectCommands: readonly CommandSpec[] = [
  row('encoding', '2.2.3', 'Answers how Redis would store such a value.', ({ db }, key) => encoding(db, key)),
  row('refcount', '2.2.3', 'Answers how many keys Redis would share such a value among.', references),
  row('idletime', '2.2.3', 'Answers the seconds since a key was used.', idleTime),
  row('freq', '4.0.0', 'Answers how often a key is used, on a logarithmic scale up to 255.', frequency),
  {
    name: 'object|help',
    arity: 2,
    flags: [],
    group: 'generic',
    summary: 'Explains the subcommands of OBJECT.',
    complexity: 'O(1)',
    syntax: '',
    since: '6.2.0',
    handler: () => HELP,
  },
]
