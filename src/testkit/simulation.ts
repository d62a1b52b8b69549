/**
 * What the body of a simulation is given: the runtime, virtual time, and everything that can go wrong.
 *
 * Tests: test/testkit/simulate.test.ts, test/testkit/faults.test.ts, test/testkit/probe.test.ts
 */
import {
  type ActorDefinition,
  type ActorRef,
  type ActorSystem,
  type AnyActorDefinition,
  GUARDIAN_SLOT,
  type MailboxOptions,
  type ThreadLossCause,
} from '../actor/index.ts'
import { type Clock, invalidOption, numberOption, type Random, ShardloomError } from '../base/index.ts'
import type { KeyspaceRuntime } from '../keyspace/index.ts'
import type { Fault, FaultPlan, PlannedFault } from './faults.ts'
import { Probe, type ProbeOptions } from './probe.ts'
import type { SimulatedMachine } from './simulated-machine.ts'
import type { SimulatedThread } from './simulated-thread.ts'
import type { World } from './world.ts'

/** Slots of the main thread's own actors: its guardian and the registry. */
const MAIN_SLOTS = 2

/** Options of `sim.spawn`. */
export interface SimulatedSpawnOptions<Args> {
  /** Default 0, the main thread. */
  readonly thread?: number
  readonly args?: Args
  readonly name?: string
  readonly mailbox?: MailboxOptions
}

/** @internal What a simulation is made of. */
export interface SimulationParts {
  readonly seed: number
  readonly world: World
  readonly machine: SimulatedMachine
  readonly runtime: KeyspaceRuntime
  readonly random: Random
  readonly plan: FaultPlan
}

/** A runtime in virtual time. Made by `simulate`. */
export class Simulation {
  /** The runtime, as `createRuntime` makes it; its threads are simulated. */
  readonly runtime: KeyspaceRuntime
  readonly seed: number
  /** Drawn from the seed, apart from the schedule. */
  readonly random: Random
  readonly clock: Clock
  /** The faults that came by themselves, with their steps. */
  readonly faults: PlannedFault[] = []
  readonly #world: World
  readonly #machine: SimulatedMachine
  readonly #plan: FaultPlan
  readonly #probes = new Set<AnyActorDefinition>()
  #calms = 0

  /** @internal Use `simulate`. */
  constructor({ seed, world, machine, runtime, random, plan }: SimulationParts) {
    this.runtime = runtime
    this.seed = seed
    this.random = random
    this.clock = {
      nowMs: () => world.nowMs,
      wallMs: () => world.wallMs,
      after: (ms, task) => world.after(this.#thread(0), ms, task),
    }
    this.#world = world
    this.#machine = machine
    this.#plan = plan
    world.describeWaiting = () => this.#describeWaiting()
  }

  /** @internal Faults come from now on: one before would only keep the runtime from starting. */
  allowFaults(): void {
    this.#world.onStep = () => this.#injectDue()
  }

  /** Sets the clock on the wall forwards or, with a negative number, back; the monotonic one goes on. */
  jumpWallClock(ms: number): void {
    this.#world.wallOffsetMs += ms
  }

  /** Virtual milliseconds since the simulation began. */
  get nowMs(): number {
    return this.#world.nowMs
  }

  /** How many tasks were run. */
  get steps(): number {
    return this.#world.steps
  }

  /** What was run, in its order: the same for the same seed. */
  get log(): readonly string[] {
    return this.#world.log
  }

  /** The decisions so far: `simulate({ choices })` makes them again. */
  get choices(): readonly number[] {
    return this.#world.decisions.made
  }

  /** Resolves when so much virtual time has passed. */
  advance(ms: number): Promise<void> {
    numberOption('ms', ms, 0, { min: 0, max: Number.MAX_SAFE_INTEGER })
    return new Promise((resolve) => void this.clock.after(ms, resolve))
  }

  /** Waits for something of the real world while the simulated one stands still. */
  external<T>(task: () => Promise<T>): Promise<T> {
    return this.#world.external(task)
  }

  /** Does something, such as the start of what is tested, while no faults come by themselves. */
  async calm<T>(task: () => Promise<T>): Promise<T> {
    this.#calms++
    try {
      return await task()
    } finally {
      this.#calms--
    }
  }

  /** A definition as a module, for whatever takes the URL of one: `spawn`, `router`, `actorChild`. */
  module(definition: AnyActorDefinition): URL {
    return this.#machine.module(definition)
  }

  /** Starts an actor on the thread that is named. @throws as `runtime.spawn` */
  async spawn<State, Args, Receive>(
    definition: ActorDefinition<State, Args, Receive>,
    options: SimulatedSpawnOptions<Args> = {},
  ): Promise<ActorRef<Receive>> {
    const { thread = 0, args, name, mailbox } = options
    this.#thread(thread)
    const module = this.module(definition).href
    const request = { module, args, name, mailbox, exportName: undefined, placement: undefined }
    return (await this.runtime.spawnOn(thread, request)) as ActorRef<Receive>
  }

  /** An actor that keeps what it is sent, with expectations about it. */
  async probe(options: ProbeOptions = {}): Promise<Probe> {
    const probe = new Probe(this.clock, options)
    this.#probes.add(probe.definition)
    const { thread } = options
    const spawn = thread === undefined ? {} : { thread }
    return probe.started(this.runtime, await this.spawn(probe.definition, spawn))
  }

  /** A worker thread ends, by `cause`. */
  loseThread(thread: number, cause: ThreadLossCause = 'crashed', losesBells = false): void {
    this.inject({ type: 'lose_thread', thread, cause, losesBells })
  }

  /** An actor fails at once, whatever it is doing. */
  crash(ref: ActorRef, error: Error = crashError()): void {
    this.#world.between(`crash of ${ref}`, () => this.#crash(ref.thread, ref, error))
  }

  /** A thread runs nothing for a while. */
  stall(thread: number, forMs: number): void {
    this.inject({ type: 'stall_thread', thread, forMs })
  }

  /** What a thread sends finds no room for a while. */
  fillRings(thread: number, forMs: number): void {
    this.inject({ type: 'fill_rings', thread, forMs })
  }

  /** The next wake-ups, of one thread or of any, do not arrive. */
  loseBells(count: number, thread?: number): void {
    this.inject({ type: 'lose_bells', count, ...(thread !== undefined && { thread }) })
  }

  /** Threads that are started from now on take so long. */
  delayStarts(ms: number): void {
    this.#machine.startMs = ms
  }

  /** Makes something go wrong, between two steps. */
  inject(fault: Fault): void {
    const task = (): void => {
      this.#world.note(`fault ${JSON.stringify({ ...fault, atStep: undefined })}`)
      this.#inject(fault)
    }
    this.#world.between(`fault ${fault.type}`, task)
  }

  #injectDue(): void {
    if (this.#calms > 0) return
    const { steps } = this.#world
    for (const fault of this.#plan.due(steps, this.#machine.workers())) {
      this.faults.push({ ...fault, atStep: steps })
      this.inject(fault)
    }
  }

  #inject(fault: Fault): void {
    switch (fault.type) {
      case 'lose_thread':
        return this.#loseThread(fault.thread, fault.cause, fault.losesBells)
      case 'crash_actor': {
        const actors = this.#actorsOf(fault.thread)
        const actor = actors[fault.index % actors.length]
        if (actor !== undefined) this.#crash(fault.thread, actor, crashError())
        return
      }
      case 'stall_thread': {
        const thread = this.#world.threads.get(fault.thread)
        if (thread !== undefined) thread.stalledUntilMs = this.#until(fault.forMs, thread.stalledUntilMs)
        return
      }
      case 'fill_rings': {
        const thread = this.#world.threads.get(fault.thread)
        if (thread !== undefined) thread.ringsFullUntilMs = this.#until(fault.forMs, thread.ringsFullUntilMs)
        return
      }
      case 'lose_bells':
        this.#machine.lostBells = { count: fault.count, thread: fault.thread }
    }
  }

