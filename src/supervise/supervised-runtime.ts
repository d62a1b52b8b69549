/**
 * The runtime with supervision; `keyspace/` adds keys to it, and makes it.
 *
 * `runtime/` knows nothing of trees, so that the kernel stays light; this class adds them. XState is loaded
 * with the first tree, and never by a program that has none. `close()` stops the trees first, the youngest
 * first, so that children are stopped in their order and not all at once.
 *
 * Tests: test/supervise/supervised-runtime.race.test.ts
 */
import { availableParallelism } from 'node:os'
import {
  type Clock,
  invalidOption,
  orLate,
  ShardloomError,
  toError,
  type Untransferred,
} from '../base/index.ts'
import {
  type CloseOptions,
  type CloseReport,
  type EventFilter,
  EventHub,
  nodePlatform,
  type Platform,
  Runtime,
  type RuntimeEvent,
  type RuntimeOptions,
  type RuntimeView,
  workerFile,
} from '../runtime/index.ts'
import type { InspectedEvent } from './inspected-event.ts'
import type { Subsystem, SubsystemModule, SubsystemOptions, SubsystemView } from './subsystem/index.ts'
import type { Subsystems } from './subsystem/subsystems.ts'
import type { SupervisionTree } from './supervision-tree.ts'
import type { SupervisionEvent } from './supervision-views.ts'
import { type TaskOptions, type TaskPoolOptions, taskPoolOptions } from './task-options.ts'
import type { TaskPool, TaskStats, TaskThreads } from './task-pool.ts'
import { driverChild, type TreeOptions } from './tree-child.ts'
import type { TreeView } from './tree-handle.ts'

const ASK_MS = 30_000
/** Trees may take so much of the time of `close`; the rest is for threads. */
const TREES_SHARE = 0.6
const CLOSE_MS = 10_000

/** Options of `runtime.supervise`. */
export interface SuperviseOptions extends TreeOptions {
  /** Told of every transition in the tree, at once. */
  onEvent?(event: SupervisionEvent): void
  /** XState's inspection protocol, of every machine in the tree. */
  inspect?(event: InspectedEvent): void
}

/** Options of `createRuntime`. */
export interface SupervisedRuntimeOptions extends RuntimeOptions {
  /** The pool of `runtime.run`. */
  readonly tasks?: TaskPoolOptions
}

/** What `inspect` shows. */
export interface SupervisedRuntimeView extends RuntimeView {
  /** The living trees, those of subsystems and tasks included. */
  readonly trees: readonly TreeView[]
  readonly subsystems: readonly SubsystemView[]
  /** Undefined before the first task. */
  readonly tasks: TaskStats | undefined
}

let treeModule: typeof import('./supervision-tree.ts') | undefined

/** @internal Loads what trees need. Done before, a first tree starts without waiting for files. */
export async function loadTrees(): Promise<typeof import('./supervision-tree.ts')> {
  treeModule = await import('./supervision-tree.ts')
  return treeModule
}

let subsystemModule: typeof import('./subsystem/subsystems.ts') | undefined

/** @internal The same for subsystems, with Comlink. */
export async function loadSubsystems(): Promise<typeof import('./subsystem/subsystems.ts')> {
  subsystemModule = await import('./subsystem/subsystems.ts')
  await subsystemModule.loadComlink()
  return subsystemModule
}

// biome-ignore lint/suspicious/noExplicitAny: any function that takes one argument may be a task.
type AnyTask = (input: any) => unknown

// biome-ignore lint/suspicious/noExplicitAny: a module's types are inferred from it.
type AnySubsystemModule = SubsystemModule<any, any>
type ArgsOfModule<Module> = Module extends { readonly subsystem?: { readonly args: infer Args } }
  ? Args
  : unknown
type ApiOfModule<Module> = Module extends { readonly subsystem?: { readonly api: infer Api } } ? Api : unknown

/** A runtime with trees of supervisors. */
export class SupervisedRuntime extends Runtime {
  readonly #platform: Platform
  readonly #clock: Clock
  readonly #events: EventHub<RuntimeEvent | SupervisionEvent>
  readonly #trees = new Set<SupervisionTree>()
  readonly #askMs: number
  readonly #closeMs: number
  readonly #taskOptions: Required<TaskPoolOptions>
  #tasks: TaskPool | undefined
  #tasksStarted: Promise<TaskPool> | undefined
  #subsystems: Subsystems | undefined
  #subsystemsStarted: Promise<Subsystems> | undefined
  #closingAll: Promise<CloseReport> | undefined

