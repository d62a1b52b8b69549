/**
 * The subsystems of a runtime: one supervisor for all, and one for each, so that limits are of its own.
 *
 *     subsystems (one_for_one)
 *       ├─ db     (its restarts, its backoff) ── run
 *       ├─ cache  (…)                         ── run
 *       └─ web    (…)                         ── run        started downwards, stopped upwards
 *
 * A subsystem whose restarts are spent is given up: it is told, its callers are told, and the others go on.
 *
 * Tests: test/supervise/subsystem/subsystem.race.test.ts
 */
import { type ActorRef, defineActor } from '../../actor/index.ts'
import { type Clock, ShardloomError } from '../../base/index.ts'
import type { ChildStopMode } from '../child-machine.ts'
import { endHang } from '../hang-report.ts'
import type { SupervisionTree } from '../supervision-tree.ts'
import type { SupervisionEvent } from '../supervision-views.ts'
import { driverChild, supervisorChild, type TreeChild } from '../tree-child.ts'
import type { Hang } from '../watchdog.ts'
import { loadComlink } from './comlink.ts'
import { dependencyOrder } from './dependency-order.ts'
import { Subsystem, type SubsystemView } from './subsystem.ts'
import { SubsystemChild } from './subsystem-child.ts'
import type { SubsystemInstance, SubsystemRuntime } from './subsystem-instance.ts'
import { type SubsystemOptions, type SubsystemSettings, subsystemSettings } from './subsystem-options.ts'
import type { KeptSnapshot, SnapshotKeeper } from './subsystem-protocol.ts'

/** What subsystems need of their surroundings. */
export interface SubsystemsParts {
  readonly runtime: SubsystemRuntime
  readonly clock: Clock
  readonly callMs: number
  readonly tree: SupervisionTree
  spawnKeeper(keep: (kept: KeptSnapshot) => void, name: string): Promise<ActorRef<SnapshotKeeper>>
  hold<T>(task: Promise<T>): Promise<T>
  emit(event: SupervisionEvent): void
}

export { loadComlink }

/** One subsystem, and what belongs to it. */
interface Entry {
  readonly settings: SubsystemSettings
  readonly child: SubsystemChild
  readonly keeper: ActorRef<SnapshotKeeper>
  readonly subsystem: Subsystem<unknown>
  recycles: number
  /** Whether its supervisor has ended: given up, where there is an error; else it was done. */
  isOver: boolean
  error: Error | undefined
}

/** The child's id within the supervisor of its subsystem. */
const RUN = 'run'
const SLACK_MS = 1000

/** Starts subsystems and knows them by name. */
export class Subsystems {
  readonly #parts: SubsystemsParts
  readonly #entries = new Map<string, Entry>()
  readonly #starting = new Set<string>()

  constructor(parts: SubsystemsParts) {
    this.#parts = parts
  }

