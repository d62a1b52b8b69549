/**
 * A lock that was asked for on a connection that was lost: whether it was granted is unknown, and nobody has
 * its token.
 *
 * Left alone, whoever asked would wait for itself, until the lease is over. Names of callers are never used
 * twice, so what is held or waited for by this one is nobody's: its wait is ended first, so that it cannot be
 * granted any more, and then it is given back if it was. An owner whom the program has named may hold it from
 * before; that one is left alone.
 *
 * Tests: test/client/remote-client.race.test.ts
 */
import { type Argument, byteString, type Reply } from '../keyspace/engine/index.ts'
import { itemsOf } from '../keyspace/remoting/index.ts'

/** Gives back what a request for locks may have been granted. Rejects when the server cannot be reached. */
export async function dropOrphan(
  run: (argv: readonly Argument[]) => Promise<Reply>,
  argv: readonly Argument[],
  isOurs: (owner: string) => boolean,
): Promise<void> {
  const request = lockRequest(argv)
  if (request === undefined || !isOurs(request.owner)) return
  const { names, owner } = request
  // One wait may be for all of them: it is known by the first.
  await Promise.all(names.map((name) => run(['LOCK.CANCEL', name, owner])))
  await Promise.all(
    names.map(async (name) => {
      const token = tokenOf(await run(['LOCK.INFO', name]), owner)
      if (token !== undefined) await run(['LOCK.RELEASE', name, owner, String(token)])
    }),
  )
}

function lockRequest(
  argv: readonly Argument[],
): { readonly names: readonly string[]; readonly owner: string } | undefined {
  const [command = '', ...rest] = argv.map(byteString)
  if (command.toUpperCase() === 'LOCK.ACQUIRE') return { names: [rest[0] ?? ''], owner: rest[1] ?? '' }
  if (command.toUpperCase() !== 'LOCK.ACQUIREALL') return undefined
  const count = Number(rest[0])
  return { names: rest.slice(1, 1 + count), owner: rest[1 + count] ?? '' }
}

/** What LOCK.INFO says of a holder. */
function tokenOf(info: Reply, owner: string): Reply | undefined {
  const holders = fieldOf(info, 'holders')
  const holder = itemsOf(holders ?? null).find((one) => fieldOf(one, 'owner') === owner)
  return holder === undefined ? undefined : fieldOf(holder, 'token')
}

function fieldOf(map: Reply, field: string): Reply | undefined {
  const items = itemsOf(map)
  for (let i = 0; i + 1 < items.length; i += 2) if (items[i] === field) return items[i + 1]
  return undefined
}
