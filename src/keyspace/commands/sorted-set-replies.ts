/**
 * Members with scores as replies: flat in RESP2, which knows no pairs, and pairs in RESP3.
 *
 * Tests: test/keyspace/commands/sorted-set-range-commands.test.ts
 * Source: Redis 7.2, src/t_zset.c (zrangeResultEmitCBufferToClient).
 */
import { type Call, DoubleReply, type Reply, type ScoredMember } from '../engine/index.ts'

/** Members in their order, with scores where they are wanted. */
export function scoredReply(call: Call, members: readonly ScoredMember[], hasScores: boolean): Reply {
  if (!hasScores) return members.map(({ member }) => member)
  return call.caller.resp === 2 ? flatReply(members) : pairsReply(members)
}

/** Member, score, member, score. */
export function flatReply(members: readonly ScoredMember[]): Reply[] {
  const flat: Reply[] = []
  for (const { member, score } of members) flat.push(member, new DoubleReply(score))
  return flat
}

/** An array for each member with its score. */
export function pairsReply(members: readonly ScoredMember[]): Reply[] {
  return members.map(({ member, score }) => [member, new DoubleReply(score)])
}

/** A score, or null where there is none. */
export function scoreReply(score: number | undefined): Reply {
  return score === undefined ? null : new DoubleReply(score)
}
