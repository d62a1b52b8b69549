/**
 * FENCED: any command, run only while a lock is held with the token given. Check and command are one step.
 *
 * What is logged is the inner command alone: it has passed the fence, and a replay must not ask again. It
 * does not wait, as within a transaction, since the lease may be over before it is served.
 *
 * Tests: test/keyspace/commands/fenced-command.test.ts
 */
import {
  type Argument,
  type ByteString,
  byteString,
  type Call,
  type CommandSpec,
  checkFence,
  err,
  type KeyUse,
  type Reply,
} from '../engine/index.ts'

/** FENCED, the lock and the token. */
const WORDS = 3
/** A command may be held by so many locks: a loop has an end that a stranger does not set. */
const FENCES_MAX = 16
const TOO_MANY = err(`FENCED may run another FENCED, but no more than ${FENCES_MAX} in all`)

/** Where the command begins that is run in the end; undefined: behind too many locks. */
function innerStart(argv: readonly Argument[]): number | undefined {
  let start = WORDS
  for (let fences = 1; fences <= FENCES_MAX; fences++, start += WORDS) {
    const word = argv[start]
    if (word === undefined || word.length !== 6 || byteString(word).toLowerCase() !== 'fenced') return start
  }
  return undefined
}

function fenced(call: Call, argv: readonly ByteString[]): Reply {
  const start = innerStart(argv)
  if (start === undefined) return TOO_MANY
  for (let at = 0; at < start; at += WORDS) {
    const [lock, token] = [argv[at + 1], argv[at + 2]]
    if (lock === undefined || token === undefined) break
    checkFence(call, byteString(lock), byteString(token))
  }
  return call.runInstead(argv.slice(start))
}

function fencedKeys(
  argv: readonly Argument[],
  keysOfInner: (argv: readonly Argument[]) => readonly KeyUse[],
): readonly KeyUse[] {
  const start = innerStart(argv)
  // It is refused, wherever that is.
  if (start === undefined) return [{ index: 1, isWritten: false }]
  const keys: KeyUse[] = []
  for (let at = 1; at < start && at < argv.length; at += WORDS) keys.push({ index: at, isWritten: false })
  for (const use of keysOfInner(argv.slice(start))) keys.push({ ...use, index: use.index + start })
  return keys
}

export const fencedCommands: readonly CommandSpec[] = [
  {
    name: 'fenced',
    arity: -4,
    flags: ['write', 'rawValues'],
    keys: { first: 1, written: 'none' },
    keysOf: fencedKeys,
    group: 'lock',
    summary: 'Runs a command if the lock is held with this token, and refuses it with FENCED if not.',
    complexity: 'That of the command',
    syntax: 'lock token command [argument ...]',
    since: 'Shardloom 0.2.0',
    handler: fenced,
  },
]
