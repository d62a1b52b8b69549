/**
 * What a supervisor shows of itself: events as they happen, the state at a moment, and a report at its end.
 *
 * Tests: test/supervise/supervisor.test.ts
 */
import type { CpuProfile } from '../runtime/index.ts'
import type { ChildPhase } from './child-machine.ts'
import type { PlanPhase, Strategy } from './policy/index.ts'
import type { Hang } from './watchdog.ts'

/** Something has changed in a tree. */
export type SupervisionEvent =
  | {
      /** A child takes too long for a message; its end and restart follow. */
      readonly type: 'hang'
      readonly supervisor: string
      readonly child: string
      readonly hang: Hang
      readonly atMs: number
    }
  | {
      /** What a thread computed while it hung; or why that cannot be told. */
      readonly type: 'hang_profile'
      readonly supervisor: string
      readonly child: string
      readonly hang: Hang
      readonly profile?: CpuProfile
      readonly error?: Error
      readonly atMs: number
    }
  | {
      /** A child is unhealthy or holds too much memory; its end and restart follow. */
      readonly type: 'recycle'
      readonly supervisor: string
      readonly child: string
      readonly error: Error
      readonly atMs: number
    }
  | {
      readonly type: 'child'
      readonly supervisor: string
      readonly child: string
      readonly phase: ChildPhase
      readonly error?: Error
      readonly atMs: number
    }
  | {
      readonly type: 'supervisor'
      readonly supervisor: string
      readonly phase: PlanPhase
      readonly error?: Error
      readonly atMs: number
    }

/** The message that a child handles. */
export interface ChildHandling {
  /** Known of children whose messages are timed, as those with `limits.messageMs` are. */
  readonly message: string | undefined
  readonly forMs: number | undefined
  /** Whether its thread is in it at this moment. */
  readonly isBlocking: boolean
}

/** A child as it is seen from outside. */
export interface ChildView {
  readonly id: string
  readonly phase: ChildPhase
  readonly restarts: number
  readonly lastError: Error | undefined
  /** When it will be started again, on the supervisor's clock; undefined when nothing is due. */
  readonly nextRestartMs: number | undefined
}

/** A supervisor as it is seen from outside. */
export interface SupervisorView {
  readonly id: string
  readonly phase: PlanPhase
  readonly strategy: Strategy
  /** Restarts that the window still allows. */
  readonly restartsLeft: number
  readonly children: readonly ChildView[]
}

/** What did not stop in time. */
export interface StopReport {
  readonly overdue: readonly { readonly child: string; readonly missed: readonly string[] }[]
  /** Why it went down, where it was not asked to. */
  readonly error: Error | undefined
}
