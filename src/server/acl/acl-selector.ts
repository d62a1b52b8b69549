/**
 * A selector: commands, keys and channels that go together. A user has one of its own and may have more; a
 * request may run when one of them allows all of it.
 *
 * Invariant: `apply` changes nothing when it finds fault.
 * Cost: a check of the command is a bit; each key or channel costs one match per pattern until one fits.
 * Tests: test/server/acl/acl-selector.test.ts, test/server/acl/acl-user-redis.prop.test.ts
 */
import { type ByteString, byteString, globMatcher, type Matcher } from '../../keyspace/engine/index.ts'
import type { CommandCatalog } from '../catalog/index.ts'
import { CommandRules } from './command-rules.ts'
import { joined, type KeyPattern, keyPatternText, parseKeyPattern } from './key-pattern.ts'
import { hasSpaces, type RuleFault } from './rule-fault.ts'

interface ChannelPattern {
  readonly pattern: ByteString
  readonly matches: Matcher
}

/** What may be done, with what. */
export class AclSelector {
  readonly commands: CommandRules
  #keys: readonly KeyPattern[] = []
  #hasAllKeys = false
  #channels: readonly ChannelPattern[] = []
  #hasAllChannels: boolean

  /** Allows nothing, but for channels where `hasAllChannels` says so. */
  constructor(from: CommandCatalog | CommandRules, hasAllChannels = false) {
    this.commands = from instanceof CommandRules ? from : new CommandRules(from)
    this.#hasAllChannels = hasAllChannels
  }

  get hasAllKeys(): boolean {
    return this.#hasAllKeys
  }

  get hasAllChannels(): boolean {
    return this.#hasAllChannels
  }

  /** No request needs to be looked at. */
  get isUnrestricted(): boolean {
    return this.commands.isAll && this.#hasAllKeys && this.#hasAllChannels
  }

  copy(): AclSelector {
    const copy = new AclSelector(this.commands.copy(), this.#hasAllChannels)
    copy.#keys = this.#keys
    copy.#hasAllKeys = this.#hasAllKeys
    copy.#channels = this.#channels
    return copy
  }

  /** Applies one rule of commands, keys or channels. */
  apply(rule: ByteString): RuleFault | undefined {
    switch (rule.toLowerCase()) {
      case 'allkeys':
      case '~*':
        this.#setKeys(true)
        return undefined
      case 'resetkeys':
        this.#setKeys(false)
        return undefined
      case 'allchannels':
      case '&*':
        this.#setChannels(true)
        return undefined
      case 'resetchannels':
        this.#setChannels(false)
        return undefined
      case 'allcommands':
      case '+@all':
        this.commands.setAll(true)
        return undefined
      case 'nocommands':
      case '-@all':
        this.commands.setAll(false)
        return undefined
    }
    switch (rule[0]) {
      case '~':
      case '%':
        return this.#addKeys(rule)
      case '&':
        return this.#addChannels(rule.slice(1))
      case '+':
      case '-':
        return this.commands.apply(rule)
      default:
        return 'syntax'
    }
  }

  /** Whether a key may be used in this way: bits of READ and WRITE. */
  allowsKey(key: ByteString, needed: number): boolean {
    if (this.#hasAllKeys) return true
    for (const { access, matches } of this.#keys) {
      if ((access & needed) === needed && matches(key)) return true
    }
    return false
  }

  /** Whether every key there is may be used in this way. */
  allowsEveryKey(needed: number): boolean {
    if (this.#hasAllKeys) return true
    return this.#keys.some(({ access, pattern }) => (access & needed) === needed && pattern === '*')
  }

  /** The same of all keys that fit a pattern: it must be one of those allowed, letter by letter. */
  coversPattern(pattern: ByteString, needed: number): boolean {
    if (this.allowsEveryKey(needed)) return true
    return this.#keys.some((own) => (own.access & needed) === needed && own.pattern === pattern)
  }

  /** Whether a channel may be used; a pattern must be one of those allowed, letter by letter. */
  allowsChannel(channel: ByteString, isPattern: boolean): boolean {
    if (this.#hasAllChannels) return true
    for (const { pattern, matches } of this.#channels) {
      if (isPattern ? pattern === channel : matches(channel)) return true
    }
    return false
  }

  /** Whether all that `other` allows of channels is allowed here, as far as patterns tell. */
  coversChannelsOf(other: AclSelector): boolean {
    if (this.#hasAllChannels) return true
    if (other.#hasAllChannels) return false
    return other.#channels.every(({ pattern }) => this.#channels.some((own) => own.pattern === pattern))
  }

  /** The patterns of keys, as rules. */
  get keysText(): ByteString {
    return this.#hasAllKeys ? '~*' : this.#keys.map(keyPatternText).join(' ')
  }

  /** The patterns of channels, as rules. */
  get channelsText(): ByteString {
    return this.#hasAllChannels ? '&*' : this.#channels.map(({ pattern }) => `&${pattern}`).join(' ')
  }

  /** As rules. */
  toString(): ByteString {
    const channels = this.#hasAllChannels ? '&*' : `resetchannels ${this.channelsText}`.trimEnd()
    return [this.keysText, channels, this.commands.toString()].filter((text) => text !== '').join(' ')
  }

  #setKeys(hasAll: boolean): void {
    this.#hasAllKeys = hasAll
    this.#keys = []
  }

  #setChannels(hasAll: boolean): void {
    this.#hasAllChannels = hasAll
    this.#channels = []
  }

  #addKeys(rule: ByteString): RuleFault | undefined {
    if (this.#hasAllKeys) return 'afterAllKeys'
    const added = parseKeyPattern(rule)
    if (added === undefined) return 'syntax'
    const isThere = this.#keys.some(({ pattern }) => pattern === added.pattern)
    this.#keys = isThere
      ? this.#keys.map((own) => (own.pattern === added.pattern ? joined(own, added) : own))
      : [...this.#keys, added]
    return undefined
  }

  #addChannels(pattern: ByteString): RuleFault | undefined {
    if (this.#hasAllChannels) return 'afterAllChannels'
    if (hasSpaces(pattern)) return 'syntax'
    const isThere = this.#channels.some((own) => own.pattern === pattern)
    if (!isThere) this.#channels = [...this.#channels, { pattern, matches: globMatcher(pattern) }]
    return undefined
  }
}

/** Reads `(…)`. A selector within one, a quotation mark, or an end before the end is a fault. */
export function parseSelector(
  catalog: CommandCatalog,
  text: ByteString,
  hasAllChannels: boolean,
): AclSelector | RuleFault {
  const selector = new AclSelector(catalog, hasAllChannels)
  const rules = byteString(text).slice(1, -1)
  for (const rule of rules.split(/[ \t\n\v\f\r\0]+/)) {
    if (rule === '') continue
    // Such a rule could be given, but not be read again as it is printed.
    const fault = /["']|\)$/.test(rule) ? 'syntax' : selector.apply(rule)
    if (fault !== undefined) return fault
  }
  return selector
}
