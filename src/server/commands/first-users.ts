/**
 * The users that a server starts with: of its parameters, or of a file.
 *
 * As in Redis, `user` lines begin with nothing (those of `default`, too), a file takes the place of all, and
 * both together are refused, since nobody could tell which holds. Unlike there, a file that says nothing of
 * `default` leaves it `requirepass`: a server with a password is not opened by a file that forgets it.
 *
 * Tests: test/server/commands/first-users.test.ts
 */
import { type Disk, ShardloomError, systemClock } from '../../base/index.ts'
import { type ByteString, ErrorReply } from '../../keyspace/engine/index.ts'
import { systemDisk } from '../../storage/index.ts'
import { AclStore, aclFileOf } from '../acl/index.ts'
import type { CommandCatalog } from '../catalog/index.ts'
import type { ParameterStore } from '../parameters/index.ts'
import { aclPathOf } from './acl-commands.ts'

/** Users to begin with. */
export interface FirstUsers {
  /** The line that every thread applies first. */
  readonly line: ByteString
  /** Whether anybody is served without having said who it is. */
  readonly isOpen: boolean
}

/** The users of parameters. @throws SHL_OPTION_INVALID, SHL_ACL_FILE */
export async function firstUsers(
  parameters: ParameterStore,
  catalog: CommandCatalog,
  disk: Disk = systemDisk(),
): Promise<FirstUsers> {
  const pubsubDefault = parameters.get('aclPubsubDefault')
  const acl = new AclStore({ catalog, clock: systemClock(), pubsubDefault })
  const lines = parameters.get('user')
  const path = aclPathOf(parameters)
  acl.apply(acl.prepareDefaultPassword(parameters.get('requirePass')))
  if (path !== undefined && lines.length > 0) {
    throw invalidUser(`${lines.length} lines`, 'either users or a file of users (aclfile)')
  }
  addUsers(acl, lines)
  if (path !== undefined) await addFile(acl, disk, path)
  const { isEnabled, isPasswordFree } = acl.defaultUser
  return { line: acl.snapshot(), isOpen: isEnabled && isPasswordFree }
}

/**
 * The same, and where to listen: at all addresses only if nobody is served without having said who it is, at
 * those that were given if some were. @throws SHL_OPTION_INVALID, SHL_ACL_FILE
 */
export async function settleUsers(parameters: ParameterStore, catalog: CommandCatalog): Promise<ByteString> {
  const { line, isOpen } = await firstUsers(parameters, catalog)
  parameters.assumeBind(isOpen)
  return line
}

function addUsers(acl: AclStore, lines: readonly ByteString[]): void {
  const known = new Set<ByteString>()
  for (const line of lines) {
    const [name = '', ...rules] = line.split(/[ \t]+/).filter((word) => word !== '')
    if (known.has(name)) throw invalidUser(name, 'each user once')
    known.add(name)
    const isThere = acl.getUser(name) !== undefined
    const refusal = acl.setUser(name, isThere ? ['reset', ...rules] : rules)
    if (refusal !== undefined) throw invalidUser(name, `rules of ACL SETUSER: ${refusal.message}`)
  }
}

async function addFile(acl: AclStore, disk: Disk, path: string): Promise<void> {
  let text: ByteString
  try {
    text = await aclFileOf(disk, path, () => '').read()
  } catch (error) {
    throw new ShardloomError('SHL_ACL_FILE', { path, reason: reasonOf(error) }, { cause: error })
  }
  const refusal = acl.load(text, path)
  if (refusal instanceof ErrorReply) {
    throw new ShardloomError('SHL_ACL_FILE', { path, reason: refusal.message })
  }
}

function invalidUser(value: string, allowed: string): ShardloomError {
  return new ShardloomError('SHL_OPTION_INVALID', { option: 'user', value, allowed })
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
