/**
 * The users of a server, as one thread has them.
 *
 * Every thread holds a copy, so that a check asks nobody. A change is prepared where it was asked for, as a
 * line of text (rules checked, passwords hashed), travels to all threads, and is applied on each by `apply`,
 * in one order for all:
 *
 *     setuser alice on #2bd8… ~a:*      rules are added to those of a user, who is made where there is none
 *     deluser alice bob                 users go
 *     users⏎user alice …⏎user bob …     these, and no others (a file was loaded)
 *     resetlog                          the log of refusals is emptied
 *
 * What a line does depends on nothing but the lines before it: so all copies stay the same, also where two
 * threads change one user at a time, and where a rule is refused that was right when it was prepared.
 *
 * What reaches beyond the users is told in the outcome: whose sessions end, and whose subscriptions may no
 * longer be allowed.
 *
 * Invariants: (1) there is always a user `default`, and it is the same object; (2) a line is applied as a
 * whole or not at all; (3) neither lines nor outcomes hold a password.
 * Tests: test/server/acl/acl-store.test.ts, test/server/acl/acl-user-redis.prop.test.ts
 */
import type { Clock } from '../../base/index.ts'
import {
  type Argument,
  type ByteString,
  ErrorReply,
  err,
  OK,
  type Reply,
} from '../../keyspace/engine/index.ts'
import type { CommandCatalog, CommandInfo } from '../catalog/index.ts'
import { denialReply, execDenialReply } from './acl-denial.ts'
import { parseAclFile, printAclFile } from './acl-file.ts'
import { AclLog, type AclLogOptions, type AclRefusal } from './acl-log.ts'
import { AclUser, type AclUserOptions } from './acl-user.ts'
import {
  CertificateUsers,
  type CertificateUsersOptions,
  type ClientCertificate,
} from './certificate-users.ts'
import { hashOfPassword, isOneOf } from './password.ts'
import type { RateCells } from './rate-cells.ts'
import type { RateRule } from './rate-limit.ts'
import { hasSpaces } from './rule-fault.ts'
import { sortRefusal } from './sort-refusal.ts'
import {
  applyRules,
  mergeSelectors,
  openSelectorText,
  refusalText,
  userLine,
  withoutPasswords,
} from './user-line.ts'

/** The user of whoever has not said who they are. */
export const DEFAULT_USER = 'default'
const DEFAULT_RULES: readonly string[] = ['+@all', '~*', '&*', 'on', 'nopass']

/**
 * When a request is looked at: when it comes; again, when a pause that held it up is over; when it was queued
 * and is to run. Rules may have changed meanwhile; it counts for the user's rate once.
 */
export type RightsMoment = 'first' | 'again' | 'exec'

/** A client, as far as refusals tell of it. */
export interface AclClient {
  /** Commands queued by MULTI; -1: it is in no transaction. */
  readonly queued: number
}

/** How users are kept. */
export interface AclStoreOptions {
  readonly catalog: CommandCatalog
  readonly clock: Clock
  /** `acl-pubsub-default`. Default: `resetchannels`, as Redis 7. */
  readonly pubsubDefault?: 'allchannels' | 'resetchannels'
  readonly log?: AclLogOptions
  readonly certificates?: CertificateUsersOptions
  /** Rates of users over all threads; else each thread counts for itself. */
  readonly rates?: RateCells
  /** This thread's place among those that have a copy: ids of changes differ by it. */
  readonly place?: number
  /** The line of `CLIENT LIST`, for the log. */
  clientInfo?(client: AclClient): ByteString
}

/** A line on its way to all threads. */
export interface AclChange {
  readonly id: string
  readonly line: ByteString
}

/** What a line came to. */
export interface AclOutcome {
  /** For whoever asked: OK, a number, or an error. */
  readonly reply: Reply
  /** Users that are no more: their sessions end. */
  readonly gone: readonly AclUser[]
  /** Users who may use fewer channels: sessions that listen to others end. */
  readonly narrowed: readonly AclUser[]
}

/** The users of a thread. */
export class AclStore {
  readonly catalog: CommandCatalog
  readonly log: AclLog
  /** `acl-pubsub-default`: holds for users and selectors that are made from now on. */
  pubsubDefault: 'allchannels' | 'resetchannels'
  certificates: CertificateUsers
  /** The same object for ever, whatever its rules are. */
  readonly defaultUser: AclUser
  readonly #clock: Clock
  readonly #rates: RateCells | undefined
  readonly #place: number
  readonly #clientInfo: (client: AclClient) => ByteString
  readonly #users = new Map<ByteString, AclUser>()
  /** What own changes came to; undefined: not yet. */
  readonly #replies = new Map<string, Reply | undefined>()
  #changeCount = 0

