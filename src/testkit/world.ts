/**
 * The world of a simulation: its threads, its time, and what runs next.
 *
 *     ready tasks ─ one is picked ─► run ─► microtasks drain ─► again
 *         none ready ─► time goes on to the next timer
 *         no timer either, and somebody waits ─► a deadlock
 *
 * Threads of a machine run at once, so a thread may also be interrupted in the middle of a task: wherever
 * code of the runtime reads its clock, tasks of other threads may be run first. The pump reads it between its
 * last look at the rings and its parking, which is where wake-ups get lost.
 *
 * Time stands still while tasks run, so that tests can name it. But code that polls, within a task or from
 * turn to turn, waits for time to pass: after so many readings, or so many tasks, at one moment, it does.
 * Source: FoundationDB's simulator; TigerBeetle's VOPR; Loom's and Shuttle's schedules.
 * Tests: test/testkit/world.test.ts
 */
import { ShardloomError } from '../base/index.ts'
import { Decisions } from './decisions.ts'
import { type SimulatedTask, SimulatedThread, type ThreadSurroundings, TIMERS } from './simulated-thread.ts'

/** How seldom a reading of the clock lets others run first. */
const INTERRUPTION_RATE = 1 / 12
/** Interruptions within interruptions. */
const DEPTH_MAX = 3
/** Readings of the clock in one task before time passes with each one. */
const READS_FREE = 64
const READ_MS = 0.1
/** Tasks at one moment before time passes with each one. */
const TASKS_FREE = 300
const TASK_MS = 0.05

// Taken before a test puts its own in the place of the global one.
const nextTurn = setImmediate

/** Limits of a world, and where its decisions come from. */
export interface WorldOptions {
  readonly seed: number
  readonly choices: readonly number[] | undefined
  readonly stepsMax: number
  readonly virtualMsMax: number
}

interface Timer {
  readonly atMs: number
  readonly sequence: number
  /** Nobody's when it only lets time go on. */
  readonly thread: SimulatedThread | undefined
  readonly task: () => void
  isCancelled: boolean
}

/** Runs threads in virtual time. */
export class World implements ThreadSurroundings {
  readonly threads = new Map<number, SimulatedThread>()
  /** What the machine does by itself, such as ending a thread: never in the middle of a task. */
  readonly machine = new SimulatedThread(-1, this)
  readonly decisions: Decisions
  /** One line for each task that was run, and for each fault. */
  readonly log: string[] = []
  steps = 0
  /** Called before each step: faults are put in here. */
  onStep: () => void = () => undefined
  /** Says what waits, for the error of a deadlock. */
  describeWaiting: () => string = () => 'the body'
  readonly #options: WorldOptions
  #nowMs = 0
  wallOffsetMs = 1_700_000_000_000
  #sequence = 0
  /** By time, then by age. */
  #timers: Timer[] = []
  /** Whose tasks are being run: the last one has interrupted those before it. */
  readonly #running: SimulatedThread[] = []
  #reads = 0
  #tasksSinceMs = 0
  #externals = 0
  #failure: { readonly error: unknown } | undefined

  constructor(options: WorldOptions) {
    this.#options = options
    this.decisions = new Decisions(options.seed, options.choices)
  }

