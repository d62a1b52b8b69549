/**
 * What a wait took for a client that was gone by then is given back: an element to the end it was taken from,
 * a member with its score, a lock.
 *
 * A client that goes tells its shard to end the wait, and what the shard has taken meanwhile is on its way to
 * nobody. Redis has no such moment, since there who waits and who serves are one thread; a client must not be
 * able to tell the difference. Elements that moved to another list (BLMOVE) are where they were to go.
 *
 * Tests: test/server/connection/give-back.test.ts, test/server/robust/half-open.race.test.ts
 */
import {
  type Argument,
  byteString,
  DoubleReply,
  formatScoreShortest,
  type Reply,
} from '../../keyspace/engine/index.ts'

type Undo = (argv: readonly Argument[], reply: readonly Reply[]) => readonly (readonly Argument[])[]

const pop =
  (back: 'LPUSH' | 'RPUSH'): Undo =>
  (_argv, [key, element]) => [[back, textOf(key), textOf(element)]]

/** Those that were taken last go back first. */
const popSeveral: Undo = (argv, [key, elements]) => {
  const back = directionOf(argv) === 'LEFT' ? 'LPUSH' : 'RPUSH'
  return [[back, textOf(key), ...itemsOf(elements).map(textOf).reverse()]]
}

const popMember: Undo = (_argv, [key, member, score]) => [
  ['ZADD', textOf(key), scoreOf(score), textOf(member)],
]

const popMembers: Undo = (_argv, [key, pairs]) => [
  [
    'ZADD',
    textOf(key),
    ...itemsOf(pairs).flatMap((pair) => {
      const [member, score] = itemsOf(pair)
      return [scoreOf(score), textOf(member)]
    }),
  ],
]

/** The token comes first, of a lock as of a place in a semaphore. */
const acquire: Undo = (argv, [token]) => [['LOCK.RELEASE', argv[1]!, argv[2]!, textOf(token)]]

const acquireAll: Undo = (argv, [tokens]) => {
  const count = Number(byteString(argv[1]!))
  const owner = argv[2 + count]!
  return itemsOf(tokens).map((token, i) => ['LOCK.RELEASE', argv[2 + i]!, owner, textOf(token)])
}

const UNDO: Readonly<Record<string, Undo>> = {
  blpop: pop('LPUSH'),
  brpop: pop('RPUSH'),
  blmpop: popSeveral,
  bzpopmin: popMember,
  bzpopmax: popMember,
  bzmpop: popMembers,
  'lock.acquire': acquire,
  'sem.acquire': acquire,
  'lock.acquireall': acquireAll,
}

/** The commands that undo what a command that may wait was answered with. */
export function undoOf(
  name: string,
  argv: readonly Argument[],
  reply: Reply,
): readonly (readonly Argument[])[] {
  const undo = UNDO[name]
  return undo === undefined || !Array.isArray(reply) ? [] : undo(argv, reply)
}

/** LEFT or RIGHT, behind the keys: `BLMPOP timeout numkeys key … LEFT`. */
function directionOf(argv: readonly Argument[]): string {
  return byteString(argv[3 + Number(byteString(argv[2]!))] ?? '').toUpperCase()
}

function itemsOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : []
}

function scoreOf(reply: Reply | undefined): string {
  return reply instanceof DoubleReply ? formatScoreShortest(reply.value) : textOf(reply)
}

function textOf(reply: Reply | undefined): string {
  return reply instanceof Uint8Array ? byteString(reply) : String(reply)
}
