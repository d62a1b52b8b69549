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
import { dependencyOrder } from './dependency-order.ts'
import { Subsystem, type SubsystemView } from './subsystem.ts'
import { SubsystemChild } from './subsystem-child.ts'
import type { SubsystemRuntime } from './subsystem-instance.ts'
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

/** One subsystem, and what belongs to it. */
interface Entry {
  readonly settings: SubsystemSettings
  readonly child: SubsystemChild
  readonly keeper: ActorRef<SnapshotKeeper>
  readonly subsystem: Subsystem<unknown>
  recycles: number
  isGivenUp: boolean
  lastError: Error | undefined
}

/** The child's id within the supervisor of its subsystem. */
const RUN = 'run'
const SLACK_MS = 1000

/** Starts subsystems and knows them by name. */
export class Subsystems {
  readonly #parts: SubsystemsParts
  readonly #entries = new Map<string, Entry>()

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
    if (this.#entries.has(name)) {
      throw new ShardloomError('SHL_CHILD_EXISTS', { supervisor: this.#parts.tree.id, child: name })
    }
    for (const dependency of settings.dependsOn) await this.#entries.get(dependency)?.subsystem.ready()
    const { spawnKeeper, runtime, clock } = this.#parts
    let child: SubsystemChild | undefined
    const keeper = await spawnKeeper((kept) => child?.keep(kept), `${name} keeper`)
    child = new SubsystemChild({
      runtime,
      clock,
      settings,
      keeper,
      onFailure: (error, mode, hang) => this.#onFailure(entry, error, mode, hang),
    })
    const entry = this.#entry(settings, child, keeper)
    this.#entries.set(name, entry)
    try {
      await this.#parts.tree.add(this.#treeChild(entry))
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
      isGivenUp: false,
      lastError: undefined,
    }
    return entry
  }

  #treeChild({ settings, child }: Entry): TreeChild {
    const { name, restart, shutdown, startMs } = settings
    const { type = 'permanent', intensity, periodMs, backoff, decide } = restart
    const run = driverChild(RUN, child, {
      restart: type,
      shutdown,
      startMs,
      ...(backoff && { backoff }),
      ...(decide && { decide }),
    })
    const { drainMs, stopMs, killMs } = shutdown
    return supervisorChild(
      { id: name, restarts: { intensity, periodMs }, children: [run] },
      {
        restart: 'temporary',
        startMs: startMs + SLACK_MS,
        shutdown: { stopMs: drainMs + stopMs + killMs + SLACK_MS, killMs: killMs + SLACK_MS },
      },
    )
  }

  /** When its own supervisor has ended, it is over. */
  #followEnd(entry: Entry): void {
    const { name } = entry.settings
    void this.#parts.tree.tree(name).ended.then(({ error }) => {
      if (error === undefined) {
        // Stopped, or done: a transient or temporary one that ended by itself.
        entry.child.close(down(name, 'it has ended'))
        return
      }
      entry.isGivenUp = true
      entry.lastError = error
      entry.child.close(down(name, error.message, error))
    })
  }

  #onFailure(entry: Entry, error: Error, mode: ChildStopMode, hang: Hang | undefined): void {
    const { runtime, clock, emit } = this.#parts
    const { name } = entry.settings
    const recycle = (): void => {
      try {
        this.#parts.tree.tree(name).recycle(RUN, error, mode)
      } catch {
        // It has ended meanwhile.
      }
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

  async #restart(entry: Entry): Promise<void> {
    const { tree } = this.#parts
    const { name } = entry.settings
    if (!entry.isGivenUp) return tree.tree(name).restartChild(RUN)
    await tree.add(this.#treeChild(entry))
    entry.isGivenUp = false
    this.#followEnd(entry)
  }

  async #stop(entry: Entry): Promise<void> {
    const { name } = entry.settings
    const dependents = [...this.#entries.values()]
      .filter(({ settings }) => settings.dependsOn.includes(name))
      .map(({ settings }) => settings.name)
    if (dependents.length > 0) {
      throw new ShardloomError('SHL_SUBSYSTEM_IN_USE', { subsystem: name, dependents: dependents.join(', ') })
    }
    this.#entries.delete(name)
    entry.child.close(down(name, 'it was stopped'))
    if (!entry.isGivenUp) await this.#parts.tree.remove(name)
    await entry.keeper.stop()
  }

  #view(entry: Entry): SubsystemView {
    const { settings, child, recycles, isGivenUp } = entry
    const supervisor = this.#parts.tree.view().children.find(({ id }) => id === settings.name)?.tree
    const run = supervisor?.children[0]
    const { instance, gate } = child
    return {
      name: settings.name,
      phase: isGivenUp ? 'given_up' : (run?.phase ?? 'stopped'),
      restarts: run?.restarts ?? 0,
      restartsLeft: supervisor?.restartsLeft ?? 0,
      nextRestartMs: run?.nextRestartMs,
      lastError: entry.lastError ?? run?.lastError,
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
