/**
 * A user: who may log in with what, and run what with which keys and channels.
 *
 * Sessions hold the object, so that a change of rules holds for them from their next command on. Rules are
 * applied one by one, as they stand in `ACL SETUSER`, and printed so that they give the same user again:
 * flags, password hashes, rate, then the selectors.
 *
 * `isUnrestricted` is one property: the default user and most others pay nothing for the checks.
 *
 * Invariants: (1) the first selector is the user's own; (2) a user without passwords, and not `nopass`,
 * cannot log in; (3) no rule that was refused has changed anything; (4) no text of this class holds a
 * password.
 * Cost: `canRun` of a restricted user: some tens of ns, and a match per key and pattern.
 * Tests: test/server/acl/acl-user.test.ts, test/server/acl/acl-user-redis.prop.test.ts
 */
import { type Argument, type ByteString, byteString } from '../../keyspace/engine/index.ts'
import type { CommandCatalog, CommandInfo, KeyAccess } from '../catalog/index.ts'
import { type AclDenial, worse } from './acl-denial.ts'
import { AclSelector, parseSelector } from './acl-selector.ts'
import { NEEDED } from './key-pattern.ts'
import { hashOfPassword, isOneOf, isPasswordHash } from './password.ts'
import type { RateCells } from './rate-cells.ts'
import { parseRateRule, RateLimit, type RateRule, rateRuleText } from './rate-limit.ts'
import type { RuleFault } from './rule-fault.ts'

/** What users have in common. */
export interface AclUserOptions {
  readonly catalog: CommandCatalog
  /** `acl-pubsub-default allchannels`: new users and selectors may use every channel. */
  readonly hasAllChannels?: boolean
  /** Rates of users over all threads; else each copy of a user counts for itself. */
  readonly rates?: RateCells | undefined
}

/** Whether values that RESTORE is given are looked at first; undefined: nothing was said. */
type Sanitizing = 'sanitize-payload' | 'skip-sanitize-payload' | undefined

/** One user. */
export class AclUser {
  readonly name: ByteString
  /** It may run every command with every key and channel, as often as it likes: nothing is to be checked. */
  isUnrestricted = false
  /** It is no more among the users: its sessions are to end. */
  isGone = false
  #options: AclUserOptions
  readonly #catalog: CommandCatalog
  #isEnabled = false
  #isPasswordFree = false
  #sanitizing: Sanitizing
  #passwords: readonly string[] = []
  #rate: RateRule | undefined
  #limit: RateLimit | undefined
  #selectors: readonly AclSelector[]

  /** A user who may do nothing, and who is off. */
  constructor(name: ByteString, options: AclUserOptions) {
    const { catalog, hasAllChannels = false } = options
    this.name = name
    this.#options = options
    this.#catalog = catalog
    this.#selectors = [new AclSelector(catalog, hasAllChannels)]
  }

  /** It may log in. Who is logged in already may go on. */
  get isEnabled(): boolean {
    return this.#isEnabled
  }

  /** Any password will do. */
  get isPasswordFree(): boolean {
    return this.#isPasswordFree
  }

  /** SHA-256, in hexadecimal. */
  get passwords(): readonly string[] {
    return this.#passwords
  }

  /** The user's own selector, then others. */
  get selectors(): readonly AclSelector[] {
    return this.#selectors
  }

  get rate(): RateRule | undefined {
    return this.#rate
  }

  /** The limiter that belongs to `rate`: new when that changes. */
  get rateLimit(): RateLimit | undefined {
    return this.#limit
  }

