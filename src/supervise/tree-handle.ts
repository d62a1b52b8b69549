/**
 * A supervisor as it is seen and used from outside, wherever it runs.
 * Tests: test/supervise/supervised-runtime.race.test.ts, test/supervise/remote-tree.race.test.ts
 */
import type { AnyActorDefinition, ReceiveOf } from '../actor/index.ts'
import type { Clock, Random } from '../base/index.ts'
import type { ActorSpawner, SupervisedRef } from './actor-child.ts'
import type { ChildStopMode } from './child-machine.ts'
import type { InspectedEvent } from './inspected-event.ts'
import type {
  ChildHandling,
  ChildView,
  StopReport,
  SupervisionEvent,
  SupervisorView,
} from './supervision-views.ts'
import type { TreeChild } from './tree-child.ts'

/** A child as it is seen from outside, with what it is. */
export interface TreeChildView extends ChildView {
  /** Of the actor that runs now. */
  readonly address: string | undefined
  readonly thread: number | undefined
  /** Messages that wait for it. */
  readonly depth: number
  readonly handling: ChildHandling | undefined
  readonly tree: TreeView | undefined
}

/** A tree as it is seen from outside. */
export interface TreeView extends Omit<SupervisorView, 'children'> {
  readonly children: readonly TreeChildView[]
}

/** @internal What a tree needs of its surroundings. */
export interface TreeParts {
  readonly spawner: ActorSpawner
  readonly clock: Clock
  readonly random: Random
  readonly askMs: number
  /** Holds the process until the task is done. */
  hold<T>(task: Promise<T>): Promise<T>
  onEvent?(event: SupervisionEvent): void
  inspect?(event: InspectedEvent): void
}

/** What can be done with a supervisor, wherever it runs. */
export interface TreeHandle {
  readonly id: string
  readonly ended: Promise<StopReport>
  view(): TreeView
  add(child: TreeChild): Promise<void>
  remove(id: string): Promise<void>
  stopChild(id: string): Promise<void>
  restartChild(id: string): Promise<void>
  recycle(id: string, error: Error, mode?: ChildStopMode): void
  ref<D extends AnyActorDefinition>(id: string): SupervisedRef<ReceiveOf<D>>
  tree(id: string): TreeHandle
}
