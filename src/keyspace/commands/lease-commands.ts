/**
 * LEASE: of all who want a value that is not there, one computes it and the others wait for it.
 *
 *     LEASE.GET ──▶ ['value', v]
 *        │  └─────▶ ['compute', token] ──▶ LEASE.PUT: the value is there, and all who wait get it
 *        │                            └──▶ LEASE.FAIL, or the lease runs out: the next one computes
 *        └────────▶ null: it took longer than WAIT
 *
 * Who computes is not logged: after a crash, whoever still wants the value asks again. An owner who asks
 * twice waits for itself, so that two calls of one process compute once as well. The key may also get its
 * value from a plain SET: that answers those who wait, too.
 *
 * Tests: test/keyspace/commands/lease-commands.test.ts
 * Source: Nishtala and others, "Scaling Memcache at Facebook" (2013), for leases against stampedes.
 */
import {
  type Argument,
  type ByteString,
  byteString,
  type Call,
  type CommandSpec,
  ErrorReply,
  OK,
  type Reply,
  SYNTAX_ERROR,
} from '../engine/index.ts'
import { integer, integerFrom, invalidExpire } from './arguments.ts'
import { acquire, lockOptions } from './lock-request.ts'

function get(call: Call, argv: readonly ByteString[]): Reply {
  const key = argv[1]!
  const options = lockOptions(argv, 3, ['WAIT'])
  const found = foundValue(call, key)
  if (found !== undefined) return found
  const request = { ...options, names: [flightOf(call, key)], owner: argv[2]! }
  return acquire(call, call.engine.flights, request, ([token]) => ['compute', token as number], {
    keys: [key],
    serve: (later) => foundValue(later, key),
  })
}

function put(call: Call, argv: readonly Argument[]): Reply {
  const [key, owner, token] = argv.slice(1, 4).map(byteString) as [string, string, string]
  const value = argv[4] as Argument
  const expireAt = expireAtOf(call, argv.slice(5).map(byteString))
  const { flights } = call.engine
  const flight = flightOf(call, key)
  const holder = flights.info(flight)?.holders[0]
  if (holder?.owner !== owner || holder.token !== integer(token)) {
    throw new ErrorReply('FENCED', `token ${token} does not compute ${key} any more`)
  }
  call.db.setString(key, value, { expireAt })
  call.db.changed(key, 'set')
  if (expireAt === 0) call.effect('SET', key, value)
  else call.effect('SET', key, value, 'PXAT', String(expireAt))
  flights.answerAll(flight, ['value', value])
  return OK
}

function fail(call: Call, argv: readonly ByteString[]): Reply {
  return call.engine.flights.release(flightOf(call, argv[1]!), argv[2]!, integer(argv[3]!)) ? 1 : 0
}

/** @throws WRONG_TYPE */
function foundValue(call: Call, key: ByteString): Reply | undefined {
  const value = call.db.string(key)
  return value === undefined ? undefined : ['value', value]
}

/** Keys are of a numbered database; a flight has one name in the whole shard. */
function flightOf(call: Call, key: ByteString): ByteString {
  return `${call.db.index}:${key}`
}

/** 0: never. @throws ErrorReply */
function expireAtOf(call: Call, [word, ms]: readonly ByteString[]): number {
  if (word === undefined) return 0
  if (word.toUpperCase() !== 'PX' || ms === undefined) throw SYNTAX_ERROR
  return Math.floor(call.db.nowMs) + integerFrom(ms, 1, invalidExpire('lease.put'))
}

export const leaseCommands: readonly CommandSpec[] = [
  {
    name: 'lease.get',
    arity: -5,
    flags: ['write', 'denyoom', 'fast', 'blocking'],
    keys: { first: 1 },
    group: 'lock',
    summary: 'Answers a value; or else that the caller is to compute it; or waits for whoever does.',
    complexity: 'O(log(N)) with N the number of values that are computed',
    syntax: 'key owner PX milliseconds [WAIT milliseconds]',
    since: 'Shardloom 0.2.0',
    handler: get,
  },
  {
    name: 'lease.put',
    arity: -5,
    flags: ['write', 'denyoom', 'rawValues'],
    keys: { first: 1 },
    group: 'lock',
    summary: 'Stores a value that was computed, and gives it to all who wait for it.',
    complexity: 'O(N) with N the number of those who wait',
    syntax: 'key owner token value [PX milliseconds]',
    since: 'Shardloom 0.2.0',
    handler: put,
  },
  {
    name: 'lease.fail',
    arity: 4,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'lock',
    summary: 'Gives up to compute a value: the next one who waits is to do it.',
    complexity: 'O(log(N)) with N the number of values that are computed',
    syntax: 'key owner token',
    since: 'Shardloom 0.2.0',
    handler: fail,
  },
]
