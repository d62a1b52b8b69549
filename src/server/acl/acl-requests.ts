/**
 * The subcommands of ACL, as functions from users and arguments to replies.
 *
 * `argv` is the whole request: `ACL GETUSER alice`. What reaches beyond this thread's users (other threads, a
 * file, the logs of all) is done through an `AclHost`.
 *
 * Texts are those of Redis 7.0. GETUSER tells a rate as well, where a user has one; LOG has the three fields
 * of 7.2.
 * Tests: test/server/acl/acl-requests.test.ts, test/server/acl/acl-user-redis.prop.test.ts
 */
import { randomBytes } from 'node:crypto'
import {
  type Argument,
  type ByteString,
  byteString,
  ErrorReply,
  err,
  isInteger64,
  MapReply,
  NOT_INTEGER,
  OK,
  type Reply,
  SetReply,
  StatusReply,
} from '../../keyspace/engine/index.ts'
import { CATEGORIES, type CommandCatalog } from '../catalog/index.ts'
import { dryRunText } from './acl-denial.ts'
import type { AclFile } from './acl-file.ts'
import { type AclLogEntry, logReply } from './acl-log.ts'
import type { AclSelector } from './acl-selector.ts'
import type { AclStore } from './acl-store.ts'
import type { AclUser } from './acl-user.ts'
import { rateRuleText } from './rate-limit.ts'

const GENPASS_BITS = 256
const GENPASS_BITS_MAX = 4096
const LOG_ENTRIES = 10
const SHOWN_BYTES = 128

const NO_FILE = err(
  'This Redis instance is not configured to use an ACL file. You may want to specify users via the ' +
    'ACL SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file ' +
    'set) in order to store users in the Redis configuration.',
)
const NOT_SAVED = err(
  'There was an error trying to save the ACLs. Please check the server logs for more information',
)

/** What of the server the requests need. */
export interface AclHost {
  /** The users of this thread. */
  readonly store: AclStore
  /**
   * Applies a line on every thread, in one order for all; resolves with what it came to on this one, when
   * all have it.
   */
  change(line: ByteString): Promise<Reply>
  /** The logs of all threads, as one. */
  logEntries(): Promise<readonly AclLogEntry[]>
  /** The file of users; undefined: there is none. */
  readonly file: AclFile | undefined
  wallMs(): number
}

/** `ACL CAT [category]` */
export function aclCat(catalog: CommandCatalog, argv: readonly Argument[]): Reply {
  if (argv.length > 3) return wrongCount(argv)
  if (argv.length === 2) return CATEGORIES
  const category = byteString(argv[2] as Argument)
  const name = category.toLowerCase()
  if (!CATEGORIES.includes(name)) return err(`Unknown category '${category.slice(0, SHOWN_BYTES)}'`)
  return catalog.inCategory(name).map((info) => info.name)
}

/** `ACL WHOAMI` */
export function aclWhoAmI(user: AclUser | undefined): Reply {
  return user === undefined ? null : user.name
}

/** `ACL USERS` */
export function aclUsers(store: AclStore): Reply {
  return store.users.map(({ name }) => name)
}

/** `ACL LIST` */
export function aclList(store: AclStore): Reply {
  return store.list()
}

/** `ACL GETUSER name` */
export function aclGetUser(store: AclStore, argv: readonly Argument[]): Reply {
  const user = store.getUser(byteString(argv[2] as Argument))
  if (user === undefined) return null
  const [own, ...others] = user.selectors as readonly [AclSelector, ...AclSelector[]]
  return new MapReply([
    ...['flags', new SetReply(user.flags)],
    ...['passwords', user.passwords],
    ...selectorFields(own),
    ...['selectors', others.map((selector) => new MapReply(selectorFields(selector)))],
    ...(user.rate === undefined ? [] : ['rate', rateRuleText(user.rate)]),
  ])
}

/** `ACL SETUSER name [rule …]` */
export async function aclSetUser(host: AclHost, argv: readonly Argument[]): Promise<Reply> {
  const [name, ...rules] = argv.slice(2).map(byteString)
  return changed(host, host.store.prepareSet(name as ByteString, rules))
}

/** `ACL DELUSER name …` */
export async function aclDeleteUsers(host: AclHost, argv: readonly Argument[]): Promise<Reply> {
  return changed(host, host.store.prepareDelete(argv.slice(2).map(byteString)))
}

/** `ACL LOAD` */
export async function aclLoad(host: AclHost): Promise<Reply> {
  const { file, store } = host
  if (file === undefined) return NO_FILE
  let text: ByteString
  try {
    text = await file.read()
  } catch (error) {
    return err(`Error loading ACLs, opening file '${file.name}': ${reasonOf(error)}`)
  }
  return changed(host, store.prepareLoad(text, file.name))
}

