/**
 * Who listens on a shard's own thread: called at once, where others have a stream.
 *
 * A stream has a queue, a batch and a turn of the pump between what happens and who is told. A server whose
 * clients are on the shard's thread needs none of them: a message is in their sockets when PUBLISH has run,
 * as in a server of one thread. It opens the stream all the same, so that it learns when the shard goes.
 *
 * Tests: test/server/push/subscriptions.race.test.ts, test/server/push/tracking.race.test.ts
 */
import type { ByteString } from '../engine/index.ts'
import type { Ear } from '../pubsub/index.ts'

/** Among the services of a thread: ears by the ids of their streams. */
export const LOCAL_EARS_SERVICE: string = 'keyspace-local-ears'

/** Whoever listens on this thread. It is called within commands, and must not call the shard. */
export interface LocalEar extends Ear {
  /** A key has changed; '': all may have. `by`: the client that did it, where it is named; else 0. */
  touched(key: ByteString, by: number): void
}

/** The ears of a thread. */
export function localEars(services: Map<string, unknown>): Map<string, LocalEar> {
  const known = services.get(LOCAL_EARS_SERVICE) as Map<string, LocalEar> | undefined
  if (known !== undefined) return known
  const made = new Map<string, LocalEar>()
  services.set(LOCAL_EARS_SERVICE, made)
  return made
}
