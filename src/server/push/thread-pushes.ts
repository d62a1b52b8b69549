/**
 * All that a thread's server sends to clients without being asked, by thread.
 *
 * Not a field of the thread, since what it holds knows threads and sessions itself.
 * Tests: test/server/push/subscriptions.race.test.ts
 */
import type { LocalEar } from '../../keyspace/serving/index.ts'
import type { ServerThread } from '../commands/server-command.ts'
import { Monitors } from './monitors.ts'
import { RevisionWatches } from './revision-watches.ts'
import { Subscriptions } from './subscriptions.ts'
import { Tracking } from './tracking.ts'

/** What there is of it on one thread. */
export interface ThreadPushes {
  readonly subscriptions: Subscriptions
  readonly tracking: Tracking
  readonly monitors: Monitors
  readonly watches: RevisionWatches
}

const ALL = new WeakMap<ServerThread, ThreadPushes>()

/** Of this thread. */
export function pushesOf(thread: ServerThread): ThreadPushes {
  return ALL.get(thread)!
}

/** Makes it for a thread; `ears`: where its shards look for whom to call. */
export function installPushes(thread: ServerThread, ears: Map<string, LocalEar>): void {
  const subscriptions = new Subscriptions(thread, ears)
  const tracking = new Tracking(thread, ears)
  const monitors = new Monitors(thread)
  const watches = new RevisionWatches(thread)
  ALL.set(thread, { subscriptions, tracking, monitors, watches })
  thread.onEnd.add(() => {
    subscriptions.close()
    tracking.close()
  })
}
