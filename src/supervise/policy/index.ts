/** What others may use of the policies: pure decisions, with time and randomness passed in. */
export { type Backoff, backoff, backoffDelayMs, nextAttempt } from './backoff.ts'
export { addRestart, type RestartIntensity, restartIntensity, restartsInWindow } from './restart-intensity.ts'
export { affectedBy, type Strategy, strategyOption } from './strategy.ts'
export {
  addChild,
  type Batch,
  begin,
  bringDown,
  bringUp,
  type ChildEnd,
  type ChildRow,
  type ChildStatus,
  type Command,
  carriedOut,
  childChanged,
  childEnded,
  commands,
  end,
  isWantedDown,
  isWantedUp,
  type Plan,
  type PlanPhase,
  removeChild,
} from './supervision-plan.ts'
export {
  type AutoShutdown,
  type Directive,
  type RestartType,
  shutsDown,
  type Verdict,
  verdictOn,
} from './verdict.ts'
