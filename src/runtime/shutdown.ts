/**
 * The end of a runtime, in order and within a deadline.
 *
 *     quiet     nothing new is taken; what is under way finishes         half of the time
 *     actors    the youngest first, each with `onStop`; loops that look at `ctx.cancelled` are freed
 *     threads   asked to exit, then terminated, then given up
 *     main      the main thread's own actors, then everything that still waits is settled
 *
 * Whatever does not end by itself is cut and stands in the report. Tests: test/runtime/close.race.test.ts
 */
import type { ActorRef, ActorSystem } from '../actor/index.ts'
import { type Clock, toError } from '../base/index.ts'
import { CONTROL_STATE, STATE_STOPPING } from '../transport/index.ts'
import type { CutReport, guardianActor } from './guardian.ts'
import { type CloseReport, waitingDepth } from './runtime-views.ts'
import type { ThreadHandle, ThreadPool } from './thread-pool.ts'
import { stopAllActors } from './thread-services.ts'

const QUIET_POLL_MS = 1
/** Looks in a row that must find nothing: one may fall between two messages. */
const QUIET_LOOKS = 2
/** The share of its time that a thread's guardian spends before it answers what it had to cut. */
const GUARDIAN_SHARE = 0.8

/** What a shutdown needs of its runtime. */
export interface ShutdownParts {
  readonly clock: Clock
  readonly system: ActorSystem
  readonly pool: ThreadPool
  /** Slots of the main thread's own system actors, which go last. */
  readonly spared: readonly number[]
  readonly lostThreads: readonly number[]
  readonly timeoutMs: number
  guardianOf(thread: number): ActorRef<ReturnType<typeof guardianActor>['receive']>
}

/** Ends everything; resolves within `timeoutMs`, give or take a tick. */
export async function shutDown(parts: ShutdownParts): Promise<CloseReport> {
  const { clock, system, pool, timeoutMs } = parts
  const startMs = clock.nowMs()
  const leftMs = (): number => Math.max(1, startMs + timeoutMs - clock.nowMs())
  await becomeQuiet(parts, timeoutMs / 2)
  const stopMs = Math.max(1, leftMs() / 2)
  const threads = pool.running()
  for (const thread of threads) Atomics.store(thread.memory.control, CONTROL_STATE, STATE_STOPPING)
  const cut = (await Promise.all(threads.map((thread) => stopActorsOf(parts, thread, stopMs)))).flat()
  await Promise.all([...pool.threads.values()].map((thread) => pool.exit(thread, leftMs())))
  cut.push(...(await stopAllActors(system, clock, leftMs(), parts.spared)))
  system.close()
  for (const id of parts.lostThreads)
    cut.push({ thread: id, actor: '*', what: 'the thread could not be ended' })
  return { cut, lostThreads: [...parts.lostThreads], durationMs: clock.nowMs() - startMs }
}

/** Waits until no message waits or is on its way, as shared memory shows it; spawns under way count too. */
async function becomeQuiet({ clock, system, pool }: ShutdownParts, timeoutMs: number): Promise<void> {
  const endMs = clock.nowMs() + timeoutMs
  for (let looks = 0; looks < QUIET_LOOKS && clock.nowMs() < endMs; ) {
    const memories = [system.memory, ...pool.running().map((thread) => thread.memory)]
    looks = memories.every((memory) => waitingDepth(memory) === 0) ? looks + 1 : 0
    if (looks < QUIET_LOOKS) await new Promise<void>((resolve) => void clock.after(QUIET_POLL_MS, resolve))
  }
}

async function stopActorsOf(
  parts: ShutdownParts,
  thread: ThreadHandle,
  timeoutMs: number,
): Promise<CutReport[]> {
  try {
    return await parts.guardianOf(thread.id).ask('stopAll', timeoutMs * GUARDIAN_SHARE, { timeoutMs })
  } catch (error) {
    const waiting = waitingDepth(thread.memory)
    const what = `its actors did not stop in time; ${waiting} message(s) cut (${toError(error).name})`
    return [{ thread: thread.id, actor: '*', what }]
  }
}
