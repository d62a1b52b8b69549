/**
 * CLIENT TRACKING, CLIENT CACHING, CLIENT TRACKINGINFO and CLIENT GETREDIR.
 *
 * Source: https://redis.io/docs/latest/develop/reference/client-side-caching/, Redis 7.0 networking.c
 * Tests: test/server/push/push-redis.race.test.ts
 */
import {
  type Argument,
  type ByteString,
  byteString,
  type ErrorReply,
  err,
  MapReply,
  NOT_INTEGER,
  OK,
  type Reply,
  SetReply,
  SYNTAX_ERROR,
} from '../../keyspace/engine/index.ts'
import { errorReplyOf } from '../connection/error-reply.ts'
import { pushesOf } from '../push/thread-pushes.ts'
import type { ServerReply } from '../resp/index.ts'
import type { ServerCommand, Session, TrackingOptions } from './server-command.ts'

const NO_CLIENT = err('The client ID you want redirect to does not exist')
const ONE_CLIENT = err('A client can only redirect to a single other client')
const PREFIX_WITHOUT_BCAST = err('PREFIX option requires BCAST mode to be enabled')
const BCAST_SWITCHED = err(
  "You can't switch BCAST mode on/off before disabling tracking for this client, and then re-enabling it " +
    'with a different mode.',
)
const BCAST_WITH_MODE = err('OPTIN and OPTOUT are not compatible with BCAST')
const BOTH_MODES = err("You can't specify both OPTIN mode and OPTOUT mode")
const MODE_SWITCHED = err(
  "You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then re-enabling it " +
    'with a different mode.',
)
const NOT_TRACKING = err(
  'CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled',
)
const NOT_OPTIN = err('CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.')
const NOT_OPTOUT = err('CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.')

/** Options as they were given. */
interface GivenOptions {
  redirect: number
  isBroadcast: boolean
  isOptIn: boolean
  isOptOut: boolean
  noLoop: boolean
  readonly prefixes: ByteString[]
}

async function tracking(session: Session, argv: readonly Argument[]): Promise<ServerReply> {
  const given = await optionsOf(session, argv)
  if (!('prefixes' in given)) return given
  const parts = pushesOf(session.thread).tracking
  const word = wordAt(argv, 2)
  if (word === 'OFF') {
    parts.stop(session)
    return OK
  }
  if (word !== 'ON') return SYNTAX_ERROR
  const refusal = refusalOf(session.tracking, given)
  if (refusal !== undefined) return refusal
  const { redirect, isBroadcast, isOptIn, isOptOut, noLoop, prefixes } = given
  const mode = isOptIn ? 'optin' : isOptOut ? 'optout' : 'default'
  try {
    await parts.start(session, { redirect, isBroadcast, prefixes, mode, noLoop })
    return OK
  } catch (error) {
    return errorReplyOf(error)
  }
}

async function optionsOf(session: Session, argv: readonly Argument[]): Promise<GivenOptions | ErrorReply> {
  const given: GivenOptions = {
    redirect: 0,
    isBroadcast: false,
    isOptIn: false,
    isOptOut: false,
    noLoop: false,
    prefixes: [],
  }
  for (let i = 3; i < argv.length; i++) {
    const word = wordAt(argv, i)
    const isLast = i === argv.length - 1
    if (word === 'REDIRECT' && !isLast) {
      if (given.redirect !== 0) return ONE_CLIENT
      const text = byteString(argv[++i]!)
      if (!/^(?:0|-?[1-9]\d{0,17})$/.test(text)) return NOT_INTEGER
      given.redirect = Number(text)
      if (!(await pushesOf(session.thread).tracking.hasClient(given.redirect))) return NO_CLIENT
    } else if (word === 'BCAST') given.isBroadcast = true
    else if (word === 'OPTIN') given.isOptIn = true
    else if (word === 'OPTOUT') given.isOptOut = true
    else if (word === 'NOLOOP') given.noLoop = true
    else if (word === 'PREFIX' && !isLast) given.prefixes.push(byteString(argv[++i]!))
    else return SYNTAX_ERROR
  }
  return given
}

/** Each is compared with every other one. */
const PREFIXES_MAX = 512
const TOO_MANY_PREFIXES = err(`A client has at most ${PREFIXES_MAX} prefixes.`)

