/**
 * The worker threads of a runtime: starts them, connects them to each other, and notices how each one ends.
 *
 *     starting ─ ready ─► running ─ exit asked ─► stopped
 *                            └───── anything else ─► lost (crashed, out of memory, process.exit, terminated,
 *                                                    unresponsive), reported once, with its cause
 *
 * Every pair of threads has a link from the start: rings are address space until they are used. Threads start
 * as many at once as there are cores: each loads the same modules, a tenth of a second of processor time. A
 * termination waits until none is starting, and none starts meanwhile, because both at once can crash Node
 * (nodejs/node#56312). `terminate()` is never awaited without a deadline: a thread that does not die is
 * *lost*, and nobody waits for it.
 *
 * Tests: test/runtime/thread-pool.test.ts, thread-loss.race.test.ts
 */
import type { ResourceLimits } from 'node:worker_threads'
import type { SystemSettings, ThreadLossCause } from '../actor/index.ts'
import { orLate, ShardloomError, toError } from '../base/index.ts'
import { encodeError } from '../codec/index.ts'
import type { IdleStrategyName } from '../memory/index.ts'
import {
  allocateThread,
  attachThread,
  CONTROL_AWAKE,
  CONTROL_STATE,
  createLinkEnds,
  type LinkEnds,
  linkPorts,
  type Port,
  RUNTIME_AWAKE,
  STATE_DEAD,
  STATE_STOPPING,
  type ThreadMemory,
} from '../transport/index.ts'
import type { ControlToMain, ControlToWorker } from './guardian.ts'
import type { Platform, WorkerThread } from './platform.ts'
import type { ThreadKind } from './runtime-event.ts'
import type { ThreadStart } from './thread-bootstrap.ts'

/** How long a termination may take before the thread counts as lost. */
const TERMINATE_MS = 1000
/** How long the process waits for a thread that was given up, in case it is only slow. */
const GIVE_UP_GRACE_MS = 2000
/** How long a thread that was asked to exit may take before it is terminated. */
const EXIT_MS = 250

/** What the pool is made of. */
export interface ThreadPoolParts {
  readonly platform: Platform
  readonly mainMemory: ThreadMemory
  readonly runtimeBuffer: SharedArrayBuffer
  readonly metricsBuffer: SharedArrayBuffer
  readonly systemSettings: SystemSettings
  readonly idle: IdleStrategyName
  readonly cores: number
  readonly asksMax: number
  readonly ringBytes: number
  readonly threadsMax: number
  readonly startTimeoutMs: number
  readonly resourceLimits: ResourceLimits | undefined
  /** Connects the main thread to a new one. */
  /** Readies a thread that has started, before anybody may use it. */
  prepare(thread: number): Promise<void>
  onLink(thread: number, ends: LinkEnds): void
  onMessage(thread: ThreadHandle, message: ControlToMain): void
  /** A thread that ran has ended: as asked (`stopped`), or not. */
  onEnded(thread: ThreadHandle, cause: ThreadLossCause | 'stopped', error: Error | undefined): void
}

/** How one thread differs from the others. */
export interface ThreadStartOptions {
  /** Default: those of the pool. */
  readonly resourceLimits?: ResourceLimits | undefined
}

/** One worker thread as the main thread sees it. */
export class ThreadHandle {
  readonly id: number
  readonly kind: ThreadKind
  readonly memory: ThreadMemory
  readonly control: Port
  state: 'starting' | 'running' | 'stopping' | 'ended' = 'starting'
  worker: WorkerThread | undefined = undefined
  /** Actors on their way to it, not in its count yet. */
  placing = 0
  error: Error | undefined = undefined
  /** It would not die, and nobody waits for it any more. */
  isGivenUp = false
  /** Set before we end it ourselves: the cause that its end then has. */
  expectedCause: ThreadLossCause | 'stopped' | undefined = undefined
  /** Resolves when the thread has ended, or was given up. */
  readonly ended: Promise<void>
  settleEnded: () => void = () => undefined

  constructor(id: number, kind: ThreadKind, memory: ThreadMemory, control: Port) {
    this.id = id
    this.kind = kind
    this.memory = memory
    this.control = control
    this.ended = new Promise((resolve) => {
      this.settleEnded = resolve
    })
  }

  post(message: ControlToWorker, transfer: readonly Port[] = []): void {
    this.control.postMessage(message, transfer)
  }
}

/** Starts, connects and ends the worker threads. */
export class ThreadPool {
  readonly threads = new Map<number, ThreadHandle>()
  readonly #parts: ThreadPoolParts
  #nextId = 1
  /** Launches and terminations, one after the other. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Threads that are launched, and not ready yet. */
  readonly #starting = new Set<Promise<unknown>>()

  constructor(parts: ThreadPoolParts) {
    this.#parts = parts
  }

