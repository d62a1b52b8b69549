/**
 * ACL: users and their rights, over all threads of the server.
 *
 * A change is prepared on the thread of the client that asks for it, and made on all: the client is answered
 * when every thread has it. The log of refusals is kept per thread, and told as one.
 *
 * Tests: test/server/commands/acl-commands.race.test.ts, test/server/acl/acl-requests.test.ts
 */
import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { ShardloomError } from '../../base/index.ts'
import { ErrorReply, err } from '../../keyspace/engine/index.ts'
import { systemDisk } from '../../storage/index.ts'
import {
  type AclChange,
  type AclFile,
  type AclHost,
  type AclLogEntry,
  type AclUser,
  aclCat,
  aclDeleteUsers,
  aclDryRun,
  aclFileOf,
  aclGenPass,
  aclGetUser,
  aclHelp,
  aclList,
  aclLoad,
  aclLog,
  aclSave,
  aclSetUser,
  aclUsers,
  aclWhoAmI,
  mergeLogs,
} from '../acl/index.ts'
import type { ParameterStore } from '../parameters/index.ts'
import { pushesOf } from '../push/thread-pushes.ts'
import type { ServerCommand, ServerThread } from './server-command.ts'

/** Topic of changes to users; `thread.acl.receive` makes them. */
const USERS_TOPIC = 'acl'
/** Topic by which the program has the file of users read again. */
const RELOAD_TOPIC = 'acl.reload'
/** Topic of the question for a thread's log of refusals. */
const LOG_TOPIC = 'acl.log'

const NOT_MADE = err('the change of users has not come to this thread, try again')

/** Makes a thread take changes of users and of their parameters, and answer for its log of refusals. */
export function answerAcl(thread: ServerThread): void {
  const { acl, parameters } = thread
  const { topics } = thread.peers
  topics.set(USERS_TOPIC, (change: AclChange) => {
    const { gone, narrowed } = acl.receive(change)
    if (gone.length + narrowed.length > 0) endSessions(thread, new Set(gone), new Set(narrowed))
    pushesOf(thread).watches.recheck()
    thread.changed()
    // Should every thread be lost, users are those of the last change.
    if (thread.peers.isFirst) return thread.request('users', acl.snapshot())
    return undefined
  })
  topics.set(LOG_TOPIC, () => acl.log.entries)
  topics.set(RELOAD_TOPIC, async () => {
    const path = aclPathOf(parameters)
    if (path === undefined) return
    const reply = await aclLoad(aclHostOf(thread))
    if (reply instanceof ErrorReply) throw new ShardloomError('SHL_ACL_FILE', { path, reason: reply.message })
  })
  parameters.onChange(['aclLogMaxLen', 'aclPubsubDefault'], () => {
    acl.log.entriesMax = parameters.get('aclLogMaxLen')
    acl.pubsubDefault = parameters.get('aclPubsubDefault')
  })
  // Parameters change in the same order on every thread, so that users do, too.
  parameters.onChange(['requirePass'], (_changed, _store, isInverse) => {
    // Whoever takes a change back gives `default` what it had before.
    if (!isInverse) acl.apply(acl.prepareDefaultPassword(parameters.get('requirePass')))
  })
}

/**
 * Ends sessions of users who are gone, and of those who listen to channels while their user may use fewer
 * now. Whoever made the change is answered first.
 */
function endSessions(thread: ServerThread, gone: ReadonlySet<AclUser>, narrowed: ReadonlySet<AclUser>): void {
  for (const session of [...thread.sessions.values()]) {
    const { user } = session
    if (user === undefined || !(gone.has(user) || (session.isSubscribed && narrowed.has(user)))) continue
    if (session.blockedIn === undefined) session.closeAfterReplies()
    else session.close('its user is gone')
  }
}

/** What the requests need of a server. */
export function aclHostOf(thread: ServerThread): AclHost {
  const { acl, peers, parameters } = thread
  return {
    store: acl,
    file: fileOf(thread),
    wallMs: () => thread.wallMs(),
    async change(line) {
      const change = acl.begin(line)
      try {
        await peers.change(USERS_TOPIC, change)
      } catch (error) {
        // It may be made yet: nobody waits for it any more.
        acl.end(change)
        throw error
      }
      return acl.end(change) ?? NOT_MADE
    },
    async logEntries() {
      const logs = await peers.ask<readonly AclLogEntry[]>(LOG_TOPIC)
      return mergeLogs(logs, parameters.get('aclLogMaxLen'))
    },
  }
}

/** Where the file of users is; undefined: there is none. */
export function aclPathOf(parameters: ParameterStore): string | undefined {
  const path = parameters.get('aclFile')
  return path === '' ? undefined : resolve(parameters.get('dir'), path)
}

/** The file of users; undefined: there is none. */
function fileOf(thread: ServerThread): AclFile | undefined {
  const path = aclPathOf(thread.parameters)
  if (path === undefined) return undefined
  const file = aclFileOf(systemDisk(), path, randomUUID)
  return {
    ...file,
    async write(text) {
      try {
        await file.write(text)
      } catch (error) {
        thread.log('error', 'the file of users could not be saved', { path: file.name, error: String(error) })
        throw error
      }
    },
  }
}

