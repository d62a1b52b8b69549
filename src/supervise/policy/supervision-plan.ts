/**
 * What a supervisor does next: a pure function from what is and what has happened to the next commands.
 *
 * Work stands in batches. A batch first brings children down, the youngest first, one at a time, and then
 * brings children up, in the order of starting, each ready before the next one begins. Batches that concern
 * different children go on side by side, so that with `one_for_one` a slow child holds up nobody; those that
 * meet are merged. The start of a supervisor is one batch, and so is its end.
 *
 * A child that ends while its batch wants it down has not failed. Any other end is judged by `verdict.ts`,
 * counted by `restart-intensity.ts` and delayed by `backoff.ts`.
 *
 * Invariants: (1) a child is told to stop only while it lives, and to start only while it does not; (2)
 * within a batch children go down in the reverse of the order in which they come up; (3) no restart is made
 * that exceeds the intensity.
 * Source: `restart/2,3` of OTP's supervisor.erl. Tests: test/supervise/policy/supervision-plan.prop.test.ts,
 * test/supervise/supervisor-machine.test.ts
 */
import { ShardloomError } from '../../base/index.ts'
import { type Backoff, backoffDelayMs, nextAttempt } from './backoff.ts'
import { addRestart, type RestartIntensity } from './restart-intensity.ts'
import { affectedBy, type Strategy } from './strategy.ts'
import { type AutoShutdown, type Directive, type RestartType, shutsDown, verdictOn } from './verdict.ts'

/** Where a child is, as far as its supervisor must know. */
export type ChildStatus = 'down' | 'starting' | 'up' | 'ending'

/** One child. */
export interface ChildRow {
  readonly id: string
  readonly restart: RestartType
  readonly isSignificant: boolean
  readonly backoff: Backoff
  readonly status: ChildStatus
  /** Restarts since it last recovered. */
  readonly attempt: number
  /** When it was last ready; -1 when it has never been. */
  readonly upSinceMs: number
}

/** Children on their way down, and then up. Both in the order of starting. */
export interface Batch {
  readonly down: readonly string[]
  readonly up: readonly string[]
  /** What the first start of the batch waits for. */
  readonly delayMs: number
}

/** What a supervisor is about. */
export type PlanPhase = 'idle' | 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

/** Everything that a supervisor knows. */
export interface Plan {
  readonly id: string
  readonly phase: PlanPhase
  readonly strategy: Strategy
  readonly autoShutdown: AutoShutdown
  readonly limit: RestartIntensity
  readonly rows: readonly ChildRow[]
  readonly batches: readonly Batch[]
  readonly history: readonly number[]
  /** Why it is going down, where it was not asked to. */
  readonly error: Error | undefined
}

/** What is to be done. */
export type Command =
  | { readonly type: 'start'; readonly id: string; readonly delayMs: number }
  | { readonly type: 'stop'; readonly id: string }

/** How a child has ended. */
export interface ChildEnd {
  readonly id: string
  readonly error: Error | undefined
  readonly directive: Directive | undefined
  readonly nowMs: number
  /** A draw from [0, 1), for the jitter. */
  readonly draw: number
}

/** The start of everything. */
export function begin(plan: Plan): Plan {
  return settle({ ...plan, phase: 'starting', batches: [{ down: [], up: idsOf(plan), delayMs: 0 }] })
}

/** The end of everything; with an error where nobody asked for it. */
export function end(plan: Plan, error?: Error): Plan {
  if (plan.phase === 'stopped' || plan.phase === 'failed') return plan
  const batches = [{ down: idsOf(plan), up: [], delayMs: 0 }]
  return settle({ ...plan, phase: 'stopping', batches, error: plan.error ?? error })
}

/** Adds a child, last in the order, and starts it. */
export function addChild(plan: Plan, row: ChildRow): Plan {
  const rows = [...plan.rows, row]
  if (plan.phase !== 'running' && plan.phase !== 'starting') return { ...plan, rows }
  return { ...plan, rows, batches: [...plan.batches, { down: [], up: [row.id], delayMs: 0 }] }
}

