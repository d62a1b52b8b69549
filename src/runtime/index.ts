/** What the other folders may use of `runtime`. */
export type { CutReport } from './guardian.ts'
export { Runtime } from './runtime.ts'
export type { RuntimeEvent, ThreadKind } from './runtime-event.ts'
export type { CloseOptions, CloseReport, DeadLetterView, RuntimeView, ThreadView } from './runtime-views.ts'
export type { RuntimeLimits, RuntimeOptions, RuntimeTimeouts } from './settings.ts'
export { protectFromEndlessLoops } from './v8-flags.ts'