/** What the subcommands have in common: those for administrators, and the others. */
const COMMON = { group: 'server', flags: ['noscript', 'loading', 'stale'] } as const
const ADMIN = { group: 'server', flags: ['admin', 'noscript', 'loading', 'stale'] } as const
const PER_USER = 'O(N) with N users'

export const aclCommands: readonly ServerCommand[] = [
  {
    ...COMMON,
    name: 'acl|cat',
    arity: -2,
    summary: 'Lists the categories of commands, or the commands of one.',
    complexity: 'O(1), as commands and categories are fixed',
    syntax: '[categoryname]',
    since: '6.0.0',
    differs: 'There are the categories lock and limit as well.',
    run: ({ thread }, argv) => aclCat(thread.catalog, argv),
  },
  {
    ...ADMIN,
    name: 'acl|deluser',
    arity: -3,
    summary: 'Deletes users, and ends their connections.',
    complexity: 'O(1) per user',
    syntax: 'username [username ...]',
    since: '6.0.0',
    run: ({ thread }, argv) => aclDeleteUsers(aclHostOf(thread), argv),
  },
  {
    ...ADMIN,
    name: 'acl|dryrun',
    arity: -4,
    summary: 'Tells whether a user may run a command, without running it.',
    complexity: 'O(1)',
    syntax: 'username command [arg [arg ...]]',
    since: '7.0.0',
    run: ({ thread }, argv) => aclDryRun(thread.acl, argv),
  },
  {
    ...COMMON,
    name: 'acl|genpass',
    arity: -2,
    summary: 'Makes a password that cannot be guessed.',
    complexity: 'O(1)',
    syntax: '[bits]',
    since: '6.0.0',
    run: (_session, argv) => aclGenPass(argv),
  },
  {
    ...ADMIN,
    name: 'acl|getuser',
    arity: 3,
    summary: 'Tells the rules of a user.',
    complexity: 'O(N) with N rules of the user',
    syntax: 'username',
    since: '6.0.0',
    differs: 'Tells the rate as well, where the user has one. Rules of commands are as they were given.',
    run: ({ thread }, argv) => aclGetUser(thread.acl, argv),
  },
  {
    group: 'server',
    flags: ['loading', 'stale'],
    name: 'acl|help',
    arity: 2,
    summary: 'Tells what the subcommands of ACL do.',
    complexity: 'O(1)',
    syntax: '',
    since: '6.0.0',
    run: () => aclHelp(),
  },
  {
    ...ADMIN,
    name: 'acl|list',
    arity: 2,
    summary: 'Lists all users with their rules, as lines of a file.',
    complexity: PER_USER,
    syntax: '',
    since: '6.0.0',
    run: ({ thread }) => aclList(thread.acl),
  },
  {
    ...ADMIN,
    name: 'acl|load',
    arity: 2,
    summary: 'Takes the users of the file in the place of all others.',
    complexity: PER_USER,
    syntax: '',
    since: '6.0.0',
    differs: 'A file that says nothing of the user default leaves it as it is.',
    run: ({ thread }) => aclLoad(aclHostOf(thread)),
  },
  {
    ...ADMIN,
    name: 'acl|log',
    arity: -2,
    summary: 'Lists the latest refusals, or forgets them.',
    complexity: 'O(N) with N entries that are told',
    syntax: '[count | RESET]',
    since: '6.0.0',
    run: ({ thread }, argv) => aclLog(aclHostOf(thread), argv),
  },
  {
    ...ADMIN,
    name: 'acl|save',
    arity: 2,
    summary: 'Saves all users to the file.',
    complexity: PER_USER,
    syntax: '',
    since: '6.0.0',
    run: ({ thread }) => aclSave(aclHostOf(thread)),
  },
  {
    ...ADMIN,
    name: 'acl|setuser',
    arity: -3,
    summary: 'Makes a user, or changes its rules.',
    complexity: 'O(N) with N rules',
    syntax: 'username [rule [rule ...]]',
    since: '6.0.0',
    differs:
      'rate:count[/seconds] limits how many commands the user may run, norate lifts it. What could not be ' +
      'printed so that it is read again is refused: quotation marks in selectors, blanks in first arguments.',
    run: ({ thread }, argv) => aclSetUser(aclHostOf(thread), argv),
  },
  {
    ...ADMIN,
    name: 'acl|users',
    arity: 2,
    summary: 'Lists the names of all users.',
    complexity: PER_USER,
    syntax: '',
    since: '6.0.0',
    run: ({ thread }) => aclUsers(thread.acl),
  },
  {
    ...COMMON,
    name: 'acl|whoami',
    arity: 2,
    summary: 'Tells the name of the user of this connection.',
    complexity: 'O(1)',
    syntax: '',
    since: '6.0.0',
    run: ({ user }) => aclWhoAmI(user),
  },
]
