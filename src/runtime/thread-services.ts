/**
 * What every thread, main or worker, can do for the runtime: start an actor, stop them all, report.
 * Tests: test/runtime/close.race.test.ts
 */
import { inspect } from 'node:util'
import type { ActorRef, ActorSystem, AnyActorDefinition, MailboxOptions } from '../actor/index.ts'
import { type ActorAddress, contextsOf, GUARDIAN_SLOT, isSuspended, MessageTiming } from '../actor/index.ts'
import type { Clock } from '../base/index.ts'
import type {
  ActorQuestion,
  ActorReport,
  CutReport,
  GuardianServices,
  SpawnRequest,
  ThreadReport,
} from './guardian.ts'
import type { Heartbeat } from './heartbeat.ts'
import type { ThreadPlatform } from './thread-platform.ts'

/** Large states are cut where they are shown as text. */
const SHOWN = { depth: 4, breakLength: 100, maxStringLength: 1000, maxArrayLength: 50 }
const STATUSES = ['starting', 'running', 'ending', 'ended']

/** The guardian's services that are the same on every thread. */
export function commonServices(
  system: ActorSystem,
  platform: ThreadPlatform,
  heartbeat: Heartbeat,
): Omit<GuardianServices, 'place' | 'stopAll'> {
  return {
    spawn: (request, signal) => spawnModule(system, platform, request, signal),
    report: (limit) => reportThread(system, limit),
    time: (actor) => timeMessages(system, platform.clock, actor),
    actor: (question) => reportActor(system, question),
    wake: (actor) => wakeActor(system, actor),
    beat: (periodMs) => heartbeat.beatEvery(periodMs),
  }
}

/** Starts an actor from a definition on this thread. */
export async function spawnHere(
  system: ActorSystem,
  definition: AnyActorDefinition,
  module: string,
  options: { args: unknown; name: string | undefined; mailbox: MailboxOptions | undefined },
  signal?: AbortSignal,
): Promise<ActorAddress> {
  const { args, mailbox } = options
  const name = options.name ?? definition.name
  return system.lifecycle.spawn({ definition, args, name, module, mailbox, signal })
}

/** Starts an actor from its module on this thread. */
export async function spawnModule(
  system: ActorSystem,
  platform: ThreadPlatform,
  request: SpawnRequest,
  signal?: AbortSignal,
): Promise<ActorRef> {
  const definition = await platform.loadDefinition(request.module, request.exportName)
  const address = await spawnHere(system, definition, request.module, request, signal)
  return system.refFor(address, undefined)
}

/**
 * Stops the actors of this thread, the youngest first, each with `onStop`; returns what had to be killed.
 * Children are stopped by their parents.
 */
export async function stopAllActors(
  system: ActorSystem,
  clock: Clock,
  timeoutMs: number,
  spared: readonly number[],
): Promise<CutReport[]> {
  const { lifecycle, outbox, memory } = system
  const endMs = clock.nowMs() + timeoutMs
  const cut: CutReport[] = []
  const actors = lifecycle.living().filter((cell) => !spared.includes(cell.slot))
  for (const cell of actors.reverse()) {
    const isIdle = cell.definition.onStop === undefined && cell.children === undefined && !cell.isBusy
    const waiting = cell.mailbox?.length ?? 0
    if (waiting > 0) cut.push(report(cell.slot, `${waiting} message(s) discarded`))
    if (isIdle) {
      lifecycle.end(cell, { type: 'stopped' })
      continue
    }
    const leftMs = Math.max(1, endMs - clock.nowMs())
    const reason = await outbox.stop(cell, { mode: 'stop', timeoutMs: leftMs })
    if (reason.type === 'killed') cut.push(report(cell.slot, 'killed: it did not stop in time'))
  }
  return cut

  function report(slot: number, what: string): CutReport {
    const cell = actors.find((one) => one.slot === slot)!
    return { thread: memory.id, actor: `${cell.name}@${memory.id}/${cell.slot}:${cell.generation}`, what }
  }
}

/** What this thread is doing, with at most `limit` actors. */
function reportThread(system: ActorSystem, limit: number): ThreadReport {
  const living = system.lifecycle.living().filter((cell) => cell.slot !== GUARDIAN_SLOT)
  return {
    actors: living.slice(0, limit).map((cell) => {
      const ref = system.refFor(cell, undefined)
      return { address: ref.address, name: cell.name, depth: ref.depth }
    }),
    heapUsedBytes: process.memoryUsage().heapUsed,
  }
}

/** Times the messages of an actor from now on. */
function timeMessages(
  system: ActorSystem,
  clock: Clock,
  { slot, generation }: { slot: number; generation: number },
): readonly string[] | undefined {
  const cell = system.host.find(slot, generation)
  if (cell === undefined) return undefined
  const types = Object.keys(cell.definition.receive as object)
  cell.timing ??= new MessageTiming(system.memory, clock, slot, types)
  return cell.timing.types
}

/** What an actor of this thread holds and does; nothing when it is gone. */
export function reportActor(system: ActorSystem, question: ActorQuestion): ActorReport | undefined {
  const { slot, generation, withState } = question
  const cell = system.host.find(slot, generation)
  if (cell === undefined) return undefined
  const { state, definition } = cell
  const shown: unknown = definition.formatState === undefined ? state : definition.formatState(state)
  const [context] = contextsOf(cell)
  const stashed = cell.stash?.length ?? 0
  return {
    state: withState ? shown : undefined,
    text: inspect(shown, SHOWN),
    status: STATUSES[cell.status] ?? '',
    depth: (cell.mailbox?.length ?? 0) + stashed,
    message: context?.envelope?.type,
    isSuspended: isSuspended(system.memory, slot),
  }
}

/** Looks at the mailbox of an actor that was resumed. */
function wakeActor(system: ActorSystem, { slot, generation }: { slot: number; generation: number }): void {
  const cell = system.host.find(slot, generation)
  if (cell !== undefined) system.host.schedule(cell)
}
