/**
 * Times to live of keys: EXPIRE, TTL and PERSIST with their variants.
 *
 * A time is logged as an absolute one, and a time that has passed as the removal that it is.
 *
 * Tests: test/keyspace/commands/key-expiry-commands.test.ts
 */
import { type ByteString, type Call, type CommandSpec, err, type Reply } from '../engine/index.ts'
import { anyExpiry, EXPIRY_FORMS, type ExpiryForm } from './expiry-arguments.ts'
import { quietly } from './quietly.ts'

const NX_WITH_OTHERS = err('NX and XX, GT or LT options at the same time are not compatible')
const GT_WITH_LT = err('GT and LT options at the same time are not compatible')

const MISSING = -2
const NEVER = -1

type Condition = 'NX' | 'XX' | 'GT' | 'LT'

const NO_CONDITIONS: ReadonlySet<Condition> = new Set()

function expire(call: Call, argv: readonly ByteString[], form: ExpiryForm, command: string): Reply {
  const { db } = call
  const key = argv[1]!
  const conditions = readConditions(argv)
  const expireAt = anyExpiry(db, argv[2]!, form, command)
  const current = db.expireAt(key)
  if (current === undefined || !meets(conditions, current, expireAt)) return 0
  if (expireAt <= db.nowMs) {
    db.delete(key)
    call.effect('DEL', key)
    return 1
  }
  db.setExpireAt(key, expireAt)
  db.changed(key, 'expire')
  call.effect('PEXPIREAT', key, String(expireAt))
  return 1
}

/** `current` is 0 for a key that never expires: later than any time. */
function meets(conditions: ReadonlySet<Condition>, current: number, expireAt: number): boolean {
  if (conditions.has('NX') && current !== 0) return false
  if (conditions.has('XX') && current === 0) return false
  if (conditions.has('GT') && (current === 0 || expireAt <= current)) return false
  return !(conditions.has('LT') && current !== 0 && expireAt >= current)
}

function readConditions(argv: readonly ByteString[]): ReadonlySet<Condition> {
  if (argv.length === 3) return NO_CONDITIONS
  const conditions = new Set<Condition>()
  for (let i = 3; i < argv.length; i++) {
    const name = argv[i]!.toUpperCase()
    if (name !== 'NX' && name !== 'XX' && name !== 'GT' && name !== 'LT') {
      throw err(`Unsupported option ${argv[i]}`)
    }
    conditions.add(name)
  }
  if (conditions.has('NX') && conditions.size > 1) throw NX_WITH_OTHERS
  if (conditions.has('GT') && conditions.has('LT')) throw GT_WITH_LT
  return conditions
}

/** A time of a key, as the reply wants it: relative or not, in milliseconds or rounded to seconds. */
function expiry({ db }: Call, argv: readonly ByteString[], { isInSeconds, isRelative }: ExpiryForm): Reply {
  const expireAt = quietly(db, () => db.expireAt(argv[1]!))
  if (expireAt === undefined) return MISSING
  if (expireAt === 0) return NEVER
  const ms = isRelative ? Math.max(0, Math.ceil(expireAt - db.nowMs)) : expireAt
  return isInSeconds ? Math.floor((ms + 500) / 1000) : ms
}

function persist({ db }: Call, argv: readonly ByteString[]): Reply {
  const key = argv[1]!
  if ((db.expireAt(key) ?? 0) === 0) return 0
  db.setExpireAt(key, 0)
  db.changed(key, 'persist')
  return 1
}

function expireRow(name: string, form: ExpiryForm, argument: string, since: string): CommandSpec {
  return {
    name,
    arity: -3,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'generic',
    summary: `Sets when a key expires: ${summaryOf(form)}.`,
    complexity: 'O(1)',
    syntax: `key ${argument} [NX | XX | GT | LT]`,
    since,
    handler: (call, argv) => expire(call, argv, form, name),
  }
}

function expiryRow(name: string, form: ExpiryForm, since: string): CommandSpec {
  return {
    name,
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1 },
    group: 'generic',
    summary: `Answers when a key expires, ${summaryOf(form)}; -1: never, -2: there is no key.`,
    complexity: 'O(1)',
    syntax: 'key',
    since,
    handler: (call, argv) => expiry(call, argv, form),
  }
}

function summaryOf({ isInSeconds, isRelative }: ExpiryForm): string {
  const unit = isInSeconds ? 'seconds' : 'milliseconds'
  return isRelative ? `${unit} from now` : `${unit} since 1970`
}

export const keyExpiryCommands: readonly CommandSpec[] = [
  expireRow('expire', EXPIRY_FORMS.EX, 'seconds', '1.0.0'),
  expireRow('pexpire', EXPIRY_FORMS.PX, 'milliseconds', '2.6.0'),
  expireRow('expireat', EXPIRY_FORMS.EXAT, 'unix-seconds', '1.2.0'),
  expireRow('pexpireat', EXPIRY_FORMS.PXAT, 'unix-milliseconds', '2.6.0'),
  expiryRow('ttl', EXPIRY_FORMS.EX, '1.0.0'),
  expiryRow('pttl', EXPIRY_FORMS.PX, '2.6.0'),
  expiryRow('expiretime', EXPIRY_FORMS.EXAT, '7.0.0'),
  expiryRow('pexpiretime', EXPIRY_FORMS.PXAT, '7.0.0'),
  {
    name: 'persist',
    arity: 2,
    flags: ['write', 'fast'],
    keys: { first: 1 },
    group: 'generic',
    summary: 'Takes the expiry of a key away.',
    complexity: 'O(1)',
    syntax: 'key',
    since: '2.2.0',
    handler: persist,
  },
]
