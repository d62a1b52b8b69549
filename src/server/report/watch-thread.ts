/**
 * Begins to watch a thread that serves. Tests: test/server/commands/info-commands.race.test.ts
 */
import type { ServerThread } from '../commands/server-command.ts'
import { pushesOf } from '../push/thread-pushes.ts'
import { loopLoad } from './loop-load.ts'
import { watchPeak } from './peak-memory.ts'
import { ThreadWatch } from './thread-watch.ts'

/** To be called once, when the thread begins. */
export function watchThread(thread: ServerThread, place: number): void {
  new ThreadWatch(thread, loopLoad(), () => pushesOf(thread).tracking.stats)
  watchPeak(thread, place)
}
