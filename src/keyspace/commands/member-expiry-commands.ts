/**
 * Times to live of members: HEXPIRE and its kin as in Redis 7.4, and the same for sets by analogy.
 *
 * One table for all collections: what differs is the letter, the word before the members, and the look-up.
 * Redis stores an expiry of fields in 46 bits and refuses what is later; so do we, for all.
 *
 * Effects: an expiry is logged as the time at which it comes (HPEXPIREAT), with those members alone that it
 * was set for; a time that has passed removes members, and is logged as that.
 *
 * Tests: test/keyspace/commands/hash-expiry-commands.test.ts, set-expiry-commands.test.ts
 * Source: https://redis.io/docs/latest/commands/hexpire/
 */
import {
  type ByteString,
  type Call,
  type CommandGroup,
  type CommandSpec,
  type Database,
  err,
  type Reply,
} from '../engine/index.ts'
import { integer, invalidExpire } from './arguments.ts'
import { EXPIRY_FORMS, type ExpiryForm } from './expiry-arguments.ts'
import { logMembers } from './logged-members.ts'

/** A collection whose members may expire. Times are wall-clock milliseconds; 0: never. */
export interface ExpiringMembers {
  /** Undefined when it is not there. */
  expireAt(member: ByteString, nowMs: number): number | undefined
  setExpireAt(member: ByteString, expireAtMs: number, nowMs: number): boolean
  persist(member: ByteString, nowMs: number): boolean
  delete(member: ByteString, nowMs: number): boolean
}

/** What differs between the types. */
export interface MemberFamily {
  readonly letter: 'h' | 's' | 'z'
  readonly group: CommandGroup
  /** One of them: `field` of a hash, `member` of a set. */
  readonly member: 'field' | 'member'
  /** Removes members of a key. */
  readonly remove: 'HDEL' | 'SREM' | 'ZREM'
  readonly since: string
  /** What Redis has not, in a sentence. */
  readonly differs?: string
  /** @throws WRONG_TYPE */
  find(db: Database, key: ByteString): ExpiringMembers | undefined
}

/** Answers per member. */
const MISSING = -2
const NO_EXPIRY = -1
const CONDITION_FAILED = 0
const DONE = 1
const REMOVED = 2

/** The latest time: Redis keeps 48 bits, and reserves two of them. */
export const MEMBER_EXPIRE_AT_MAX: number = 2 ** 46 - 1

const NEGATIVE = err('invalid expire time, must be >= 0')

type Condition = 'NX' | 'XX' | 'GT' | 'LT' | undefined

/** A time at which members expire, from an argument. @throws ErrorReply */
export function memberExpireAt(db: Database, text: ByteString, form: ExpiryForm, command: string): number {
  const time = integer(text)
  if (time < 0) throw NEGATIVE
  const unitMs = form.isInSeconds ? 1000 : 1
  const baseMs = form.isRelative ? Math.floor(db.nowMs) : 0
  if (time > Math.floor(MEMBER_EXPIRE_AT_MAX / unitMs)) throw invalidExpire(command)
  const atMs = time * unitMs
  if (atMs > MEMBER_EXPIRE_AT_MAX - baseMs) throw invalidExpire(command)
  return atMs + baseMs
}

/** `FIELDS n field …`, from the word on: the members. @throws ErrorReply */
export function memberList(
  family: Pick<MemberFamily, 'member'>,
  argv: readonly ByteString[],
  at: number,
  badCount = `Number of ${family.member}s must be a positive integer`,
): readonly ByteString[] {
  const word = wordOf(family)
  if (argv[at]?.toUpperCase() !== word) {
    throw err(`Mandatory argument ${word} is missing or not at the right position`)
  }
  const refusal = err(badCount)
  const count = integer(argv[at + 1] ?? '', refusal)
  if (count < 1) throw refusal
  if (count !== argv.length - at - 2) {
    throw err(`The \`num${family.member}s\` parameter must match the number of arguments`)
  }
  return argv.slice(at + 2)
}

/**
 * Gives members a time, or removes them when it has passed: reports, and logs. Answers per member.
 */
export function expireMembersAt(
  call: Call,
  family: MemberFamily,
  key: ByteString,
  atMs: number,
  members: readonly ByteString[],
  isMet: (expireAtMs: number) => boolean = () => true,
): number[] {
  const { db } = call
  const { nowMs } = db
  const found = family.find(db, key)
  const changed: ByteString[] = []
  const isPast = atMs <= nowMs
  const answers = members.map((member) => {
    const old = found?.expireAt(member, nowMs)
    if (found === undefined || old === undefined) return MISSING
    if (!isMet(old)) return CONDITION_FAILED
    if (isPast) found.delete(member, nowMs)
    else found.setExpireAt(member, atMs, nowMs)
    changed.push(member)
    return isPast ? REMOVED : DONE
  })
  if (changed.length === 0) return answers
  if (isPast) {
    logMembers(call, [family.remove, key], changed)
    db.changed(key, family.remove.toLowerCase())
  } else {
    const command = `${family.letter.toUpperCase()}PEXPIREAT`
    logMembers(call, [command, key, String(atMs)], changed, wordOf(family))
    db.changed(key, `${family.letter}expire`)
  }
  return answers
}

