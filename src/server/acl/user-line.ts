/**
 * Rules as text: `user alice on #2bd8… ~* +@all (~x +get)`, one user a line, words with single blanks
 * between.
 *
 * A line of a file says all of a user. The lines in which changes travel between threads begin with other
 * words, and say what is done: see `AclStore.apply`. No rule that is taken holds a blank, but for a selector,
 * which is put together again from the words that its parentheses enclose.
 *
 * Tests: test/server/acl/user-line.test.ts
 */
import type { ByteString } from '../../keyspace/engine/index.ts'
import type { AclUser } from './acl-user.ts'
import { hashOfPassword } from './password.ts'
import { RULE_FAULTS, type RuleFault, shownRule } from './rule-fault.ts'

/** A rule that was refused. */
export interface RefusedRule {
  readonly rule: ByteString
  readonly fault: RuleFault
}

/**
 * Selectors that came as several words, each as one; where no parenthesis closes one, the word that opens it.
 */
export function mergeSelectors(
  words: readonly ByteString[],
): readonly ByteString[] | { readonly open: ByteString } {
  const merged: ByteString[] = []
  let open = -1
  for (const [i, word] of words.entries()) {
    if (open < 0 && !(word.startsWith('(') && !word.endsWith(')'))) {
      merged.push(word)
      continue
    }
    if (open < 0) open = i
    else if (word.endsWith(')')) {
      merged.push(words.slice(open, i + 1).join(' '))
      open = -1
    }
  }
  return open < 0 ? merged : { open: words[open] as ByteString }
}

/** Applies rules in their order, up to the first that is refused. */
export function applyRules(user: AclUser, rules: readonly ByteString[]): RefusedRule | undefined {
  for (const rule of rules) {
    const fault = user.apply(rule)
    if (fault !== undefined) return { rule, fault }
  }
  return undefined
}

/** Rules as they may travel and be kept: without passwords, and without rules that say nothing. */
export function withoutPasswords(rules: readonly ByteString[]): readonly ByteString[] {
  return rules.filter((rule) => rule !== '').map(hashed)
}

/** What is said of a rule that was refused. */
export function refusalText({ rule, fault }: RefusedRule): string {
  return `Error in ACL SETUSER modifier '${shownRule(rule)}': ${RULE_FAULTS[fault]}`
}

/** What is said of a selector that is not closed. */
export function openSelectorText(word: ByteString): string {
  return `Unmatched parenthesis in acl selector starting at '${shownRule(word)}'.`
}

/** A user, as a line of a file and of `ACL LIST`. */
export function userLine(user: AclUser): ByteString {
  return `user ${user.name} ${user}`
}

function hashed(rule: ByteString): ByteString {
  if (rule.startsWith('>')) return `#${hashOfPassword(rule.slice(1))}`
  return rule.startsWith('<') ? `!${hashOfPassword(rule.slice(1))}` : rule
}
