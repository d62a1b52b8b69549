/**
 * What is done about a hang: it is told at once, its thread is profiled while it still hangs, then it is
 * ended.
 *
 * Tests: test/supervise/watchdog.race.test.ts
 */
import { type Clock, toError } from '../base/index.ts'
import type { CpuProfile } from '../runtime/index.ts'
import type { SupervisionEvent } from './supervision-views.ts'
import type { Hang } from './watchdog.ts'

/** What is needed to end what hangs. */
export interface HangParts {
  readonly clock: Clock
  readonly runtime: {
    readonly sys: { profile(thread: number, options: { durationMs: number }): Promise<CpuProfile> }
    killThread(thread: number): Promise<boolean>
  }
  readonly supervisor: string
  readonly child: string
  /** 0: no profile. */
  readonly profileMs: number
  emit(event: SupervisionEvent): void
  /** Makes it the failure of the child; false when what hung is gone already. */
  recycle(): boolean
}

/** Tells of a hang, and ends it. */
export async function endHang(hang: Hang, parts: HangParts): Promise<void> {
  const { clock, runtime, supervisor, child, profileMs, emit, recycle } = parts
  emit({ type: 'hang', supervisor, child, hang, atMs: clock.nowMs() })
  // A handler that awaits computes nothing, and the main thread cannot look at itself.
  if (!hang.isBlocking || hang.thread === 0) {
    recycle()
    return
  }
  if (profileMs > 0) {
    try {
      const profile = await runtime.sys.profile(hang.thread, { durationMs: profileMs })
      emit({ type: 'hang_profile', supervisor, child, hang, profile, atMs: clock.nowMs() })
    } catch (error) {
      // It may wait in a system call, or have ended: that is no reason to let it be.
      emit({ type: 'hang_profile', supervisor, child, hang, error: toError(error), atMs: clock.nowMs() })
    }
  }
  // Nothing else ends a loop.
  if (recycle()) await runtime.killThread(hang.thread)
}
