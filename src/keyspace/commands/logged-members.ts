/**
 * Effects on many members, in parts: one log record per part stays small, and a call takes only so many
 * arguments (about 100,000 in V8).
 *
 * Tests: test/keyspace/commands/logged-members.prop.test.ts, set-walk-commands.test.ts
 */
import type { ByteString, Call } from '../engine/index.ts'

/** Even, so that pairs stay together. */
export const MEMBERS_PER_EFFECT = 4096

/** Logs `before … member …`; with a `word`, `before … word count member …`. */
export function logMembers(
  call: Call,
  before: readonly ByteString[],
  members: readonly ByteString[],
  word?: string,
): void {
  for (let i = 0; i < members.length; i += MEMBERS_PER_EFFECT) {
    const part = members.slice(i, i + MEMBERS_PER_EFFECT)
    if (word === undefined) call.effect(...before, ...part)
    else call.effect(...before, word, String(part.length), ...part)
  }
}