/** Brings one child down, without a restart. */
export function bringDown(plan: Plan, id: string): Plan {
  // Whatever was to bring it up is overruled.
  const batches = plan.batches.map((batch) => ({ ...batch, up: batch.up.filter((one) => one !== id) }))
  return settle(withBatch({ ...plan, batches }, { down: [id], up: [], delayMs: 0 }))
}

/** Brings one child up that is down, or down and up again. */
export function bringUp(plan: Plan, id: string): Plan {
  if (plan.phase !== 'running' && plan.phase !== 'starting') return plan
  return settle(withBatch(plan, { down: [id], up: [id], delayMs: 0 }))
}

/** Forgets a child that is down. */
export function removeChild(plan: Plan, id: string): Plan {
  return settle({ ...plan, rows: plan.rows.filter((row) => row.id !== id || row.status !== 'down') })
}

/** A child is on its way, or there. */
export function childChanged(plan: Plan, id: string, status: ChildStatus, nowMs: number): Plan {
  return settle(
    withRow(plan, id, (row) => ({ ...row, status, upSinceMs: status === 'up' ? nowMs : row.upSinceMs })),
  )
}

/** A child has ended, or could not start. */
export function childEnded(plan: Plan, ended: ChildEnd): Plan {
  const row = plan.rows.find((one) => one.id === ended.id)
  if (row === undefined) return plan
  const down = withRow(plan, row.id, (one) => ({ ...one, status: 'down' }))
  if (isWantedDown(plan, row.id)) return settle(isWantedUp(plan, row.id) ? down : dropTemporary(down, row))
  if (plan.phase === 'starting') return end(down, ended.error ?? startFailed(plan, row.id))
  // Added while the others run, and it could not start: whoever added it is told, and it is no child.
  if (row.upSinceMs < 0) return settle({ ...down, rows: down.rows.filter((one) => one.id !== row.id) })
  const verdict = verdictOn(row.restart, ended.error !== undefined, ended.directive)
  if (verdict === 'escalate') return end(down, ended.error)
  if (verdict === 'remove') return removed(down, row)
  return restart(down, row, ended)
}

/** What is to be done now. Doing it changes the status of the child named, and so what comes next. */
export function commands(plan: Plan): readonly Command[] {
  // Each step looks at all rows once, however many there are.
  return plan.batches.flatMap((batch): Command[] => {
    const down = new Set(batch.down)
    const last =
      down.size === 0 ? undefined : plan.rows.findLast((row) => row.status !== 'down' && down.has(row.id))
    if (last !== undefined) return last.status === 'ending' ? [] : [{ type: 'stop', id: last.id }]
    const up = new Set(batch.up)
    const next = plan.rows.find((row) => row.status !== 'up' && up.has(row.id))
    if (next === undefined || next.status !== 'down') return []
    return [{ type: 'start', id: next.id, delayMs: batch.delayMs }]
  })
}

/** The plan after its commands were carried out. */
export function carriedOut(plan: Plan, done: readonly Command[]): Plan {
  let next = plan
  for (const { type, id } of done) {
    next = withRow(next, id, (row) => ({ ...row, status: type === 'start' ? 'starting' : 'ending' }))
    if (type !== 'start') continue
    next = { ...next, batches: next.batches.map((batch) => started(batch, id)) }
  }
  return next
}

/** From here on the batch only brings up: nothing that ends is wanted down. */
function started(batch: Batch, id: string): Batch {
  return batch.up.includes(id) ? { ...batch, down: [], delayMs: 0 } : batch
}

