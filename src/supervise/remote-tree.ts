/**
 * A supervisor on another thread, as its parent sees it: a child that is started, stopped and watched.
 *
 *     this thread                                 its thread
 *     RemoteTree ── start, stop, add, … (asks) ──► supervisor actor ──► its children, on any threads
 *          ▲───────── events, views, refs ────────────────┘
 *
 * When its thread is lost, its children on other threads would go on without a supervisor: they are ended
 * here, before its end is told, so that a restarted supervisor finds no strangers. Hangs of its actors are
 * seen here as well, because only this thread sees the memory of all.
 *
 * Source: OTP's supervisors, which are processes anywhere. Tests: test/supervise/remote-tree.race.test.ts
 */
import { type ActorRef, type AnyActorDefinition, defineActor, type ReceiveOf } from '../actor/index.ts'
import { ShardloomError, toError } from '../base/index.ts'
import type { ActorSpawner } from './actor-child.ts'
import { SupervisedRef } from './actor-child.ts'
import { endError } from './child-end.ts'
import type { ChildStopMode } from './child-machine.ts'
import type { ChildDriver, RunningChild } from './child-spec.ts'
import { CurrentRef } from './current-ref.ts'
import { endHang } from './hang-report.ts'
import { limitsOf, plainChild, plainTree } from './remote-plan.ts'
import type { SupervisorMessages, TreeReport, TreeReporter } from './remote-protocol.ts'
import type { StopReport } from './supervision-views.ts'
import type { ActorLimits, TreeChild, TreeOptions } from './tree-child.ts'
import type { TreeHandle, TreeParts, TreeView } from './tree-handle.ts'
import { hangError, Watchdog } from './watchdog.ts'

type SupervisorRef = ActorRef<SupervisorMessages>

const MODULE = new URL('./supervisor-actor.js', import.meta.url)
const TIMEOUT_MAX_MS = 2 ** 31 - 1
/** Its report may be on its way when it has ended. */
const REPORT_MS = 50
const KILL_MS = 100

/** The placement of a supervisor's thread. */
export type RemotePlacement = 'shared' | 'dedicated'

/** Starts a supervisor elsewhere: each start is a new one. */
export class RemoteTreeDriver implements ChildDriver {
  readonly #options: TreeOptions
  readonly #placement: RemotePlacement
  readonly #parts: TreeParts
  tree: RemoteTree | undefined = undefined

  constructor(options: TreeOptions, placement: RemotePlacement, parts: TreeParts) {
    this.#options = options
    this.#placement = placement
    this.#parts = parts
    // What cannot travel is an error now, and not at some restart.
    plainTree(options)
  }

