/**
 * SORT with BY or GET reads keys whose names depend on data: it needs the right to read every key.
 *
 * Redis finds out while it runs the command; here it is told with the other refusals, before a shard is
 * asked. As there, it is not logged.
 *
 * Tests: test/server/acl/acl-denial-redis.test.ts
 */
import { type Argument, byteString, type ErrorReply, err } from '../../keyspace/engine/index.ts'
import type { CommandCatalog, CommandInfo } from '../catalog/index.ts'
import type { AclUser } from './acl-user.ts'

/** Why a SORT may not run, or one that this request would run; undefined: it may, or it is none. */
export function sortRefusal(
  user: AclUser,
  catalog: CommandCatalog,
  info: CommandInfo,
  argv: readonly Argument[],
): ErrorReply | undefined {
  if (info.name === 'sort' || info.name === 'sort_ro') {
    const option = optionOnAnyKey(argv)
    const isAllowed = option === undefined || user.canRunOnAnyKey(info, argv, 'R')
    return isAllowed ? undefined : err(`${option} option of SORT denied due to insufficient ACL permissions.`)
  }
  const inner = catalog.innerOf(info, argv)
  const innerInfo = inner === undefined ? undefined : catalog.find(inner)
  return innerInfo === undefined ? undefined : sortRefusal(user, catalog, innerInfo, inner as Argument[])
}

/** The first option that reaches for any key. BY with a constant only leaves the order as it is. */
function optionOnAnyKey(argv: readonly Argument[]): 'BY' | 'GET' | undefined {
  for (let i = 2; i < argv.length; i++) {
    const word = (argv[i] as Argument).length > 5 ? '' : byteString(argv[i] as Argument).toUpperCase()
    const next = argv[i + 1]
    if (word === 'LIMIT') i += 2
    else if (word === 'STORE') i++
    else if (word === 'GET' && next !== undefined) return 'GET'
    else if (word === 'BY' && next !== undefined) {
      if (byteString(next).includes('*')) return 'BY'
      i++
    }
  }
  return undefined
}