function restart(plan: Plan, row: ChildRow, ended: ChildEnd): Plan {
  const counted = addRestart(plan.history, ended.nowMs, plan.limit)
  if (counted.isExceeded) {
    const { intensity, periodMs } = plan.limit
    const details = { supervisor: plan.id, child: row.id, intensity, periodMs }
    return end(plan, new ShardloomError('SHL_RESTART_INTENSITY', details, { cause: ended.error }))
  }
  const ranMs = row.status === 'up' ? ended.nowMs - row.upSinceMs : 0
  const attempt = nextAttempt(row.backoff, row.attempt, ranMs)
  const delayMs = backoffDelayMs(row.backoff, attempt, { next: () => ended.draw, below: () => 0 })
  const affected = affectedBy(plan.strategy, idsOf(plan), row.id)
  const isTemporary = (id: string): boolean => plan.rows.find((one) => one.id === id)?.restart === 'temporary'
  const up = affected.filter((id) => id === row.id || !isTemporary(id))
  const next = withRow({ ...plan, history: counted.history }, row.id, (one) => ({ ...one, attempt }))
  return settle(withBatch(next, { down: affected, up, delayMs }))
}

function removed(plan: Plan, row: ChildRow): Plan {
  const othersUp = plan.rows.filter((one) => one.id !== row.id && one.isSignificant && one.status !== 'down')
  const next = dropTemporary(plan, row)
  if (shutsDown(plan.autoShutdown, row.isSignificant, othersUp.length)) return end(next)
  return settle(next)
}

/** A temporary child that is down is forgotten, as in OTP. */
function dropTemporary(plan: Plan, row: ChildRow): Plan {
  if (row.restart !== 'temporary') return plan
  return { ...plan, rows: plan.rows.filter((one) => one.id !== row.id) }
}

/** Adds a batch; what meets it is merged into it. */
function withBatch(plan: Plan, batch: Batch): Plan {
  const meets = (other: Batch): boolean =>
    [...other.down, ...other.up].some((id) => batch.down.includes(id) || batch.up.includes(id))
  const met = plan.batches.filter(meets)
  const order = idsOf(plan)
  const union = (lists: readonly (readonly string[])[]): readonly string[] => {
    const all = new Set(lists.flat())
    return order.filter((id) => all.has(id))
  }
  const merged: Batch = {
    down: union([batch.down, ...met.map((one) => one.down)]),
    up: union([batch.up, ...met.map((one) => one.up)]),
    delayMs: Math.max(batch.delayMs, ...met.map((one) => one.delayMs)),
  }
  return { ...plan, batches: [...plan.batches.filter((one) => !meets(one)), merged] }
}

function withRow(plan: Plan, id: string, change: (row: ChildRow) => ChildRow): Plan {
  return { ...plan, rows: plan.rows.map((row) => (row.id === id ? change(row) : row)) }
}

/** Takes out batches that are done, and ends the phase that they made up. */
function settle(plan: Plan): Plan {
  const statuses = new Map(plan.batches.length === 0 ? [] : plan.rows.map((row) => [row.id, row.status]))
  const batches = plan.batches.filter((batch) => !isDone(statuses, batch))
  const next = { ...plan, batches }
  if (batches.length > 0) return next
  if (plan.phase === 'starting') return { ...next, phase: 'running' }
  if (plan.phase === 'stopping') return { ...next, phase: plan.error === undefined ? 'stopped' : 'failed' }
  return next
}

function isDone(statuses: ReadonlyMap<string, ChildStatus>, batch: Batch): boolean {
  const is = (id: string, wanted: ChildStatus): boolean => (statuses.get(id) ?? wanted) === wanted
  const up = new Set(batch.up)
  const isDown = batch.down.every((id) => up.has(id) || is(id, 'down'))
  return isDown && batch.up.every((id) => is(id, 'up')) && (batch.up.length === 0 || batch.down.length === 0)
}

/** Whether something under way brings it up. */
export function isWantedUp(plan: Plan, id: string): boolean {
  return plan.batches.some((batch) => batch.up.includes(id))
}

/** Whether something under way brings it down. */
export function isWantedDown(plan: Plan, id: string): boolean {
  return plan.batches.some((batch) => batch.down.includes(id))
}

function idsOf(plan: Plan): readonly string[] {
  return plan.rows.map((row) => row.id)
}

function startFailed(plan: Plan, child: string): ShardloomError {
  return new ShardloomError('SHL_CHILD_START', { supervisor: plan.id, child })
}
