/**
 * The machine of a simulation: starts and ends its threads, and loads their modules.
 *
 * It stands where Node stands for a real runtime: each thread gets a platform from here. What happens to a
 * worker is told to the main thread by a task, as Node tells it by an event.
 *
 * Invariants: (1) a thread ends between two tasks, never within one; (2) its end is told once.
 * Tests: test/testkit/faults.test.ts, test/testkit/simulate.test.ts
 */
import type { AnyActorDefinition, ThreadLossCause } from '../actor/index.ts'
import { type Random, ShardloomError, toError } from '../base/index.ts'
import type { RingConsumer } from '../memory/index.ts'
import {
  bootstrapThread,
  loadDefinition,
  type Platform,
  type ThreadPlatform,
  type ThreadStart,
  type WorkerThread,
} from '../runtime/index.ts'
import { type SimulatedBroadcast, SimulatedChannels } from './simulated-channels.ts'
import type { SimulatedThread } from './simulated-thread.ts'
import type { World } from './world.ts'

/** Modules of definitions that were never in a file. */
const SCHEME = 'simulated:'

/** What only tests of the simulation itself replace. */
export interface MachineDoubles {
  /** Opens the reading end of a ring. */
  consumer?(ring: SharedArrayBuffer): RingConsumer
}

/** A worker thread as the pool sees it. */
class SimulatedWorker implements WorkerThread {
  readonly thread: SimulatedThread
  readonly channels: SimulatedChannels
  /** It cannot be ended. */
  isStuck = false
  readonly #machine: SimulatedMachine
  readonly #onError: ((error: unknown) => void)[] = []
  readonly #onExit: (() => void)[] = []

  constructor(thread: SimulatedThread, channels: SimulatedChannels, machine: SimulatedMachine) {
    this.thread = thread
    this.channels = channels
    this.#machine = machine
  }

  on(event: 'error' | 'exit', listener: (error: unknown) => void): void {
    if (event === 'error') this.#onError.push(listener)
    else this.#onExit.push(() => listener(undefined))
  }

  async terminate(): Promise<void> {
    if (!this.isStuck) this.#machine.endSoon(this)
  }

  unref(): void {}