  /** @internal Use `createRuntime`. */
  constructor({ tasks = {}, ...options }: SupervisedRuntimeOptions, platform = nodePlatform()) {
    super(options, platform)
    this.#platform = platform
    this.#clock = platform.clock
    this.#events = new EventHub(platform.warn)
    this.events.subscribe((event) => this.#events.emit(event))
    const threads = options.threads ?? Math.max(1, availableParallelism() - 1)
    this.#taskOptions = taskPoolOptions(tasks, availableParallelism() - threads)
    this.#askMs = options.timeouts?.askMs ?? ASK_MS
    this.#closeMs = options.timeouts?.closeMs ?? CLOSE_MS
  }

  /**
   * Calls `onEvent` for every event of the runtime and of its trees that the filter lets through, at once.
   * Returns what ends the subscription.
   *
   * @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
   */
  subscribe(
    onEvent: (event: RuntimeEvent | SupervisionEvent) => void,
    filter: EventFilter<RuntimeEvent | SupervisionEvent> = {},
  ): () => void {
    return this.#events.subscribe(onEvent, filter)
  }

  /**
   * Starts a tree of supervisors: its children in order, each ready before the next one begins. Rejects with
   * the error of the child that could not start; those before it are stopped again.
   *
   * @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN, SHL_CHILD_EXISTS, and what keeps a child from starting
   */
  async supervise(options: SuperviseOptions): Promise<SupervisionTree> {
    this.#checkOpen('supervise')
    const { SupervisionTree } = treeModule ?? (await this.hold(loadTrees()))
    this.#checkOpen('supervise')
    return this.#supervise(SupervisionTree, options)
  }

  /**
   * Starts a subsystem: a module with a lifecycle, on a thread of its own unless told otherwise, after those
   * that it depends on. Resolves when it is ready; rejects with what kept it from starting.
   *
   * @throws SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN, SHL_CHILD_EXISTS, SHL_SUBSYSTEM_UNKNOWN,
   * SHL_SUBSYSTEM_INIT, SHL_ACTOR_MODULE, SHL_CHILD_START_TIMEOUT, SHL_RUNTIME_CLOSED
   */
  async subsystem<Module extends AnySubsystemModule>(
    options: SubsystemOptions<ArgsOfModule<Module>>,
  ): Promise<Subsystem<ApiOfModule<Module>>> {
    const subsystems = await this.#openSubsystems('subsystem')
    return (await this.hold(subsystems.start(options))) as Subsystem<ApiOfModule<Module>>
  }

  /**
   * Starts several subsystems, in any order given: each after those that it depends on. Those that were ready
   * before one that fails stay.
   *
   * @throws as `subsystem`, and SHL_SUBSYSTEM_CYCLE
   */
  async subsystems(all: readonly SubsystemOptions[]): Promise<Readonly<Record<string, Subsystem<unknown>>>> {
    const subsystems = await this.#openSubsystems('subsystems')
    return this.hold(subsystems.startAll(all))
  }

  /**
   * Runs a task: a function of a module, called with one argument on a thread of the pool, which is started
   * with the first task and supervised. What it gets and gives is copied, unless it is in `transfer`, or
   * returned by `transfer(value, list)`.
   *
   * @throws what the task throws, or SHL_TASK_MODULE, SHL_VALUE_NOT_SENDABLE, SHL_TASK_QUEUE_FULL,
   * SHL_TASK_TIMEOUT, SHL_TASK_ABORTED, SHL_TASK_LOST, SHL_TASK_POOL_CLOSED, SHL_RUNTIME_CLOSED,
   * SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
   */
  async run<Task extends AnyTask>(
    module: URL,
    input: Parameters<Task>[0],
    options: TaskOptions = {},
  ): Promise<Untransferred<Awaited<ReturnType<Task>>>> {
    this.#checkOpen('run')
    if (!(module instanceof URL)) invalidOption('module', module, "new URL('./task.js', import.meta.url)")
    let pool = this.#tasks
    if (pool === undefined) {
      this.#tasksStarted ??= this.#startTasks().catch((error: unknown) => {
        this.#tasksStarted = undefined
        throw error
      })
      pool = await this.hold(this.#tasksStarted)
      this.#checkOpen('run')
    }
    return (await pool.run(module.href, input, options)) as Untransferred<Awaited<ReturnType<Task>>>
  }

