/**
 * What passes between a supervisor on another thread and its parent.
 * Tests: test/supervise/remote-tree.race.test.ts
 */
import type { ActorRef } from '../actor/index.ts'
import type { ChildStopMode } from './child-machine.ts'
import type { PlainChild, PlainTree } from './remote-plan.ts'
import type { StopReport, SupervisionEvent } from './supervision-views.ts'
import type { TreeView } from './tree-handle.ts'

/** What the supervisor tells after each step of its tree. */
export interface TreeReport {
  readonly events: readonly SupervisionEvent[]
  readonly view: TreeView
  /** The actors that run, by child. */
  readonly refs: readonly (readonly [id: string, ref: ActorRef])[]
}

/** Takes the reports. */
export interface TreeReporter {
  readonly treeReport: (state: unknown, report: TreeReport) => void
}

/** What the supervisor is started with. */
export interface SupervisorArgs {
  readonly tree: PlainTree
  readonly askMs: number
  readonly seed: number
  readonly reporter: ActorRef<TreeReporter>
}

/** What the supervisor is asked. */
export type SupervisorMessages<State = unknown> = {
  treeStart: (state: State) => Promise<void>
  treeStop: (state: State) => Promise<StopReport>
  treeKill: (state: State) => void
  treeAdd: (state: State, child: PlainChild) => Promise<void>
  treeRemove: (state: State, id: string) => Promise<void>
  treeStopChild: (state: State, id: string) => Promise<void>
  treeRestartChild: (state: State, id: string) => Promise<void>
  treeRecycle: (state: State, wish: { id: string; error: Error; mode: ChildStopMode }) => void
}
