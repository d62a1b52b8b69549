/**
 * Values of the client library below, and ours: arguments one way, replies the other.
 *
 * The library is asked for bytes, so that nothing is decoded as text that is none, and for integers as their
 * text, since those above 2^53 would lose their last digits. What a value is can be told by its type then:
 *
 *     bulk string    Buffer    ──►  ByteString, or bytes when it is large
 *     integer        string, a digit or a sign first   ──►  number, or bigint
 *     status         string, a letter first            ──►  StatusReply
 *     double         number    ──►  DoubleReply
 *     map, set       array     ──►  array: pairs lie flat, as the faces take them
 *
 * Tests: test/client/wire-values.test.ts
 */
import { RESP_TYPES, ErrorReply as WireError } from '@redis/client'
import {
  type Argument,
  DoubleReply,
  ErrorReply,
  isAscii,
  LARGE_VALUE_BYTES,
  type Reply,
  StatusReply,
} from '../keyspace/engine/index.ts'

/** An argument as the library takes it. */
export type WireArgument = string | Buffer

/** How replies are to be decoded. */
export const WIRE_TYPES = {
  [RESP_TYPES.BLOB_STRING]: Buffer,
  [RESP_TYPES.VERBATIM_STRING]: Buffer,
  [RESP_TYPES.NUMBER]: String,
  [RESP_TYPES.MAP]: Array,
} as const

/** Text that is not ASCII would be sent as UTF-8: bytes go as bytes. */
export function wireArgument(argument: Argument): WireArgument {
  if (typeof argument === 'string') return isAscii(argument) ? argument : Buffer.from(argument, 'latin1')
  return Buffer.from(argument.buffer, argument.byteOffset, argument.byteLength)
}

/** A reply as it came, as the faces take it. */
export function replyOfWire(value: unknown): Reply {
  if (value === null || value === undefined) return null
  if (Buffer.isBuffer(value)) {
    return value.length < LARGE_VALUE_BYTES ? value.toString('latin1') : value
  }
  if (typeof value === 'string') return isInteger(value) ? integerOf(value) : new StatusReply(value)
  if (typeof value === 'number') return new DoubleReply(value)
  if (typeof value === 'boolean') return value ? 1 : 0
  if (typeof value === 'bigint') return value
  if (Array.isArray(value)) return value.map(replyOfWire)
  if (value instanceof WireError) return errorOfWire(value)
  return String(value)
}

/** An error reply, by its first word. */
export function errorOfWire({ message }: WireError): ErrorReply {
  const space = message.indexOf(' ')
  return space === -1
    ? new ErrorReply(message, '')
    : new ErrorReply(message.slice(0, space), message.slice(space + 1))
}

/** Whether the server has refused, rather than something on the way. */
export function isWireError(error: unknown): error is WireError {
  return error instanceof WireError
}

function isInteger(text: string): boolean {
  const code = text.charCodeAt(text.charCodeAt(0) === 0x2d || text.charCodeAt(0) === 0x2b ? 1 : 0)
  return code >= 0x30 && code <= 0x39
}

function integerOf(text: string): number | bigint {
  const number = Number(text)
  return Number.isSafeInteger(number) ? number : BigInt(text)
}