  /** The clock on the wall, which faults may set: virtual time since some day in 2023. */
  get wallMs(): number {
    return Math.floor(this.#nowMs + this.wallOffsetMs)
  }

  get nowMs(): number {
    return this.#nowMs
  }

  addThread(id: number): SimulatedThread {
    const thread = new SimulatedThread(id, this)
    this.threads.set(id, thread)
    return thread
  }

  nextSequence(): number {
    return this.#sequence++
  }

  note(text: string): void {
    this.log.push(`${this.steps} @${Math.round(this.#nowMs * 1000) / 1000} ${text}`)
  }

  /** Ends the simulation with an error, as one that nobody catches ends a process. */
  fail(error: unknown): void {
    this.#failure ??= { error }
  }

  after(thread: SimulatedThread | undefined, delayMs: number, task: () => void): { cancel(): void } {
    const atMs = this.#nowMs + Math.max(0, delayMs)
    const timer: Timer = { atMs, sequence: this.#sequence++, thread, task, isCancelled: false }
    const index = this.#timers.findLastIndex((one) => one.atMs <= atMs)
    this.#timers.splice(index + 1, 0, timer)
    return {
      cancel: () => {
        timer.isCancelled = true
      },
    }
  }

  /** Code of one thread that uses what belongs to another one would work here, and on no real threads. */
  checkOwner(owner: SimulatedThread): void {
    const thread = this.#running.at(-1)
    if (thread === undefined || thread === owner || thread === this.machine) return
    this.fail(new ShardloomError('SHL_SIMULATION_FOREIGN_REF', { thread: thread.id, owner: owner.id }))
  }

  /** Does something between two tasks: at once when none is being run. */
  between(label: string, task: () => void): void {
    if (this.#running.length === 0) task()
    else this.machine.enqueue(label, label, task)
  }

  /** Waits for what is not simulated, such as the loading of a module, while the world stands still. */
  async external<T>(task: () => Promise<T>): Promise<T> {
    this.#externals++
    try {
      return await task()
    } finally {
      this.#externals--
    }
  }

  readClock(thread: SimulatedThread): number {
    this.checkOwner(thread)
    if (!thread.isRunning) return this.#nowMs
    if (++this.#reads > READS_FREE) this.#nowMs += READ_MS
    else if (this.#running.length < DEPTH_MAX) this.#interrupt()
    return this.#nowMs
  }

  /** Runs tasks until `goal` settles. @throws what it rejects with, or what kept it from settling */
  async run<T>(goal: Promise<T>): Promise<T> {
    let isSettled = false
    const settle = (): void => {
      isSettled = true
    }
    goal.then(settle, settle)
    await turn()
    while (!isSettled) {
      if (this.#externals === 0) this.#step()
      await turn()
      if (this.#failure !== undefined) throw this.#failure.error
    }
    return goal
  }

  #step(): void {
    this.onStep()
    let ready = this.#readyAll()
    while (ready.length === 0) {
      this.#passTime()
      ready = this.#readyAll()
    }
    const { stepsMax, virtualMsMax } = this.#options
    if (this.steps >= stepsMax) throw new ShardloomError('SHL_SIMULATION_STEPS', { stepsMax })
    if (this.#nowMs > virtualMsMax) throw new ShardloomError('SHL_SIMULATION_TIME', { virtualMsMax })
    this.#reads = 0
    if (++this.#tasksSinceMs > TASKS_FREE) this.#nowMs += TASK_MS
    this.#runTask(ready[this.decisions.pick(ready.length)]!)
  }

  #readyAll(): SimulatedTask[] {
    while (this.#timers[0] !== undefined && this.#timers[0].atMs <= this.#nowMs) this.#fire()
    const ready: SimulatedTask[] = []
    this.machine.addReady(ready)
    return this.#readyOfThreads(ready)
  }

  #readyOfThreads(ready: SimulatedTask[]): SimulatedTask[] {
    for (const thread of this.threads.values()) thread.addReady(ready)
    return ready.sort((a, b) => a.sequence - b.sequence)
  }

  #fire(): void {
    const { thread, task, isCancelled } = this.#timers.shift()!
    if (isCancelled) return
    if (thread === undefined) task()
    else thread.enqueue(TIMERS, TIMERS, task)
  }

  #passTime(): void {
    this.#timers = this.#timers.filter((timer) => !timer.isCancelled && timer.thread?.isAlive !== false)
    const next = this.#timers[0]
    if (next !== undefined) {
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      this.#tasksSinceMs = 0
      return
    }
    throw new ShardloomError('SHL_SIMULATION_DEADLOCK', { waiting: this.describeWaiting() })
  }

  #interrupt(): void {
    const ready = this.#readyOfThreads([])
    const choice = this.decisions.pickRarely(ready.length, INTERRUPTION_RATE)
    if (choice > 0) this.#runTask(ready[choice - 1]!)
  }

  #runTask(task: SimulatedTask): void {
    const { thread } = task
    thread.take(task)
    this.steps++
    const who = thread === this.machine ? 'machine' : `thread ${thread.id}`
    this.note(`${'  '.repeat(this.#running.length)}${who}: ${task.label}`)
    this.#running.push(thread)
    thread.isRunning = true
    try {
      task.run()
    } catch (error) {
      this.fail(error)
    } finally {
      thread.isRunning = false
      this.#running.pop()
    }
  }
}

/** A turn of the real event loop: every microtask is done after it. */
function turn(): Promise<void> {
  return new Promise((resolve) => void nextTurn(resolve))
}
