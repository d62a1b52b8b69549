/**
 * The runtime: threads, the actors on them, and one door for the program that uses them.
 *
 * The main thread is a thread like the others: it has an actor system, a guardian, the registry, and whatever
 * is spawned on it. `close()` goes in order: nothing new is taken, what is under way finishes, actors stop
 * (the youngest first), threads exit, and what had to be cut is reported. It returns within its deadline even
 * when a thread cannot be interrupted. A runtime that nobody closes does the same on its own when the process
 * has nothing else to do, and never holds the process.
 *
 * Tests: test/runtime/close.race.test.ts, test/runtime/thread-loss.race.test.ts
 */
import { performance } from 'node:perf_hooks'
import {
  type ActorAddress,
  type ActorDefinition,
  ActorRef,
  ActorRouter,
  ActorSystem,
  type AnyActorDefinition,
  type ArgsOf,
  type Dispatch,
  defineActor,
  formatAddress,
  GUARDIAN_SLOT,
  type MessageUnderWay,
  messageUnderWay,
  type ReceiveOf,
  type Registry,
  type RouterOptions,
  registryActor,
  type SpawnOptions,
  type StopMode,
  type TerminationReason,
  type ThreadLossCause,
} from '../actor/index.ts'
import { checkKnownOptions, invalidOption, numberOption, ShardloomError, toError } from '../base/index.ts'
import {
  allocateMetrics,
  type Counter,
  createIdleStrategy,
  type Gauge,
  type Histogram,
  Metrics,
} from '../memory/index.ts'
import { allocateThread, attachThread, RUNTIME_WORDS, type ThreadMemory } from '../transport/index.ts'
import { EventHub } from './event-hub.ts'
import {
  type ControlToMain,
  guardianActor,
  guardianAddress,
  receivedEvent,
  type SpawnRequest,
} from './guardian.ts'
import { Heartbeat, readPulse, type ThreadPulse } from './heartbeat.ts'
import { Placement } from './placement.ts'
import { nodePlatform, type Platform } from './platform.ts'
import { ReplacementBackoff } from './replacement-backoff.ts'
import type { RuntimeEvent, ThreadKind } from './runtime-event.ts'
import {
  type CloseOptions,
  type CloseReport,
  type DeadLetterView,
  type RuntimeView,
  runningActor,
  viewThread,
} from './runtime-views.ts'
import { type RuntimeOptions, type RuntimeSettings, resolveSettings } from './settings.ts'
import { shutDown } from './shutdown.ts'
import { Sys } from './sys.ts'
import { spawnRequest } from './thread-bootstrap.ts'
import { type ThreadHandle, ThreadPool, type ThreadStartOptions } from './thread-pool.ts'
import { commonServices, spawnHere, spawnModule, stopAllActors } from './thread-services.ts'

/** The registry's slot on the main thread, after the guardian's. */
const REGISTRY_SLOT = 1
const SPAWN_OPTIONS = ['args', 'name', 'export', 'placement', 'mailbox', 'resourceLimits', 'signal']

/** A running runtime. Made by `createRuntime`. */
export class Runtime {
  readonly #settings: RuntimeSettings
  readonly #platform: Platform
  readonly #memory: ThreadMemory
  readonly #metrics: Metrics
  readonly #system: ActorSystem
  readonly #pool: ThreadPool
  readonly #placement: Placement
  readonly #heartbeat: Heartbeat
  /** Looks at running actors and threads, as OTP's `sys` does. */
  readonly sys: Sys
  /** @internal */
  protected readonly events: EventHub<RuntimeEvent>
  readonly #backoff = new ReplacementBackoff()
  #state: RuntimeView['state'] = 'open'
  #routerCount = 0
  #closing: Promise<CloseReport> | undefined
  readonly #lostThreads: number[] = []
  #forgetExit: () => void = () => undefined

