/**
 * The verdict on a child that has ended: is it restarted, and does its end shut the supervisor down?
 *
 * Pure. The type of a child says when it is restarted: `permanent` always, `transient` only after an abnormal
 * end, `temporary` never. A decider may say otherwise for an error. An end that was asked for is never a
 * failure.
 *
 * Source: OTP's child specifications, with `auto_shutdown` and `significant` of OTP 24.
 * Tests: test/supervise/policy/verdict.test.ts
 */

/** When a child is restarted. */
export type RestartType = 'permanent' | 'transient' | 'temporary'

/** What a decider may say about an error. */
export type Directive = 'restart' | 'stop' | 'escalate'

/** When the ends of significant children shut their supervisor down. */
export type AutoShutdown = 'never' | 'any_significant' | 'all_significant'

/** What becomes of a child that has ended. */
export type Verdict =
  /** It is started again, by the strategy. */
  | 'restart'
  /** It stays down. */
  | 'remove'
  /** The supervisor fails. */
  | 'escalate'

/** Decides, from the type, whether the end was abnormal, and the decider's word, if it gave one. */
export function verdictOn(type: RestartType, isAbnormal: boolean, directive: Directive | undefined): Verdict {
  if (directive === 'escalate') return 'escalate'
  if (directive === 'stop') return 'remove'
  if (directive === 'restart') return 'restart'
  if (type === 'permanent') return 'restart'
  return type === 'transient' && isAbnormal ? 'restart' : 'remove'
}

/**
 * Whether the supervisor shuts down, now that a child stays down. `othersUp`: the significant children that
 * are still there.
 */
export function shutsDown(mode: AutoShutdown, isSignificant: boolean, othersUp: number): boolean {
  if (!isSignificant || mode === 'never') return false
  return mode === 'any_significant' || othersUp === 0
}
