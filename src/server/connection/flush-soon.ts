/**
 * Clients that have something to send, and when: with others, or with what is still to come.
 *
 * Replies of many clients come from another thread in one answer: those clients are sent theirs together,
 * when it has been read; a microtask for each would cost more than what it does. And who has asked for
 * something here and elsewhere at once is better sent both replies in one write: the first waits for the
 * second, but for no longer than LATE_MS.
 *
 * One list of each per thread, since modules are. Tests: test/server/connection/flush-soon.test.ts
 */
import type { Clock } from '../../base/index.ts'

/** What is ready waits for so long at most for what is on its way. */
const LATE_MS = 2

/** Who has something to send. */
export interface Flushable {
  /** `flushSoon` was called for it. */
  flushNow(): void
  /** `flushLate` was called for it: the time is over. */
  flushAtLast(): void
}

const READY = Promise.resolve()
let waiting: Flushable[] = []
let late: Flushable[] = []

/** Calls `flushNow` with the microtasks. */
export function flushSoon(client: Flushable): void {
  if (waiting.push(client) === 1) void READY.then(flushAll)
}

/** Calls `flushAtLast` in a moment. */
export function flushLate(client: Flushable, clock: Clock): void {
  if (late.push(client) === 1) clock.after(LATE_MS, flushAllLate, { unref: true })
}

function flushAll(): void {
  const clients = waiting
  waiting = []
  for (const client of clients) guarded(() => client.flushNow())
}

function flushAllLate(): void {
  const clients = late
  late = []
  for (const client of clients) guarded(() => client.flushAtLast())
}

/** A fault of one is uncaught, as in any callback, and concerns none of the others. */
function guarded(task: () => void): void {
  try {
    task()
  } catch (error) {
    queueMicrotask(() => {
      throw error
    })
  }
}