  /** In the words and the order of `ACL GETUSER`. */
  get flags(): readonly string[] {
    const flags = [this.#isEnabled ? 'on' : 'off']
    if (this.#isPasswordFree) flags.push('nopass')
    if (this.#sanitizing !== undefined) flags.push(this.#sanitizing)
    return flags
  }

  /** A user of the same rules, for trying others: under the options of now. */
  copy(options: AclUserOptions = this.#options): AclUser {
    const copy = new AclUser(this.name, options)
    copy.#take(this)
    return copy
  }

  /** Takes over the rules of another, for the sessions that hold this one. */
  become(other: AclUser): void {
    this.#options = other.#options
    this.#take(other)
  }

  #take(other: AclUser): void {
    this.#isEnabled = other.#isEnabled
    this.#isPasswordFree = other.#isPasswordFree
    this.#sanitizing = other.#sanitizing
    this.#passwords = other.#passwords
    this.#setRate(other.#rate)
    this.#selectors = other.#selectors.map((selector) => selector.copy())
    this.#noteWhetherUnrestricted()
  }

  /** Whether a password is one of this user's. Takes as long whatever the answer is. */
  accepts(password: Argument): boolean {
    const isKnown = isOneOf(this.#passwords, password)
    return this.#isEnabled && (this.#isPasswordFree || isKnown)
  }

  /** Applies one rule. An empty one is none. */
  apply(rule: ByteString): RuleFault | undefined {
    const fault = this.#apply(rule)
    this.#noteWhetherUnrestricted()
    return fault
  }

  /** Whether a request may run. */
  canRun(info: CommandInfo, argv: readonly Argument[]): 'allowed' | AclDenial {
    if (this.isUnrestricted) return 'allowed'
    let denial: AclDenial | undefined
    for (const selector of this.#selectors) {
      const found = this.#denialBy(selector, info, argv)
      if (found === undefined) return 'allowed'
      denial = worse(denial, found)
    }
    return denial as AclDenial
  }

  /** Whether a request may run that reaches for any key: SORT with BY or GET. */
  canRunOnAnyKey(info: CommandInfo, argv: readonly Argument[], access: 'R' | 'W' | 'RW'): boolean {
    if (this.isUnrestricted) return true
    return this.#selectors.some(
      (selector) =>
        selector.allowsEveryKey(NEEDED[access]) && this.#denialBy(selector, info, argv) === undefined,
    )
  }

  /** Whether a key may be used in this way, whatever the command. */
  canUseKey(key: ByteString, access: 'R' | 'W' | 'RW'): boolean {
    return this.#selectors.some((selector) => selector.allowsKey(key, NEEDED[access]))
  }

  /** Whether a channel, or a pattern of channels as it stands, may be used. */
  canUseChannel(channel: ByteString, isPattern: boolean): boolean {
    return this.#selectors.some((selector) => selector.allowsChannel(channel, isPattern))
  }

  /** Whether channels that `before` may use are no more allowed, as far as patterns tell. */
  hasFewerChannelsThan(before: AclUser): boolean {
    if (this.#selectors.some((selector) => selector.hasAllChannels)) return false
    return !before.#selectors.every((old) => this.#selectors.some((own) => own.coversChannelsOf(old)))
  }

  /** All rules, as they would be given to `ACL SETUSER` for a new user. */
  toString(): ByteString {
    const [own, ...others] = this.#selectors
    const rate = this.#rate === undefined ? [] : [rateRuleText(this.#rate)]
    const passwords = this.#passwords.map((hash) => `#${hash}`)
    return [...this.flags, ...passwords, ...rate, String(own), ...others.map((other) => `(${other})`)].join(
      ' ',
    )
  }

  #noteWhetherUnrestricted(): void {
    const hasAll = this.#selectors.some((selector) => selector.isUnrestricted)
    this.isUnrestricted = hasAll && this.#rate === undefined
  }

  #apply(rule: ByteString): RuleFault | undefined {
    switch (rule[0]) {
      case undefined:
        return undefined
      case '>':
        return this.#addPassword(hashOfPassword(rule.slice(1)))
      case '#':
        return isPasswordHash(rule.slice(1)) ? this.#addPassword(rule.slice(1)) : 'badHash'
      case '<':
        return this.#removePassword(hashOfPassword(rule.slice(1)))
      case '!':
        return isPasswordHash(rule.slice(1)) ? this.#removePassword(rule.slice(1)) : 'badHash'
      case '(':
        return rule.endsWith(')') ? this.#addSelector(rule) : 'syntax'
      default:
        return this.#applyWord(rule)
    }
  }

  #applyWord(rule: ByteString): RuleFault | undefined {
    const word = rule.toLowerCase()
    switch (word) {
      case 'on':
      case 'off':
        this.#isEnabled = word === 'on'
        return undefined
      case 'sanitize-payload':
      case 'skip-sanitize-payload':
        this.#sanitizing = word
        return undefined
      case 'nopass':
      case 'resetpass':
        this.#isPasswordFree = word === 'nopass'
        this.#passwords = []
        return undefined
      case 'clearselectors':
        this.#selectors = this.#selectors.slice(0, 1)
        return undefined
      case 'norate':
        this.#setRate(undefined)
        return undefined
      case 'reset':
        this.#reset()
        return undefined
    }
    if (word.startsWith('rate:')) return this.#applyRate(word)
    return (this.#selectors[0] as AclSelector).apply(rule)
  }

  #applyRate(rule: string): RuleFault | undefined {
    const rate = parseRateRule(rule)
    if (rate === undefined) return 'syntax'
    this.#setRate(rate)
    return undefined
  }

