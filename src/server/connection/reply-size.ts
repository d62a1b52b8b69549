/**
 * How much a reply takes while it waits to be written: about, and quickly. What is shared by many clients
 * counts for each of them, as it does when it is sent.
 * Tests: test/server/connection/reply-queue.test.ts
 */
import { MapReply, SetReply } from '../../keyspace/engine/index.ts'
import {
  AttributeReply,
  EncodedReply,
  type NO_REPLY,
  PushReply,
  type ServerReply,
  SeveralReplies,
  VerbatimReply,
} from '../resp/index.ts'

/** What any value takes. */
const VALUE_BYTES = 16

/** Bytes of a reply. */
export function sizeOfReply(reply: ServerReply | typeof NO_REPLY): number {
  if (typeof reply === 'string' || reply instanceof Uint8Array) return VALUE_BYTES + reply.length
  if (typeof reply !== 'object' || reply === null) return VALUE_BYTES
  if (Array.isArray(reply)) return sizeOfAll(reply)
  if (reply instanceof EncodedReply) return VALUE_BYTES + reply.sizeBytes
  if (reply instanceof MapReply) return sizeOfAll(reply.flat)
  if (reply instanceof SetReply) return sizeOfAll(reply.members)
  if (reply instanceof PushReply) return sizeOfAll(reply.items)
  if (reply instanceof SeveralReplies) return sizeOfAll(reply.replies)
  if (reply instanceof VerbatimReply) return VALUE_BYTES + reply.text.length
  if (reply instanceof AttributeReply) return sizeOfAll(reply.flat) + sizeOfReply(reply.reply)
  return VALUE_BYTES
}

function sizeOfAll(replies: readonly ServerReply[]): number {
  let bytes = VALUE_BYTES
  for (let i = 0; i < replies.length; i++) bytes += sizeOfReply(replies[i]!)
  return bytes
}
