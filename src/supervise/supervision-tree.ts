/**
 * A tree of supervisors over a runtime: specifications in, a handle out.
 *
 * A child is an actor, a supervisor of its own, or anything with a driver. A supervisor that is a child is
 * started and stopped like any other; when it gives up, that is its failure, and its parent's to decide.
 *
 * Tests: test/supervise/supervised-runtime.race.test.ts
 */
import type { ActorRef, AnyActorDefinition, ReceiveOf, SpawnOptions } from '../actor/index.ts'
import { checkKnownOptions, numberOption, ShardloomError } from '../base/index.ts'
import { ActorChild, SupervisedRef } from './actor-child.ts'
import type { ChildStopMode } from './child-machine.ts'
import type { ChildDriver, ChildSpec, RunningChild } from './child-spec.ts'
import type { CurrentRef } from './current-ref.ts'
import { endHang } from './hang-report.ts'
import { RemoteTreeDriver } from './remote-tree.ts'
import type { StopReport, SupervisionEvent } from './supervision-views.ts'
import { Supervisor } from './supervisor.ts'
import type { ActorLimits, ChildKind, TreeChild, TreeOptions } from './tree-child.ts'
import type { TreeHandle, TreeParts, TreeView } from './tree-handle.ts'
import { hangError, Watchdog } from './watchdog.ts'

/** How long a thread that hangs is profiled before it is ended. */
const PROFILE_MS = 100

/** A supervisor as a driver: each start is a new supervisor. */
class TreeDriver implements ChildDriver {
  readonly #options: TreeOptions
  readonly #parts: TreeParts
  tree: SupervisionTree | undefined = undefined

  constructor(options: TreeOptions, parts: TreeParts) {
    this.#options = options
    this.#parts = parts
  }

  async start(signal: AbortSignal): Promise<RunningChild> {
    const tree = new SupervisionTree(this.#options, this.#parts)
    this.tree = tree
    const stop = (): void => void tree.stop()
    signal.addEventListener('abort', stop, { once: true })
    try {
      await tree.start()
    } finally {
      signal.removeEventListener('abort', stop)
    }
    return { ended: tree.ended.then(({ error }) => error), drain: stop, stop, kill: () => tree.kill() }
  }
}

/** A supervisor over a runtime, with its children. */
export class SupervisionTree implements TreeHandle {
  readonly id: string
  readonly #parts: TreeParts
  readonly #supervisor: Supervisor
  readonly #actors = new Map<string, ActorChild<unknown>>()
  readonly #trees = new Map<string, TreeDriver | RemoteTreeDriver>()

  /** @internal Use `runtime.supervise`. */
  constructor(options: TreeOptions, parts: TreeParts) {
    this.id = options.id
    this.#parts = parts
    const { children = [], ...rest } = options
    const specs = children.map((child) => this.#spec(child))
    const onForgotten = (child: string): void => {
      const error = this.#unknown(child, [])
      this.#actors.get(child)?.close(error)
      this.#actors.delete(child)
      this.#trees.delete(child)
    }
    this.#supervisor = new Supervisor({ ...rest, children: specs }, { ...parts, onForgotten })
    void this.#supervisor.ended.then(() => {
      const error = new ShardloomError('SHL_SUPERVISOR_STOPPED', { supervisor: this.id, phase: 'stopped' })
      for (const actor of this.#actors.values()) actor.close(error)
    })
  }

  /** Resolves when it has stopped or given up; never rejects. */
  get ended(): Promise<StopReport> {
    return this.#supervisor.ended
  }

  /** @internal Starts the children in order. */
  start(): Promise<void> {
    return this.#parts.hold(this.#supervisor.start())
  }

  /** Stops the children in the reverse order, each within its deadlines. */
  stop(): Promise<StopReport> {
    return this.#parts.hold(this.#supervisor.stop())
  }

  /** Kills the children, in the reverse order. */
  kill(): void {
    this.#supervisor.kill()
  }

  /**
   * Adds a child, last in the order. Rejects with what kept it from starting; it is no child then.
   *
   * @throws SHL_CHILD_EXISTS, SHL_SUPERVISOR_STOPPED, SHL_OPTION_INVALID, SHL_OPTION_UNKNOWN
   */
  async add(child: TreeChild): Promise<void> {
    if (this.#supervisor.has(child.id)) {
      throw new ShardloomError('SHL_CHILD_EXISTS', { supervisor: this.id, child: child.id })
    }
    await this.#parts.hold(this.#supervisor.add(this.#spec(child)))
  }

  /** Stops a child and forgets it. @throws SHL_CHILD_UNKNOWN */
  async remove(id: string): Promise<void> {
    await this.#parts.hold(this.#supervisor.remove(id))
  }

  /** Stops a child; it stays known and can be started again. @throws SHL_CHILD_UNKNOWN */
  async stopChild(id: string): Promise<void> {
    await this.#parts.hold(this.#supervisor.stopChild(id))
  }