function refusalOf(before: TrackingOptions | undefined, given: GivenOptions): ErrorReply | undefined {
  const { isBroadcast, isOptIn, isOptOut, prefixes } = given
  if (!isBroadcast && prefixes.length > 0) return PREFIX_WITHOUT_BCAST
  if (before !== undefined && before.isBroadcast !== isBroadcast) return BCAST_SWITCHED
  if (isBroadcast && (isOptIn || isOptOut)) return BCAST_WITH_MODE
  if (isOptIn && isOptOut) return BOTH_MODES
  if ((before?.prefixes.length ?? 0) + prefixes.length > PREFIXES_MAX) return TOO_MANY_PREFIXES
  const mode = before?.mode
  if ((isOptIn && mode === 'optout') || (isOptOut && mode === 'optin')) return MODE_SWITCHED
  return isBroadcast ? overlapOf(before?.prefixes ?? [], prefixes) : undefined
}

/** Of one client: a change would be told twice. */
function overlapOf(known: readonly ByteString[], given: readonly ByteString[]): ErrorReply | undefined {
  const rule = 'Prefixes for a single client must not overlap.'
  for (const [i, prefix] of given.entries()) {
    const existing = known.find((other) => doOverlap(prefix, other))
    if (existing !== undefined) {
      return err(`Prefix '${prefix}' overlaps with an existing prefix '${existing}'. ${rule}`)
    }
    const other = given.slice(i + 1).find((later) => doOverlap(prefix, later))
    if (other !== undefined) {
      return err(`Prefix '${prefix}' overlaps with another provided prefix '${other}'. ${rule}`)
    }
  }
  return undefined
}

function doOverlap(one: ByteString, other: ByteString): boolean {
  return one.startsWith(other) || other.startsWith(one)
}

function caching(session: Session, argv: readonly Argument[]): ServerReply {
  const options = session.tracking
  if (options === undefined) return NOT_TRACKING
  switch (wordAt(argv, 2)) {
    case 'YES':
      if (options.mode !== 'optin') return NOT_OPTIN
      session.caching = true
      break
    case 'NO':
      if (options.mode !== 'optout') return NOT_OPTOUT
      session.caching = false
      break
    default:
      return SYNTAX_ERROR
  }
  session.changed()
  return OK
}

function trackingInfo(session: Session): ServerReply {
  const options = session.tracking
  const flags: string[] = [options === undefined ? 'off' : 'on']
  if (options?.isBroadcast === true) flags.push('bcast')
  if (options !== undefined && options.mode !== 'default') {
    flags.push(options.mode)
    if (session.caching !== undefined) flags.push(session.caching ? 'caching-yes' : 'caching-no')
  }
  if (options?.noLoop === true) flags.push('noloop')
  if (pushesOf(session.thread).tracking.isBroken(session)) flags.push('broken_redirect')
  const prefixes: readonly Reply[] = options?.prefixes ?? []
  return new MapReply(['flags', new SetReply(flags), 'redirect', redirectOf(session), 'prefixes', prefixes])
}

/** -1: it does not track. */
function redirectOf({ tracking: options }: Session): number {
  return options?.redirect ?? -1
}

function wordAt(argv: readonly Argument[], index: number): string {
  return byteString(argv[index] ?? '').toUpperCase()
}

const COMMON = {
  flags: ['noscript', 'loading', 'stale'],
  group: 'connection',
  complexity: 'O(1)',
} as const satisfies Partial<ServerCommand>

export const trackingCommands: readonly ServerCommand[] = [
  {
    ...COMMON,
    name: 'client|tracking',
    arity: -3,
    summary: 'Has the client told when what it has read, or what has a prefix, is changed.',
    complexity: 'O(1); some options may add to it',
    syntax:
      '<ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]',
    since: '6.0.0',
    differs:
      'When databases are swapped, any key may have changed. What a transaction over several shards does ' +
      'is told to its client although it said NOLOOP. FLUSHALL and FLUSHDB of what is empty ' +
      'are not told.',
    run: tracking,
  },
  {
    ...COMMON,
    name: 'client|caching',
    arity: 3,
    summary: 'Says whether keys of the next command are remembered, with OPTIN or OPTOUT.',
    syntax: '<YES | NO>',
    since: '6.0.0',
    run: caching,
  },
  {
    ...COMMON,
    name: 'client|trackinginfo',
    arity: 2,
    summary: 'Tells what the client is told of.',
    syntax: '',
    since: '6.2.0',
    run: trackingInfo,
  },
  {
    ...COMMON,
    name: 'client|getredir',
    arity: 2,
    summary: 'The id of the client that is told in its place.',
    syntax: '',
    since: '6.0.0',
    run: redirectOf,
  },
]
