/**
 * The steps of a replacement that are not the child's own: its trial, and the way back.
 *
 * Tests: test/supervise/subsystem/subsystem-child.race.test.ts
 */
import { type Clock, orLate, ShardloomError } from '../../base/index.ts'
import type { SubsystemInstance } from './subsystem-instance.ts'
import type { InitRequest } from './subsystem-protocol.ts'

/** How a replacement is tried out. */
export interface ReloadOptions {
  /** The new version. Default: the module as it is, loaded anew. */
  readonly module?: URL
  /** Which export of the module it is. Default: as before. */
  readonly export?: string
  readonly args?: unknown
  /** Health checks that it must pass after it has got calls, before the old version is let go. Default 3. */
  readonly checks?: number
  /** Between them. Default 1000. */
  readonly everyMs?: number
}

/** What became of a replacement. */
export interface ReloadReport {
  readonly fromVersion: number
  readonly toVersion: number
  /** Checks that it has passed. */
  readonly checks: number
  /** How long calls waited. */
  readonly pausedMs: number
}

/** A replacement under way. */
export interface Reload {
  readonly old: SubsystemInstance
  next: SubsystemInstance | undefined
  /** Aborted when somebody else decides what becomes of the subsystem. */
  readonly given: AbortController
  /** `draining`: the old run is being drained, or is. `taken`: calls go to the new one. */
  phase: 'loading' | 'draining' | 'taken'
  /** What the old run has handed over. */
  handover: InitRequest['previous']
  /** The newest snapshot of the new run. */
  newest: InitRequest['previous']
}

/** Rejects when the new run ends, or fails one of its checks. */
export async function probation(
  next: SubsystemInstance,
  clock: Clock,
  { checks, everyMs, checkMs }: { checks: number; everyMs: number; checkMs: number },
): Promise<void> {
  for (let i = 0; i < checks; i++) {
    const first = await orLate(clock, next.ended, everyMs, 'on')
    if (first !== 'on') throw first ?? refused(next.name, 'the new version ended by itself')
    await next.health(checkMs)
  }
}

/** What the new run gives back to the old one: nothing, where that would not understand it. */
export async function handBack(next: SubsystemInstance, drainMs: number): Promise<InitRequest['previous']> {
  const { fallback } = next
  if (next.isEnded || fallback === undefined) return undefined
  try {
    await next.drain(drainMs)
    const snapshot = await next.snapshot(drainMs)
    const isUnderstood =
      snapshot !== undefined && (fallback.hasMigrate || snapshot.version === fallback.version)
    return isUnderstood ? snapshot : undefined
  } catch {
    // It failed, after all: what it had done since it took over is lost with it.
    return undefined
  }
}

/** A reload that cannot begin, or was ended from outside. */
export function refused(subsystem: string, why: string): ShardloomError {
  return new ShardloomError('SHL_RELOAD_REFUSED', { subsystem, why })
}

/** A reload that was taken back. */
export function rolledBack(subsystem: string, cause: Error): ShardloomError {
  return new ShardloomError('SHL_RELOAD_ROLLED_BACK', { subsystem, why: cause.message }, { cause })
}