  /**
   * Starts a child that is down, or stops and starts one that runs. Rejects with what kept it from starting.
   *
   * @throws SHL_CHILD_UNKNOWN, SHL_SUPERVISOR_STOPPED
   */
  async restartChild(id: string): Promise<void> {
    await this.#parts.hold(this.#supervisor.restartChild(id))
  }

  /**
   * Replaces a child that is unhealthy: it is ended, and its end counts as a failure. @throws
   * SHL_CHILD_UNKNOWN
   */
  recycle(id: string, error: Error, mode: ChildStopMode = 'drain'): void {
    this.#supervisor.recycle(id, error, mode)
  }

  /** A ref to the actor with this id, across restarts. @throws SHL_CHILD_UNKNOWN */
  ref<D extends AnyActorDefinition>(id: string): SupervisedRef<ReceiveOf<D>> {
    const actor = this.#actors.get(id)
    if (actor === undefined) throw this.#unknown(id, [...this.#actors.keys()])
    const { clock, askMs } = this.#parts
    return new SupervisedRef(id, actor.ref as CurrentRef<ReceiveOf<D>>, clock, askMs)
  }

  /** @internal The actors that run, by child. */
  refs(): readonly (readonly [id: string, ref: ActorRef])[] {
    return [...this.#actors].flatMap(([id, { current }]) => (current === undefined ? [] : [[id, current]]))
  }

  /** The supervisor with this id, as it runs now. @throws SHL_CHILD_UNKNOWN */
  tree(id: string): TreeHandle {
    const tree = this.#trees.get(id)?.tree
    if (tree === undefined) throw this.#unknown(id, [...this.#trees.keys()])
    return tree
  }

  /** The whole tree, as it is now. */
  view(): TreeView {
    const view = this.#supervisor.view()
    const children = view.children.map((child) => {
      const tree = this.#trees.get(child.id)?.tree
      const driver = this.#actors.get(child.id)
      const actor = driver?.current
      return {
        ...child,
        address: actor?.address,
        thread: actor?.thread,
        depth: actor?.depth ?? 0,
        handling: driver?.handling,
        tree: tree?.view(),
      }
    })
    return { ...view, children }
  }

  #spec({ id, kind, options }: TreeChild): ChildSpec {
    return { ...options, id, driver: this.#driver(id, kind) }
  }

  #driver(id: string, kind: ChildKind): ChildDriver {
    if (kind.type === 'driver') return kind.driver
    if (kind.type === 'supervisor') {
      const { tree, placement } = kind
      const driver =
        placement === undefined
          ? new TreeDriver(tree, this.#parts)
          : new RemoteTreeDriver(tree, placement, this.#parts)
      this.#trees.set(id, driver)
      return driver
    }
    const { spawner } = this.#parts
    const { actor, spawn, limits } = kind
    const watchdog = this.#watchdog(id, limits)
    // `spawn` takes either; which one it is was checked where it was given.
    const start = (signal: AbortSignal) =>
      spawner.spawn(actor as URL, { ...spawn, signal } as SpawnOptions<never>)
    const driver = new ActorChild<unknown>(spawner, start, watchdog)
    this.#actors.set(id, driver)
    return driver
  }

  #watchdog(id: string, limits: ActorLimits): Watchdog | undefined {
    checkKnownOptions(`child ${id}: limits`, limits, ['messageMs', 'profileMs'])
    if (limits.messageMs === undefined) return undefined
    const range = { min: 1, max: 2 ** 31 - 1 }
    const messageMs = numberOption(`child ${id}: limits.messageMs`, limits.messageMs, 0, range)
    const profileRange = { min: 0, max: 60_000 }
    const profileMs = numberOption(
      `child ${id}: limits.profileMs`,
      limits.profileMs,
      PROFILE_MS,
      profileRange,
    )
    const { spawner, clock, onEvent } = this.#parts
    return new Watchdog({
      clock,
      messageMs,
      timeMessages: (ref) => spawner.timeMessages(ref),
      messageUnderWay: (ref) => spawner.messageUnderWay(ref),
      onHang: (ref, hang) => {
        const recycle = (): boolean => {
          // One that is being stopped already is not asked again, but its thread is ended.
          if (this.#actors.get(id)?.isLiving(ref) !== true) return false
          this.#supervisor.recycle(id, hangError(hang, messageMs), 'kill')
          return true
        }
        const emit = (event: SupervisionEvent): void => onEvent?.(event)
        const told = { clock, runtime: spawner, supervisor: this.id, child: id, profileMs, emit, recycle }
        void endHang(hang, told)
      },
    })
  }

  #unknown(child: string, children: readonly string[]): ShardloomError {
    return new ShardloomError('SHL_CHILD_UNKNOWN', {
      supervisor: this.id,
      child,
      children: children.join(', '),
    })
  }
}