  tellError(error: unknown): void {
    for (const listener of this.#onError) listener(error)
  }

  tellExit(): void {
    for (const listener of this.#onExit) listener()
  }
}

/** Starts and ends threads. */
export class SimulatedMachine {
  /** How long a thread takes to start. */
  startMs = 0
  /** Bells to lose, those for one thread when it is named. */
  lostBells: { count: number; thread: number | undefined } = { count: 0, thread: undefined }
  readonly #world: World
  readonly #random: Random
  readonly #doubles: MachineDoubles
  readonly #workers = new Map<number, SimulatedWorker>()
  readonly #definitions = new Map<string, AnyActorDefinition>()
  readonly #broadcasts = new Map<string, Set<SimulatedBroadcast>>()
  readonly #main: SimulatedThread

  constructor(world: World, random: Random, doubles: MachineDoubles) {
    this.#world = world
    this.#random = random
    this.#doubles = doubles
    this.#main = world.addThread(0)
  }

  /** What the runtime is made with. */
  platform(): Platform {
    return {
      ...this.#threadPlatform(this.#main, this.#channels(this.#main)),
      random: this.#random,
      keepAlive: { hold: () => undefined, release: () => undefined, close: () => undefined },
      startThread: async (start) => this.#start(start),
      onGivenUp: () => () => undefined,
      onBeforeExit: () => () => undefined,
      warn: (text) => this.#world.note(`warning: ${text}`),
    }
  }

  /** A module that holds this definition, for every thread. */
  module(definition: AnyActorDefinition): URL {
    for (const [href, known] of this.#definitions) if (known === definition) return new URL(href)
    const href = `${SCHEME}${this.#definitions.size}`
    this.#definitions.set(href, definition)
    return new URL(href)
  }

  /** Threads that can be lost. */
  workers(): number[] {
    return [...this.#workers.keys()]
  }

  /** A worker ends as if by itself, at once. False when there is none with this id. */
  lose(id: number, cause: ThreadLossCause, losesBells: boolean): boolean {
    const worker = this.#workers.get(id)
    if (worker === undefined) return false
    if (cause === 'unresponsive') {
      worker.isStuck = true
      worker.thread.stalledUntilMs = Number.POSITIVE_INFINITY
    } else this.#end(worker, lossError(id, cause), losesBells)
    return true
  }

  /** Ends a thread when its turn comes: what it does until then is done. */
  endSoon(worker: SimulatedWorker): void {
    const { machine } = this.#world
    machine.enqueue(worker, `ends thread ${worker.thread.id}`, () => this.#end(worker, undefined, false))
  }

  #start(start: ThreadStart): WorkerThread {
    const { id } = start.buffers
    const thread = this.#world.addThread(id)
    const channels = this.#channels(thread)
    const worker = new SimulatedWorker(thread, channels, this)
    this.#workers.set(id, worker)
    thread.stalledUntilMs = this.#world.nowMs + this.startMs
    // Time must go on to the end of the stall, also when there is nothing else to wait for.
    this.#world.after(undefined, this.startMs, () => undefined)
    thread.enqueue('start', 'start', () => void this.#run(worker, start))
    return worker
  }

  async #run(worker: SimulatedWorker, start: ThreadStart): Promise<void> {
    const { thread, channels } = worker
    try {
      thread.system = await bootstrapThread(start, this.#threadPlatform(thread, channels))
    } catch (error) {
      this.#end(worker, toError(error), false)
    }
  }

  #end(worker: SimulatedWorker, error: unknown, losesBells: boolean): void {
    const { thread, channels } = worker
    if (!this.#workers.delete(thread.id)) return
    thread.end()
    this.#world.threads.delete(thread.id)
    channels.onThreadEnded(losesBells)
    this.#main.enqueue(worker, `exit of thread ${thread.id}`, () => {
      if (error !== undefined) worker.tellError(error)
      worker.tellExit()
    })
  }

  #channels(thread: SimulatedThread): SimulatedChannels {
    const { consumer } = this.#doubles
    return new SimulatedChannels(thread, {
      broadcasts: this.#broadcasts,
      losesBell: (to) => this.#losesBell(to.id),
      onThreadExit: (ended) => {
        const worker = this.#workers.get(ended.id)
        if (worker !== undefined) this.#end(worker, undefined, false)
      },
      ...(consumer && { consumer }),
    })
  }

  #losesBell(to: number): boolean {
    const { count, thread } = this.lostBells
    if (count === 0 || (thread !== undefined && thread !== to)) return false
    this.lostBells = { count: count - 1, thread }
    this.#world.note(`the bell for thread ${to} is lost`)
    return true
  }

  #threadPlatform(thread: SimulatedThread, channels: SimulatedChannels): ThreadPlatform {
    const { clock, scheduler } = thread
    return {
      clock,
      scheduler,
      channels,
      beatMs: Number.POSITIVE_INFINITY,
      loadDefinition: (href, name) => this.#load(href, name),
    }
  }

  async #load(href: string, exportName: string | undefined): Promise<AnyActorDefinition> {
    const definition = this.#definitions.get(href)
    if (definition !== undefined) return definition
    return this.#world.external(() => loadDefinition(href, exportName))
  }
}

/** What Node would tell of the thread's end, beside its exit. */
function lossError(id: number, cause: ThreadLossCause): Error | undefined {
  if (cause === 'process_exit') return undefined
  const error = new ShardloomError('SHL_THREAD_LOST', { thread: id, reason: `simulated: ${cause}` })
  return cause === 'out_of_memory' ? Object.assign(error, { code: 'ERR_WORKER_OUT_OF_MEMORY' }) : error
}
