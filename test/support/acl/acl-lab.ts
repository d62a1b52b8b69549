/**
 * Users without a server: a catalog of the keyspace's commands and some of a server's, with a clock that
 * stands still.
 */
import { commandTable } from '../../../src/keyspace/commands/index.ts'
import { type Argument, ErrorReply, type Reply } from '../../../src/keyspace/engine/index.ts'
import {
  type AclHost,
  AclStore,
  type AclStoreOptions,
  type AclUser,
  aclCat,
  aclDeleteUsers,
  aclDryRun,
  aclGenPass,
  aclGetUser,
  aclHelp,
  aclList,
  aclLoad,
  aclLog,
  aclSave,
  aclSetUser,
  aclUsers,
} from '../../../src/server/acl/index.ts'
import { CommandCatalog, type ServerCommandSpec, type ServerFlag } from '../../../src/server/catalog/index.ts'
import { ManualClock } from '../manual-clock.ts'

/** Name, arity, group, flags: as COMMAND INFO of Redis 7.0 has them. */
const ROWS: readonly (readonly [string, number, string, string])[] = [
  ['auth', -2, 'connection', 'noscript loading stale fast no_auth'],
  ['hello', -1, 'connection', 'noscript loading stale fast no_auth'],
  ['quit', -1, 'connection', 'noscript loading stale fast no_auth'],
  ['reset', 1, 'connection', 'noscript loading stale fast no_auth'],
  ['select', 2, 'connection', 'loading stale fast'],
  ['client|id', 2, 'connection', 'noscript loading stale'],
  ['client|list', -2, 'connection', 'admin noscript loading stale'],
  ['client|setname', 3, 'connection', 'noscript loading stale'],
  ['config|get', -3, 'server', 'admin noscript loading stale'],
  ['config|set', -4, 'server', 'admin noscript loading stale'],
  ['acl|whoami', 2, 'server', 'noscript loading stale'],
  ['acl|setuser', -3, 'server', 'admin noscript loading stale'],
  ['debug', -2, 'server', 'admin noscript loading stale'],
  ['multi', 1, 'transactions', 'noscript loading stale fast'],
  ['exec', 1, 'transactions', 'noscript loading stale skip_slowlog'],
  ['subscribe', -2, 'pubsub', 'pubsub noscript loading stale'],
  ['psubscribe', -2, 'pubsub', 'pubsub noscript loading stale'],
  ['ssubscribe', -2, 'pubsub', 'pubsub noscript loading stale'],
  ['unsubscribe', -1, 'pubsub', 'pubsub noscript loading stale'],
]

/** All commands of these tests. */
export const catalog: CommandCatalog = new CommandCatalog(
  commandTable.rows.filter(({ name }) => !ROWS.some(([own]) => own === name)),
  ROWS.map(
    ([name, arity, group, flags]): ServerCommandSpec => ({
      ...{ name, arity, group, flags: flags.split(' ') as ServerFlag[] },
      ...{ summary: '-', complexity: 'O(1)', syntax: '', since: '1.0.0' },
    }),
  ),
)

/** Users with nothing but `default`. */
export function makeStore(options: Partial<AclStoreOptions> = {}): AclStore {
  return new AclStore({ catalog, clock: new ManualClock(), ...options })
}

/** A user with these rules. @throws the refusal's text */
export function makeUser(rules: string, store: AclStore = makeStore()): AclUser {
  const refusal = store.setUser('u', rules.split(' '))
  if (refusal !== undefined) throw new TypeError(refusal.text)
  return store.getUser('u') as AclUser
}

/** What a user may not do with a request, written with blanks; `allowed` if it may. */
export function denialOf(user: AclUser, request: string | readonly Argument[]): string {
  const argv = typeof request === 'string' ? request.split(' ') : request
  const info = catalog.find(argv)
  if (info === undefined) throw new TypeError(`no such command: ${request}`)
  const found = user.canRun(info, argv)
  return found === 'allowed' ? found : `${found.reason} ${found.object}`
}

/** A server of one thread, for the requests. */
export function makeHost(store: AclStore, file?: AclHost['file']): AclHost {
  return {
    store,
    file,
    async change(line) {
      const change = store.begin(line)
      store.receive(change)
      return store.end(change) as Reply
    },
    logEntries: async () => store.log.entries,
    wallMs: () => 1_700_000_001_000,
  }
}

/** Runs `ACL …`. */
export async function aclCall(host: AclHost, ...words: readonly string[]): Promise<Reply> {
  const { store } = host
  const argv = ['ACL', ...words]
  switch (words[0]?.toLowerCase()) {
    case 'cat':
      return aclCat(store.catalog, argv)
    case 'users':
      return aclUsers(store)
    case 'list':
      return aclList(store)
    case 'getuser':
      return aclGetUser(store, argv)
    case 'setuser':
      return aclSetUser(host, argv)
    case 'deluser':
      return aclDeleteUsers(host, argv)
    case 'load':
      return aclLoad(host)
    case 'save':
      return aclSave(host)
    case 'genpass':
      return aclGenPass(argv)
    case 'dryrun':
      return aclDryRun(store, argv)
    case 'log':
      return aclLog(host, argv)
    case 'help':
      return aclHelp()
    default:
      throw new TypeError(`no such request: ${words.join(' ')}`)
  }
}

/** The text of an error. @throws TypeError when it is none */
export function errorText(reply: unknown): string {
  if (!(reply instanceof ErrorReply)) throw new TypeError('it is no error')
  return reply.text
}
