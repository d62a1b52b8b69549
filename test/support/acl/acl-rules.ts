/** Random rules of users, and requests to try them with: of commands that Redis 7.0 has as well. */
import type { Random } from '../../../src/base/index.ts'

const COMMANDS = [
  ...['get', 'set', 'mget', 'del', 'exists', 'rename', 'copy', 'hset', 'zadd', 'lmove', 'zunionstore'],
  ...['publish', 'subscribe', 'psubscribe', 'ssubscribe', 'select', 'debug', 'auth', 'multi', 'ping', 'type'],
  ...['config', 'config|get', 'config|set', 'client', 'client|list', 'client|id', 'acl', 'acl|whoami'],
  ...['object', 'object|encoding', 'nosuch', 'config|nosuch'],
]
const FIRST_ARGUMENTS = [
  ...['select|0', 'select|1', 'debug|sleep', 'DEBUG|object', 'client|id', 'config|get', 'CONFIG|SET'],
  ...['config|get|x', 'select|', 'config|', 'nosuch|x', 'object|encoding'],
]
const CATEGORIES = [
  ...['keyspace', 'read', 'write', 'set', 'sortedset', 'list', 'hash', 'string', 'pubsub', 'admin', 'fast'],
  ...['slow', 'blocking', 'dangerous', 'connection', 'transaction', 'READ', 'nosuch', ''],
]
const PATTERNS = ['a', 'a*', 'b?', 'b:*', '[ab]*', 'c', '*x', '\\*', '', 'a)', "q'", 'sp ace']
const CHANNELS = ['c', 'c*', 'news:*', 'news:1', '*', 'd?', 'sp ace']
/** What may be given as a password in these tests, and what never is. */
export const PASSWORDS: readonly string[] = ['sesame-1', 'sesame-2', 'sesame 3']
const HASH = '5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8'
const WORDS = [
  ...['on', 'off', 'ON', 'nopass', 'resetpass', 'allkeys', 'resetkeys', 'allchannels', 'resetchannels'],
  ...['allcommands', 'nocommands', 'AllCommands', '+@all', '-@all', 'sanitize-payload'],
  ...['skip-sanitize-payload', 'clearselectors', 'reset', 'frob', ')', '&*', '~*', '(frob)', '()', ''],
]
const KEYS = ['a', 'ab', 'b1', 'b:1', 'c', 'cx', '*', 'zz']
const NAMES = ['c', 'c1', 'c*', 'news:1', 'news:*', 'd1', '*', 'e']

/** One rule. */
export function randomRule(random: Random): string {
  const kind = random.below(20)
  if (kind < 4) return `${sign(random)}${one(random, COMMANDS)}`
  if (kind < 6) return `${random.below(4) === 0 ? '-' : '+'}${one(random, FIRST_ARGUMENTS)}`
  if (kind < 9) return `${sign(random)}@${one(random, CATEGORIES)}`
  if (kind < 12)
    return `${one(random, ['~', '~', '%R~', '%W~', '%RW~', '%wr~', '%RR~', '%x~'])}${pattern(random)}`
  if (kind < 14) return `&${one(random, CHANNELS)}`
  if (kind === 14) return `${one(random, ['>', '>', '<'])}${one(random, PASSWORDS)}`
  if (kind === 15) return `${one(random, ['#', '#', '!'])}${random.below(4) === 0 ? 'abc' : HASH}`
  if (kind === 16) return `(${randomSelector(random)})`
  return one(random, WORDS)
}

/** Rules of a selector, of those that may stand in one. */
function randomSelector(random: Random): string {
  const rules: string[] = []
  for (let left = random.below(4); left >= 0; left--) {
    const kind = random.below(4)
    if (kind === 0) rules.push(`~${one(random, ['a*', 'b:*', 'c', '*'])}`)
    else if (kind === 1) rules.push(`%${one(random, ['R', 'W'])}~${one(random, ['a*', 'b:*'])}`)
    else if (kind === 2)
      rules.push(`${sign(random)}${one(random, ['@read', '@write', 'get', 'set', '@all'])}`)
    else rules.push(one(random, ['&c*', '&news:1', 'allkeys', 'resetkeys', '+config|get', '+select|0']))
  }
  return rules.join(' ')
}

/** A request of a shape that its command takes. */
export function randomRequest(random: Random): string[] {
  const key = (): string => one(random, KEYS)
  const channel = (): string => one(random, NAMES)
  const requests: readonly (() => string[])[] = [
    () => ['get', key()],
    () => ['SET', key(), 'v'],
    () => ['set', key(), 'v', 'GET'],
    () => ['mget', key(), key(), key()],
    () => ['del', key(), key()],
    () => ['exists', key(), key()],
    () => ['rename', key(), key()],
    () => ['copy', key(), key()],
    () => ['hset', key(), 'f', 'v'],
    () => ['zadd', key(), '1', 'm'],
    () => ['lmove', key(), key(), 'LEFT', 'RIGHT'],
    () => ['zunionstore', key(), '2', key(), key()],
    () => ['type', key()],
    () => ['object', 'encoding', key()],
    () => ['publish', channel(), 'm'],
    () => ['subscribe', channel(), channel()],
    () => ['psubscribe', channel(), channel()],
    () => ['ssubscribe', channel()],
    () => ['unsubscribe', channel()],
    () => ['config', 'get', 'x'],
    () => ['config', 'SET', 'x', 'y'],
    () => ['client', 'list'],
    () => ['client', 'id'],
    () => ['acl', 'whoami'],
    () => ['select', one(random, ['0', '1', '2'])],
    () => ['debug', one(random, ['sleep', 'OBJECT', 'other']), '0'],
    () => ['auth', 'x'],
    () => ['multi'],
    () => ['ping'],
  ]
  return one(random, requests)()
}

function pattern(random: Random): string {
  return one(random, PATTERNS)
}

function sign(random: Random): string {
  return random.below(3) === 0 ? '-' : '+'
}

function one<T>(random: Random, choices: readonly T[]): T {
  return choices[random.below(choices.length)] as T
}
