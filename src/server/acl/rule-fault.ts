/**
 * What is wrong with a rule, in Redis' words, and rules as they may be shown.
 *
 * Tests: test/server/acl/acl-user.test.ts
 */
import type { ByteString } from '../../keyspace/engine/index.ts'

const AFTER_ALL = 'is not valid and does not have any effect.'

/** What may be wrong → what Redis says. */
export const RULE_FAULTS = {
  unknown: 'Unknown command or category name in ACL',
  syntax: 'Syntax error',
  afterAllKeys:
    `Adding a pattern after the * pattern (or the 'allkeys' flag) ${AFTER_ALL} ` +
    "Try 'resetkeys' to start with an empty list of patterns",
  afterAllChannels:
    `Adding a pattern after the * pattern (or the 'allchannels' flag) ${AFTER_ALL} ` +
    "Try 'resetchannels' to start with an empty list of channels",
  noSuchPassword: 'The password you are trying to remove from the user does not exist',
  badHash:
    'The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters',
  argumentOfSubcommand: 'Allowing first-arg of a subcommand is not supported',
} as const

/** Why a rule was refused. */
export type RuleFault = keyof typeof RULE_FAULTS

/** Spaces of C, and the end of its strings: nothing that is printed with blanks between may hold one. */
const SPACES = /[ \t\n\v\f\r\0]/

/** Whether text cannot stand in a line of rules. */
export function hasSpaces(text: ByteString): boolean {
  return SPACES.test(text)
}

/** A rule that may be shown: without what might be a password, or its hash. */
export function shownRule(rule: ByteString): ByteString {
  return rule.replace(/(^\(?|[ \t\n\v\f\r\0])([><#!])[^ \t\n\v\f\r\0]+.*$/s, '$1$2***')
}
