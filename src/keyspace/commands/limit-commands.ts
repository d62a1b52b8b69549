/**
 * LIMIT: a rate limiter by the generic cell rate algorithm (GCRA), as CL.THROTTLE of redis-cell.
 *
 * A limiter is one number, the theoretical arrival time (TAT): when all that was let through would have been
 * worked off at the even pace of `periodMs / countPerPeriod`. A request moves it on by that interval, and is
 * refused if it would then be further ahead than a burst allows. No counters to reset, no window at whose
 * edge twice as much gets through.
 *
 *      now                    TAT          now + tolerance
 *       ├──── taken ───────────┼─── free ──────┤             tolerance = interval × (maxBurst + 1)
 *
 * The TAT is an ordinary string with an expiry: wall-clock milliseconds with six digits behind the point. It
 * is computed with as nanoseconds from now, whole numbers below 2^53, so that nothing is lost by rounding.
 * The state is logged as the SET that it is: a replay does not ask the clock again.
 *
 * Invariants: (1) a limiter whose TAT has passed has no key; (2) quantity 0 changes nothing.
 * Cost: one string read and one written.
 * Tests: test/keyspace/commands/limit-commands.test.ts
 * Source: ITU-T I.371 (GCRA); https://github.com/brandur/redis-cell for arguments and replies.
 */
import { type ByteString, type Call, type CommandSpec, err, type Reply } from '../engine/index.ts'
import { integer } from './arguments.ts'

const NS_PER_MS = 1_000_000
const FRACTION_DIGITS = 6
/** Nanoseconds that a limiter may be ahead: whole numbers are exact up to here. 104 days. */
const TOLERANCE_NS_MAX: number = Number.MAX_SAFE_INTEGER
const COUNT_MAX = 2 ** 31 - 1

const BAD_BURST = err('max burst must be between 0 and 2147483646')
const BAD_COUNT = err('count per period must be between 1 and 2147483647')
const BAD_PERIOD = err('period must be at least 1 ms, and 1 ns per count')
const BAD_QUANTITY = err('quantity must not be negative')
const TOO_LONG = err('a full burst must be worked off within 104 days')
const NOT_LIMITER = err('the key holds no rate limiter')

const STATE = /^(\d{1,16})\.(\d{6})$/

function limit(call: Call, argv: readonly ByteString[]): Reply {
  const { db } = call
  const key = argv[1]!
  const burst = within(argv[2]!, 0, COUNT_MAX - 1)
  if (burst === undefined) throw BAD_BURST
  const count = within(argv[3]!, 1, COUNT_MAX)
  if (count === undefined) throw BAD_COUNT
  const period = within(argv[4]!, 1, Number.MAX_SAFE_INTEGER) ?? 0
  const intervalNs = Math.floor((period * NS_PER_MS) / count)
  if (intervalNs < 1) throw BAD_PERIOD
  const quantity = argv[5] === undefined ? 1 : within(argv[5], 0, Number.MAX_SAFE_INTEGER)
  if (quantity === undefined) throw BAD_QUANTITY
  const total = burst + 1
  const toleranceNs = intervalNs * total
  if (toleranceNs > TOLERANCE_NS_MAX) throw TOO_LONG

  const nowMs = Math.floor(db.nowMs)
  const aheadNs = Math.max(0, readState(db.string(key), nowMs))
  const wantedNs = aheadNs + intervalNs * quantity
  const isLimited = wantedNs > toleranceNs && quantity > 0
  // More than a whole burst will never get through: there is no time to wait for.
  const isPossible = intervalNs * quantity <= toleranceNs
  const retryMs = isLimited && isPossible ? toMs(wantedNs - toleranceNs) : -1
  const newNs = isLimited ? aheadNs : wantedNs
  if (!isLimited && quantity > 0) {
    const state = writeState(newNs, nowMs)
    const expireAt = nowMs + toMs(newNs)
    db.setString(key, state, { expireAt })
    db.changed(key, 'set')
    call.effect('SET', key, state, 'PXAT', String(expireAt))
  }
  const remaining = Math.max(0, Math.floor((toleranceNs - newNs) / intervalNs))
  return [isLimited ? 1 : 0, total, remaining, retryMs, toMs(newNs)]
}

/** How far the TAT is ahead of now, in nanoseconds; less than 0 when it has passed. */
function readState(state: ByteString | undefined, nowMs: number): number {
  if (state === undefined) return 0
  const [, ms, fraction] = STATE.exec(state) ?? []
  if (ms === undefined) throw NOT_LIMITER
  return (Number(ms) - nowMs) * NS_PER_MS + Number(fraction)
}

function writeState(aheadNs: number, nowMs: number): ByteString {
  const ms = nowMs + Math.floor(aheadNs / NS_PER_MS)
  return `${ms}.${String(aheadNs % NS_PER_MS).padStart(FRACTION_DIGITS, '0')}`
}

/** Rounded up: who waits so long is not too early. */
function toMs(ns: number): number {
  return Math.ceil(ns / NS_PER_MS)
}

function within(text: ByteString, min: number, max: number): number | undefined {
  const value = integer(text)
  return value >= min && value <= max ? value : undefined
}

export const limitCommands: readonly CommandSpec[] = [
  {
    name: 'limit',
    arity: -5,
    flags: ['write', 'denyoom', 'fast'],
    keys: { first: 1 },
    group: 'limit',
    summary:
      'Limits a rate: answers whether it is refused, the limit, what remains, and in how many milliseconds ' +
      'to try again (-1 if not refused) and the limiter is as new.',
    complexity: 'O(1)',
    syntax: 'key max-burst count-per-period period-milliseconds [quantity]',
    since: 'Shardloom 0.2.0',
    differs: "Like redis-cell's CL.THROTTLE, in milliseconds; quantity 0 only looks.",
    handler: limit,
  },
]