  constructor(options: AclStoreOptions) {
    this.catalog = options.catalog
    this.#clock = options.clock
    this.pubsubDefault = options.pubsubDefault ?? 'resetchannels'
    this.log = new AclLog(options.log)
    this.certificates = new CertificateUsers(options.certificates)
    this.#rates = options.rates
    this.#place = options.place ?? 0
    this.#clientInfo = options.clientInfo ?? (() => '')
    this.defaultUser = this.#newDefault()
    this.#users.set(DEFAULT_USER, this.defaultUser)
  }

  /** By name, as bytes are sorted. */
  get users(): readonly AclUser[] {
    return [...this.#users.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
  }

  getUser(name: ByteString): AclUser | undefined {
    return this.#users.get(name)
  }

  /** Lines as `ACL LIST` answers them. */
  list(): readonly ByteString[] {
    return this.users.map(userLine)
  }

  /** The text of a file of users. */
  save(): ByteString {
    return printAclFile(this.users)
  }

  /** The line that makes another thread's copy the same as this one. */
  snapshot(): ByteString {
    return `users\n${this.save()}`
  }

  /**
   * Who logs in so; undefined: nobody. The time it takes tells nothing of whether there is such a user, is
   * enabled, or has which password.
   */
  authenticate(name: ByteString, password: Argument): AclUser | undefined {
    const user = this.#users.get(name)
    if (user !== undefined) return user.accepts(password) ? user : undefined
    isOneOf([], password)
    return undefined
  }

  /** Who a certificate that was verified stands for; undefined: nobody, or who may not log in. */
  userOfCertificate(certificate: ClientCertificate): AclUser | undefined {
    const name = this.certificates.nameOf(certificate)
    const user = name === undefined ? undefined : this.#users.get(name)
    return user?.isEnabled ? user : undefined
  }

  /**
   * Why a request may not run, for its client; undefined: it may. A refusal is logged. To be asked where the
   * user is not `isUnrestricted`.
   */
  refusalOf(
    user: AclUser,
    info: CommandInfo,
    argv: readonly Argument[],
    client: AclClient,
    moment: RightsMoment = 'first',
  ): ErrorReply | undefined {
    const waitMs = moment === 'first' ? (user.rateLimit?.take(this.#clock.nowMs()) ?? 0) : 0
    if (waitMs > 0) return limitedReply(user.rate as RateRule, waitMs)
    const found = user.canRun(info, argv)
    if (found === 'allowed') return sortRefusal(user, this.catalog, info, argv)
    const context = moment === 'exec' || client.queued >= 0 ? 'multi' : 'toplevel'
    const { reason, object } = found
    this.#note({ reason, object, username: user.name, context }, client)
    return moment === 'exec' ? execDenialReply(found) : denialReply(found)
  }

  /** Logs that somebody did not get in under this name. `command` as it was typed: `AUTH`, `hello`. */
  noteFailedLogin(username: ByteString, client: AclClient, command: ByteString): void {
    const context = client.queued >= 0 ? 'multi' : 'toplevel'
    this.#note({ reason: 'auth', object: command, username, context }, client)
  }

  /** The line for `ACL SETUSER name rules`, or why there is none. */
  prepareSet(name: ByteString, rules: readonly ByteString[]): ByteString | ErrorReply {
    if (hasSpaces(name)) return err("Usernames can't contain spaces or null characters")
    const merged = mergeSelectors(rules)
    if ('open' in merged) return err(openSelectorText(merged.open))
    const refused = applyRules(this.#draft(name), merged)
    if (refused !== undefined) return err(refusalText(refused))
    return ['setuser', name, ...withoutPasswords(merged)].join(' ')
  }

  /** The line for `ACL DELUSER names`, or why there is none. */
  prepareDelete(names: readonly ByteString[]): ByteString | ErrorReply {
    if (names.includes(DEFAULT_USER)) return err("The 'default' user cannot be removed")
    // No user has such a name, and the line could not hold it.
    return ['deluser', ...names.filter((name) => !hasSpaces(name))].join(' ')
  }

  /** The line for a file that was read, or what is wrong with it. */
  prepareLoad(text: ByteString, fileName: string): ByteString | ErrorReply {
    const parsed = parseAclFile(text, fileName, this.#userOptions)
    return 'errors' in parsed ? err(parsed.errors) : `users\n${printAclFile(parsed.users)}`
  }

  /** The line for `requirepass`: the password of the default user; empty: it needs none. */
  prepareDefaultPassword(password: Argument): ByteString {
    const rules = password.length === 0 ? 'nopass' : `resetpass #${hashOfPassword(password)}`
    return `setuser ${DEFAULT_USER} ${rules}`
  }

  /** The line that gives the default user the passwords that it has now, whatever it has by then. */
  prepareSamePasswords(): ByteString {
    const { isPasswordFree, passwords } = this.defaultUser
    const rules = ['resetpass', ...passwords.map((hash) => `#${hash}`)]
    return `setuser ${DEFAULT_USER} ${isPasswordFree ? 'nopass' : rules.join(' ')}`
  }

  /** Makes a user or changes one, on this thread alone: for a start, and for tests. */
  setUser(name: ByteString, rules: readonly ByteString[]): ErrorReply | undefined {
    const line = this.prepareSet(name, rules)
    if (typeof line !== 'string') return line
    this.apply(line)
    return undefined
  }

  /** Takes the users of a file in the place of all others, on this thread alone: for a start. */
  load(text: ByteString, fileName: string): ErrorReply | undefined {
    const line = this.prepareLoad(text, fileName)
    if (typeof line !== 'string') return line
    this.apply(line)
    return undefined
  }

  /** A line, as a change that is to travel: `end` gives what it came to on this thread. */
  begin(line: ByteString): AclChange {
    const id = `${this.#place}.${++this.#changeCount}`
    this.#replies.set(id, undefined)
    return { id, line }
  }

  /** Applies a change, on each thread that it has come to. */
  receive({ id, line }: AclChange): AclOutcome {
    const outcome = this.apply(line)
    if (this.#replies.has(id)) this.#replies.set(id, outcome.reply)
    return outcome
  }

  /** What a change of this thread came to here; undefined: it has not come. */
  end({ id }: AclChange): Reply | undefined {
    const reply = this.#replies.get(id)
    this.#replies.delete(id)
    return reply
  }

  /** Applies a line that was prepared, here or elsewhere. */
  apply(line: ByteString): AclOutcome {
    if (line.startsWith('users\n')) return this.#applyUsers(line.slice('users\n'.length))
    const [verb, ...words] = line.split(' ')
    switch (verb) {
      case 'setuser':
        return this.#applySet(words[0] ?? '', words.slice(1))
      case 'deluser':
        return this.#applyDelete(words)
      case 'resetlog':
        this.log.reset()
        return outcome(OK)
      default:
        return outcome(err('no such change of users'))
    }
  }

  get #userOptions(): AclUserOptions {
    const hasAllChannels = this.pubsubDefault === 'allchannels'
    return { catalog: this.catalog, hasAllChannels, rates: this.#rates }
  }

  #note(refusal: Omit<AclRefusal, 'clientInfo'>, client: AclClient): void {
    this.log.add({ ...refusal, clientInfo: this.#clientInfo(client) }, this.#clock.wallMs())
  }

  #newDefault(): AclUser {
    const user = new AclUser(DEFAULT_USER, this.#userOptions)
    applyRules(user, DEFAULT_RULES)
    return user
  }

  /** A user to try rules on. */
  #draft(name: ByteString): AclUser {
    return this.#users.get(name)?.copy(this.#userOptions) ?? new AclUser(name, this.#userOptions)
  }

  #applySet(name: ByteString, words: readonly ByteString[]): AclOutcome {
    const rules = mergeSelectors(words)
    if ('open' in rules) return outcome(err(openSelectorText(rules.open)))
    const draft = this.#draft(name)
    const refused = applyRules(draft, rules)
    if (refused !== undefined) return outcome(err(refusalText(refused)))
    const user = this.#users.get(name)
    if (user === undefined) {
      this.#users.set(name, draft)
      return outcome(OK)
    }
    const isNarrowed = draft.hasFewerChannelsThan(user)
    user.become(draft)
    return outcome(OK, [], isNarrowed ? [user] : [])
  }

  #applyDelete(names: readonly ByteString[]): AclOutcome {
    const gone = new Set<AclUser>()
    for (const name of names) {
      const user = this.#users.get(name)
      if (user === undefined || user === this.defaultUser) continue
      this.#remove(user)
      gone.add(user)
    }
    return outcome(gone.size, [...gone])
  }

  /**
   * As Redis does it: all users are new but for `default`, which takes over what is said of it. Where nothing
   * is, it stays as it is: Redis would open it to everybody.
   */
  #applyUsers(text: ByteString): AclOutcome {
    const parsed = parseAclFile(text, 'users', this.#userOptions)
    if ('errors' in parsed) return outcome(err(parsed.errors))
    const gone = this.users.filter((user) => user !== this.defaultUser)
    for (const user of gone) this.#remove(user)
    const newDefault = parsed.users.find(({ name }) => name === DEFAULT_USER)
    const isNarrowed = newDefault?.hasFewerChannelsThan(this.defaultUser) === true
    if (newDefault !== undefined) this.defaultUser.become(newDefault)
    for (const user of parsed.users) if (user.name !== DEFAULT_USER) this.#users.set(user.name, user)
    return outcome(OK, gone, isNarrowed ? [this.defaultUser] : [])
  }

  #remove(user: AclUser): void {
    this.#users.delete(user.name)
    user.isGone = true
  }
}

/** Of our own: who asks too often is told how long to wait. */
function limitedReply({ count, seconds }: RateRule, waitMs: number): ErrorReply {
  const limit = `this user may run ${count} commands in ${seconds} s`
  return new ErrorReply('LIMITED', `${limit}, try again in ${waitMs} ms`)
}

function outcome(reply: Reply, gone: readonly AclUser[] = [], narrowed: readonly AclUser[] = []): AclOutcome {
  return { reply, gone, narrowed }
}