  /** The threads that run. */
  running(kind?: ThreadKind): ThreadHandle[] {
    return [...this.threads.values()].filter(
      (thread) => thread.state === 'running' && (kind === undefined || thread.kind === kind),
    )
  }

  /** What the inspector needs to find a thread. */
  inspectedThread(id: number): { readonly nodeId: number; readonly ended: Promise<void> } | undefined {
    const thread = this.threads.get(id)
    const nodeId = thread?.worker?.threadId
    return thread === undefined || nodeId === undefined ? undefined : { nodeId, ended: thread.ended }
  }

  /** Starts a thread. @throws SHL_THREAD_START, SHL_THREAD_LIMIT */
  start(kind: ThreadKind, options: ThreadStartOptions = {}): Promise<ThreadHandle> {
    const { threadsMax } = this.#parts
    if (this.threads.size >= threadsMax) {
      return Promise.reject(
        new ShardloomError('SHL_THREAD_LIMIT', { threads: this.threads.size, threadsMax }),
      )
    }
    const [mainPort, workerPort] = this.#parts.platform.channels.open('control')
    const id = this.#nextId++
    const { systemSettings, asksMax } = this.#parts
    const memory = attachThread(allocateThread(id, systemSettings.actorsMax, asksMax))
    const thread = new ThreadHandle(id, kind, memory, mainPort)
    this.threads.set(id, thread)
    return new Promise((resolve, reject) => {
      void this.#inTurn(async () => {
        while (this.#starting.size >= Math.max(1, this.#parts.cores)) await Promise.race(this.#starting)
        const launched = this.#launch(thread, workerPort, options)
        const start = this.#start(thread, launched).then(resolve, reject)
        this.#starting.add(start)
        void start.finally(() => this.#starting.delete(start))
        await launched.catch(() => undefined)
      })
    })
  }

  /** Asks a thread whose actors have been stopped to exit; terminates it when it does not. */
  async exit(thread: ThreadHandle, timeoutMs: number): Promise<boolean> {
    if (thread.state === 'ended') return true
    thread.expectedCause ??= 'stopped'
    thread.state = 'stopping'
    try {
      thread.post({ type: 'exit' })
    } catch {
      // The port is gone with its thread; the termination below finds that out.
    }
    if (await this.#endsWithin(thread, Math.min(EXIT_MS, timeoutMs))) return true
    return this.terminate(thread, 'stopped', Math.max(1, timeoutMs - EXIT_MS), false)
  }

  /** Ends a thread at once. False when it could not be ended in time: it is lost. */
  async terminate(
    thread: ThreadHandle,
    cause: ThreadLossCause | 'stopped',
    timeoutMs = TERMINATE_MS,
    isInTurn = true,
  ): Promise<boolean> {
    if (thread.state === 'ended') return true
    thread.expectedCause = cause
    const end = async (): Promise<boolean> => {
      Atomics.store(thread.memory.control, CONTROL_STATE, STATE_STOPPING)
      thread.worker?.terminate().catch(() => undefined)
      return this.#endsWithin(thread, timeoutMs)
    }
    const endInTurn = async (): Promise<boolean> => {
      await Promise.all(this.#starting)
      return end()
    }
    const hasEnded = isInTurn ? await this.#inTurn(endInTurn) : await end()
    if (!hasEnded) this.#giveUp(thread)
    return hasEnded
  }

  async #start(thread: ThreadHandle, launched: Promise<void>): Promise<ThreadHandle> {
    const { startTimeoutMs } = this.#parts
    try {
      await launched
      const isReady = await this.#becomesReady(thread)
      if (!isReady)
        throw (
          thread.error ?? new ShardloomError('SHL_THREAD_LOST', { thread: thread.id, reason: 'it exited' })
        )
      await this.#parts.prepare(thread.id)
      // It may have ended meanwhile.
      if (thread.state === 'starting') thread.state = 'running'
    } catch (cause) {
      this.threads.delete(thread.id)
      thread.expectedCause = 'stopped'
      thread.state = 'ended'
      thread.control.close()
      void this.#inTurn(async () => {
        await Promise.all(this.#starting)
        const ended = thread.worker?.terminate().catch(() => undefined)
        await orLate(this.#parts.platform.clock, Promise.resolve(ended), TERMINATE_MS, undefined)
      })
      this.#announceLoss(thread, 'terminated', undefined)
      throw new ShardloomError('SHL_THREAD_START', { thread: thread.id, startTimeoutMs }, { cause })
    }
    return thread
  }

  async #launch(thread: ThreadHandle, workerPort: Port, options: ThreadStartOptions): Promise<void> {
    const parts = this.#parts
    const { mainMemory, platform } = parts
    const resourceLimits = options.resourceLimits ?? parts.resourceLimits
    const { channels } = platform
    const link = (memory: ThreadMemory) =>
      createLinkEnds(memory.buffers, thread.memory.buffers, parts.ringBytes, channels)
    const [mainEnds, ownEnds] = link(mainMemory)
    const links = [{ thread: 0, ends: ownEnds }]
    // Every other thread hears of the new one before anybody can hold a ref to an actor on it.
    for (const other of this.#linked()) {
      const [otherEnds, ends] = link(other.memory)
      other.post({ type: 'link', thread: thread.id, ends: otherEnds }, linkPorts(otherEnds))
      links.push({ thread: other.id, ends })
    }
    const start: ThreadStart = {
      buffers: thread.memory.buffers,
      runtimeBuffer: parts.runtimeBuffer,
      metricsBuffer: parts.metricsBuffer,
      settings: parts.systemSettings,
      idle: parts.idle,
      cores: parts.cores,
      isDedicated: thread.kind === 'dedicated',
      controlPort: workerPort,
      links,
    }
    const name = `shardloom ${thread.kind} ${thread.id}`
    const base = resourceLimits === undefined ? { name } : { name, resourceLimits }
    const worker = await platform.startThread(start, base)
    thread.worker = worker
    worker.on('error', (error) => {
      thread.error = toError(error)
    })
    worker.on('exit', () => this.#onExit(thread))
    channels.listen(thread.control, (message: ControlToMain) => {
      if (message.type !== 'ready') parts.onMessage(thread, message)
    })
    parts.onLink(thread.id, mainEnds)
  }

  async #becomesReady(thread: ThreadHandle): Promise<boolean> {
    const { platform, startTimeoutMs } = this.#parts
    const isReady = await new Promise<boolean>((resolve) => {
      const timer = platform.clock.after(startTimeoutMs, () => resolve(false))
      platform.channels.listen(thread.control, (message: ControlToMain) => {
        if (message.type !== 'ready') return
        timer.cancel()
        resolve(true)
      })
      void thread.ended.then(() => {
        timer.cancel()
        resolve(false)
      })
    })
    if (!isReady) return false
    // From here on only what is awaited keeps the process alive.
    thread.worker?.unref()
    thread.control.unref()
    return true
  }

