/**
 * A command as MONITOR prints it:
 *
 *     1339518083.107412 [0 127.0.0.1:60866] "set" "key" "a\x00b\"\\\r\n"
 *
 * Secrets are left out where there may be any. A long argument is cut, and says so, as in SLOWLOG.
 *
 * Tests: test/server/push/monitor-line.test.ts
 */
import { type Argument, type ByteString, byteString } from '../../keyspace/engine/index.ts'
import { redactedRequest } from '../acl/index.ts'
import type { Session } from '../commands/server-command.ts'
import { parameterNamed } from '../parameters/index.ts'

const ARGUMENT_BYTES_MAX = 16 * 1024
const ESCAPES: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\x07': '\\a',
  '\b': '\\b',
}
const UNPRINTABLE = /[^\x20\x21\x23-\x5b\x5d-\x7e]/g

/** The line, without its end. */
export function monitorLine(
  { address, isUnix }: Pick<Session, 'address' | 'isUnix'>,
  db: number,
  argv: readonly Argument[],
  wallMs: number,
): ByteString {
  const seconds = Math.floor(wallMs / 1000)
  const microseconds = String(Math.floor((wallMs - seconds * 1000) * 1000)).padStart(6, '0')
  const from = isUnix ? `unix:${address.replace(/:0$/, '')}` : address
  const words = redactedRequest(argv, isSecret).map(quoted).join(' ')
  return `${seconds}.${microseconds} [${db} ${from}] ${words}`
}

/** Bytes in quotes, as Redis prints them. */
export function quoted(argument: Argument): ByteString {
  const { length } = argument
  if (length <= ARGUMENT_BYTES_MAX) return `"${byteString(argument).replace(UNPRINTABLE, escaped)}"`
  const text = byteString(argument.slice(0, ARGUMENT_BYTES_MAX)).replace(UNPRINTABLE, escaped)
  return `"${text}... (${length - ARGUMENT_BYTES_MAX} more bytes)"`
}

function escaped(char: string): string {
  return ESCAPES[char] ?? `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`
}

function isSecret(name: string): boolean {
  return parameterNamed(name)?.isSecret === true
}
