/**
 * One thread of a simulation: its tasks, its clock and its scheduler.
 *
 * A thread offers what a thread of Node could run next: what was put off with `soon` before anything else,
 * then the first task of each lane. Its turns are one lane, its timers another, each of its ports one more:
 * within a lane order is kept, between lanes it is open, as in Node.
 *
 * Invariants: (1) a thread that has ended or is stalled offers nothing; (2) a thread that is in the middle of
 * a task is not given another one.
 * Tests: test/testkit/world.test.ts
 */
import type { ActorSystem } from '../actor/index.ts'
import type { Clock } from '../base/index.ts'
import type { Scheduler } from '../transport/index.ts'

/** What is ready to run on a thread. */
export interface SimulatedTask {
  readonly thread: SimulatedThread
  readonly label: string
  /** Grows with each task: the smaller, the older. */
  readonly sequence: number
  readonly run: () => void
}

/** What a thread needs of its world. */
export interface ThreadSurroundings {
  readonly nowMs: number
  readonly wallMs: number
  nextSequence(): number
  /** The clock is read by code of `thread`: another thread may run meanwhile. */
  readClock(thread: SimulatedThread): number
  after(thread: SimulatedThread, delayMs: number, task: () => void): { cancel(): void }
  fail(error: unknown): void
  /** `thread` is given work: only it may do that itself while a task is run. */
  checkOwner(thread: SimulatedThread): void
}

/** The lane of timers, which `world.ts` fills. */
export const TIMERS = 'timer'
const TURNS = 'turn'

/** A thread in name only: its tasks run one at a time, between those of the others. */
export class SimulatedThread {
  readonly id: number
  readonly clock: Clock
  readonly scheduler: Scheduler
  /** Its actors, once it is ready. */
  system: ActorSystem | undefined = undefined
  isAlive = true
  /** Whether one of its tasks is being run. */
  isRunning = false
  /** Until then it runs nothing. */
  stalledUntilMs = 0
  /** Until then its rings have no room for what it sends. */
  ringsFullUntilMs = 0
  readonly #world: ThreadSurroundings
  #soon: SimulatedTask[] = []
  readonly #lanes = new Map<unknown, SimulatedTask[]>()

  constructor(id: number, world: ThreadSurroundings) {
    this.id = id
    this.#world = world
    this.clock = {
      nowMs: () => world.readClock(this),
      wallMs: () => world.wallMs,
      after: (delayMs, task) => world.after(this, delayMs, task),
    }
    this.scheduler = {
      soon: (task) => {
        world.checkOwner(this)
        if (this.isAlive) this.#soon.push(this.#task('soon', task))
      },
      atNextTurn: (task) => this.enqueue(TURNS, TURNS, task),
      cancelTurn: (turn) => this.#cancel(TURNS, turn),
      throwUncaught: (error) => world.fail(error),
    }
  }

  /** Whether its rings take anything. */
  hasRoom(): boolean {
    return this.ringsFullUntilMs <= this.#world.nowMs
  }

  /** Makes a task ready, the last one of its lane. */
  enqueue(lane: unknown, label: string, run: () => void): SimulatedTask {
    const task = this.#task(label, run)
    if (!this.isAlive) return task
    const tasks = this.#lanes.get(lane)
    if (tasks === undefined) this.#lanes.set(lane, [task])
    else tasks.push(task)
    return task
  }

  /** Adds what may run next. */
  addReady(ready: SimulatedTask[]): void {
    if (!this.isAlive || this.isRunning || this.stalledUntilMs > this.#world.nowMs) return
    if (this.#soon.length > 0) {
      ready.push(this.#soon[0]!)
      return
    }
    for (const tasks of this.#lanes.values()) if (tasks.length > 0) ready.push(tasks[0]!)
  }

  /** Takes a task that was offered. */
  take(task: SimulatedTask): void {
    if (this.#soon[0] === task) this.#soon.shift()
    for (const tasks of this.#lanes.values()) if (tasks[0] === task) tasks.shift()
  }

  /** Ends it: nothing of it runs any more. */
  end(): void {
    this.isAlive = false
    this.#soon = []
    this.#lanes.clear()
  }

  #task(label: string, run: () => void): SimulatedTask {
    return { thread: this, label, run, sequence: this.#world.nextSequence() }
  }

  #cancel(lane: unknown, task: unknown): void {
    const tasks = this.#lanes.get(lane)
    if (tasks === undefined) return
    this.#lanes.set(
      lane,
      tasks.filter((one) => one !== task),
    )
  }
}
