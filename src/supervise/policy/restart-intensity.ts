/**
 * Restart intensity: more than `intensity` restarts within `periodMs`, and the supervisor gives up.
 *
 * Pure: the time is passed in, and the history is a value. A restart counts when it is attempted, so a child
 * that cannot even start uses the window up as well.
 *
 * Source: `add_restart/3` of OTP's supervisor.erl. Tests: test/supervise/policy/restart-intensity.test.ts
 */
import { numberOption } from '../../base/index.ts'

/** How many restarts within how long. */
export interface RestartIntensity {
  /** Restarts allowed within the window; 0 allows none. Default 3. */
  readonly intensity: number
  /** Length of the window in milliseconds. Default 5000. */
  readonly periodMs: number
}

/** OTP's example has 1 in 5 s; threads are dearer and noisier than processes. */
export const INTENSITY_DEFAULT: RestartIntensity = { intensity: 3, periodMs: 5000 }

/** Checks the options and fills in the defaults. @throws SHL_OPTION_INVALID */
export function restartIntensity(options: Partial<RestartIntensity> = {}): RestartIntensity {
  const { intensity, periodMs } = INTENSITY_DEFAULT
  return {
    intensity: numberOption('restarts.intensity', options.intensity, intensity, {
      min: 0,
      max: 1_000_000,
      integer: true,
    }),
    periodMs: numberOption('restarts.periodMs', options.periodMs, periodMs, { min: 1, max: 2 ** 31 }),
  }
}

/** The restarts that still count at `nowMs`, oldest first. */
export function restartsInWindow(
  history: readonly number[],
  nowMs: number,
  limit: RestartIntensity,
): readonly number[] {
  const fresh = history.findIndex((atMs) => nowMs - atMs <= limit.periodMs)
  return fresh === -1 ? [] : history.slice(fresh)
}

/** Counts a restart at `nowMs`. `isExceeded`: it must not be made. */
export function addRestart(
  history: readonly number[],
  nowMs: number,
  limit: RestartIntensity,
): { readonly history: readonly number[]; readonly isExceeded: boolean } {
  const kept = [...restartsInWindow(history, nowMs, limit), nowMs]
  return { history: kept, isExceeded: kept.length > limit.intensity }
}