  #onExit(thread: ThreadHandle): void {
    if (thread.state === 'ended') return
    const wasStarting = thread.state === 'starting'
    const cause = thread.expectedCause ?? lossCause(thread.error)
    this.#finish(thread)
    if (wasStarting) return
    this.#announceLoss(thread, cause === 'stopped' ? 'terminated' : cause, thread.error)
    this.#parts.onEnded(thread, cause, thread.error)
  }

  /** It would not die: from here on it is treated as dead. */
  #giveUp(thread: ThreadHandle): void {
    if (thread.state === 'ended') return
    thread.isGivenUp = true
    const { worker } = thread
    if (worker !== undefined) {
      // It may only be slow: the process waits for it for a while, and leaves as usual when it has ended.
      const { platform } = this.#parts
      const withdraw = platform.onGivenUp(thread.id)
      const grace = platform.clock.after(GIVE_UP_GRACE_MS, () => undefined)
      worker.unref()
      worker.on('exit', () => {
        grace.cancel()
        withdraw()
      })
    }
    this.#finish(thread)
    this.#announceLoss(thread, 'unresponsive', undefined)
    this.#parts.onEnded(thread, 'unresponsive', undefined)
  }

  #finish(thread: ThreadHandle): void {
    thread.state = 'ended'
    Atomics.store(thread.memory.control, CONTROL_STATE, STATE_DEAD)
    // It died awake: nobody else will take it out of the count that tells the others whether to spin.
    if (Atomics.exchange(thread.memory.control, CONTROL_AWAKE, 0) === 1) {
      Atomics.sub(new Int32Array(this.#parts.runtimeBuffer), RUNTIME_AWAKE, 1)
    }
    this.threads.delete(thread.id)
    thread.control.close()
    thread.settleEnded()
  }

  #announceLoss(thread: ThreadHandle, cause: ThreadLossCause, error: Error | undefined): void {
    const plain = error === undefined ? undefined : encodeError(error)
    for (const other of this.#linked()) {
      other.post({ type: 'thread_lost', thread: thread.id, cause, error: plain })
    }
  }

  /** Those that know of the others: they run, or are about to. */
  #linked(): ThreadHandle[] {
    return [...this.threads.values()].filter(
      ({ state, worker }) => state === 'running' || (state === 'starting' && worker !== undefined),
    )
  }

  #endsWithin(thread: ThreadHandle, timeoutMs: number): Promise<boolean> {
    const hasEnded = thread.ended.then(() => true)
    return orLate(this.#parts.platform.clock, hasEnded, timeoutMs, false)
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(task)
    this.#turn = result.catch(() => undefined)
    return result
  }
}

function lossCause(error: Error | undefined): ThreadLossCause {
  if (error === undefined) return 'process_exit'
  return (error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'out_of_memory' : 'crashed'
}
