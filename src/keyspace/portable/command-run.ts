/**
 * Commands that are run for somebody else's keyspace, wherever that is: embedded, behind a socket, a Redis.
 *
 * A function of this kind is all that exports and imports know of it. So they run over any client, and never
 * inside of a shard, where a long value would hold up others.
 *
 * Tests: test/keyspace/portable/entry-loader.test.ts, test/keyspace/portable/key-exporter.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import {
  arrayOfBytes,
  type ByteString,
  byteString,
  DoubleReply,
  ErrorReply,
  isAscii,
  MapReply,
  NullArrayReply,
  type Reply,
  SetReply,
  StatusReply,
} from '../engine/index.ts'

/** A name and its arguments. A string is ASCII, so that bytes and text are the same; all else is bytes. */
export type Command = readonly (string | Uint8Array)[]

/**
 * Runs commands in a database, and answers one reply for each, in their order. Other callers' commands may
 * run in between. In the replies strings are bytes, or have a character a byte; maps and sets are flat
 * arrays; a refusal is an `Error` or an `ErrorReply` in its place. What is thrown ends the import or export.
 */
export type RunCommands = (db: number, commands: readonly Command[]) => Promise<readonly unknown[]>

/** A word of a command: text where that means the same to every client, else bytes. */
export function wordOf(text: ByteString): string | Uint8Array {
  return isAscii(text) ? text : arrayOfBytes(text)
}

/** What a refusal says; undefined: the reply is none. */
export function refusalOf(reply: unknown): string | undefined {
  if (reply instanceof ErrorReply) return reply.text
  return reply instanceof Error ? reply.message : undefined
}

/** Whether the server does not have a command. */
export function isUnknownCommand(reply: unknown): boolean {
  return /unknown (?:sub)?command/i.test(refusalOf(reply) ?? '')
}

/** A string of a reply. @throws SHL_COMMAND_REFUSED when it is none */
export function bytesOfReply(reply: unknown, command: string): ByteString {
  if (typeof reply === 'string' || reply instanceof Uint8Array) return byteString(reply)
  if (typeof reply === 'number' || typeof reply === 'bigint') return String(reply)
  return refuseReply(reply, command)
}

/** A list of a reply. @throws SHL_COMMAND_REFUSED when it is none */
export function listOfReply(reply: unknown, command: string): readonly unknown[] {
  return Array.isArray(reply) ? reply : refuseReply(reply, command)
}

/** A number of a reply. @throws SHL_COMMAND_REFUSED when it is none */
export function numberOfReply(reply: unknown, command: string): number {
  return typeof reply === 'number' || typeof reply === 'bigint' ? Number(reply) : refuseReply(reply, command)
}

/** The reply is none to that command, or a refusal. @throws SHL_COMMAND_REFUSED */
export function refuseReply(reply: unknown, command: string): never {
  const text = refusalOf(reply) ?? `ERR unexpected reply to ${command}`
  throw new ShardloomError('SHL_COMMAND_REFUSED', { reply: text, command }, { cause: reply })
}

/** A reply of an engine, or of a session, as `RunCommands` gives it. */
export function plainReply(reply: Reply): unknown {
  if (reply instanceof StatusReply) return reply.text
  if (reply instanceof DoubleReply) return reply.value
  if (reply instanceof NullArrayReply) return null
  if (reply instanceof MapReply) return reply.flat.map(plainReply)
  if (reply instanceof SetReply) return reply.members.map(plainReply)
  return Array.isArray(reply) ? reply.map(plainReply) : reply
}