  async start(signal: AbortSignal): Promise<RunningChild> {
    const { spawner, random, askMs } = this.#parts
    const tree = new RemoteTree(this.#options, this.#parts)
    const reporter = await spawner.spawn(tree.reporter())
    let ref: SupervisorRef
    try {
      const args = { tree: plainTree(this.#options), askMs, seed: random.below(2 ** 31), reporter }
      const name = `${this.#options.id} supervisor`
      const spawned = await spawner.spawn<AnyActorDefinition>(MODULE, {
        args,
        name,
        placement: this.#placement,
        signal,
      })
      ref = spawned as SupervisorRef
    } catch (error) {
      spawner.sendStop(reporter, 'kill')
      throw error
    }
    const ended = tree.follow(ref).finally(() => spawner.sendStop(reporter, 'stop'))
    this.tree = tree
    const stop = (): void => tree.tell('treeStop')
    signal.addEventListener('abort', stop, { once: true })
    try {
      await ref.ask('treeStart', undefined, { timeoutMs: TIMEOUT_MAX_MS })
    } catch (error) {
      // Its own end says why, when it has ended over it.
      const own = await ended
      throw own ?? error
    } finally {
      signal.removeEventListener('abort', stop)
    }
    const kill = (): void => {
      tree.tell('treeKill')
      void ref.stop({ mode: 'kill', timeoutMs: KILL_MS }).catch(() => undefined)
    }
    return { ended, drain: stop, stop, kill }
  }
}

/** A supervisor that runs on another thread. */
export class RemoteTree implements TreeHandle {
  readonly id: string
  readonly #parts: TreeParts
  readonly #limits: Map<string, ActorLimits>
  readonly #refs = new Map<string, CurrentRef<unknown>>()
  readonly #watched = new Map<string, () => void>()
  readonly #ended: Promise<StopReport>
  #settleEnded: (report: StopReport) => void = () => undefined
  #ref: SupervisorRef | undefined
  #view: TreeView

  constructor(options: TreeOptions, parts: TreeParts) {
    this.id = options.id
    this.#parts = parts
    this.#limits = limitsOf(options.children ?? [])
    const strategy = options.strategy ?? 'one_for_one'
    this.#view = { id: options.id, phase: 'idle', strategy, restartsLeft: 0, children: [] }
    this.#ended = new Promise((resolve) => {
      this.#settleEnded = resolve
    })
  }

  get ended(): Promise<StopReport> {
    return this.#ended
  }

  /** The actor that takes the reports. */
  reporter() {
    const receive = {
      treeReport: (_state: unknown, report: TreeReport) => this.#onReport(report),
    } satisfies TreeReporter
    return defineActor({ name: `${this.id} reporter`, mailbox: { depthMax: 1 << 16 }, receive })
  }

  /** Resolves when it has ended, and nothing is left of it. */
  async follow(ref: SupervisorRef): Promise<Error | undefined> {
    this.#ref = ref
    const { spawner, clock } = this.#parts
    const reason = await spawner.watch(ref, { unref: true })
    for (const unwatch of this.#watched.values()) unwatch()
    if (reason.type === 'thread_lost' || reason.type === 'killed') {
      await new Promise<void>((resolve) => void clock.after(REPORT_MS, resolve, { unref: true }))
      await this.#endOrphans(spawner)
    }
    const error = endError(ref, reason)
    const gone = { phase: 'stopped' as const, address: undefined, thread: undefined, handling: undefined }
    const children = this.#view.children.map((child) => ({ ...child, ...gone, depth: 0 }))
    this.#view = { ...this.#view, phase: error === undefined ? 'stopped' : 'failed', children }
    const stopped = new ShardloomError('SHL_SUPERVISOR_STOPPED', { supervisor: this.id, phase: 'stopped' })
    for (const one of this.#refs.values()) {
      one.clear()
      one.close(stopped)
    }
    this.#settleEnded({ overdue: [], error })
    return error
  }

  /** Sends a wish, and lets events tell what comes of it. */
  tell(type: 'treeStop' | 'treeKill'): void {
    void this.#ref?.ask(type, undefined, { timeoutMs: TIMEOUT_MAX_MS }).catch(() => undefined)
  }

  /** As it was at the last event. */
  view(): TreeView {
    return this.#view
  }

  async add(child: TreeChild): Promise<void> {
    const plain = plainChild(child)
    for (const [id, limits] of limitsOf([child])) this.#limits.set(id, limits)
    await this.#ask('treeAdd', plain)
  }

  remove(id: string): Promise<void> {
    return this.#ask('treeRemove', id)
  }

  stopChild(id: string): Promise<void> {
    return this.#ask('treeStopChild', id)
  }

  restartChild(id: string): Promise<void> {
    return this.#ask('treeRestartChild', id)
  }

  recycle(id: string, error: Error, mode: ChildStopMode = 'drain'): void {
    void this.#ask('treeRecycle', { id, error, mode }).catch(() => undefined)
  }

  /** A ref to the actor with this id, across restarts. @throws SHL_CHILD_UNKNOWN */
  ref<D extends AnyActorDefinition>(id: string): SupervisedRef<ReceiveOf<D>> {
    const current = this.#refs.get(id)
    if (current === undefined) {
      const children = [...this.#refs.keys()].join(', ')
      throw new ShardloomError('SHL_CHILD_UNKNOWN', { supervisor: this.id, child: id, children })
    }
    const { clock, askMs } = this.#parts
    return new SupervisedRef(id, current as CurrentRef<ReceiveOf<D>>, clock, askMs)
  }

  /** Trees within it are seen in its view; they are held by its thread. @throws SHL_CHILD_UNKNOWN */
  tree(id: string): never {
    const children = 'none here: it is on another thread, see view()'
    throw new ShardloomError('SHL_CHILD_UNKNOWN', { supervisor: this.id, child: id, children })
  }

  async #ask(type: string, payload: unknown): Promise<void> {
    const ref = this.#ref
    if (ref === undefined) {
      throw new ShardloomError('SHL_SUPERVISOR_STOPPED', { supervisor: this.id, phase: this.#view.phase })
    }
    const ask = ref.ask as (type: string, payload: unknown, options: object) => Promise<unknown>
    const asked = Reflect.apply(ask, ref, [type, payload, { timeoutMs: TIMEOUT_MAX_MS }])
    await this.#parts.hold(asked)
  }

  #onReport({ events, view, refs }: TreeReport): void {
    this.#view = view
    const running = new Map(refs)
    for (const { id } of view.children) {
      const current = this.#refs.get(id) ?? new CurrentRef<unknown>()
      this.#refs.set(id, current)
      const ref = running.get(id)
      if (ref === undefined) current.clear()
      else if (current.current?.equals(ref) !== true) this.#onStarted(id, current, ref)
    }
    for (const event of events) this.#parts.onEvent?.(event)
  }

  #onStarted(id: string, current: CurrentRef<unknown>, ref: ActorRef): void {
    current.set(ref)
    // Its end is known here before its supervisor tells of it.
    void this.#parts.spawner.watch(ref, { unref: true }).then(() => current.clear(ref))
    this.#watched.get(id)?.()
    const limits = this.#limits.get(id)
    if (limits?.messageMs === undefined) return
    const { spawner, clock, onEvent } = this.#parts
    const { messageMs, profileMs = 100 } = limits
    const watchdog = new Watchdog({
      clock,
      messageMs,
      timeMessages: (one) => spawner.timeMessages(one),
      messageUnderWay: (one) => spawner.messageUnderWay(one),
      onHang: (hanging, hang) =>
        void endHang(hang, {
          clock,
          runtime: spawner,
          supervisor: this.id,
          child: id,
          profileMs,
          emit: (event) => onEvent?.(event),
          recycle: () => {
            if (current.current?.equals(hanging) !== true) return false
            this.recycle(id, hangError(hang, messageMs), 'kill')
            return true
          },
        }),
    })
    watchdog.watch(ref).then(
      (unwatch) => this.#watched.set(id, unwatch),
      (error: unknown) => this.recycle(id, toError(error), 'kill'),
    )
  }

  /** Actors that its thread left behind. */
  async #endOrphans(spawner: ActorSpawner): Promise<void> {
    const refs = [...this.#refs.values()].flatMap(({ current }) => (current === undefined ? [] : [current]))
    const ends = refs.map((ref) => {
      spawner.sendStop(ref, 'kill')
      return spawner.watch(ref, { unref: true })
    })
    await Promise.all(ends)
  }
}