/** `ACL SAVE` */
export async function aclSave({ file, store }: AclHost): Promise<Reply> {
  if (file === undefined) return NO_FILE
  try {
    await file.write(store.save())
    return OK
  } catch {
    return NOT_SAVED
  }
}

/** `ACL GENPASS [bits]` */
export function aclGenPass(
  argv: readonly Argument[],
  random: (count: number) => Uint8Array = randomBytes,
): Reply {
  if (argv.length > 3) return wrongCount(argv)
  const bits = argv.length === 2 ? GENPASS_BITS : integerOf(argv[2] as Argument)
  if (bits === undefined) return NOT_INTEGER
  if (bits <= 0 || bits > GENPASS_BITS_MAX) {
    return err(
      'ACL GENPASS argument must be the number of bits for the output password, ' +
        `a positive number up to ${GENPASS_BITS_MAX}`,
    )
  }
  const digits = Math.ceil(bits / 4)
  return Buffer.from(random(Math.ceil(digits / 2)))
    .toString('hex')
    .slice(0, digits)
}

/** `ACL DRYRUN name command [argument …]` */
export function aclDryRun(store: AclStore, argv: readonly Argument[]): Reply {
  const name = byteString(argv[2] as Argument)
  const user = store.getUser(name)
  if (user === undefined) return err(`User '${name}' not found`)
  const request = argv.slice(3)
  const info = store.catalog.find(request)
  if (info === undefined) return err(`Command '${byteString(request[0] as Argument)}' not found`)
  const isRight = info.arity > 0 ? request.length === info.arity : request.length >= -info.arity
  if (!isRight) return err(`wrong number of arguments for '${info.name}' command`)
  const found = user.canRun(info, request)
  return found === 'allowed' ? OK : dryRunText(found)
}

/** `ACL LOG [count | RESET]` */
export async function aclLog(host: AclHost, argv: readonly Argument[]): Promise<Reply> {
  if (argv.length > 3) return wrongCount(argv)
  const word = argv.length === 2 ? undefined : byteString(argv[2] as Argument)
  if (word?.toLowerCase() === 'reset') return host.change('resetlog')
  const count = word === undefined ? LOG_ENTRIES : integerOf(word)
  if (count === undefined) return NOT_INTEGER
  const entries = await host.logEntries()
  return logReply(entries.slice(0, Math.max(0, count)), host.wallMs())
}

/** `ACL HELP` */
export function aclHelp(): Reply {
  return HELP.map((line) => new StatusReply(line))
}

const HELP: readonly string[] = [
  'ACL <subcommand> [<arg> [value] [opt] ...]. Subcommands are:',
  'CAT [<category>]',
  '    List all commands that belong to <category>, or all command categories',
  '    when no category is specified.',
  'DELUSER <username> [<username> ...]',
  '    Delete a list of users.',
  'DRYRUN <username> <command> [<arg> ...]',
  '    Returns whether the user can execute the given command without executing the command.',
  'GETUSER <username>',
  "    Get the user's details.",
  'GENPASS [<bits>]',
  '    Generate a secure 256-bit user password. The optional `bits` argument can',
  '    be used to specify a different size.',
  'LIST',
  '    Show users details in config file format.',
  'LOAD',
  '    Reload users from the ACL file.',
  'LOG [<count> | RESET]',
  '    Show the ACL log entries.',
  'SAVE',
  '    Save the current config to the ACL file.',
  'SETUSER <username> <attribute> [<attribute> ...]',
  '    Create or modify a user with the specified attributes.',
  'USERS',
  '    List all the registered usernames.',
  'WHOAMI',
  '    Return the current connection username.',
  'HELP',
  '    Prints this help.',
]

function changed(host: AclHost, line: ByteString | ErrorReply): Promise<Reply> | Reply {
  return line instanceof ErrorReply ? line : host.change(line)
}

function selectorFields(selector: AclSelector): readonly Reply[] {
  return [
    ...['commands', String(selector.commands)],
    ...['keys', selector.keysText],
    ...['channels', selector.channelsText],
  ]
}

function wrongCount(argv: readonly Argument[]): ErrorReply {
  const subcommand = byteString(argv[1] as Argument).slice(0, SHOWN_BYTES)
  return err(`unknown subcommand or wrong number of arguments for '${subcommand}'. Try ACL HELP.`)
}

/** A whole number as Redis reads it; far ones are as good as any that is too large. */
function integerOf(argument: Argument): number | undefined {
  const text = byteString(argument)
  return isInteger64(text) ? Number(text) : undefined
}

/** What the disk says, without the path twice. */
function reasonOf(error: unknown): string {
  const code = (error as { readonly code?: unknown } | null)?.code
  return code === 'ENOENT' ? 'No such file or directory' : String(code ?? 'it cannot be read')
}
