/**
 * `connect`: the keyspace of a server, for a program anywhere.
 * Tests: test/client/remote-keyspace.test.ts
 */
import { randomInt, randomUUID } from 'node:crypto'
import { seededRandom, systemClock } from '../base/index.ts'
import { type ConnectOptions, clientSettings } from './connect-options.ts'
import { RemoteClient } from './remote-client.ts'
import { RemoteKeyspace } from './remote-keyspace.ts'

/**
 * Connects to a server, in the background: calls may be made at once, and wait for it within their deadlines.
 * It keeps no process alive that has nothing to wait for.
 *
 * @example
 * ```ts
 * import { connect } from 'shardloom/client'
 *
 * await using keyspace = connect('shardloom://localhost:6379/0')
 * await keyspace.set('greeting', 'hello', { ttl: 60_000 })
 * const greeting: string | undefined = await keyspace.get('greeting')
 * ```
 *
 * @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
 */
export function connect(url: string | URL, options: ConnectOptions = {}): RemoteKeyspace {
  const settings = clientSettings(url, options)
  const clock = systemClock()
  const random = seededRandom(randomInt(2 ** 32))
  return new RemoteKeyspace(new RemoteClient(settings, { clock, random, name: randomUUID() }))
}