  /** A limiter goes on as it was where its rule is the same: nobody gains by saying it again. */
  #setRate(rate: RateRule | undefined): void {
    if (rate?.count === this.#rate?.count && rate?.seconds === this.#rate?.seconds) return
    this.#rate = rate
    this.#limit = rate && new RateLimit(rate, this.name, this.#options.rates)
  }

  #reset(): void {
    this.become(new AclUser(this.name, this.#options))
    this.#sanitizing = 'sanitize-payload'
  }

  #addPassword(hash: string): undefined {
    if (!this.#passwords.includes(hash)) this.#passwords = [...this.#passwords, hash]
    this.#isPasswordFree = false
  }

  #removePassword(hash: string): RuleFault | undefined {
    if (!this.#passwords.includes(hash)) return 'noSuchPassword'
    this.#passwords = this.#passwords.filter((own) => own !== hash)
    return undefined
  }

  #addSelector(text: ByteString): RuleFault | undefined {
    const selector = parseSelector(this.#catalog, text, this.#options.hasAllChannels ?? false)
    if (typeof selector === 'string') return selector
    this.#selectors = [...this.#selectors, selector]
    return undefined
  }

  /** What of a request one selector does not allow. */
  #denialBy(selector: AclSelector, info: CommandInfo, argv: readonly Argument[]): AclDenial | undefined {
    // AUTH and its kin are for everybody.
    if (!selector.commands.allows(info, argv) && !info.flags.includes('no_auth')) {
      return { reason: 'command', object: info.name, index: 0 }
    }
    if (!selector.hasAllKeys) {
      let deniedAt = 0
      const test = (index: number, access: KeyAccess): boolean => {
        if (selector.allowsKey(byteString(argv[index] as Argument), NEEDED[access])) return true
        deniedAt = index
        return false
      }
      if (!this.#catalog.everyKey(info, argv, test)) return denialAt('key', argv, deniedAt)
      for (const { index, kind, pattern } of this.#catalog.watchedBy(info, argv)) {
        const key = byteString(argv[index] as Argument)
        const isAllowed =
          kind === 'key' ? selector.allowsKey(key, NEEDED.R) : selector.coversPattern(pattern, NEEDED.R)
        if (!isAllowed) return denialAt('key', argv, index)
      }
    }
    // Whatever has channels says so.
    if (!selector.hasAllChannels && info.flags.includes('pubsub')) {
      for (const { index, use, isPattern } of this.#catalog.channelsOf(info, argv)) {
        const isAllowed =
          use === 'unsubscribe' || selector.allowsChannel(byteString(argv[index] as Argument), isPattern)
        if (!isAllowed) return denialAt('channel', argv, index)
      }
    }
    return this.#denialWithin(selector, info, argv)
  }

  /** The same for the command that this one would run: FENCED does. */
  #denialWithin(selector: AclSelector, info: CommandInfo, argv: readonly Argument[]): AclDenial | undefined {
    const inner = this.#catalog.innerOf(info, argv)
    if (inner === undefined) return undefined
    const innerInfo = this.#catalog.find(inner)
    // What is not found will not run.
    const found = innerInfo === undefined ? undefined : this.#denialBy(selector, innerInfo, inner)
    return found && { ...found, index: found.index + argv.length - inner.length }
  }
}

function denialAt(reason: 'key' | 'channel', argv: readonly Argument[], index: number): AclDenial {
  return { reason, object: byteString(argv[index] as Argument), index }
}