  /** @internal Use `createRuntime`. */
  constructor(options: RuntimeOptions, platform = nodePlatform()) {
    const settings = resolveSettings(options)
    this.#platform = platform
    this.#settings = settings
    this.events = new EventHub(platform.warn)
    if (options.onEvent !== undefined) this.events.subscribe(options.onEvent)
    const { limits, timeouts, mailbox, cores, idle } = settings
    const runtimeBuffer = new SharedArrayBuffer(RUNTIME_WORDS * 4)
    const metricsBuffer = allocateMetrics(limits.metricsMax)
    this.#metrics = new Metrics(metricsBuffer)
    this.#memory = attachThread(allocateThread(0, limits.actorsMax, limits.asksMax))
    const systemSettings = {
      askMs: timeouts.askMs,
      initMs: timeouts.initMs,
      stopMs: timeouts.stopMs,
      actorsMax: limits.actorsMax,
      messageBytesMax: limits.messageBytesMax,
      mailbox,
    }
    this.#system = new ActorSystem({
      memory: this.#memory,
      runtimeWords: new Int32Array(runtimeBuffer),
      ...platform,
      idle: createIdleStrategy(idle),
      cores,
      settings: systemSettings,
      metrics: this.#metrics,
      isMain: true,
      takeLink: () => undefined,
      spawnChild: (owner, target, spawnOptions) => this.#spawn(target, spawnOptions, owner),
      onBusy: () => platform.keepAlive.hold(),
      onIdle: () => platform.keepAlive.release(),
      onEvent: (event) => this.#emit({ ...event, thread: 0 }),
      onActorEnded: () => undefined,
      onStopOverdue: (to) => this.#onStopOverdue(to.thread),
    })
    this.#pool = new ThreadPool({
      platform,
      mainMemory: this.#memory,
      runtimeBuffer,
      metricsBuffer,
      systemSettings,
      idle,
      cores,
      asksMax: limits.asksMax,
      ringBytes: limits.ringBytes,
      threadsMax: limits.threadsMax,
      startTimeoutMs: timeouts.threadStartMs,
      resourceLimits: settings.resourceLimits,
      prepare: (thread) => this.prepareThread(thread),
      onLink: (thread, ends) => void this.#system.connect(thread, ends),
      onMessage: (thread, message) => this.#onControl(thread, message),
      onEnded: (thread, cause, error) => this.#onThreadEnded(thread, cause, error),
    })
    this.#placement = new Placement({
      clock: this.#platform.clock,
      pool: this.#pool,
      threads: settings.threads,
      threadStartMs: timeouts.threadStartMs,
      stopMs: timeouts.stopMs,
      isOpen: () => this.#state === 'open',
      spawnOnMain: (request, signal) => spawnModule(this.#system, platform, request, signal),
      startThread: (kind, start) => this.#startThread(kind, start),
      guardianOf: (thread) => this.#guardianOf(thread),
    })
    this.sys = new Sys({
      clock: this.#platform.clock,
      guardianOf: (thread) => this.#guardianOf(thread),
      memoryOf: (thread) => this.#memoryOf(thread),
      warn: platform.warn,
      workerOf: (thread) => this.#pool.inspectedThread(thread),
    })
    this.#heartbeat = new Heartbeat(this.#memory, this.#platform.clock)
  }

  /** @internal Starts the main thread's own actors and the shared threads. */
  async start(): Promise<this> {
    const system = this.#system
    const guardian = guardianActor({
      ...commonServices(system, this.#platform, this.#heartbeat),
      place: (request, signal) => this.#place(request, signal),
      stopAll: (timeoutMs) =>
        stopAllActors(system, this.#platform.clock, timeoutMs, [GUARDIAN_SLOT, REGISTRY_SLOT]),
    })
    // Not before: one that is refused for its options or its files is never closed.
    this.#forgetExit = this.#platform.onBeforeExit(() => void this.close())
    this.#heartbeat.beatEvery(this.#platform.beatMs)
    this.#platform.keepAlive.hold()
    try {
      await this.#spawnSystemActor(guardian)
      await this.#spawnSystemActor(registryActor)
      const { threads } = this.#settings
      const started = await Promise.allSettled(
        Array.from({ length: threads }, () => this.#startThread('shared')),
      )
      const failed = started.find((one) => one.status === 'rejected')
      if (failed !== undefined) {
        await this.close()
        throw (failed as PromiseRejectedResult).reason
      }
    } finally {
      this.#platform.keepAlive.release()
    }
    return this
  }

  /** The ids of the threads: 0 is the main thread. */
  get threads(): readonly number[] {
    return [0, ...this.#pool.running().map((thread) => thread.id)]
  }

  get state(): RuntimeView['state'] {
    return this.#state
  }
  /** Names and groups of actors. */
  get registry(): Registry {
    return this.#system.registryFor(undefined)
  }

  get deadLetters(): DeadLetterView {
    const byReason = this.#system.deadLetters.byReason()
    const total = Object.values(byReason).reduce((sum, count) => sum + count, 0)
    return { total, byReason, recent: [...this.#system.deadLetters.recent] }
  }

  /**
   * Starts an actor. A definition starts on this thread; a module, named by the URL that bundlers understand,
   * starts where `placement` says, by default on the shared thread with the fewest actors.
   *
   * @throws SHL_ACTOR_MODULE, SHL_ACTOR_INIT_FAILED, SHL_ACTOR_INIT_TIMEOUT, SHL_OPTION_INVALID,
   * SHL_OPTION_UNKNOWN, SHL_ACTOR_LIMIT, SHL_THREAD_LIMIT, SHL_THREAD_LOST, SHL_RUNTIME_CLOSED
   */
  spawn<State, Args, Receive>(
    definition: ActorDefinition<State, Args, Receive>,
    options?: SpawnOptions<Args>,
  ): Promise<ActorRef<Receive>>
  spawn<D extends AnyActorDefinition>(
    module: URL | string,
    options?: SpawnOptions<ArgsOf<D>>,
  ): Promise<ActorRef<ReceiveOf<D>>>
  spawn(target: unknown, options?: object): Promise<ActorRef> {
    return this.#spawn(target, options, undefined)
  }

  /**
   * Starts several actors of one kind behind a router.
   *
   * @throws as `spawn`
   */
  router<State, Args, Receive>(
    definition: ActorDefinition<State, Args, Receive>,
    options?: RouterOptions & SpawnOptions<Args>,
  ): Promise<ActorRouter<Receive>>
  router<D extends AnyActorDefinition>(
    module: URL | string,
    options?: RouterOptions & SpawnOptions<ArgsOf<D>>,
  ): Promise<ActorRouter<ReceiveOf<D>>>
  async router(
    target: unknown,
    options: RouterOptions & SpawnOptions<unknown> = {},
  ): Promise<ActorRouter<unknown>> {
    const known = [...SPAWN_OPTIONS, 'size', 'strategy', 'hashKey', 'replace']
    checkKnownOptions('router', options, known)
    const { size, strategy, hashKey, replace, ...spawnOptions } = options
    const count = size ?? Math.max(1, this.#pool.running('shared').length)
    const parts = {
      clock: this.#platform.clock,
      name: spawnOptions.name ?? `router-${++this.#routerCount}`,
      spawn: () => this.#spawn(target, spawnOptions, undefined),
      awaitEnd: (ref: ActorRef) => this.#system.outbox.awaitEnd(ref),
      spawnDispatcher: async (name: string, dispatch: Dispatch) => {
        this.#checkOpen('router.ref')
        return this.#spawnSystemActor(defineActor({ name, receive: {}, reentrant: true }), dispatch)
      },
    }
    const router = new ActorRouter<unknown>(parts, options)
    try {
      await router.resize(count)
    } catch (error) {
      await router.stop({ mode: 'kill' })
      throw error
    }
    return router
  }

  /**
   * Resolves when the actor has ended, with the reason; at once if it has ended already. It holds the process
   * meanwhile, unless `unref` is true.
   *
   * @throws SHL_OPTION_UNKNOWN
   */
  watch(ref: ActorRef, options: { readonly unref?: boolean } = {}): Promise<TerminationReason> {
    checkKnownOptions('watch', options, ['unref'])
    const ended = this.#system.outbox.awaitEnd(ref)
    if (options.unref === true) return ended
    return this.hold(ended)
  }

  /** @internal Ends an actor without waiting for it. */
  sendStop(ref: ActorAddress, mode: StopMode): void {
    this.#system.outbox.sendStop(ref, mode)
  }

  /** A counter that every thread sees and adds to without a message. */
  counter(name: string): Counter {
    return this.#metrics.counter(name)
  }

  gauge(name: string): Gauge {
    return this.#metrics.gauge(name)
  }

  histogram(name: string): Histogram {
    return this.#metrics.histogram(name)
  }

  /** What the runtime is doing, read from shared memory: it works also while threads are stuck. */
  inspect(): RuntimeView {
    const nowMs = this.#platform.clock.nowMs()
    const workers = [...this.#pool.threads.values()].map(({ memory, kind, state, worker }) =>
      viewThread(memory, kind, state, nowMs, worker?.performance),
    )
    const main = viewThread(this.#memory, 'main', 'running', nowMs, performance)
    return { state: this.#state, threads: [main, ...workers], pendingAsks: this.#system.outbox.pending.count }
  }

  /** @internal The main thread's actors. */
  get system(): ActorSystem {
    return this.#system
  }

  /** @internal The shared threads that run. */
  get sharedThreads(): readonly number[] {
    return this.#pool.running('shared').map((thread) => thread.id)
  }

  /** @internal Starts an actor on a thread of the caller's choice. */
  async spawnOn(thread: number, request: SpawnRequest): Promise<ActorRef> {
    return this.#system.refFor(await this.#guardianOf(thread).ask('spawn', request), undefined)
  }

  /** @internal Times the messages of an actor from now on; the names of its handlers. */
  timeMessages({ thread, slot, generation }: ActorAddress): Promise<readonly string[] | undefined> {
    return this.#guardianOf(thread).ask('time', { slot, generation })
  }

  /** @internal */
  beatEvery(thread: number, periodMs: number): void {
    this.#guardianOf(thread).tell('beat', periodMs)
  }

  /** @internal */
  pulseOf(thread: number): ThreadPulse | undefined {
    const memory = this.#memoryOf(thread)
    return memory && readPulse(memory, this.#platform.clock.nowMs())
  }

  /** @internal Whether a handler of the actor runs at this moment. */
  isRunning({ thread, slot, generation }: ActorAddress): boolean {
    const memory = this.#memoryOf(thread)
    return memory !== undefined && runningActor(memory) === formatAddress(thread, slot, generation)
  }

  /** @internal */
  messageUnderWay({ thread, slot, generation }: ActorAddress): MessageUnderWay | undefined {
    const memory = this.#memoryOf(thread)
    return memory && messageUnderWay(memory, slot, generation, this.#platform.clock.nowMs())
  }

  /**
   * Terminates a worker thread, as a crash would: for tests and drills. False when there is no such thread.
   */
  async killThread(id: number): Promise<boolean> {
    const thread = this.#pool.threads.get(id)
    if (thread === undefined) return false
    await this.hold(this.#pool.terminate(thread, 'terminated'))
    return true
  }

  /**
   * Ends everything, in order, within a deadline; see the head comment. Calling it again gives the same
   * report.
   */
  close(options: CloseOptions = {}): Promise<CloseReport> {
    this.#closing ??= this.#close(this.closeTimeoutMs(options))
    return this.#closing
  }

  /** @internal How long `close` may take. @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN */
  protected closeTimeoutMs(options: CloseOptions): number {
    checkKnownOptions('close', options, ['timeoutMs'])
    const range = { min: 1, max: 2 ** 31 - 1 }
    return numberOption('timeoutMs', options.timeoutMs, this.#settings.timeouts.closeMs, range)
  }

  /** @internal Readies a thread before anything is spawned on it; for layers above. */
  protected async prepareThread(_thread: number): Promise<void> {}

  /** @internal Holds the process until the task is done. */
  protected async hold<T>(task: Promise<T>): Promise<T> {
    this.#platform.keepAlive.hold()
    try {
      return await task
    } finally {
      this.#platform.keepAlive.release()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => undefined)
  }

  async #close(timeoutMs: number): Promise<CloseReport> {
    this.#state = 'closing'
    this.#system.outbox.isClosing = true
    this.#forgetExit()
    this.#platform.keepAlive.hold()
    const report = await shutDown({
      clock: this.#platform.clock,
      system: this.#system,
      pool: this.#pool,
      spared: [GUARDIAN_SLOT, REGISTRY_SLOT],
      guardianOf: (thread) => this.#guardianOf(thread),
      lostThreads: this.#lostThreads,
      timeoutMs,
    })
    this.#state = 'closed'
    this.#heartbeat.stop()
    this.#platform.keepAlive.release()
    this.#platform.keepAlive.close()
    return report
  }

  #memoryOf(thread: number): ThreadMemory | undefined {
    return thread === 0 ? this.#memory : this.#pool.threads.get(thread)?.memory
  }

  async #spawn(
    target: unknown,
    options: object | undefined,
    owner: ConstructorParameters<typeof ActorRef>[1],
  ): Promise<ActorRef> {
    this.#checkOpen('spawn')
    if (options !== undefined) {
      if (typeof options !== 'object' || options === null) invalidOption('options', options, 'an object')
      checkKnownOptions('spawn', options, SPAWN_OPTIONS)
    }
    const { definition, request } = spawnRequest(target, options)
    const { signal } = (options ?? {}) as { signal?: AbortSignal }
    if (definition === undefined) return this.#system.refFor(await this.#place(request, signal), owner)
    const address = await spawnHere(this.#system, definition, definition.name, request, signal)
    return this.#system.refFor(address, owner)
  }

  #checkOpen(operation: string): void {
    if (this.#state !== 'open') throw new ShardloomError('SHL_RUNTIME_CLOSED', { operation })
  }

  async #place(request: SpawnRequest, signal: AbortSignal | undefined): Promise<ActorRef> {
    this.#checkOpen('spawn')
    return this.#placement.place(request, signal)
  }

  #guardianOf(thread: number): ActorRef<ReturnType<typeof guardianActor>['receive']> {
    const address = guardianAddress(thread)
    // Bound to the runtime's own address: it may still ask while the program may not.
    const owner = { ...address, thread: 0, deadlineMs: 0, onNestedAsk: () => undefined }
    return new ActorRef(this.#system.outbox, owner, address)
  }

  async #spawnSystemActor(definition: AnyActorDefinition, dispatch?: Dispatch): Promise<ActorRef> {
    const { name } = definition
    const spawn = { definition, args: undefined, name, module: '', mailbox: undefined }
    const address = await this.#system.lifecycle.spawn({ ...spawn, ...(dispatch && { dispatch }) })
    return this.#system.refFor(address, undefined)
  }

  async #startThread(kind: ThreadKind, options?: ThreadStartOptions): Promise<ThreadHandle> {
    const thread = await this.hold(this.#pool.start(kind, options))
    this.#emit({ type: 'thread_started', thread: thread.id, kind })
    return thread
  }

  #onControl(thread: ThreadHandle, message: ControlToMain): void {
    if (message.type === 'event') this.#emit({ ...receivedEvent(message.event), thread: thread.id })
    else if (message.type === 'empty') void this.#pool.exit(thread, this.#settings.timeouts.stopMs)
    else if (message.type === 'stop_overdue') this.#onStopOverdue(message.thread)
  }

  /**
   * A stop was not obeyed: a dedicated thread is ended with its actor, a shared one has others to think of.
   */
  #onStopOverdue(id: number): void {
    const thread = this.#pool.threads.get(id)
    if (thread?.kind === 'dedicated') void this.#pool.terminate(thread, 'unresponsive')
  }

  #onThreadEnded(thread: ThreadHandle, cause: ThreadLossCause | 'stopped', error: Error | undefined): void {
    const { id: lost, kind } = thread
    this.#system.onThreadLost(lost, cause === 'stopped' ? 'terminated' : cause, error)
    if (cause === 'stopped') {
      this.#emit({ type: 'thread_stopped', thread: lost, kind })
      return
    }
    if (thread.isGivenUp) this.#lostThreads.push(lost)
    this.#emit({ type: 'thread_lost', thread: lost, kind, cause, error })
    if (kind === 'shared' && this.#state === 'open') void this.#replace(lost)
  }

  /** Starts another thread in the place of a lost one; the more were lost lately, the later. */
  async #replace(lost: number): Promise<void> {
    for (;;) {
      const { clock } = this.#platform
      const delayMs = this.#backoff.delayMs(clock.nowMs())
      await new Promise<void>((resolve) => void clock.after(delayMs, resolve, { unref: true }))
      if (this.#state !== 'open') return
      try {
        const thread = await this.#startThread('shared')
        this.#emit({ type: 'thread_replaced', thread: lost, by: thread.id })
        return
      } catch (error) {
        this.#emit({ type: 'thread_not_replaced', thread: lost, error: toError(error) })
      }
    }
  }

  #emit(event: RuntimeEvent): void {
    if (event.type === 'trace') this.sys.onTrace(event.record)
    else this.events.emit(event)
  }
}
