/**
 * A supervisor on a thread of its own: the actor that runs a tree, and tells its parent what happens in it.
 *
 * Its children are its children as an actor, too, so that they end with it. What only the main thread can do
 * (to see a hang, to end a thread) is done there; here is what decides.
 *
 * Tests: test/supervise/remote-tree.race.test.ts
 */
import {
  type ActorContext,
  type ActorRef,
  defineActor,
  type SpawnOptions,
  type TerminationReason,
} from '../actor/index.ts'
import { ShardloomError, seededRandom, systemClock } from '../base/index.ts'
import type { ActorSpawner } from './actor-child.ts'
import type { ChildStopMode } from './child-machine.ts'
import { arrivedChild, arrivedTree, type PlainChild } from './remote-plan.ts'
import type { SupervisorArgs, SupervisorMessages } from './remote-protocol.ts'
import { SupervisionTree } from './supervision-tree.ts'
import type { StopReport, SupervisionEvent } from './supervision-views.ts'

interface State {
  readonly tree: SupervisionTree
  readonly spawner: ContextSpawner
  /** Tells how things are now. */
  report(): void
}

/** Spawns and watches as an actor does. */
class ContextSpawner {
  readonly #ctx: ActorContext
  readonly #ends = new Map<string, (reason: TerminationReason) => void>()

  constructor(ctx: ActorContext) {
    this.#ctx = ctx
  }

  spawn(target: never, options: SpawnOptions<never>): Promise<never> {
    return this.#ctx.spawn(target, options) as Promise<never>
  }

  watch(ref: ActorRef): Promise<TerminationReason> {
    return new Promise((resolve) => {
      this.#ends.set(ref.address, resolve)
      this.#ctx.watch(ref)
    })
  }

  onEnd(ref: ActorRef, reason: TerminationReason): void {
    this.#ends.get(ref.address)?.(reason)
    this.#ends.delete(ref.address)
  }

  sendStop(ref: ActorRef, mode: ChildStopMode): void {
    void ref.stop({ mode, timeoutMs: 2 ** 31 - 1 }).catch(() => undefined)
  }

  timeMessages(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  messageUnderWay(): undefined {}

  isRunning(): boolean {
    return false
  }

  killThread(): Promise<boolean> {
    return Promise.resolve(false)
  }

  readonly sys = {
    profile: (thread: number): Promise<never> =>
      Promise.reject(new ShardloomError('SHL_THREAD_SILENT', { thread, reason: 'asked from a worker' })),
  }
}

/** The supervisor's actor. */
export const supervisorActor = defineActor<State, SupervisorArgs, SupervisorMessages<State>>({
  name: 'supervisor',
  reentrant: true,
  mailbox: { depthMax: 1 << 16 },
  init(ctx, { tree: plain, askMs, seed, reporter }) {
    const spawner = new ContextSpawner(ctx)
    const events: SupervisionEvent[] = []
    const tree: SupervisionTree = new SupervisionTree(arrivedTree(plain), {
      spawner: spawner as ActorSpawner,
      clock: systemClock(),
      random: seededRandom(seed),
      askMs,
      hold: (task) => task,
      onEvent: (event) => {
        // An event comes in the middle of a step: the view is taken after it.
        if (events.push(event) > 1) return
        queueMicrotask(report)
      },
    })
    const report = (): void => {
      reporter.tell('treeReport', { events: events.splice(0), view: tree.view(), refs: tree.refs() })
    }
    void tree.ended.then(({ error }) => ctx.stop(error))
    return { tree, spawner, report }
  },
  receive: {
    treeStart: ({ tree }) => tree.start(),
    treeStop: ({ tree }): Promise<StopReport> => tree.stop(),
    treeKill: ({ tree }) => tree.kill(),
    treeAdd: ({ tree, report }, child: PlainChild) => tree.add(arrivedChild(child)).finally(report),
    treeRemove: ({ tree, report }, id: string) => tree.remove(id).finally(report),
    treeStopChild: ({ tree, report }, id: string) => tree.stopChild(id).finally(report),
    treeRestartChild: ({ tree, report }, id: string) => tree.restartChild(id).finally(report),
    treeRecycle: ({ tree }, { id, error, mode }: { id: string; error: Error; mode: ChildStopMode }) =>
      tree.recycle(id, error, mode),
  },
  onSignal: ({ spawner }, { ref, reason }) => spawner.onEnd(ref, reason),
})