  #loseThread(thread: number, cause: ThreadLossCause, losesBells: boolean): void {
    if (cause === 'terminated') return void this.runtime.killThread(thread)
    if (!this.#machine.lose(thread, cause, losesBells)) return
    // Such a thread is only found out by somebody who wants it to end.
    if (cause === 'unresponsive') void this.runtime.killThread(thread)
  }

  #crash(thread: number, actor: { slot: number; generation: number }, error: Error): void {
    const system = this.#systemOf(thread)
    const cell = system?.host.find(actor.slot, actor.generation)
    if (cell === undefined) return
    this.#world.threads.get(thread)?.enqueue('crash', `crash of ${cell.name}`, () => {
      const living = system?.host.find(actor.slot, actor.generation)
      if (living !== undefined) system?.lifecycle.end(living, { type: 'failed', error })
    })
  }

  /** When something ends that begins now; time is made to go on until then. */
  #until(forMs: number, knownMs: number): number {
    this.#world.after(undefined, forMs, () => undefined)
    return Math.max(knownMs, this.#world.nowMs + forMs)
  }

  #thread(id: number): SimulatedThread {
    const { threads } = this.#world
    return threads.get(id) ?? invalidOption('thread', id, `one of ${[...threads.keys()].join(', ')}`)
  }

  #systemOf(thread: number): ActorSystem | undefined {
    return thread === 0 ? this.runtime.system : this.#world.threads.get(thread)?.system
  }

  /** The program's actors of a thread, the oldest first. */
  #actorsOf(thread: number) {
    const own = thread === 0 ? MAIN_SLOTS : GUARDIAN_SLOT + 1
    const living = this.#systemOf(thread)?.lifecycle.living() ?? []
    return living.filter((cell) => cell.slot >= own && !this.#probes.has(cell.definition))
  }

  #describeWaiting(): string {
    const lines = ['the body']
    for (const thread of this.#world.threads.keys()) {
      const asks = this.#systemOf(thread)?.outbox.pending.count ?? 0
      if (asks > 0) lines.push(`thread ${thread}: ${asks} ask(s)`)
      for (const cell of this.#actorsOf(thread)) {
        const waiting = cell.mailbox?.length ?? 0
        if (!cell.isBusy && waiting === 0) continue
        const what = cell.isBusy ? 'in the middle of a message' : 'idle'
        lines.push(`${cell.name}@${thread}/${cell.slot}: ${what}, ${waiting} waiting`)
      }
    }
    return lines.join('; ')
  }
}

function crashError(): Error {
  return new ShardloomError('SHL_ASSERTION', { text: 'simulated crash' })
}