  /**
   * What the runtime is doing: threads, trees, subsystems, tasks. Read from this thread and from shared
   * memory, so it works also while threads are stuck.
   */
  override inspect(): SupervisedRuntimeView {
    return {
      ...super.inspect(),
      trees: [...this.#trees].map((tree) => tree.view()),
      subsystems: this.#subsystems?.views() ?? [],
      tasks: this.tasks,
    }
  }

  /** What has become of the tasks so far; undefined before the first one. */
  get tasks(): TaskStats | undefined {
    return this.#tasks?.stats()
  }

  /** Stops the trees, the youngest first, and then everything else. */
  override close(options: CloseOptions = {}): Promise<CloseReport> {
    if (this.#closingAll !== undefined) return this.#closingAll
    try {
      this.closeTimeoutMs(options)
    } catch (error) {
      return Promise.reject(toError(error))
    }
    this.#closingAll = this.#closeAll(options)
    return this.#closingAll
  }

  async #supervise(Tree: typeof SupervisionTree, options: SuperviseOptions): Promise<SupervisionTree> {
    const { onEvent, inspect, ...treeOptions } = options
    const tree = new Tree(treeOptions, {
      spawner: this,
      clock: this.#clock,
      random: this.#platform.random,
      askMs: this.#askMs,
      hold: (task) => this.hold(task),
      onEvent: (event) => {
        this.#events.emit(event)
        onEvent?.(event)
      },
      ...(inspect && { inspect }),
    })
    this.#trees.add(tree)
    void tree.ended.then(() => this.#trees.delete(tree))
    await tree.start()
    return tree
  }

  async #startTasks(): Promise<TaskPool> {
    const [{ TaskPool }, { Piscina }, { SupervisionTree }] = await Promise.all([
      import('./task-pool.ts'),
      loadPiscina(),
      loadTrees(),
    ])
    const pool = new TaskPool({
      clock: this.#clock,
      options: this.#taskOptions,
      waitMs: this.histogram('shardloom_task_wait_ms'),
      runMs: this.histogram('shardloom_task_run_ms'),
      runner: workerFile('task-main.js'),
      create: (options) => new Piscina(options),
    })
    const tree = await this.#supervise(SupervisionTree, {
      id: 'tasks',
      children: [driverChild('pool', pool, { shutdown: { drainMs: 1000, stopMs: 1000 } })],
    })
    this.#tasks = pool
    // Given up by its supervisor: what waits would wait for ever. The next task has a pool of its own.
    void tree.ended.then(() => {
      pool.end()
      if (this.#closingAll !== undefined) return
      this.#tasks = undefined
      this.#tasksStarted = undefined
    })
    return pool
  }

  async #openSubsystems(operation: string): Promise<Subsystems> {
    this.#checkOpen(operation)
    this.#subsystemsStarted ??= this.#startSubsystems()
    const subsystems = await this.hold(this.#subsystemsStarted)
    this.#checkOpen(operation)
    return subsystems
  }

  async #startSubsystems(): Promise<Subsystems> {
    const { Subsystems, keeperActor } = subsystemModule ?? (await loadSubsystems())
    const { SupervisionTree } = treeModule ?? (await loadTrees())
    const tree = await this.#supervise(SupervisionTree, { id: 'subsystems' })
    const subsystems = new Subsystems({
      runtime: this,
      clock: this.#clock,
      callMs: this.#askMs,
      tree,
      spawnKeeper: (keep, name) => this.spawn(keeperActor(name, keep)),
      hold: (task) => this.hold(task),
      emit: (event) => this.#events.emit(event),
    })
    this.#subsystems = subsystems
    return subsystems
  }

  #checkOpen(operation: string): void {
    if (this.#closingAll !== undefined) throw new ShardloomError('SHL_RUNTIME_CLOSED', { operation })
  }

  async #closeAll(options: CloseOptions): Promise<CloseReport> {
    const startMs = this.#clock.nowMs()
    const passedMs = (): number => this.#clock.nowMs() - startMs
    const timeoutMs = options.timeoutMs ?? this.#closeMs
    if (this.#tasksStarted !== undefined) await this.#tasksStarted.catch(() => undefined)
    if (this.#subsystemsStarted !== undefined) await this.#subsystemsStarted.catch(() => undefined)
    this.#subsystems?.close()
    if (this.#trees.size > 0) {
      const treesMs = timeoutMs * TREES_SHARE
      for (const tree of [...this.#trees].reverse()) {
        await orLate(this.#clock, tree.stop(), Math.max(0, treesMs - passedMs()), undefined)
      }
    }
    const report = await super.close({ timeoutMs: Math.max(1, Math.ceil(timeoutMs - passedMs())) })
    return { ...report, durationMs: passedMs() }
  }
}

/** Loaded by a name that bundlers do not follow: Piscina's own worker would be lost in a bundle. */
async function loadPiscina(): Promise<{ Piscina: new (options: object) => TaskThreads }> {
  const name = 'piscina'
  return import(/* webpackIgnore: true */ /* @vite-ignore */ name)
}
