/** What programs and other folders may use of `supervise`. */
export { SupervisedRef } from './actor-child.ts'
export type { ChildPhase, ChildStopMode } from './child-machine.ts'
export type { ChildDriver, ChildShutdown, ChildSpec, RunningChild } from './child-spec.ts'
export type { InspectedEvent } from './inspected-event.ts'
export type {
  AutoShutdown,
  Backoff,
  Directive,
  PlanPhase,
  RestartIntensity,
  RestartType,
  Strategy,
} from './policy/index.ts'
export {
  type CallOptions,
  defineSubsystem,
  type ReloadOptions,
  type ReloadReport,
  type RemoteApi,
  type Subsystem,
  type SubsystemContext,
  type SubsystemDefinition,
  type SubsystemHealth,
  type SubsystemLimits,
  type SubsystemMemoryLimits,
  type SubsystemModule,
  type SubsystemOptions,
  type SubsystemRestart,
  SubsystemRestarted,
  type SubsystemView,
} from './subsystem/index.ts'
export {
  loadSubsystems,
  loadTrees,
  SupervisedRuntime,
  type SupervisedRuntimeOptions,
  type SupervisedRuntimeView,
  type SuperviseOptions,
} from './supervised-runtime.ts'
export type { SupervisionTree } from './supervision-tree.ts'
export type { ChildHandling, StopReport, SupervisionEvent } from './supervision-views.ts'
export type { SupervisorOptions } from './supervisor-options.ts'
export type { TaskOptions, TaskPoolOptions, WhenFull } from './task-options.ts'
export type { TaskStats, TaskTimes } from './task-pool.ts'
export {
  type ActorLimits,
  actorChild,
  type ChildOptions,
  driverChild,
  supervisorChild,
  type TreeChild,
  type TreeOptions,
} from './tree-child.ts'
export type { TreeChildView, TreeHandle, TreeView } from './tree-handle.ts'
export type { Hang } from './watchdog.ts'
