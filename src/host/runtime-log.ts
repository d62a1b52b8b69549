/**
 * What a runtime tells of itself, as lines of the log.
 *
 * Tests: test/host/runtime-log.test.ts
 */
import type { Clock } from '../base/index.ts'
import type { KeyspaceOptions } from '../keyspace/index.ts'
import type { RuntimeEvent } from '../runtime/index.ts'
import type { HostLog } from './host-log.ts'

type Recovery = NonNullable<KeyspaceOptions['onRecovery']>

/** How often the progress of a recovery is told. */
const RECOVERY_MS = 2000

/** What is asked of a log here. */
export type EventLog = Pick<HostLog, 'write'>

/** Writes an event of a runtime. */
export function logRuntimeEvent(log: EventLog, event: RuntimeEvent): void {
  switch (event.type) {
    case 'thread_lost':
      log.write('error', `thread ${event.thread} is lost: ${event.cause}`, { error: event.error })
      break
    case 'thread_not_replaced':
      log.write('error', `thread ${event.thread} is not replaced`, { error: event.error })
      break
    case 'thread_replaced':
      log.write('warn', `thread ${event.thread} is replaced by ${event.by}`)
      break
    case 'actor_failed':
      log.write('error', `actor ${event.actor} has failed`, { error: event.error, message: event.message })
      break
    case 'hook_failed':
      log.write('warn', `hook ${event.hook} of actor ${event.actor} has failed`, { error: event.error })
      break
    case 'thread_started':
    case 'thread_stopped':
      log.write('debug', event.type.replace('_', ' '), { thread: event.thread, kind: event.kind })
      break
    case 'dead_letter':
    case 'trace':
      // One for every message: whoever wants them asks the runtime.
      break
  }
}

/** Writes how far a recovery is, now and then, and what it has come to. */
export function logRecovery(log: EventLog, clock: Clock): Recovery {
  let toldMs = clock.nowMs()
  return ({ fraction, isDone, shards }) => {
    if (isDone) {
      const commits = shards.reduce((sum, report) => sum + report.commits, 0)
      const states = shards.reduce((sum, report) => sum + report.states, 0)
      log.write('info', 'recovered', { shards: shards.length, commits, states })
      for (const { tail } of shards) {
        if (tail !== undefined) log.write('warn', 'the end of a log was cut off: it was being written', tail)
      }
      return
    }
    if (clock.nowMs() - toldMs < RECOVERY_MS) return
    toldMs = clock.nowMs()
    log.write('info', `recovering: ${Math.floor(100 * fraction)} %`)
  }
}
