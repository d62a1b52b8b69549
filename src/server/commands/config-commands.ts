/**
 * CONFIG: parameters of the server, over all threads and shards.
 *
 * A change is checked on the thread of the client that asks for it, and made on all: on the servers of all
 * threads, on the main thread, on shards where it concerns them, and, for `requirepass`, on the users. The
 * client is answered when all have it.
 *
 * Tests: test/server/commands/info-commands.race.test.ts
 */
import { toError } from '../../base/index.ts'
import { type ByteString, byteString, ErrorReply, err, OK, StatusReply } from '../../keyspace/engine/index.ts'
import { changeShards } from '../../keyspace/serving/index.ts'
import { unknownSelector } from '../catalog/index.ts'
import {
  type ChangeVeto,
  CONFIG_HELP,
  configGet,
  configSet,
  NO_CONFIG_FILE,
  type ParameterChange,
  parameterNamed,
} from '../parameters/index.ts'
import { RESET_STATS_TOPIC } from '../report/index.ts'
import type { ServerReply } from '../resp/index.ts'
import { aclHostOf } from './acl-commands.ts'
import { isLocalClient } from './local-client.ts'
import type { ServerCommand, ServerThread, Session } from './server-command.ts'
import { shardChangeOf } from './shard-parameters.ts'

const LISTENS_ALREADY = 'the server listens where it was told to at its start: start it again to change that'

const TLS_UNUSABLE = 'Unable to update TLS configuration. Check server logs.'

/**
 * Makes changes everywhere, or takes them back. `passwordsBefore`: the line that gives the default user what
 * it had before; it may have come by ACL, so that no value of `requirepass` says it.
 */
async function applyChanges(
  thread: ServerThread,
  changes: readonly ParameterChange[],
  passwordsBefore: ByteString,
): Promise<void> {
  const { parameters, client, acl } = thread
  const isInverse = changes.some(({ was }) => was !== undefined)
  const isOfPassword = changes.some(({ name }) => name === 'requirepass')
  // First of all, so that nothing that fails again leaves the user open; the rest is taken back in any case.
  if (isInverse && isOfPassword) await changeUsers(thread, passwordsBefore).catch(() => undefined)
  await thread.peers.change('parameters', changes)
  await thread.request('parameters', changes)
  const names = changes.map(({ name }) => name)
  const change = shardChangeOf(parameters, names, client.memory.shardCount)
  if (change !== undefined) await thread.request('keyspace', change)
  if (!isInverse && isOfPassword) {
    await changeUsers(thread, acl.prepareDefaultPassword(parameters.get('requirePass')))
  }
}

async function changeUsers(thread: ServerThread, line: ByteString): Promise<void> {
  const refusal = await aclHostOf(thread).change(line)
  if (refusal instanceof ErrorReply) throw refusal
}

/** Certificates and keys are read before they are taken. */
async function tlsVeto(thread: ServerThread, changes: readonly ParameterChange[]): ReturnType<ChangeVeto> {
  const change = changes.find(({ name }) => name.startsWith('tls-'))
  if (change === undefined) return undefined
  try {
    await thread.request('check', changes)
    return undefined
  } catch (error) {
    thread.log('warn', 'TLS cannot be changed', { reason: toError(error).message })
    return { change, reason: TLS_UNUSABLE }
  }
}

/** A word that names no command would leave what it was meant for out of the audit log. */
function auditVeto(
  { catalog }: ServerThread,
  changes: readonly ParameterChange[],
): Awaited<ReturnType<ChangeVeto>> {
  const change = changes.find(({ name }) => name === 'audit-log-commands')
  const words = change?.value as readonly string[] | undefined
  const unknown = words && unknownSelector(words, catalog)
  return change === undefined || unknown === undefined
    ? undefined
    : { change, reason: `no command or category is called '${unknown}'` }
}

function set(session: Session, argv: readonly (string | Uint8Array)[]): Promise<ServerReply> {
  const { thread } = session
  let passwordsBefore: ByteString | undefined
  return configSet(thread.parameters, argv.slice(2).map(byteString), {
    rights: { isLocal: isLocalClient(session) },
    veto: async (changes) => {
      const change = changes.find(({ name, value }) => {
        const parameter = parameterNamed(name)!
        return (
          parameter.isMutable === 'same' && String(value) !== String(thread.parameters.valueOf(parameter))
        )
      })
      if (change !== undefined) return { change, reason: LISTENS_ALREADY }
      return auditVeto(thread, changes) ?? tlsVeto(thread, changes)
    },
    apply: (changes) => {
      passwordsBefore ??= thread.acl.prepareSamePasswords()
      return applyChanges(thread, changes, passwordsBefore)
    },
  })
}

async function resetStats({ thread }: Session): Promise<ServerReply> {
  await thread.peers.change(RESET_STATS_TOPIC, undefined)
  await changeShards(thread.client, { resetsStats: true })
  // It counts as the first of the new count, as in Redis.
  const entry = thread.commands.get('config')?.subcommands?.get('resetstat')
  if (entry !== undefined) entry.calls++
  return OK
}

async function rewrite({ thread }: Session): Promise<ServerReply> {
  const { acl, facts, parameters } = thread
  if (facts.configFile === undefined) return NO_CONFIG_FILE
  // Users that have a file of their own are none of this one's.
  const lines = acl.list().map((line) => line.replace(/^user /, ''))
  const users = parameters.get('aclFile') === '' ? { users: lines } : {}
  try {
    return (await thread.request('rewrite', users)) === true ? OK : NO_CONFIG_FILE
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    thread.log('error', 'the configuration could not be written', { reason })
    return err(`Rewriting config file: ${reason}`)
  }
}

const COMMON = { group: 'server', flags: ['admin', 'noscript', 'loading', 'stale'] } as const
const HELP = CONFIG_HELP.map((line) => new StatusReply(line))

export const configCommands: readonly ServerCommand[] = [
  {
    ...COMMON,
    name: 'config|get',
    arity: -3,
    summary: 'Tells the values of parameters whose names fit patterns.',
    complexity: 'O(N) with N parameters',
    syntax: 'parameter [parameter ...]',
    since: '2.0.0',
    run: ({ thread }, argv) => configGet(thread.parameters, argv.slice(2).map(byteString)),
  },
  {
    ...COMMON,
    name: 'config|set',
    arity: -4,
    summary: 'Changes parameters while the server runs: all that are named, or none.',
    complexity: 'O(N) with N parameters',
    syntax: 'parameter value [parameter value ...]',
    since: '2.0.0',
    run: set,
  },
  {
    ...COMMON,
    name: 'config|resetstat',
    arity: 2,
    summary: 'Begins the counters of INFO anew.',
    complexity: 'O(1)',
    syntax: '',
    since: '2.0.0',
    run: resetStats,
  },
  {
    ...COMMON,
    name: 'config|rewrite',
    arity: 2,
    summary: 'Writes the values as they are now to the file of the configuration.',
    complexity: 'O(N) with N parameters',
    syntax: '',
    since: '2.8.0',
    run: rewrite,
  },
  {
    group: 'server',
    flags: ['loading', 'stale'],
    name: 'config|help',
    arity: 2,
    summary: 'Tells what the subcommands of CONFIG do.',
    complexity: 'O(1)',
    syntax: '',
    since: '5.0.0',
    run: () => HELP,
  },
]