  /** Starts several, each after what it depends on. What was started before one that fails stays. */
  async startAll(all: readonly SubsystemOptions[]): Promise<Record<string, Subsystem<unknown>>> {
    const settings = all.map(subsystemSettings)
    const sorted = dependencyOrder(settings, [...this.#entries.keys()])
    const started: Record<string, Subsystem<unknown>> = {}
    for (const one of sorted) started[one.name] = await this.#start(one)
    return started
  }

  /** Starts one. */
  async start(options: SubsystemOptions): Promise<Subsystem<unknown>> {
    const settings = subsystemSettings(options)
    dependencyOrder([settings], [...this.#entries.keys()])
    return this.#start(settings)
  }

  get(name: string): Subsystem<unknown> | undefined {
    return this.#entries.get(name)?.subsystem
  }

  views(): readonly SubsystemView[] {
    return [...this.#entries.values()].map((entry) => this.#view(entry))
  }

  /** The runtime closes: nobody shall wait any more. */
  close(): void {
    for (const [name, { child }] of this.#entries) child.close(down(name, 'the runtime is closing'))
  }

  async #start(settings: SubsystemSettings): Promise<Subsystem<unknown>> {
    const { name } = settings
    if (this.#entries.has(name) || this.#starting.has(name)) {
      throw new ShardloomError('SHL_CHILD_EXISTS', { supervisor: this.#parts.tree.id, child: name })
    }
    this.#starting.add(name)
    try {
      for (const dependency of settings.dependsOn) await this.#entries.get(dependency)?.subsystem.ready()
      return await this.#begin(settings)
    } finally {
      this.#starting.delete(name)
    }
  }

  async #begin(settings: SubsystemSettings): Promise<Subsystem<unknown>> {
    const { name } = settings
    const { spawnKeeper, runtime, clock, tree } = this.#parts
    let child: SubsystemChild | undefined
    const keeper = await spawnKeeper((kept) => child?.keep(kept), `${name} keeper`)
    child = new SubsystemChild({
      runtime,
      clock,
      settings,
      keeper,
      onFailure: (instance, error, mode, hang) => this.#onFailure(entry, instance, error, mode, hang),
    })
    const entry = this.#entry(settings, child, keeper)
    this.#entries.set(name, entry)
    try {
      await tree.add(this.#treeChild(entry))
    } catch (error) {
      this.#entries.delete(name)
      child.close(down(name, 'it could not start'))
      await keeper.stop()
      throw error
    }
    this.#followEnd(entry)
    return entry.subsystem
  }

  #entry(settings: SubsystemSettings, child: SubsystemChild, keeper: ActorRef<SnapshotKeeper>): Entry {
    const { clock, callMs, hold } = this.#parts
    const subsystem = new Subsystem<unknown>(settings.name, {
      child,
      clock,
      callMs,
      hold,
      view: () => this.#view(entry),
      restart: () => this.#restart(entry),
      stop: () => this.#stop(entry),
    })
    const entry: Entry = {
      settings,
      child,
      keeper,
      subsystem,
      recycles: 0,
      isOver: false,
      error: undefined,
    }
    return entry
  }

  #treeChild({ settings, child }: Entry): TreeChild {
    const { name, restart, shutdown, startMs } = settings
    const { type = 'permanent', intensity, periodMs, backoff, decide } = restart
    const run = driverChild(RUN, child, {
      restart: type,
      // One that may end by itself takes its supervisor along.
      significant: type !== 'permanent',
      shutdown,
      startMs,
      ...(backoff && { backoff }),
      ...(decide && { decide }),
    })
    const { drainMs, stopMs, killMs } = shutdown
    return supervisorChild(
      { id: name, restarts: { intensity, periodMs }, autoShutdown: 'any_significant', children: [run] },
      {
        // It keeps its place in the order when it is over, and is started again only when somebody asks for
        // it.
        restart: 'transient',
        decide: () => 'stop',
        startMs: startMs + SLACK_MS,
        shutdown: { stopMs: drainMs + stopMs + killMs + SLACK_MS, killMs: killMs + SLACK_MS },
      },
    )
  }

  /** When its own supervisor has ended, it is over. */
  #followEnd(entry: Entry): void {
    const { name } = entry.settings
    entry.isOver = false
    entry.error = undefined
    void this.#parts.tree.tree(name).ended.then(({ error }) => {
      entry.isOver = true
      entry.error = error
      const cause = error ?? entry.child.lastError
      entry.child.close(down(name, cause?.message ?? 'it has ended', cause))
    })
  }

  #onFailure(
    entry: Entry,
    instance: SubsystemInstance,
    error: Error,
    mode: ChildStopMode,
    hang: Hang | undefined,
  ): void {
    const { runtime, clock, emit } = this.#parts
    const { name } = entry.settings
    // What is found may be late: its successor has done nothing.
    const recycle = (): boolean => {
      const isThere = entry.child.instance === instance && !instance.isEnded && this.#isKnown(entry)
      if (isThere && !entry.isOver) this.#parts.tree.tree(name).recycle(RUN, error, mode)
      return isThere
    }
    if (hang !== undefined) {
      const { profileMs } = entry.settings
      void endHang(hang, { clock, runtime, supervisor: name, child: RUN, profileMs, emit, recycle })
      return
    }
    if ((error as { code?: unknown }).code === 'SHL_SUBSYSTEM_MEMORY') entry.recycles++
    emit({ type: 'recycle', supervisor: name, child: RUN, error, atMs: clock.nowMs() })
    recycle()
  }

  /** Whether the name is still its own. */
  #isKnown(entry: Entry): boolean {
    return this.#entries.get(entry.settings.name) === entry
  }

  async #restart(entry: Entry): Promise<void> {
    const { tree } = this.#parts
    const { name } = entry.settings
    if (!this.#isKnown(entry)) throw down(name, 'it was stopped')
    if (!entry.isOver) return tree.tree(name).restartChild(RUN)
    await tree.restartChild(name)
    this.#followEnd(entry)
  }

  async #stop(entry: Entry): Promise<void> {
    const { name } = entry.settings
    if (!this.#isKnown(entry)) return
    const dependents = [...this.#entries.values()]
      .filter(({ settings, isOver }) => !isOver && settings.dependsOn.includes(name))
      .map(({ settings }) => settings.name)
    if (dependents.length > 0) {
      throw new ShardloomError('SHL_SUBSYSTEM_IN_USE', { subsystem: name, dependents: dependents.join(', ') })
    }
    entry.child.close(down(name, 'it was stopped'))
    // Its name is free when it is gone.
    await this.#parts.tree.remove(name)
    if (this.#isKnown(entry)) this.#entries.delete(name)
    await entry.keeper.stop()
  }

  #view(entry: Entry): SubsystemView {
    const { settings, child, recycles, isOver, error } = entry
    const supervisor = this.#parts.tree.view().children.find(({ id }) => id === settings.name)?.tree
    const run = supervisor?.children[0]
    const { instance, gate } = child
    return {
      name: settings.name,
      phase: isOver ? (error === undefined ? 'stopped' : 'given_up') : (run?.phase ?? 'stopped'),
      restarts: run?.restarts ?? 0,
      restartsLeft: supervisor?.restartsLeft ?? 0,
      nextRestartMs: run?.nextRestartMs,
      lastError: error ?? run?.lastError ?? child.lastError,
      recycles,
      thread: instance?.isEnded === false ? instance.ref.thread : undefined,
      version: instance?.answer.version,
      calls: instance?.callCount ?? 0,
      waitingCalls: gate.waitingCount,
      dependsOn: settings.dependsOn,
    }
  }
}

/** The actor that takes the checkpoints of one subsystem. */
export function keeperActor(name: string, keep: (kept: KeptSnapshot) => void) {
  return defineActor({
    name,
    receive: { keep: (_state, kept: KeptSnapshot) => keep(kept) } satisfies SnapshotKeeper,
  })
}

function down(subsystem: string, why: string, cause?: Error): ShardloomError {
  return new ShardloomError('SHL_SUBSYSTEM_DOWN', { subsystem, why }, cause === undefined ? {} : { cause })
}
