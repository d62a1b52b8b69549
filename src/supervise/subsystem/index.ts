/** What the other files of `supervise` use of subsystems. */
export { defineSubsystem, type SubsystemModule } from './define-subsystem.ts'
export type { ReloadOptions, ReloadReport } from './reload.ts'
export type { Subsystem, SubsystemView } from './subsystem.ts'
export type { SubsystemContext, SubsystemDefinition } from './subsystem-definition.ts'
export type { RemoteApi } from './subsystem-handle.ts'
export type { CallOptions } from './subsystem-instance.ts'
export type {
  SubsystemHealth,
  SubsystemLimits,
  SubsystemMemoryLimits,
  SubsystemOptions,
  SubsystemRestart,
} from './subsystem-options.ts'
export { SubsystemRestarted } from './subsystem-protocol.ts'