/** Takes the times of members away: reports, and logs. Answers per member. */
export function persistMembers(
  call: Call,
  family: MemberFamily,
  key: ByteString,
  members: readonly ByteString[],
): number[] {
  const { db } = call
  const { nowMs } = db
  const found = family.find(db, key)
  const changed: ByteString[] = []
  const answers = members.map((member) => {
    const old = found?.expireAt(member, nowMs)
    if (found === undefined || old === undefined) return MISSING
    if (old === 0) return NO_EXPIRY
    found.persist(member, nowMs)
    changed.push(member)
    return DONE
  })
  if (changed.length > 0) {
    logMembers(call, [`${family.letter.toUpperCase()}PERSIST`, key], changed, wordOf(family))
    db.changed(key, `${family.letter}persist`)
  }
  return answers
}

/** The nine rows of a type. */
export function memberExpiryCommands(family: MemberFamily): readonly CommandSpec[] {
  const { letter, member } = family
  const list = `${wordOf(family)} num${member}s ${member} [${member} …]`
  const shared = {
    keys: { first: 1 },
    group: family.group,
    complexity: `O(n) for n ${member}s`,
    since: family.since,
    ...(family.differs === undefined ? {} : { differs: family.differs }),
  } as const
  const setters = [
    [`${letter}expire`, EXPIRY_FORMS.EX, 'seconds', `Lets ${member}s expire after some seconds.`],
    [`${letter}pexpire`, EXPIRY_FORMS.PX, 'milliseconds', `Lets ${member}s expire after some milliseconds.`],
    [`${letter}expireat`, EXPIRY_FORMS.EXAT, 'unix-seconds', `Lets ${member}s expire at a time.`],
    [`${letter}pexpireat`, EXPIRY_FORMS.PXAT, 'unix-milliseconds', `Lets ${member}s expire at a time in ms.`],
  ] as const
  const getters = [
    [`${letter}ttl`, true, 1000, `Answers after how many seconds ${member}s expire.`],
    [`${letter}pttl`, true, 1, `Answers after how many milliseconds ${member}s expire.`],
    [`${letter}expiretime`, false, 1000, `Answers at which time in seconds ${member}s expire.`],
    [`${letter}pexpiretime`, false, 1, `Answers at which time in milliseconds ${member}s expire.`],
  ] as const
  return [
    ...setters.map(
      ([name, form, time, summary]): CommandSpec => ({
        ...shared,
        name,
        arity: -6,
        flags: ['write', 'denyoom', 'fast'],
        summary,
        syntax: `key ${time} [NX | XX | GT | LT] ${list}`,
        handler: (call, argv) => expire(call, argv, family, form, name),
      }),
    ),
    ...getters.map(
      ([name, isRelative, unitMs, summary]): CommandSpec => ({
        ...shared,
        name,
        arity: -5,
        flags: ['readonly', 'fast'],
        summary,
        syntax: `key ${list}`,
        handler: (call, argv) => times(call, argv, family, isRelative, unitMs),
      }),
    ),
    {
      ...shared,
      name: `${letter}persist`,
      arity: -5,
      flags: ['write', 'fast'],
      summary: `Lets ${member}s stay for ever that were to expire.`,
      syntax: `key ${list}`,
      handler: persist(family),
    },
  ]
}

function expire(
  call: Call,
  argv: readonly ByteString[],
  family: MemberFamily,
  form: ExpiryForm,
  command: string,
): Reply {
  const { db } = call
  const key = argv[1]!
  family.find(db, key)
  const atMs = memberExpireAt(db, argv[2]!, form, command)
  const condition = conditionOf(argv[3]!)
  const noun = family.member === 'field' ? 'numFields' : 'numMembers'
  const at = condition === undefined ? 3 : 4
  const members = memberList(family, argv, at, `Parameter \`${noun}\` should be greater than 0`)
  return expireMembersAt(call, family, key, atMs, members, (old) => isMet(condition, old, atMs))
}

function conditionOf(text: ByteString): Condition {
  const word = text.toUpperCase()
  return word === 'NX' || word === 'XX' || word === 'GT' || word === 'LT' ? word : undefined
}

/** What never expires counts as later than everything. */
function isMet(condition: Condition, oldMs: number, atMs: number): boolean {
  switch (condition) {
    case 'NX':
      return oldMs === 0
    case 'XX':
      return oldMs !== 0
    case 'GT':
      return oldMs !== 0 && atMs > oldMs
    case 'LT':
      return oldMs === 0 || atMs < oldMs
    case undefined:
      return true
  }
}

function times(
  { db }: Call,
  argv: readonly ByteString[],
  family: MemberFamily,
  isRelative: boolean,
  unitMs: number,
): Reply {
  const { nowMs } = db
  const found = family.find(db, argv[1]!)
  return memberList(family, argv, 2).map((member) => {
    const atMs = found?.expireAt(member, nowMs)
    if (atMs === undefined) return MISSING
    if (atMs === 0) return NO_EXPIRY
    // Rounded up: what still lives has not 0 left.
    return Math.ceil((isRelative ? atMs - nowMs : atMs) / unitMs)
  })
}

function persist(family: MemberFamily): CommandSpec['handler'] {
  return (call, argv) => {
    family.find(call.db, argv[1]!)
    return persistMembers(call, family, argv[1]!, memberList(family, argv, 2))
  }
}

function wordOf(family: Pick<MemberFamily, 'member'>): string {
  return `${family.member.toUpperCase()}S`
}
