/**
 * The parts of a thread's server that answer topics and watch commands: each is made here, once per thread.
 * Tests: test/server/serve.race.test.ts
 */
import type { ActorRef } from '../../actor/index.ts'
import type { LocalEar } from '../../keyspace/serving/index.ts'
import { AuditTrail } from '../audit/index.ts'
import { answerAcl } from '../commands/acl-commands.ts'
import { answerClients } from '../commands/client-commands.ts'
import type { ServerThread } from '../commands/server-command.ts'
import type { ParameterChange } from '../parameters/index.ts'
import { installPushes } from '../push/thread-pushes.ts'
import { watchThread } from '../report/index.ts'
import type { HubMessages } from './hub-messages.ts'

/** Makes them. */
export function installParts(
  thread: ServerThread,
  hub: ActorRef<HubMessages>,
  place: number,
  ears: Map<string, LocalEar>,
): void {
  const { topics } = thread.peers
  topics.set('parameters', (changes: readonly ParameterChange[]) => thread.parameters.apply(changes))
  answerAcl(thread)
  installPushes(thread, ears)
  new AuditTrail(thread, hub)
  answerClients(thread)
  watchThread(thread, place)
}
