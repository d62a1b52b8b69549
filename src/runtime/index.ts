/** What the other folders may use of `runtime`. */
export type { CutReport } from './guardian.ts'
export {
  type CloseOptions,
  type CloseReport,
  createRuntime,
  type DeadLetterView,
  Runtime,
  type RuntimeView,
  type ThreadView,
} from './runtime.ts'
export type { RuntimeEvent, ThreadKind } from './runtime-event.ts'
export type { RuntimeLimits, RuntimeOptions, RuntimeTimeouts } from './settings.ts'
