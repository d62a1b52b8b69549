/**
 * Requests as they may be written down: in MONITOR, SLOWLOG, the audit log.
 *
 * What may be a password becomes `(redacted)`, with the names beside it, as in Redis: AUTH as a whole, AUTH
 * within HELLO, the rules of ACL SETUSER, the values of secret parameters.
 *
 * Cost: a request of another command costs a look at the length and the first byte of its name.
 * Tests: test/server/acl/redacted.test.ts
 */
import { type Argument, byteString } from '../../keyspace/engine/index.ts'

const REDACTED = '(redacted)'
/** The names in question have from 3 to 6 bytes: acl, auth, hello, config. */
const NAME_BYTES_MIN = 3
const NAME_BYTES_MAX = 7

/** A request without secrets: the same array, where it holds none. `isSecret` knows parameters by name. */
export function redactedRequest(
  argv: readonly Argument[],
  isSecret: (parameter: string) => boolean,
): readonly Argument[] {
  const length = argv[0]?.length ?? 0
  if (length < NAME_BYTES_MIN || length > NAME_BYTES_MAX || argv.length < 2) return argv
  switch (wordAt(argv, 0)) {
    case 'auth':
      return from(argv, 1)
    case 'hello':
      return withoutLogin(argv)
    case 'acl':
      return wordAt(argv, 1) === 'setuser' ? from(argv, 2) : withoutInner(argv)
    case 'command':
    case 'fenced':
      return withoutInner(argv)
    case 'config':
      return wordAt(argv, 1) === 'set' ? withoutSecrets(argv, isSecret) : argv
    default:
      return argv
  }
}

function from(argv: readonly Argument[], start: number): readonly Argument[] {
  return argv.map((argument, i) => (i < start ? argument : REDACTED))
}

/** HELLO reads its options in order, and may be given several logins. */
function withoutLogin(argv: readonly Argument[]): readonly Argument[] {
  const hidden = new Set<number>()
  for (let i = 2; i < argv.length; ) {
    const word = wordAt(argv, i)
    if (word === 'auth') {
      hidden.add(i + 1).add(i + 2)
      i += 3
    } else i += word === 'setname' ? 2 : 1
  }
  return argv.map((argument, i) => (hidden.has(i) ? REDACTED : argument))
}

/** A request that holds another one: what follows a word by which somebody logs in is not shown. */
function withoutInner(argv: readonly Argument[]): readonly Argument[] {
  const at = argv.findIndex((_, i) => i > 0 && HOLD_SECRETS.has(wordAt(argv, i)))
  return at < 0 ? argv : from(argv, at + 1)
}

const HOLD_SECRETS: ReadonlySet<string> = new Set(['auth', 'hello', 'acl', 'config', 'setuser'])

function withoutSecrets(
  argv: readonly Argument[],
  isSecret: (parameter: string) => boolean,
): readonly Argument[] {
  return argv.map((argument, i) =>
    i >= 3 && i % 2 === 1 && isSecret(wordAt(argv, i - 1)) ? REDACTED : argument,
  )
}

/** In lower case; nothing that is longer than any word that is looked for. */
function wordAt(argv: readonly Argument[], index: number): string {
  const word = argv[index]
  return word === undefined || word.length > 64 ? '' : byteString(word).toLowerCase()
}
