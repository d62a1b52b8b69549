/**
 * Options of a supervisor, apart from what runs it. Tests: test/supervise/supervisor.test.ts
 */
import type { ChildSpec } from './child-spec.ts'
import type { AutoShutdown, RestartIntensity, Strategy } from './policy/index.ts'

/** Options of a supervisor. */
export interface SupervisorOptions {
  /** Its name. */
  readonly id: string
  readonly children?: readonly ChildSpec[]
  /** Who shares the fate of a failed child. Default `one_for_one`. */
  readonly strategy?: Strategy
  /** More than `intensity` restarts within `periodMs`, and it gives up. Default 3 in 5000 ms. */
  readonly restarts?: Partial<RestartIntensity>
  /** Whether it stops by itself when significant children have ended. Default `never`. */
  readonly autoShutdown?: AutoShutdown
}
