/**
 * When code runs, injected: right after the code that runs now, or at the next turn of the event loop.
 *
 * A simulation puts its own in the place of the system's, and so decides every order.
 * Tests: test/transport/scheduler.test.ts
 */

/** Puts tasks off. */
export interface Scheduler {
  /** Runs `task` with the microtasks: before any timer or I/O. The task must not throw. */
  soon(task: () => void): void
  /** Runs `task` when the event loop has turned. Returns what `cancelTurn` takes. */
  atNextTurn(task: () => void): unknown
  cancelTurn(turn: unknown): void
  /** An error of the runtime's own code is nobody's rejection: it is uncaught, as from any callback. */
  throwUncaught(error: unknown): void
}

/** A reaction to it is a microtask at half the cost of `queueMicrotask`, which makes an `AsyncResource`. */
const READY = Promise.resolve()

/** The scheduler of Node. */
export const systemScheduler: Scheduler = {
  soon: (task) => void READY.then(task),
  atNextTurn: (task) => setImmediate(task),
  cancelTurn: (turn) => clearImmediate(turn as NodeJS.Immediate),
  throwUncaught: (error) =>
    void setImmediate(() => {
      throw error
    }),
}

/** Runs tasks one after another: an error of one is uncaught, and those behind it run. */
export function runEach(tasks: readonly (() => void)[], scheduler: Scheduler): void {
  for (let i = 0; i < tasks.length; i++) {
    try {
      tasks[i]!()
    } catch (error) {
      scheduler.throwUncaught(error)
    }
  }
}
